"""A model in C++, its kernels as methods."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np

from benchmarks.kernels.build import library
from benchmarks.problem import Problem

__all__ = ["KERNELS", "Bench"]

KERNELS = ("pass", "factorize", "invert", "bound_gradient", "ep_sweep", "leaf_pass")


@cache
def _library() -> ctypes.CDLL:
    lib = ctypes.CDLL(str(library()))
    lib.bench_new.restype = ctypes.c_void_p
    for name in (*KERNELS, "factor_size", "factor_operations"):
        function = getattr(lib, f"bench_{name}")
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_void_p]
    lib.bench_delete.argtypes = [ctypes.c_void_p]
    return lib


class Bench:
    """One problem, with everything evaluated once.

    Attributes
    ----------
    problem : Problem
    input_bytes : int
        What a pass over the rows has to read: X, responses in two numbers each, offset, codes.
    factor_size : int
        Numbers in the Cholesky factor.
    factor_operations : float
        Floating-point operations of the factorization.
    """

    def __init__(self, problem: Problem) -> None:
        lib = _library()
        z = problem.exog_vc()
        x, y = np.asfortranarray(problem.exog), np.ascontiguousarray(problem.endog)
        indptr, indices = z.indptr.astype(np.int64), z.indices.astype(np.int32)
        ident = problem.ident.astype(np.int32)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (x, y, indptr, indices, ident)]
        sizes = [ctypes.c_int64(s) for s in (*x.shape, z.shape[1], len(problem.levels))]
        n, p, q, components = sizes
        px, py, pptr, pind, pident = pointers
        poisson = ctypes.c_int(problem.family == "poisson")
        self._handle = lib.bench_new(n, p, px, py, q, pptr, pind, pident, components, poisson)
        if not self._handle:
            raise RuntimeError(f"no model of {problem.name}")
        self.problem = problem
        self.input_bytes = x.nbytes + 3 * y.nbytes + indices.nbytes
        self.factor_size = int(lib.bench_factor_size(self._handle))
        self.factor_operations = float(lib.bench_factor_operations(self._handle))

    def run(self, kernel: str) -> float:
        """Call one of `KERNELS`; the number that it returns, to be checked for being finite."""
        return float(getattr(_library(), f"bench_{kernel}")(self._handle))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            _library().bench_delete(self._handle)
