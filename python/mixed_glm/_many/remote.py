"""Chunks fitted by an executor: other processes, a dask cluster, MPI ranks."""

from __future__ import annotations

import concurrent.futures as cf
import time
from collections.abc import Iterable, Iterator
from typing import Any

from mixed_glm._many.problem import Arrays, Chunk, Problem, fit_chunk

MOST_ATTEMPTS = 4  # of one chunk
PAUSE = 0.1  # seconds, before a chunk that could not be submitted is submitted again; longer each time
DEFAULT_WAITING = 64  # chunks under way where the number of workers is not known

Finished = tuple[Chunk, Arrays]


def require_executor(executor: Any) -> None:
    """Check that this is an executor.

    Raises
    ------
    TypeError
        If it is its class, a dask client, or anything else.
    """
    needed = "executor must be a concurrent.futures.Executor"
    if isinstance(executor, type):
        raise TypeError(
            f"{needed}, got the class {executor.__name__}; give an instance, as {executor.__name__}()"
        )
    if hasattr(executor, "get_executor"):
        raise TypeError(f"{needed}, got a {type(executor).__name__}; give what its get_executor() returns")
    if not hasattr(executor, "submit"):
        raise TypeError(f"{needed}, got {type(executor).__name__}")


def fit_chunks(
    executor: cf.Executor, problem: Problem, chunks: Iterable[Chunk], n_jobs: int
) -> Iterator[Finished]:
    """Fit chunks as workers become free; they come back in the order in which they are finished.

    A chunk that is lost (its worker died, the connection broke), that raised, or whose result is none is submitted
    again, a few times. Few chunks are under way at a time, so that memory stays bounded.

    Raises
    ------
    RuntimeError
        If a chunk was lost too often, or could not be submitted, from the last error.
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
            error = self._error(chunk, future)
            if error is None:
                yield chunk, future.result()
            elif isinstance(error, Exception) and attempt < MOST_ATTEMPTS:
                self.submit(chunk, attempt + 1)
            else:
                raise RuntimeError(
                    f"responses {chunk.start} to {chunk.stop - 1} were lost or failed {attempt} times, the last "
                    f"time by {type(error).__name__}: {error}"
                ) from error

    def _error(self, chunk: Chunk, future: cf.Future[Arrays]) -> BaseException | None:
        """What went wrong, if anything."""
        if future.cancelled():
            return cf.CancelledError()
        error = future.exception()
        if error is None:
            try:
                self.problem.require_result(chunk, future.result())
            except ValueError as wrong:
                return wrong
        return error


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
        """Hand over a chunk; where that fails, again, a few times."""
        attempt = 1
        while True:
            try:
                future = self._executor.submit(fit_chunk, *arguments)
                break
            except Exception as error:
                broke = "broke and " if isinstance(error, cf.BrokenExecutor) else ""
                if attempt == MOST_ATTEMPTS or not self._recover(error, attempt):
                    raise RuntimeError(
                        f"the executor {broke}takes no more work ({error}); with out=, finished chunks are kept"
                    ) from error
            attempt += 1
        if not isinstance(future, cf.Future):
            raise TypeError(
                f"executor must return a concurrent.futures.Future from submit, got {type(future).__name__}"
            )
        return future

    def _recover(self, error: Exception, attempt: int) -> bool:
        """Do what may help the next attempt; False if there is nothing."""
        if not isinstance(error, cf.BrokenExecutor):
            time.sleep(PAUSE * 2**attempt)
        elif isinstance(self._executor, cf.ProcessPoolExecutor) and self._replaced < MOST_ATTEMPTS:
            self._replace(self._executor)
        else:
            return False
        return True

    def _replace(self, broken: Any) -> None:
        broken.shutdown(wait=False)
        self._replaced += 1
        self._own = self._executor = cf.ProcessPoolExecutor(
            broken._max_workers, broken._mp_context, broken._initializer, broken._initargs
        )


def _most_waiting(executor: Any) -> int:
    """Two chunks for each worker, so that none waits for the next."""
    workers = getattr(executor, "_max_workers", None)
    client = getattr(executor, "_client", None)  # of dask.distributed
    if workers is None and client is not None:
        workers = sum(client.nthreads().values())
    return max(2, 2 * workers) if workers else DEFAULT_WAITING
