"""Leaf quadrature over a term of correlated effects: against lattices, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from scipy.special import betaln, logsumexp

import mixed_glm as mg

Floats = npt.NDArray[np.float64]
pytestmark = pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PriorPullWarning")
THETA = ([0.3, -0.2, 0.7], [-0.5, 0.4, -1.1])


def simulated(groups: int = 25, rows: int = 6, seed: int = 5) -> pd.DataFrame:
    """Thin binary groups with correlated intercepts and slopes."""
    rng = np.random.default_rng(seed)
    u = rng.multivariate_normal([0.0, 0.0], [[1.5, 0.8], [0.8, 1.0]], groups)
    g = np.repeat(np.arange(groups), rows)
    x, z, w = rng.normal(size=(3, len(g)))
    y = rng.binomial(1, 1 / (1 + np.exp(-(0.3 + u[g, 0] + u[g, 1] * x))))
    return pd.DataFrame({"y": y, "x": x, "z": z, "w": w, "g": g, "h": np.arange(len(g)) % 7})


def binary(term: str, data: pd.DataFrame | None = None, fixed: str = "x") -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(
        f"y ~ {fixed} + {term}",
        data=simulated() if data is None else data,
        family="binomial",
        fe_p=2,
        vcp_p=1,
    )


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults:
    return binary("(x | g)").fit_laplace(n_quad=11)


def lattice_value(data: pd.DataFrame, theta: Floats) -> float:
    """log p(y, theta) of ``y ~ 0 + (x | g)`` by a fine lattice over each group's effects."""
    sd, rho = np.exp(theta[:2]), np.tanh(theta[2])
    line = np.linspace(-6.5, 6.5, 81)
    a, b = np.meshgrid(line, line, indexing="ij")
    first, second = sd[0] * a, sd[1] * (rho * a + np.sqrt(1 - rho**2) * b)
    weight = stats.norm.logpdf(a) + stats.norm.logpdf(b) + 2 * np.log(line[1] - line[0])
    total = stats.norm.logpdf(theta[:2]).sum() - 2 * np.log(np.cosh(theta[2])) - betaln(0.5, 1.0)
    for _, rows in data.groupby("g"):
        eta = first[..., None] + second[..., None] * rows["x"].to_numpy()
        sign = np.where(rows["y"] == 1, 1.0, -1.0)
        total += logsumexp(weight - np.logaddexp(0.0, -sign * eta).sum(axis=-1))
    return float(total)


@pytest.mark.parametrize("theta", THETA)
def test_without_fixed_effects_it_is_exact(theta: list[float]) -> None:
    data = simulated()
    model = binary("(x | g)", data, fixed="0")
    point, step = np.array(theta), 1e-3 * np.eye(3)
    value = lattice_value(data, point)
    assert model.log_marginal(point, "leaf", n_quad=15) == pytest.approx(value, abs=2e-3)
    assert abs(model.log_marginal(point) - value) > 0.1  # Laplace
    slope = [(lattice_value(data, point + h) - lattice_value(data, point - h)) / 2e-3 for h in step]
    np.testing.assert_allclose(model.log_marginal_grad(point, "leaf", n_quad=15), slope, atol=1e-2)


def test_every_way_to_name_the_term() -> None:
    model = binary("(x | g) + (1 | h)")
    at = [0.3, -0.2, -0.5, 0.7]
    names = list(model.vcp_names)
    value = model.log_marginal(at, "leaf")
    for leaf in ("auto", "g", names[1], ["g", names[1]], [names[1], "g"]):
        assert model.log_marginal(at, "leaf", leaf=leaf) == value
    with pytest.raises(ValueError, match=r"leaf: expected the whole correlated term .*got \['g'\]"):
        model.fit_laplace(n_quad=9, leaf=["g"])
    with pytest.raises(ValueError, match=r"leaf must be 'auto' or .*got 'h'"):
        model.fit_laplace(n_quad=9, leaf="h")


@pytest.mark.parametrize("term", ["(x + z + w | g)", "(x | g) + (z | h)"])
def test_terms_that_are_no_leaf(term: str) -> None:
    with pytest.raises(
        ValueError, match=r"leaf quadrature .* not for correlated random effects .*a whole term"
    ):
        binary(term).fit_laplace(n_quad=9)


def test_fit_takes_it_for_thin_binary_groups(result: mg.MixedGLMResults) -> None:
    chosen = binary("(x | g)").fit()
    assert chosen.method == "leaf"
    np.testing.assert_allclose(chosen.cor_mean, result.cor_mean, atol=0.05 * result.cor_sd.min())
    np.testing.assert_allclose(chosen.vcp_mean, result.vcp_mean, atol=0.05 * result.vcp_sd.min())


def test_draws_have_the_moments_and_the_correlation(result: mg.MixedGLMResults) -> None:
    drawn = result.posterior_sample(2000, rng=0)
    np.testing.assert_allclose(drawn.vc.mean(axis=0), result.vc_mean, atol=0.12 * result.vc_sd.max())
    np.testing.assert_allclose(drawn.vc.std(axis=0), result.vc_sd, rtol=0.15)
    assert drawn.cor.mean() == pytest.approx(result.cor_mean[0], abs=0.1 * result.cor_sd[0])


def test_checked_and_saved(result: mg.MixedGLMResults, tmp_path: Path) -> None:
    check = result.check(draws=300, rng=0)
    assert check.integral == "quadrature"
    assert check.k < 0.7
    result.save(tmp_path / "fit.mglm")
    again = mg.load(tmp_path / "fit.mglm")
    np.testing.assert_array_equal(again.params, result.params)
    np.testing.assert_array_equal(again.posterior_sample(5, rng=0), result.posterior_sample(5, rng=0))


def test_many_responses(result: mg.MixedGLMResults) -> None:
    model = result.model
    many = model.fit_many(np.column_stack([model.endog, model.endog]), n_quad=11, n_jobs=1)
    np.testing.assert_allclose(many.cor_mean[1], result.cor_mean, atol=1e-8)
    np.testing.assert_allclose(many.cor_sd[1], result.cor_sd, atol=1e-8)
