"""Finished chunks on disk, so that a run which was stopped can go on where it was.

A directory holds ``manifest.json``, which says what problem the chunks belong to, and one ``.npz`` file for each
finished chunk. Files appear under their name only when they are complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from mixed_glm import _core
from mixed_glm._many.problem import Arrays, Chunk, Problem

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Store:
    """A directory of finished chunks.

    Attributes
    ----------
    directory : Path
    chunk_size : int
        Number of responses in each chunk but the last.
    fields : tuple of str
        Names of the arrays of a finished chunk.
    """

    directory: Path
    chunk_size: int
    fields: tuple[str, ...]

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
        ValueError
            If the directory holds something else.
        """
        path = Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        found = _read_manifest(path)
        manifest = {
            "format": FORMAT,
            "version": _core.__version__,
            "problem": problem.fingerprint,
            "responses": responses,
            "chunk_size": chunk_size or (found or {}).get("chunk_size", default),
        }
        if found is None:
            with _appearing(path / MANIFEST) as file:
                file.write(json.dumps(manifest, indent=1).encode())
        for key, reason in _REASONS.items():
            if found is not None and found.get(key) != manifest[key]:
                raise ValueError(
                    f"out={str(directory)!r} holds the chunks of {reason} ({key}: expected {manifest[key]}, got "
                    f"{found.get(key)}); give another directory, or remove this one"
                )
        return cls(path, int(manifest["chunk_size"]), problem.fields)

    def load(self, chunk: Chunk) -> Arrays | None:
        """The finished chunk, or None.

        Raises
        ------
        ValueError
            If it was made of other responses.
        """
        found = self._read(self._path(chunk))
        if found is None:
            return None
        if str(found.pop("responses")) != chunk.fingerprint():
            raise ValueError(
                f"out={str(self.directory)!r} holds the results of other responses {chunk.start} to "
                f"{chunk.stop - 1}; give another directory, or remove this one"
            )
        return found

    def _read(self, path: Path) -> Arrays | None:
        """None where there is no such file, or a damaged one, which is then made again."""
        if not zipfile.is_zipfile(path):
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in (*self.fields, "responses")}
        except (zipfile.BadZipFile, EOFError, KeyError, ValueError):
            return None

    def save(self, chunk: Chunk, result: Arrays) -> None:
        """Write a finished chunk; it appears complete or not at all."""
        with _appearing(self._path(chunk)) as file:
            np.savez(file, responses=np.array(chunk.fingerprint()), **result)  # type: ignore[arg-type]

    def _path(self, chunk: Chunk) -> Path:
        return self.directory / f"responses_{chunk.start:010d}_{chunk.stop:010d}.npz"


_REASONS = {
    "format": "another version of mixed_glm",
    "version": "another version of mixed_glm",
    "problem": "another problem",
    "responses": "another number of responses",
    "chunk_size": "another chunk_size",
}


def _read_manifest(directory: Path) -> dict[str, Any] | None:
    path = directory / MANIFEST
    if not path.exists():
        others = sorted(p.name for p in directory.iterdir() if not p.name.endswith(".part"))
        if others:
            raise ValueError(
                f"out={str(directory)!r} must be empty or hold chunks of fit_many, got {others[0]!r} in it"
            )
        return None
    try:
        manifest = json.loads(path.read_text())
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict):
        raise ValueError(f"out={str(directory)!r} has a manifest that cannot be read")
    return manifest


@contextlib.contextmanager
def _appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when all of it is on the disk; where writing fails, nothing remains."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
