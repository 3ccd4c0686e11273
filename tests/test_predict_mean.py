"""One estimate of a prediction, its posterior mean: exact where it can be, flagged where it need not exist, cheap for few rows."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import expit, logit
from simulated import FAMILIES, crossed, one_factor

import mixed_glm as mg
from mixed_glm._posterior import few_effects
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._posterior.quantiles import mixture_quantile
from mixed_glm._predict.new_effects import NewEffects
from mixed_glm._predict.new_rows import NewRows
from mixed_glm._predict.population import predict_population
from mixed_glm._predict.target import Target, mean_over_normal


@pytest.fixture(scope="module")
def few_groups() -> tuple[pd.DataFrame, mg.MixedGLMResults]:
    """Eight groups of counts: a wide, skew posterior of the intercept."""
    rng = np.random.default_rng(28)
    frame = pd.DataFrame({"g": np.repeat([f"g{i:02d}" for i in range(8)], 8)})
    frame["y"] = rng.poisson(np.exp(0.5 + np.repeat(rng.normal(0, 0.5, 8), 8)))
    return frame, mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=frame, family="poisson").fit()


@pytest.mark.parametrize("family", ["poisson", "binomial-logit"])
def test_population_mean_is_that_of_brute_force(family: str) -> None:
    data = one_factor(family, groups=6, rows=8, p=1, seed=2)
    exact = data.reference().posterior(step=0.5)
    values = FAMILIES[family]().mean(exact.theta[:, 0])
    found = data.model().fit_laplace(n_quad=15).predict(np.ones((1, 1)), interval=0.9)
    assert found["mean"].iloc[0] == pytest.approx(exact.weights @ values, rel=4e-3)
    link = np.log if family == "poisson" else logit
    for column, level in {"lower": 0.05, "median": 0.5, "upper": 0.95}.items():
        assert exact.cdf(link(found[column].iloc[0])) == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize("random", [None, "population", "conditional", "marginal"])
@pytest.mark.parametrize("linear", [False, True])
def test_an_interval_changes_no_mean(few_groups, random, linear) -> None:
    _, result = few_groups
    new = pd.DataFrame({"g": ["g00", "g03", "g05"]})
    alone = result.predict(new, random=random, linear=linear)
    table = result.predict(new, random=random, linear=linear, interval=0.9)
    np.testing.assert_array_equal(alone, table["mean"])
    assert list(table.columns) == ["mean", "median", "lower", "upper"]
    assert (table["lower"] < table["median"]).all()
    assert (table["median"] < table["upper"]).all()
    if not linear:
        responses = result.predict(new, random=random, predictive=True, interval=0.9)
        np.testing.assert_array_equal(alone, responses["mean"])


@pytest.mark.parametrize("method", ["laplace", "ep", "vb", "map"])
def test_population_needs_no_draws_of_effects(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    several = crossed(n=150, family="poisson")
    model = several if method == "laplace" else one_factor("poisson", groups=12, rows=8, p=2).model()
    result = getattr(model, f"fit_{method}")()
    for of in type(result.posterior).__mro__:
        if "draw" in vars(of):
            monkeypatch.setattr(of, "draw", lambda *_: pytest.fail("effects were drawn"))
    x = np.c_[np.ones(3), [-1.0, 0.0, 2.0]]
    table = result.predict(x, interval=0.8, draws=7)
    np.testing.assert_array_equal(table, result.predict(x, interval=0.8, draws=9, rng=5))
    linear = result.predict(np.eye(2), interval=0.8, linear=True)
    expected = result.to_frame(0.2).iloc[:2]
    np.testing.assert_allclose(
        linear[["mean", "lower", "upper"]], expected[["mean", "lower", "upper"]], atol=1e-5
    )
    if method == "laplace":
        assert result.predict(x, np.zeros((3, 17)), linear=True, random="marginal").shape == (3,)


def test_statsmodels_estimate_stays_with_the_drop_in_classes() -> None:
    rng = np.random.default_rng(0)
    x, z = np.c_[np.ones(60), rng.normal(size=60)], np.eye(6)[np.arange(60) % 6]
    model = mg.BinomialBayesMixedGLM(rng.integers(0, 2, 60), x, z, np.zeros(6, int))
    result = model.fit_vb()
    np.testing.assert_allclose(result.predict(), expit(x @ result.fe_mean), rtol=1e-12)
    np.testing.assert_allclose(result.predict(x[:3]), expit(x[:3] @ result.fe_mean), rtol=1e-12)
    np.testing.assert_allclose(result.predict(x[:3], True), x[:3] @ result.fe_mean, rtol=1e-12)
    table = result.predict(x[:3], interval=0.9)
    assert (np.abs(table["mean"] - 0.5) < np.abs(result.predict(x[:3]) - 0.5)).all()
    np.testing.assert_array_equal(result.predict(x[:3], random="population"), table["mean"])


def test_without_a_covariance_the_estimate_is_predicted() -> None:
    """As where `fit_map` did not end at a maximum."""
    unknown = FixedEffects(np.ones(1), np.array([[0.3, -0.5]]), np.full((1, 2, 2), np.nan))
    x = np.array([[1.0, 2.0], [1.0, np.nan]])
    rows = NewRows(x, np.zeros(2), sparse.csr_array((2, 0)), NewEffects.none(2), None, None)
    target = Target(linear=False, random="population", predictive=False, interval=0.9)
    found = predict_population(mg.families.Binomial(), unknown, rows, target)
    np.testing.assert_allclose(found.mean, [expit(0.3 - 1.0), np.nan])
    nothing = dataclasses.replace(rows, exog=np.full((2, 2), np.nan))
    known = dataclasses.replace(unknown, covariances=np.eye(2)[None])
    assert np.isnan(predict_population(mg.families.Binomial(), known, nothing, target).mean).all()
    assert np.isnan([found.lower, found.upper]).all()


def test_means_that_need_not_exist_are_told() -> None:
    rng = np.random.default_rng(13)
    frame = pd.DataFrame({"g": np.repeat(list("abc"), 12)})
    frame["y"] = rng.poisson(np.exp(1 + np.repeat(rng.normal(0, 0.6, 3), 12)))
    result = mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=frame, family="poisson").fit()
    new = pd.DataFrame({"g": ["a", "new"]})
    medians = []
    for seed in range(4):
        with pytest.warns(mg.PredictionWarning, match=r"in 1 of 2 rows.*Pareto k .* at row 1.*median"):
            table = result.predict(new, random="conditional", interval=0.95, rng=seed)
        medians.append(table["median"].iloc[1])
    assert np.std(medians) < 0.1 * np.mean(medians)
    assert np.mean(medians) == pytest.approx(np.exp(result.fe_mean[0]), rel=0.2)
    for options in (
        {"random": "marginal"},
        {"random": "conditional"},
        {"random": "marginal", "predictive": True},
    ):
        with pytest.warns(mg.PredictionWarning):
            result.predict(new, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of no other kinds of predictions
        result.predict(new, interval=0.9)
        result.predict(new.iloc[:1], random="conditional", interval=0.9)
        result.predict(new, random="conditional", linear=True, interval=0.9)
        result.predict(new, random="marginal", draws=20)


def test_means_of_many_groups_are_not_doubted() -> None:
    for family, groups in (("poisson", 40), ("binomial-logit", 3)):
        data = one_factor(family, groups=groups, rows=12, seed=4)
        result = data.model().fit_laplace()
        result.predict(np.ones((1, 1)), random="marginal", interval=0.9)  # a warning would be an error
        result.predict(random="conditional", interval=0.9)


def _like_draws_of_all(result: mg.MixedGLMResults, monkeypatch: pytest.MonkeyPatch, rows, **options) -> None:
    """Predictions by draws of the effects that are needed, and by draws of all, within Monte-Carlo error."""
    options |= {"random": "conditional", "interval": 0.9, "draws": 10_000}
    monkeypatch.setattr(few_effects, "_CHEAP", np.inf)
    all_drawn = result.predict(*rows, **options)
    taken = []
    real = few_effects.draw_few
    monkeypatch.setattr(few_effects, "_CHEAP", 0)
    monkeypatch.setattr(few_effects, "_STEPS_OF_COPY", 0.1)
    monkeypatch.setattr("mixed_glm._posterior.mixture.draw_few", lambda *a: taken.append(a[2]) or real(*a))
    few = result.predict(*rows, **options)
    assert len(taken) == 1
    assert len(taken[0].rows) < result.model.nobs
    width = (all_drawn["upper"] - all_drawn["lower"]).to_numpy()
    for column, tolerance in {"mean": 0.02, "median": 0.03, "lower": 0.04, "upper": 0.05}.items():
        assert (np.abs(few[column] - all_drawn[column]) < tolerance * width).all(), column


@pytest.mark.parametrize("how", ["laplace", "leaf", "ep", "mode"])
def test_few_effects_are_drawn_as_among_all(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(30), 6)
    frame = pd.DataFrame({"g": group, "x": rng.normal(size=180), "w": rng.integers(1, 3, 180), "o": 0.2})
    u, v = rng.normal(scale=0.7, size=30), rng.normal(scale=0.4, size=30)
    frame["n"] = rng.integers(1, 6, 180)
    frame["y"] = rng.binomial(frame["n"], expit(0.3 + frame.x + u[group] + v[group] * frame.x))
    model = mg.MixedGLM.from_formula(
        "y ~ x + (x || g)", data=frame, family="binomial", n_trials="n", freq_weights="w", offset="o"
    )
    fits = {
        "laplace": model.fit_laplace,
        "leaf": lambda: model.fit_laplace(n_quad=15),
        "ep": model.fit_ep,
        "mode": lambda: model.fit_laplace(integrate="mode"),
    }
    new = frame.iloc[[0, 1, 20, 21]]
    _like_draws_of_all(fits[how](), monkeypatch, (new,), offset="o")


def test_few_effects_of_nested_groups_and_of_groups_without_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    a, b = np.repeat(np.arange(12), 12), np.repeat(np.arange(36), 4)
    z = np.hstack([np.eye(12)[a], np.eye(37)[b]])  # the last group has no row
    y = rng.poisson(np.exp(0.4 + 0.5 * rng.normal(size=12)[a] + 0.4 * rng.normal(size=36)[b]))
    model = mg.MixedGLM(y, np.ones((144, 1)), z, np.repeat([0, 1], [12, 37]), "poisson")
    rows = np.zeros((3, 49))
    rows[0, [2, 12 + 7]] = rows[1, [2, 12 + 6]] = rows[2, 48] = 1.0
    rows[2, 5] = 1.0
    _like_draws_of_all(model.fit_laplace(n_quad=7), monkeypatch, (np.ones((3, 1)), rows))


def test_crossed_groups_are_drawn_together() -> None:
    model = crossed(n=150, sizes=(12, 5))
    effects = np.array([3])
    assert few_effects._surroundings(model.spec.design, effects, 149) is None
    around = few_effects._surroundings(model.spec.design, effects, 150)
    assert len(around.rows) == 150
    assert len(around.effects) == 17


def test_few_rows_of_many_groups_need_few_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    group = np.arange(30_000) % 10_000
    model = mg.MixedGLM.from_formula(
        "y ~ 1 + (1 | g)", data={"y": rng.poisson(1.0, 30_000), "g": group}, family="poisson"
    )
    result = model.fit_laplace(integrate="mode")
    monkeypatch.setattr(MarginalPosterior, "draw", lambda *_: pytest.fail("all effects were drawn"))
    new = pd.DataFrame({"g": [0, 7, 77, -1]})
    table = result.predict(new, random="conditional", interval=0.9)
    eta = result.fe_mean[0] + np.r_[result.vc_mean[[0, 7, 77]], 0.0]
    linear = result.predict(new, random="conditional", linear=True, interval=0.9)
    np.testing.assert_allclose(linear["mean"], eta, atol=1e-9)
    assert (table["lower"] < np.exp(eta)).all()
    assert (np.exp(eta) < table["upper"]).all()
    contrast = result.contrast("u[7] - u[77]")
    assert contrast["mean"].iloc[0] == pytest.approx(result.vc_mean[7] - result.vc_mean[77], abs=1e-9)


def test_merged_mixtures_keep_their_moments() -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(200))
    shift = rng.normal(size=(200, 1))
    means = shift * [0.3, -0.5, 0.1] + 0.01 * rng.normal(size=(200, 3))
    root = rng.normal(size=(3, 3))
    covariances = np.exp(0.4 * shift)[:, :, None] * (root @ root.T)
    full = FixedEffects(weights, means, covariances)
    merged = full.merged(24)
    assert len(merged.weights) == 24
    for one in (full, merged):
        mean = one.weights @ one.means
        off = one.means - mean
        total = np.tensordot(one.weights, one.covariances, 1) + (one.weights[:, None] * off).T @ off
        np.testing.assert_allclose(mean, weights @ means, atol=1e-12)
        if one is full:
            expected = total
        np.testing.assert_allclose(total, expected, rtol=1e-10)
    x = rng.normal(size=(20, 3))
    scale = np.sqrt(np.einsum("ij,jk,ik->i", x, expected, x))
    for level in (0.005, 0.1, 0.5, 0.975):
        quantiles = [mixture_quantile(m.weights, *m.combinations(x), None, level) for m in (full, merged)]
        assert (np.abs(quantiles[0] - quantiles[1]) < 0.004 * scale).all()
    draws = full.sample(200_000, np.random.default_rng(1))
    np.testing.assert_allclose(np.cov(draws.T), expected, rtol=0.03, atol=0.03)


def test_draws_of_fixed_effects_alone_are_those_among_all(few_groups) -> None:
    _, result = few_groups
    posterior, none = result.posterior, np.empty(0, dtype=np.intp)
    some = posterior.draw_some(none, 100_000, np.random.default_rng(0))
    both = posterior.draw_some(np.arange(3), 100_000, np.random.default_rng(1))
    assert some.vc.shape == (100_000, 0)
    for q in (0.02, 0.1, 0.5, 0.9, 0.98):
        assert np.quantile(some.fe, q) == pytest.approx(np.quantile(both.fe, q), abs=0.05 * result.fe_sd[0])
        assert np.quantile(some.vcp, q) == pytest.approx(
            np.quantile(both.vcp, q), abs=0.05 * result.vcp_sd[0]
        )
    one, other = (np.corrcoef(d.fe[:, 0], d.vcp[:, 0])[0, 1] for d in (some, both))
    assert one == pytest.approx(other, abs=0.03)


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("sd", [0.0, 0.01, 0.1, 0.25, 1.0, 3.0])
def test_means_over_normal_linear_predictors(family: str, sd: float) -> None:
    family = FAMILIES[family]()
    eta = np.linspace(-3.0, 2.0, 7)
    z = np.linspace(-9.0, 9.0, 4001)
    weights = np.exp(-(z**2) / 2.0)
    expected = family.mean(eta[:, None] + sd * z) @ weights / weights.sum()
    if family.link == "log":
        expected = np.exp(eta + sd**2 / 2.0)
    np.testing.assert_allclose(mean_over_normal(family, eta, np.full(7, sd)), expected, rtol=1e-6, atol=2e-8)
