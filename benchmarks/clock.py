"""Wall and processor time of a call."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

__all__ = ["Timing", "timed"]

T = TypeVar("T")


class Timing(NamedTuple):
    """Seconds on the clock, and of processor time summed over all threads of the process."""

    wall: float
    cpu: float


def timed(work: Callable[[], T]) -> tuple[Timing, T]:
    """Run `work` once; garbage is collected before, not during."""
    gc.collect()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        return Timing(time.perf_counter() - wall, time.process_time() - cpu), result
    finally:
        gc.enable()
