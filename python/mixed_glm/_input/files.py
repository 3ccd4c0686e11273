"""Files as they are written: complete, or as they were before.

A regular file is written beside its destination and then moved there, so that neither a failure nor a reader ever sees
half of it. A device or a pipe cannot be replaced; it gets all the bytes once they are complete.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for all of its new content; `path` is written when the block ends without an exception.

    * A regular file is replaced in one step, with its content on the disk; it keeps permissions and, where the system
      allows it, its owner. A new file has the permissions that the umask leaves. A link stays a link: what it points to
      is replaced. Other hard links keep the old content.
    * A character device or a pipe is written to.
    * Directories, block devices, sockets and files without permission to write (for root too) are refused.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    binary file
        It can be read and repositioned.

    Raises
    ------
    OSError
        If it cannot be written; it names `path`, and what was there before is untouched.
    """
    destination = Path(path)
    found = check_writable(destination)
    if found is not None and not stat.S_ISREG(found.st_mode):
        with _naming(destination), tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            with destination.open("wb") as device:
                shutil.copyfileobj(file, device)
        return
    target = Path(os.path.realpath(destination))
    part = target.with_name(f".mixed_glm_{secrets.token_hex(6)}.part")  # short: the name may be long already
    try:
        with _naming(destination, part):
            with _created(part, found) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target)  # noqa: PTH105  (Path.replace is the same; this is what tests intercept)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> os.stat_result | None:
    """Look whether `replacing` would write to `path`, as far as that can be told before.

    Returns
    -------
    stat_result, or None
        Of what is there now; None if nothing is.

    Raises
    ------
    OSError
        If it would not; it names `path`.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        found = None
    mode = stat.S_IFREG | _WRITABLE if found is None else found.st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise OSError(errno.EINVAL, "It is neither a file nor a character device nor a pipe", str(path))
    if not mode & _WRITABLE or (found is not None and not os.access(path, os.W_OK)):
        raise PermissionError(errno.EACCES, "The file is read-only", str(path))
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"There is no directory {str(folder)!r}", str(path))
    if stat.S_ISREG(mode) and not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"No files can be made in {str(folder)!r}", str(path))
    return found


def _created(part: Path, old: os.stat_result | None) -> IO[bytes]:
    """A new file with the permissions of the old one; it is private until it has them."""
    first = 0o666 if old is None else 0o600
    file = open(part, "x+b", opener=lambda name, flags: os.open(name, flags, first))  # noqa: SIM115  (Path.open has no opener)
    if old is not None:
        if hasattr(os, "chown"):
            with contextlib.suppress(OSError):
                os.chown(part, old.st_uid, old.st_gid)
        part.chmod(stat.S_IMODE(old.st_mode))
    return cast(IO[bytes], file)


@contextlib.contextmanager
def _naming(path: Path, part: Path | None = None) -> Iterator[None]:
    """Errors of the system name the file that was asked for, not the part of it."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename in (None, part, str(part)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
