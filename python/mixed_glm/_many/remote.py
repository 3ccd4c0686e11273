"""Chunks fitted by an executor: other processes, a dask cluster, MPI ranks."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Iterable, Iterator
from concurrent.futures.process import ProcessPoolExecutor
from typing import Any

from mixed_glm._many.problem import Arrays, Chunk, Problem, fit_chunk

MOST_ATTEMPTS = 4  # of one chunk
DEFAULT_WAITING = 64  # chunks under way where the number of workers is not known

Finished = tuple[Chunk, Arrays]


def fit_chunks(
    executor: cf.Executor, problem: Problem, chunks: Iterable[Chunk], n_jobs: int
) -> Iterator[Finished]:
    """Fit chunks as workers become free; they come back in the order in which they are finished.

    A chunk that is lost (its worker died, the connection broke) or that raised is submitted again, a few times. Few
    chunks are under way at a time, so that memory stays bounded.

    Raises
    ------
    RuntimeError
        If a chunk was lost too often, from the last error.
    """
    with _Pool(executor) as pool:
        run = _Run(pool, problem, n_jobs)
        try:
            for chunk in chunks:
                while len(run.waiting) >= pool.most_waiting:
                    yield from run.collect()
                run.submit(chunk, 1)
            while run.waiting:
                yield from run.collect()
        finally:
            for future in run.waiting:
                future.cancel()


class _Run:
    """The chunks that are under way."""

    def __init__(self, pool: _Pool, problem: Problem, n_jobs: int) -> None:
        self.pool, self.problem, self.n_jobs = pool, problem, n_jobs
        self.waiting: dict[cf.Future[Arrays], tuple[Chunk, int]] = {}

    def submit(self, chunk: Chunk, attempt: int) -> None:
        self.waiting[self.pool.submit(self.problem, chunk, self.n_jobs)] = (chunk, attempt)

    def collect(self) -> Iterator[Finished]:
        """Wait for at least one of them."""
        done, _ = cf.wait(self.waiting, return_when=cf.FIRST_COMPLETED)
        for future in done:
            chunk, attempt = self.waiting.pop(future)
            error = cf.CancelledError() if future.cancelled() else future.exception()
            if error is None:
                yield chunk, future.result()
            elif isinstance(error, Exception) and attempt < MOST_ATTEMPTS:
                self.submit(chunk, attempt + 1)
            else:
                raise RuntimeError(
                    f"responses {chunk.start} to {chunk.stop - 1} were lost or failed {attempt} times, the last "
                    f"time by {type(error).__name__}: {error}"
                ) from error


class _Pool:
    """The executor; a pool of processes that broke, because one of them died, is replaced by one like it."""

    def __init__(self, executor: cf.Executor) -> None:
        self._executor = executor
        self._own: cf.Executor | None = None
        self._replaced = 0
        self.most_waiting = _most_waiting(executor)

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            self._own.shutdown(cancel_futures=True)

    def submit(self, *arguments: Any) -> cf.Future[Arrays]:
        try:
            return self._executor.submit(fit_chunk, *arguments)
        except cf.BrokenExecutor as error:
            if not isinstance(self._executor, ProcessPoolExecutor) or self._replaced >= MOST_ATTEMPTS:
                raise RuntimeError(
                    f"the executor broke and takes no more work ({error}); with out=, finished chunks are kept"
                ) from error
            self._replace(self._executor)
            return self._executor.submit(fit_chunk, *arguments)

    def _replace(self, broken: Any) -> None:
        broken.shutdown(wait=False)
        self._replaced += 1
        self._own = self._executor = ProcessPoolExecutor(
            broken._max_workers, broken._mp_context, broken._initializer, broken._initargs
        )


def _most_waiting(executor: Any) -> int:
    """Two chunks for each worker, so that none waits for the next."""
    workers = getattr(executor, "_max_workers", None)
    client = getattr(executor, "_client", None)  # of dask.distributed
    if workers is None and client is not None:
        workers = sum(client.nthreads().values())
    return max(2, 2 * workers) if workers else DEFAULT_WAITING
