"""Finished chunks on disk, so that a run which was stopped can go on where it was.

A directory holds ``manifest.json``, which says what problem the chunks belong to, and one ``.npz`` file for each
finished chunk, which says it again. Files appear under their name only when they are complete. Several runs of one
problem may share a directory; a run of another problem never gets its manifest, and is refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from mixed_glm import _core
from mixed_glm._many.problem import Arrays, Chunk, Problem

FORMAT = 2
MANIFEST = "manifest.json"
STALE = 3600.0  # seconds: nobody is still writing a chunk that was begun so long ago


@dataclass(frozen=True)
class Store:
    """A directory of finished chunks.

    Attributes
    ----------
    directory : Path
        Absolute: it stays where it is when the process goes to another directory.
    problem : Problem
    chunk_size : int
        Number of responses in each chunk but the last.
    """

    directory: Path
    problem: Problem
    chunk_size: int

    @classmethod
    def open(
        cls, directory: Any, problem: Problem, responses: int, chunk_size: int | None, default: int
    ) -> Store:
        """Make the directory, or look whether it belongs to this problem.

        Parameters
        ----------
        directory : path-like
        problem : Problem
        responses : int
            Number of all responses.
        chunk_size : int, or None
            As the caller wants it; None: as it is in the directory, or `default`.
        default : int

        Raises
        ------
        TypeError
            If `directory` is no path.
        ValueError
            If the directory holds something else.
        """
        path = _made_directory(directory)
        manifest = {
            "format": FORMAT,
            "version": _core.__version__,
            "problem": problem.parts,
            "responses": responses,
            "chunk_size": chunk_size or default,
        }
        if not (path / MANIFEST).exists():
            _require_nothing_else(path)
            with _appearing(path / MANIFEST, _name_unless_taken) as file:
                file.write(json.dumps(manifest, indent=1).encode())
        found = _read_manifest(path)  # of another process, if that was quicker
        difference = _difference(manifest, found, chunk_size is not None)
        if difference:
            raise ValueError(
                f"out={str(path)!r} holds the chunks of {difference}; give another directory, or remove this one"
            )
        _remove_stale(path)
        return cls(path, problem, found["chunk_size"])

    def load(self, chunk: Chunk) -> Arrays | None:
        """The finished chunk; None if there is none, or one that cannot be used, which is then made again.

        Raises
        ------
        ValueError
            If it was made of other responses.
        """
        found = self._read(chunk)
        if found is None:
            return None
        if str(found.pop("responses")) != chunk.fingerprint():
            raise ValueError(
                f"out={str(self.directory)!r} holds the results of other responses {chunk.start} to "
                f"{chunk.stop - 1}; give another directory, or remove this one"
            )
        return found

    def _read(self, chunk: Chunk) -> Arrays | None:
        """None where there is no such file, or a damaged one, or that of another problem."""
        with contextlib.suppress(Exception):  # zip, zlib, numpy and the system raise a dozen types
            with self._path(chunk).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in (*self.problem.fields, "problem", "responses")}
            self.problem.require_result(chunk, found)
            if str(found.pop("problem")) == self.problem.fingerprint:
                return found
        return None

    def save(self, chunk: Chunk, result: Arrays) -> None:
        """Write a finished chunk, which appears complete or not at all, unless another run has written it meanwhile.

        Raises
        ------
        ValueError
            If that run has other responses.
        """
        if self.load(chunk) is not None:
            return
        made_of = {"problem": np.array(self.problem.fingerprint), "responses": np.array(chunk.fingerprint())}
        with _appearing(self._path(chunk), os.replace) as file:
            np.savez(file, **made_of, **result)  # type: ignore[arg-type]

    def _path(self, chunk: Chunk) -> Path:
        return self.directory / f"responses_{chunk.start:010d}_{chunk.stop:010d}.npz"


def _made_directory(directory: Any) -> Path:
    try:
        path = Path(directory).absolute()
    except TypeError:
        raise TypeError(f"out must be a path, got {type(directory).__name__}") from None
    if path.exists() and not path.is_dir():
        raise ValueError(f"out={str(path)!r} must be a directory, or the name of a new one, got a file")
    path.mkdir(parents=True, exist_ok=True)
    return path


def _require_nothing_else(path: Path) -> None:
    others = sorted(p.name for p in path.iterdir() if not p.name.endswith(".part"))
    if others and not (path / MANIFEST).exists():
        raise ValueError(
            f"out={str(path)!r} must be empty or hold chunks of fit_many, got {others[0]!r} in it"
        )


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict):
        raise ValueError(
            f"out={str(path)!r} has a manifest that cannot be read; give another directory, or remove this one"
        )
    return manifest


_REASONS = {
    "format": "another version of mixed_glm",
    "version": "another version of mixed_glm",
    "problem": "another problem",
    "responses": "another number of responses",
    "chunk_size": "another chunk_size",
}


def _difference(ours: dict[str, Any], theirs: dict[str, Any], sized: bool) -> str:
    """What the manifest of something else shows it by; empty if it is that of this problem.

    `sized`: whether it must have our size of chunks, instead of any.
    """
    for key, reason in _REASONS.items():
        expected, got = ours[key], theirs.get(key)
        if key == "problem" and isinstance(got, dict):
            others = sorted(
                part for part in expected.keys() | got.keys() if expected.get(part) != got.get(part)
            )
            if others:
                return f"{reason} (what differs: {', '.join(others)})"
        elif key == "chunk_size" and (type(got) is not int or got < 1):
            return f"something else (chunk_size: expected a whole number of at least 1, got {got!r})"
        elif expected != got and (key != "chunk_size" or sized):
            return f"{reason} ({key}: expected {expected!r}, got {got!r})"
    return ""


def _remove_stale(path: Path) -> None:
    """Remove what killed processes left behind, and leave what others may still be writing."""
    for part in (*path.glob("responses_*.npz.*.part"), *path.glob(f"{MANIFEST}.*.part")):
        with contextlib.suppress(OSError):  # someone else has removed it
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()


@contextlib.contextmanager
def _appearing(path: Path, give_name: Callable[[Path, Path], object]) -> Iterator[IO[bytes]]:
    """A file that gets its name when all of it is on the disk; where writing fails, nothing remains."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        give_name(part, path)
    finally:
        part.unlink(missing_ok=True)


def _name_unless_taken(part: Path, path: Path) -> None:
    """Give a file its name, unless there is another of that name: never does one of two processes replace it."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        with contextlib.suppress(FileExistsError), path.open("xb") as file:
            file.write(part.read_bytes())
