"""The members of a saved file, read when they are referred to, and never more than the file can hold.

What a file declares is compared with what it has before memory is taken: sizes of members with their compressed sizes,
shapes with sizes. So reading takes at most about a thousand times the size of the file, the most that its compression can
do, for whatever a file says of itself.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

ARRAY_KINDS = "biufcmMUS"  # of numpy types that are stored without pickle
MOST_RATIO = 1032  # of deflate: 258 bytes for two bits
HEADER_FREE = 4 * 2**20  # bytes of the header whatever its compression
HEADER_RATIO = 100  # beyond them: JSON takes many times its length in memory


class Members:
    """Members of an open archive.

    Parameters
    ----------
    archive : ZipFile
    size : int
        Of the file.

    Raises
    ------
    ValueError
        If two members have one name.
    """

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._left = size  # compressed bytes that members can still have: they do not overlap
        names = archive.namelist()
        if len(set(names)) != len(names):
            raise ValueError("two of its members have the same name")

    def text(self, name: str) -> bytes:
        """Contents of the header."""
        info = self._info(name)
        most = HEADER_FREE + HEADER_RATIO * info.compress_size
        if info.file_size > most:
            raise ValueError(f"{name} has {info.file_size:,} bytes, more than the {most:,} that are read")
        return self._archive.read(info)

    def array(self, name: str) -> Array:
        """The array of a member; of each only once.

        Raises
        ------
        ValueError and others
            If there is none, or it is not as long as its shape says.
        """
        info = self._info(f"{name}.npy")
        with self._archive.open(info) as member:
            start = _start(member)
            shape, dtype = _shape_and_dtype(start)
            if dtype.hasobject:
                raise ValueError(
                    f"{name} is an array of objects, which are read by no one here (allow_pickle=False)"
                )
            if dtype.kind not in ARRAY_KINDS or dtype.itemsize == 0 or dtype.subdtype is not None:
                raise ValueError(f"{name} is an array of {dtype}")
            count = math.prod(shape)
            if len(start) + count * dtype.itemsize != info.file_size:
                raise ValueError(f"{name} has shape {shape}, which is not what it holds")
            if count == 0 and max(shape) > info.file_size * MOST_RATIO:
                raise ValueError(f"{name} has shape {shape} and holds nothing")
        with self._archive.open(info) as member:
            array: Array = np.lib.format.read_array(member, allow_pickle=False)
            if member.read(1):
                raise ValueError(f"{name} is longer than its array")
            return array

    def _info(self, name: str) -> zipfile.ZipInfo:
        """Entry of a member, which is now taken to be read."""
        info = self._archive.getinfo(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed in a way that is not read")
        self._left -= info.compress_size
        if self._left < 0:
            raise ValueError("its members are longer than the file, or one is referred to twice")
        if info.file_size > MOST_RATIO * info.compress_size:
            raise ValueError(f"{name} cannot have {info.file_size:,} bytes")
        return info


def size_of(file: IO[bytes]) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def _start(member: IO[bytes]) -> bytes:
    """What stands before the numbers of an array: version 1.0 of numpy's format only, whose length is two bytes."""
    start = member.read(10)
    if start[:8] != b"\x93NUMPY\x01\x00" or len(start) != 10:
        raise ValueError("an array of it is not in version 1.0 of numpy's format")
    return start + member.read(int.from_bytes(start[8:10], "little"))


def _shape_and_dtype(start: bytes) -> tuple[tuple[int, ...], np.dtype[Any]]:
    file = io.BytesIO(start)
    np.lib.format.read_magic(file)
    try:
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    except (MemoryError, RecursionError):  # of Python's parser
        raise ValueError("the description of an array is nested too deeply") from None
    if any(isinstance(n, bool) or n < 0 for n in shape) or len(shape) > 32:
        raise ValueError(f"an array of it has shape {shape}")
    return shape, dtype
