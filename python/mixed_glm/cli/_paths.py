"""Names of files, checked before any work."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from mixed_glm._input.files import check_writable

STANDARD_INPUT = "-"


def check_files(read: Iterable[tuple[str, str | Path]], written: Mapping[str, Path | None]) -> None:
    """Find out before long work whether its results could be written, each to a file of its own.

    Parameters
    ----------
    read : iterable of (argument, path)
    written : dict of path or None
        By option.

    Raises
    ------
    OSError
        If something cannot be written.
    ValueError
        If it would overwrite what is read, or another result.
    """
    taken = [(argument, Path(path)) for argument, path in read]
    for option, path in written.items():
        if path is None:
            continue
        _check_writable(option, path)
        for other, used in taken:
            if _same(path, used):
                raise ValueError(
                    f"{option}: {str(path)!r} is the same file as {other}, {str(used)!r}; give it another name"
                )
        taken.append((option, path))


def check_suffix(option: str, path: Path | None, suffixes: Collection[str]) -> None:
    """Refuse names that end in none of `suffixes`, in any case."""
    if path is not None and suffix(path) not in suffixes:
        raise ValueError(f"{option}: the name must end in {' or '.join(suffixes)}, got {str(path)!r}")


def suffix(path: str | Path) -> str:
    """Ending of a name, in small letters."""
    return Path(path).suffix.lower()


def _check_writable(option: str, path: Path) -> None:
    if str(path) == STANDARD_INPUT:
        raise ValueError(f"{option} must name a file, got '-'")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{option}: there is no directory {str(path.parent)!r}")
    try:
        check_writable(path)
    except OSError as error:
        raise type(error)(f"{option}: cannot write {str(path)!r}: {error.strerror}") from error


def _same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, by links or letters of another case too; devices and pipes may be shared."""
    if str(other) == STANDARD_INPUT:
        other = Path("/dev/stdin")
    if not one.exists() or not other.exists():
        return os.path.realpath(one) == os.path.realpath(other)
    return one.samefile(other) and one.is_file()
