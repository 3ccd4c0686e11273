"""New groups of models with correlated effects: their joint draws, the mean over them, and what explains how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import mixed_glm as mg
from mixed_glm._predict.new_effects import Hyper, Levels, NewEffects

N = 20_000


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults[Any]:
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky([[0.4, 0.18], [0.18, 0.2]])
    frame = pd.DataFrame({"g": np.arange(600) % 40, "h": np.arange(600) // 25, "x": rng.normal(size=600)})
    u = rng.normal(size=(40, 2)) @ root.T
    h = rng.normal(scale=0.4, size=24)[frame.h]
    frame["y"] = rng.poisson(np.exp(0.4 + 0.3 * frame.x + u[frame.g, 0] + u[frame.g, 1] * frame.x + h))
    model = mg.MixedGLM.from_formula("y ~ x + (x | g) + (1 | h)", data=frame, family="poisson")
    return model.fit_laplace()


def covariance(result: mg.MixedGLMResults[Any], rng: int = 1) -> np.ndarray:
    """Means over the posterior: of an intercept and a slope of one group, and of the other factor."""
    draws = result.posterior_sample(N, rng)
    variance = np.exp(2 * draws.vcp).mean(axis=0)
    between = (np.exp(draws.vcp[:, 0] + draws.vcp[:, 1]) * draws.cor[:, 0]).mean()
    return np.array([[variance[0], between, 0], [between, variance[1], 0], [0, 0, variance[2]]])


def test_rows_of_one_new_group_have_its_correlated_effects(result) -> None:
    new = pd.DataFrame({"x": [-1.0, 2.0, 1.0, 0.5], "g": [99, 99, 98, 99], "h": [1, 1, 1, 77]})
    drawn = result.predict_draws(new, kind="linear", random="conditional", draws=N)
    without = result.predict_draws(new, kind="linear", include=["h"], draws=N)
    expected = covariance(result)
    for i, j in ((0, 0), (0, 1), (1, 1), (0, 2), (0, 3)):
        one, other = (np.array([1.0, new["x"][k], 0.0]) for k in (i, j))
        same = new["g"][i] == new["g"][j]
        found = np.cov(drawn[:, i], drawn[:, j])[0, 1] - np.cov(without[:, i], without[:, j])[0, 1]
        assert found == pytest.approx(one @ expected @ other if same else 0.0, abs=0.06), (i, j)


def test_means_over_new_groups_are_those_of_draws(result) -> None:
    new = pd.DataFrame({"x": [-1.5, 0.0, 1.5], "g": 99, "h": 77})
    drawn = np.log(result.predict_draws(new, random="conditional", draws=N))
    over = result.predict_draws(new, random="marginal", draws=N)
    assert over.shape == (N, 3)
    spread = drawn.var(axis=0) - result.predict_draws(new, kind="linear", draws=N).var(axis=0)
    x = np.column_stack([np.ones(3), new["x"], np.ones(3)])
    np.testing.assert_allclose(spread, np.einsum("ij,jk,ik->i", x, covariance(result), x), rtol=0.1)
    np.testing.assert_allclose(result.predict(new, random="marginal", draws=N), over.mean(axis=0), rtol=1e-10)
    own = result.predict_draws(random="marginal", draws=500)
    frame = result.model.data.frame
    by_frame = result.predict_draws(frame, random="marginal", draws=500)
    by_columns = result.predict_draws(result.model.exog, result.model.exog_vc, random="marginal", draws=500)
    np.testing.assert_allclose(by_frame, own, rtol=1e-10)
    np.testing.assert_allclose(by_columns, own, rtol=1e-10)


def test_one_of_two_correlated_terms(result) -> None:
    new = pd.DataFrame({"x": [-1.0, 2.0], "g": 99})
    for names, size in ((["g"], [1.0, 0.0]), (["x|g"], [0.0, 1.0])):
        drawn = result.predict_draws(new, kind="linear", include=names, draws=N)
        fixed = result.predict_draws(new, kind="linear", draws=N)
        one, other = (np.array([size[0], size[1] * x, 0.0]) for x in new["x"])
        found = np.cov(drawn.T)[0, 1] - np.cov(fixed.T)[0, 1]
        assert found == pytest.approx(one @ covariance(result) @ other, abs=0.05)


def test_draws_have_the_variance_that_is_told() -> None:
    """Three coordinates, groups without one of them, rows of several groups."""
    rng = np.random.default_rng(3)
    columns = sparse.csr_array(rng.normal(size=(6, 9)) * (rng.random((6, 9)) < 0.6))
    levels = Levels((2, 0, 1), np.array([[0, 3, 6], [1, 4, -1], [-1, 5, 7]]))
    new = NewEffects(columns, np.array([2, 2, 3, 0, 0, 0, 1, 1, 3]), (levels,))
    n = 100_000
    psi, rho = np.log([0.5, 1.0, 1.5, 0.8]), np.array([0.7, -0.3, 0.2])
    drawn = new.draw(Hyper(np.tile(psi, (n, 1)), np.tile(rho, (n, 1))), rng)
    one = Hyper(psi[None], rho[None])
    told = new.variance(one)[:, 0]
    np.testing.assert_allclose((columns @ drawn).var(axis=1), told, rtol=0.03)
    weights = np.array([1.0, 2.0, 0.0, 1.0, 1.0, 3.0])
    np.testing.assert_allclose(new.variance(one, weights), [np.average(told, weights=weights)])
    correlations = np.corrcoef(drawn)
    for i, j, expected in (
        (0, 3, 0.7),
        (0, 6, -0.3),
        (3, 6, 0.2),
        (1, 4, 0.7),
        (5, 7, 0.2),
        (0, 4, 0),
        (2, 8, 0),
    ):
        assert correlations[i, j] == pytest.approx(expected, abs=0.02)
    part = new.of_rows(slice(2, 5))
    np.testing.assert_allclose(part.variance(one)[:, 0], told[2:5])
    twice = new.beside(new)
    np.testing.assert_allclose(twice.variance(one)[:, 0], 2 * told)


def test_explained_variance_counts_correlated_effects_once(result) -> None:
    draws, x = result.posterior_sample(N, 5), result.model.data.frame["x"].to_numpy()
    variance = np.exp(2 * draws.vcp)
    between = np.exp(draws.vcp[:, 0] + draws.vcp[:, 1]) * draws.cor[:, 0]
    of_g = variance[:, 0] + variance[:, 1] * (x**2).mean() + 2 * between * x.mean()
    mean = np.exp(draws.linear_predictor()).mean(axis=1)
    rest = np.log1p(1 / mean)
    table = result.icc(draws=N)
    assert list(table.index) == ["adjusted", "unadjusted", "adjusted[g]", "adjusted[h]"]
    total = of_g + variance[:, 2] + rest
    assert table.loc["adjusted[g]", "mean"] == pytest.approx((of_g / total).mean(), abs=0.01)
    assert table.loc["adjusted", "lower"] == pytest.approx(np.quantile(1 - rest / total, 0.025), abs=0.015)


def test_hypotheses_about_correlations(result) -> None:
    name = result.fit.spec.layout.cor_names[0]
    rho = result.posterior_sample(N, 5).cor[:, 0]
    table = result.hypothesis([f"{name} > 0.5", f"{name}**2 < 0.25", f"{name} = 0"], draws=N)
    expected = [(rho > 0.5).mean(), (rho**2 < 0.25).mean()]
    np.testing.assert_allclose(table["probability"].iloc[:2], expected, atol=0.02)
    assert table["evidence_ratio"].iloc[2] < 1.0


def test_averages_of_new_groups(result) -> None:
    frame = result.model.data.frame
    own = result.avg_comparisons("x", draws=2000)
    over = result.avg_comparisons("x", random="marginal", draws=2000)
    draws = result.posterior_sample(4000, 5)
    variance, between = np.exp(2 * draws.vcp), np.exp(draws.vcp[:, 0] + draws.vcp[:, 1]) * draws.cor[:, 0]
    means = []
    for x in (frame["x"].to_numpy() + 1, frame["x"].to_numpy()):
        spread = variance[:, [0]] + variance[:, [1]] * x**2 + 2 * between[:, None] * x + variance[:, [2]]
        means.append(np.exp(draws.fe[:, [0]] + draws.fe[:, [1]] * x + spread / 2).mean(axis=1))
    assert over["estimate"].iloc[0] == pytest.approx((means[0] - means[1]).mean(), rel=0.1)
    assert over["std_error"].iloc[0] > own["std_error"].iloc[0]
    rows = frame.iloc[:50].assign(g=1000)
    assert np.isfinite(result.avg_slopes("x", newdata=rows, draws=500)["estimate"]).all()
