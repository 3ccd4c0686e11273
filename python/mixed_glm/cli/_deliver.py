"""The results of a command: files first, what is printed last, each though another cannot be given out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from mixed_glm.cli._messages import show


def deliver(
    files: Iterable[tuple[Path | None, Callable[[Path], None]]], text: Callable[[], Iterable[str]]
) -> None:
    """Write the files that are asked for, then print.

    Parameters
    ----------
    files : iterable of (path, function that writes it)
    text : callable
        Returns what is printed.

    Raises
    ------
    Exception
        What went wrong, after all else is done; an ExceptionGroup if several things did.
    """
    failed: list[Exception] = []
    tasks: list[Callable[[], None]] = [partial(write, path) for path, write in files if path is not None]
    tasks.append(lambda: show(*text()))
    for task in tasks:
        try:
            task()
        except Exception as error:  # noqa: BLE001  (whatever it is, the other results must not be lost)
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise ExceptionGroup("some results could not be given out", failed)
