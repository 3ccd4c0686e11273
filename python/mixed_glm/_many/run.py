"""The way from responses to results, chunk by chunk."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mixed_glm._console.progress import shown_count
from mixed_glm._many.columns import Columns, Floats
from mixed_glm._many.problem import Arrays, Chunk, Problem
from mixed_glm._many.remote import fit_chunks
from mixed_glm._many.store import Store

LOCAL_BYTES = 32_000_000  # of a chunk's responses, offsets and trials
REMOTE_BYTES = 6_000_000  # of one that is sent: dask warns above 10 MB
FEWEST_ROWS = 50_000  # of a chunk, rows times responses: below, what each chunk costs would show
PIECES = 64


@dataclass(frozen=True)
class Source:
    """Where chunks come from.

    Attributes
    ----------
    endog : Columns
    trials, offset, exposure : Columns, or None
        One column for each response; None where all share one.
    shared_offset : float array, shape (n,)
        Added to offset and log exposure of the responses.
    categories : float array, shape (C,), or None
        Of ordinal responses, increasing, where they are numbers; None for responses as they are.
    """

    endog: Columns
    trials: Columns | None
    offset: Columns | None
    exposure: Columns | None
    shared_offset: Floats
    categories: Floats | None = None

    @property
    def size(self) -> int:
        """Number of responses."""
        return self.endog.shape[1]

    @property
    def shares_offset(self) -> bool:
        """Whether all responses have the same offset."""
        return self.offset is None and self.exposure is None

    def default_chunk_size(self, remote: bool) -> int:
        """Number of responses in a chunk: a share of all, not too small, not too large to be held."""
        n = max(1, self.endog.shape[0])
        layers = 1 + sum(part is not None for part in (self.trials, self.offset or self.exposure))
        most = max(1, (REMOTE_BYTES if remote else LOCAL_BYTES) // (8 * n * layers))
        return int(np.clip(-(-self.size // PIECES), min(most, max(1, FEWEST_ROWS // n)), most))

    def chunks(self, size: int) -> Iterator[Chunk]:
        """Read all chunks, one after another."""
        for start in range(0, self.size, size):
            yield self.read(start, min(start + size, self.size))

    def read(self, start: int, stop: int) -> Chunk:
        """Read one chunk."""
        trials = None if self.trials is None else self.trials.read(start, stop)
        return Chunk(start, stop, self._endog(start, stop), trials, self._offset(start, stop))

    def _endog(self, start: int, stop: int) -> Floats:
        """Responses; ordinal: numbers of categories, NaN for what is none."""
        values = self.endog.read(start, stop)
        if self.categories is None:
            return values
        place = np.minimum(np.searchsorted(self.categories, values), len(self.categories) - 1)
        return np.asfortranarray(np.where(self.categories[place] == values, place, np.nan))

    def _offset(self, start: int, stop: int) -> Floats | None:
        if self.shares_offset:
            return None
        total = np.array(self.shared_offset[:, None].repeat(stop - start, axis=1), order="F")
        if self.offset is not None:
            total += self.offset.read(start, stop)
        if self.exposure is not None:
            with np.errstate(divide="ignore", invalid="ignore"):  # the response is then invalid
                total += np.log(self.exposure.read(start, stop))
        return total


def run(
    problem: Problem,
    source: Source,
    *,
    chunk_size: int,
    n_jobs: int,
    executor: cf.Executor | None,
    store: Store | None,
    progress: bool,
) -> Arrays:
    """Fit all responses; one row for each in every array."""
    results: Arrays = {n: np.empty(shape, dtype) for n, (shape, dtype) in problem.layout(source.size).items()}
    with shown_count(progress, source.size, "fit_many", "responses", scaled=True) as advance:
        for chunk, arrays in _finished(problem, source.chunks(chunk_size), n_jobs, executor, store):
            for name, values in results.items():
                values[chunk.start : chunk.stop] = arrays[name]
            advance(chunk.stop - chunk.start)
    return results


def _finished(
    problem: Problem, chunks: Iterator[Chunk], n_jobs: int, executor: cf.Executor | None, store: Store | None
) -> Iterator[tuple[Chunk, Arrays]]:
    """Chunks with their results: those on disk at once, the others when they are fitted and written."""
    ready: list[tuple[Chunk, Arrays]] = []

    def unfinished() -> Iterator[Chunk]:
        for chunk in chunks:
            found = None if store is None else store.load(chunk)
            if found is None:
                yield chunk
            else:
                ready.append((chunk, found))

    for chunk, arrays in _fit(problem, unfinished(), n_jobs, executor):
        if store is not None:
            store.save(chunk, arrays)
        yield chunk, arrays
        while ready:
            yield ready.pop()
    yield from ready


def _fit(
    problem: Problem, chunks: Iterator[Chunk], n_jobs: int, executor: cf.Executor | None
) -> Iterator[tuple[Chunk, Arrays]]:
    if executor is not None:
        yield from fit_chunks(executor, problem, chunks, n_jobs)
        return
    fitter = problem.fitter()
    for chunk in chunks:
        yield chunk, problem.fit(fitter, chunk, n_jobs)
