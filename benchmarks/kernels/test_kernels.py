"""One kernel on one problem: ``pytest benchmarks/kernels``, with pytest-benchmark.

The limit beside it is the larger of what it must move (a copy of the same bytes) and what it must compute (operations
at the rate of BLAS, exponential functions at numpy's).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pytest

from benchmarks.kernels.bench import Bench
from benchmarks.kernels.limits import copy_seconds, exp_seconds, flop_seconds
from benchmarks.problems import PROBLEMS

pytest.importorskip("pytest_benchmark")

EP_NODES = 11
LABELS = {
    "pass": "pass over the rows",
    "factorize": "factorization",
    "invert": "selected inverse",
    "bound_gradient": "mean-field bound, gradient",
    "ep_sweep": "EP sweep",
    "leaf_pass": "leaf quadrature, 5 nodes",
}


@cache
def bench(name: str) -> Bench:
    return Bench(PROBLEMS[name]())


def limits(kernel: str, model: Bench) -> dict[str, float]:
    """Seconds of each thing that the kernel cannot do without."""
    rows = model.problem.nobs
    factor = {
        "copy of the factor": copy_seconds(8 * model.factor_size),
        "its operations at BLAS' rate": flop_seconds(model.factor_operations),
    }
    data = {"copy of the data": copy_seconds(model.input_bytes)}
    if kernel in ("pass", "leaf_pass"):  # exp(eta) at other nodes are products
        return data | {"one exp a row": exp_seconds(rows)}
    if kernel == "factorize":
        return factor
    if kernel == "invert":  # about twice the operations of the factorization
        return factor | {"its operations at BLAS' rate": flop_seconds(2 * model.factor_operations)}
    if kernel == "bound_gradient":  # 6 nodes at these standard deviations; Poisson: closed form
        return data | {"its exps": exp_seconds(rows * (1 if model.problem.family == "poisson" else 6))}
    return data | {f"{EP_NODES} exps a row": exp_seconds(EP_NODES * rows)}


@pytest.mark.parametrize("name", ["binomial-10k", "binomial-200k", "crossed-10k", "insteval", "poisson-50k"])
@pytest.mark.parametrize("kernel", LABELS)
def test_kernel(benchmark: Any, kernel: str, name: str) -> None:
    model = bench(name)
    if kernel == "leaf_pass" and len(model.problem.levels) > 1:
        pytest.skip("leaf quadrature in lanes is for one component")
    assert math.isfinite(model.run(kernel))
    benchmark(model.run, kernel)
    found = limits(kernel, model)
    bound = max(found, key=found.__getitem__)
    benchmark.extra_info.update(
        kernel=LABELS[kernel], size=model.problem.description, bound=bound, bound_seconds=found[bound]
    )
