"""The same function of many things, on several threads or by an executor."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Callable, Sequence
from typing import TypeVar

from mixed_glm import _core

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def in_parallel(
    function: Callable[[ItemT], ResultT],
    items: Sequence[ItemT],
    n_jobs: int,
    executor: cf.Executor | None = None,
) -> list[ResultT]:
    """Results for all items, in their order; what has not begun does not begin after an error or an interrupt.

    Parameters
    ----------
    function : callable
        Most of whose time is the compiled core's, which leaves Python to other threads. With an executor of other processes
        it is pickled.
    items : sequence
    n_jobs : int
        Threads, as `as_n_jobs` gives them.
    executor : concurrent.futures.Executor, optional
        In the place of threads.
    """
    if executor is not None:
        return _submitted(executor, function, items)
    threads = min(_core.thread_count(n_jobs), len(items))
    if threads < 2:
        return [function(item) for item in items]
    with cf.ThreadPoolExecutor(threads) as pool:
        return _submitted(pool, function, items)


def _submitted(
    executor: cf.Executor, function: Callable[[ItemT], ResultT], items: Sequence[ItemT]
) -> list[ResultT]:
    futures = [executor.submit(function, item) for item in items]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()
