"""What the terminal is told: plain text, without control characters of file names, labels or other packages."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import TextIO

_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # and all other sequences that steer a terminal
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class ClosedPipe(Exception):
    """Nobody reads the standard output any more, as after ``| head``."""


def one_line(text: str) -> str:
    """Text for one line of a terminal."""
    return plain(" ".join(_COLOUR.sub("", text).split()))


def plain(text: str) -> str:
    """Lines without colours and without characters that steer a terminal or turn the direction of writing."""
    return "".join(c for c in _COLOUR.sub("", text) if c == "\n" or not _steers(c))


def complain(kind: str, text: str) -> None:
    """One line on the standard error, where it can be written at all."""
    with contextlib.suppress(OSError):
        print(f"mixed-glm: {kind}{one_line(text)}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def standard_output() -> Iterator[TextIO]:
    """Write to the standard output.

    Raises
    ------
    ClosedPipe
        If nobody reads on.
    OSError
        If it cannot be written, as with a full disk; it says so by name.
    """
    if sys.stdout is None:  # as the shell's >&- leaves it
        yield io.StringIO()
        return
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        if isinstance(error, BrokenPipeError):
            raise ClosedPipe from error
        raise OSError(error.errno, error.strerror, "the standard output") from error


def show(*texts: str) -> None:
    """Print; characters that the terminal's encoding does not have are spelt."""
    with standard_output() as file:
        encoding = getattr(file, "encoding", None) or "utf-8"
        for text in texts:
            print(plain(text).encode(encoding, "backslashreplace").decode(encoding), file=file)


def _steers(character: str) -> bool:
    return unicodedata.category(character) == "Cc" or character in _DIRECTION
