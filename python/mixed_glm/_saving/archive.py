"""The file: a zip archive of ``header.json`` and one ``.npy`` member for each array.

A failure while it is written leaves an older file as it was; reading checks everything and never runs code from the
file.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mixed_glm._input.files import replacing
from mixed_glm._saving.members import HEADER_FREE, Array, Members, size_of

FORMAT = "mixed_glm"
VERSION = 3
HEADER = "header.json"


def write_archive(
    path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, Array]
) -> None:
    """Write header and arrays; `path` is replaced once the new file is complete and on the disk.

    Raises
    ------
    OSError
        If it cannot be written; what was at `path` before is then untouched.
    """
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(
            f"path: there is no directory {str(Path(path).parent)!r} for {os.fspath(path)!r}"
        )
    text = json.dumps({"format": FORMAT, "version": VERSION, **header}, allow_nan=False)
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(_header_member(text), text.encode())
        for name, array in arrays.items():
            with archive.open(_member(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


@contextlib.contextmanager
def read_archive(path: str | os.PathLike[str]) -> Iterator[tuple[dict[str, Any], Members]]:
    """Header and members of a file that `write_archive` made, for as long as it is open.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is something else, is damaged, or was written by a newer version; also for what is raised while it is open.
    MemoryError
        If it is larger than the memory.
    """
    with Path(path).open("rb") as file, _reading(path), zipfile.ZipFile(file) as archive:
        members = Members(archive, size_of(file))
        yield _checked_header(_parsed(members.text(HEADER))), members


@contextlib.contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever a damaged or foreign file may raise into a ValueError that names the file."""
    try:
        yield
    except MemoryError as error:
        raise MemoryError(f"{os.fspath(path)!r}: not enough memory to load it ({error})") from error
    except RecursionError as error:
        raise ValueError(
            f"{os.fspath(path)!r} is not a saved model, or is damaged: it is nested too deeply"
        ) from error
    except Exception as error:  # zip, zlib, json, numpy and pandas raise a dozen types
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{os.fspath(path)!r} is not a saved model, or is damaged: {reason}") from error


def _checked_header(header: Any) -> dict[str, Any]:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError("its header is not that of mixed_glm")
    version = header.get("version")
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"its format version is {version!r}")
    if version > VERSION:
        written = header.get("package")
        raise ValueError(
            f"it has format version {version}, written by mixed_glm {written}, and this installation reads up to "
            f"{VERSION}; upgrade mixed_glm"
        )
    return header


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None


def _header_member(text: str) -> zipfile.ZipInfo:
    """Entry of the header, which is not compressed where it is long: a reader would not know it from a bomb."""
    info = _member(HEADER)
    if len(text) > HEADER_FREE:
        info.compress_type = zipfile.ZIP_STORED
    return info


def _member(name: str) -> zipfile.ZipInfo:
    """Entry with a fixed date: equal contents make equal files."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info._compresslevel = 1  # type: ignore[attr-defined]
    return info
