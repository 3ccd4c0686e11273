"""Fits by the exact factor, or by conjugate gradients and probes, whatever the package would choose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mixed_glm import _core
from mixed_glm._spec import spec
from mixed_glm._spec.design import model_arguments

__all__ = ["forced"]


@contextmanager
def forced(factorization: str) -> Iterator[None]:
    """Models that are fitted inside take "exact", "iterative" or "automatic"."""

    def make_core(design: Any, family: Any, change: Any = None, *, merge_rows: bool = True) -> Any:
        arguments = model_arguments(design, family, change)
        return _core.Model(merge_rows=merge_rows, factorization=factorization, **arguments)

    before = spec.make_core
    spec.make_core = make_core
    try:
        yield
    finally:
        spec.make_core = before
