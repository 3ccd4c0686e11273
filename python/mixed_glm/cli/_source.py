"""All bytes of a file: they are gone through several times, which a pipe allows only once."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from mixed_glm.cli._paths import STANDARD_INPUT, suffix


def all_bytes(source: str | Path) -> bytes:
    """Read a file, a compressed one or, as ``-``, the standard input.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If its name says that it is compressed, and it is not, or is damaged.
    """
    if str(source) == STANDARD_INPUT:
        return b"" if sys.stdin is None else sys.stdin.buffer.read()
    content = Path(source).read_bytes()
    unpack = _UNPACK.get(suffix(source), bytes)
    try:
        return unpack(content)
    except (EOFError, OSError, ValueError, lzma.LZMAError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"it is no {suffix(source)} file, or is damaged: {error}") from error


def _unzip(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise ValueError(f"a zip archive must hold one file, got {len(names)}")
        return archive.read(names[0])


_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zip": _unzip,
}
