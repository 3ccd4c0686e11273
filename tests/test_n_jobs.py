"""Threads over the rows of one model: the same bits for any number of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import mixed_glm as mg

ROWS = 9_000  # enough for threads to run


def _indicator(codes: np.ndarray, values: np.ndarray | None = None) -> sparse.csr_array:
    n = len(codes)
    data = np.ones(n) if values is None else values
    return sparse.csr_array((data, (np.arange(n), codes)), shape=(n, codes.max() + 1))


def _one_factor(rng: np.random.Generator) -> list[sparse.csr_array]:
    return [_indicator(rng.integers(0, 400, ROWS))]


def _crossed(rng: np.random.Generator) -> list[sparse.csr_array]:
    return [_indicator(rng.integers(0, 300, ROWS)), _indicator(rng.integers(0, 40, ROWS))]


def _slopes(rng: np.random.Generator) -> list[sparse.csr_array]:
    codes = rng.integers(0, 200, ROWS)
    return [_indicator(codes), _indicator(codes, rng.normal(size=ROWS))]


def _many_components(rng: np.random.Generator) -> list[sparse.csr_array]:
    factors = [_indicator(rng.integers(0, size, ROWS)) for size in (120, 30, 12, 5)]
    return [*factors, _indicator(rng.integers(0, 20, ROWS), rng.normal(size=ROWS))]


def _model(
    components: Callable[[np.random.Generator], list[sparse.csr_array]],
    family: str,
    *,
    equal_rows: bool = False,
) -> mg.MixedGLM:
    rng = np.random.default_rng(8)
    parts = components(rng)
    z = sparse.hstack(parts, format="csr")
    ident = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    exog = np.column_stack([np.ones(ROWS), rng.normal(size=(ROWS, 2))])
    if equal_rows:
        exog = (exog > 0).astype(float)
    eta = exog @ [-0.4, 0.3, 0.2] + z @ rng.normal(scale=0.6, size=z.shape[1])
    endog = rng.binomial(1, 1 / (1 + np.exp(-eta))) if family == "binomial" else rng.poisson(np.exp(eta))
    return mg.MixedGLM(endog, exog, z, ident, family)


DESIGNS = {
    "one factor": _one_factor,
    "crossed": _crossed,
    "slopes": _slopes,
    "many components": _many_components,
}


def _assert_same(one: mg.MixedGLMResults, other: mg.MixedGLMResults) -> None:
    assert one.method == other.method
    assert one.log_evidence == other.log_evidence
    assert one.n_iter == other.n_iter
    for name in ("params", "fe_sd", "vcp_sd", "vc_sd"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_array_equal(one.cov_params(), other.cov_params())


@pytest.mark.parametrize("equal_rows", [False, True], ids=["rows differ", "rows merged"])
@pytest.mark.parametrize("family", ["binomial", "poisson"])
@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS.keys())
def test_laplace_has_the_same_bits_for_any_number_of_threads(
    design: Callable[[np.random.Generator], list[sparse.csr_array]], family: str, equal_rows: bool
) -> None:
    model = _model(design, family, equal_rows=equal_rows)
    one = model.fit_laplace(integrate="mode")
    for n_jobs in (2, 3, 7, -1):
        _assert_same(one, model.fit_laplace(integrate="mode", n_jobs=n_jobs))


@pytest.mark.parametrize(
    "fit",
    [
        lambda model, n_jobs: model.fit_ep(integrate="mode", n_quad=7, n_jobs=n_jobs),
        lambda model, n_jobs: model.fit_laplace(5, integrate="mode", n_jobs=n_jobs),
        lambda model, n_jobs: model.fit(integrate="mode", n_jobs=n_jobs),
        lambda model, n_jobs: model.fit_laplace(integrate="mode", method="BFGS", n_jobs=n_jobs),
    ],
    ids=["ep", "leaf", "fit", "scipy"],
)
def test_so_have_the_other_methods(fit: Callable[[mg.MixedGLM, int], mg.MixedGLMResults]) -> None:
    model = _model(_crossed, "binomial")
    one = fit(model, 1)
    for n_jobs in (2, 3):
        _assert_same(one, fit(model, n_jobs))


@pytest.mark.parametrize("method", ["auto", "laplace", "ep"])
@pytest.mark.parametrize(
    ("n_jobs", "error"),
    [
        (0, ValueError),
        (1.5, TypeError),
        (True, TypeError),
        (2**31, ValueError),
        (-(2**31) - 1, ValueError),
        (10**30, ValueError),
        (np.uint64(2**63), ValueError),
    ],
)
def test_numbers_of_threads_that_are_none(method: str, n_jobs: Any, error: type[Exception]) -> None:
    model = mg.MixedGLM([0, 1, 1], np.ones((3, 1)), np.eye(3), [0, 0, 0], "binomial")
    with pytest.raises(error, match="n_jobs must be"):
        model.fit(method, n_jobs=n_jobs)
    with pytest.raises(error, match="n_jobs must be"):
        model.fit_many(np.eye(3), n_jobs=n_jobs)


@pytest.mark.parametrize("n_jobs", [2**31 - 1, -(2**31) + 1, np.int64(3)])
def test_numbers_of_threads_that_are_large(n_jobs: Any) -> None:
    model = mg.MixedGLM([0, 1, 1], np.ones((3, 1)), np.eye(3), [0, 0, 0], "binomial")
    _assert_same(model.fit_laplace(n_jobs=n_jobs), model.fit_laplace())
    assert len(model.fit_many(np.eye(3), n_jobs=n_jobs)) == 3
