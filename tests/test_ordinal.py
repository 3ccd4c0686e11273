"""Ordinal responses: the posterior against quadrature, and the binomial model that two categories are."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import norm
from surveys import model, survey

import mixed_glm as mg
from mixed_glm import _core
from mixed_glm.exceptions import PriorPullWarning
from mixed_glm.families import Cumulative


def test_priors_in_units_are_those_of_centred_columns() -> None:
    m = model()
    rng, priors = np.random.default_rng(0), m.spec.design.priors
    params = model().fit("laplace").params + 0.01 * rng.normal(size=2 + 1 + 3 + m.k_vc)
    beta, psi, cut, u = np.split(params, [2, 3, 6])
    centred = cut - m.exog.mean(axis=0) @ beta
    share = (np.cumsum(np.bincount(m.endog.astype(int)))[:-1] + 0.5) / (m.nobs + 1.0)
    np.testing.assert_allclose(priors.fe_loc[:3], np.log(share / (1 - share)), atol=1e-12)
    draws = rng.normal(priors.fe_loc[:3], 2.5, (400_000, 3))
    ordered = (np.diff(draws) > 0).all(axis=1).mean()
    eta = m.exog @ beta + m.exog_vc @ u
    ends, y = np.r_[-np.inf, cut, np.inf], m.endog.astype(int)
    expected = np.log(expit(ends[y + 1] - eta) - expit(ends[y] - eta)).sum() - math.log(ordered)
    expected += (
        norm.logpdf(centred, priors.fe_loc[:3], 2.5).sum()
        + norm.logpdf(beta, 0, 2.5 / m.exog.std(axis=0)).sum()
    )
    expected += norm.logpdf(psi).sum() + norm.logpdf(u, 0, np.exp(psi)).sum()
    assert m.logposterior(params) == pytest.approx(expected, abs=0.02)  # Monte-Carlo error of `ordered`


def test_laplace_against_quadrature_of_a_tiny_data_set() -> None:
    """Two thresholds and one effect for each of three groups, integrated out on a grid; enough rows for Laplace's method."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(3), 80)
    y = np.digitize(np.array([-0.5, 0.0, 0.7])[g] + rng.logistic(size=240), [-1.0, 1.0])
    m = mg.MixedGLM(y, None, np.eye(3)[g], np.zeros(3, int), "cumulative", fe_p=2.0, vcp_p=1.0)
    psi = -0.3
    cuts, effects = np.linspace(-3.5, 3.5, 141), np.linspace(-3.5, 3.5, 141)
    step, total = cuts[1] - cuts[0], []
    for low, high in itertools.product(cuts, cuts):
        if not (-2.5 < low < 0.5 < high < 2.5 or (-2.5 < low < high < 2.5)):
            continue
        chances = np.log(
            [expit(low - effects), expit(high - effects) - expit(low - effects), expit(effects - high)]
        )
        counts = np.array([[(y[g == j] == k).sum() for k in range(3)] for j in range(3)])
        given = logsumexp(counts @ chances + norm.logpdf(effects, 0, math.exp(psi)), axis=1) + math.log(step)
        total.append(given.sum() + norm.logpdf([low, high], 0, 2).sum() + math.log(2) + 2 * math.log(step))
    expected = logsumexp(total) + norm.logpdf(psi)
    assert m.log_marginal([psi]) == pytest.approx(expected, abs=0.02)
    assert m.log_marginal([psi], "ep") == pytest.approx(expected, abs=0.005)
    assert m.log_marginal([psi], "leaf") == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("approx", ["laplace", "leaf", "ep"])
def test_gradient_of_marginals(approx: str) -> None:
    m = model("answer ~ z + (1 | g) + (0 + z | g)")
    at, h = np.array([0.1, -0.8]), 1e-4
    how: dict[str, Any] = {"n_quad": 15} if approx == "leaf" else {}  # of both effects of a group together
    slopes = [
        (m.log_marginal(at + d, approx, **how) - m.log_marginal(at - d, approx, **how)) / (2 * h)
        for d in h * np.eye(2)
    ]
    gradient = m.log_marginal_grad(at, approx, **how)
    np.testing.assert_allclose(gradient, slopes, atol=5e-4 if approx == "ep" else 5e-5)


@pytest.mark.parametrize(
    "arguments", [{}, {"fe_p": 2.0}, {"fe_p": {"x": 0.1}}], ids=["units", "number", "named"]
)
@pytest.mark.parametrize("method", ["auto", "laplace", "ep", "map"])
def test_two_categories_are_the_binomial_model(arguments: dict[str, Any], method: str) -> None:
    data = survey()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PriorPullWarning)
        ours = model("high ~ x + z + (1 | g)", data, **arguments).fit(method)
        theirs = mg.MixedGLM.from_formula(
            "high ~ x + z + (1 | g)", data=data, family="binomial", **arguments
        ).fit(method)
    assert ours.method == theirs.method
    for what in ("mean", "sd"):
        sign = -1.0 if what == "mean" else 1.0
        parts = [getattr(ours, f"{name}_{what}") for name in ("family", "fe", "vcp", "vc")]
        expected = theirs.params if what == "mean" else theirs.bse
        np.testing.assert_allclose(
            np.concatenate([sign * parts[0], *parts[1:]]), expected, rtol=1e-8, atol=1e-8
        )
    assert ours.log_density == pytest.approx(theirs.log_density, abs=1e-8)
    if method != "map":
        assert ours.log_evidence == pytest.approx(theirs.log_evidence, abs=1e-8)
    ends, expected_ends = ours.conf_int(), theirs.conf_int()
    np.testing.assert_allclose(
        -ends.loc["c[0|1]"].to_numpy()[::-1], expected_ends.loc["Intercept"], atol=1e-8
    )
    np.testing.assert_allclose(ends.loc[["x", "z", "g"]], expected_ends.loc[["x", "z", "g"]], atol=1e-8)
    np.testing.assert_allclose(ours.predict()["1"], theirs.predict(), atol=1e-8)


def test_units_and_origins_do_not_matter() -> None:
    data = survey()
    moved = data.assign(x=7.0 * data["x"] - 100.0)
    one, other = (model("answer ~ x * z + (1 | g)", frame).fit() for frame in (data, moved))
    assert one.log_evidence == pytest.approx(other.log_evidence, abs=1e-9)
    np.testing.assert_allclose(one.predict(), other.predict(), atol=1e-10)
    reference = data.assign(f=np.where(data["z"] > 0, "a", "b"))
    coded = reference.assign(f=np.where(data["z"] > 0, "c", "b"))
    a, b = (model("answer ~ f + (1 | g)", frame).fit() for frame in (reference, coded))
    np.testing.assert_allclose(a.predict(), b.predict(), atol=1e-9)


def test_probabilities() -> None:
    family, rng = Cumulative(), np.random.default_rng(0)
    eta, cut = rng.normal(size=(5, 7)), np.sort(rng.normal(size=(5, 1, 3)), axis=-1)
    chances = family.probabilities(eta, cut)
    assert chances.shape == (5, 7, 4)
    np.testing.assert_allclose(chances.sum(axis=-1), 1.0, atol=1e-14)
    np.testing.assert_allclose(np.cumsum(chances, axis=-1)[..., :3], expit(cut - eta[..., None]), atol=1e-14)
    y = rng.integers(4, size=7)
    found = family.log_likelihood(y.astype(float), eta, cut[:, 0])
    np.testing.assert_allclose(found, np.log(chances[:, np.arange(7), y]), atol=1e-12)
    far = family.log_likelihood(np.array([1.0]), np.array([[-60.0]]), np.array([[0.0, 1e-9, 1.0]]))
    assert far[0, 0] == pytest.approx(-60.0 + math.log(-math.expm1(-1e-9)), rel=1e-12)
    drawn = family.draw(np.tile(eta[0], (20_000, 1)), cut[0], 1)
    shares = np.stack([(drawn == k).mean(axis=0) for k in range(4)], axis=-1)
    np.testing.assert_allclose(shares, chances[0], atol=0.015)


def test_log_ordered_probability() -> None:
    for m in (2, 3, 7):
        assert _core.log_ordered_probability(np.full(m, 0.3), np.full(m, 2.0)) == pytest.approx(
            -math.lgamma(m + 1), abs=1e-8
        )
    two = _core.log_ordered_probability(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    assert two == pytest.approx(norm.logcdf(1 / math.sqrt(5)), abs=1e-9)
    with pytest.raises(ValueError, match="in increasing order"):
        model(
            priors={"c[no|perhaps]": mg.priors.Normal(20, 0.1), "c[perhaps|yes]": mg.priors.Normal(-20, 0.1)},
            fe_p=1.0,
        ).fit()


def test_a_category_with_one_observation() -> None:
    """Its gap is far from normal; nothing may break, and probabilities remain probabilities."""
    data = survey()
    numbers = data["number"].to_numpy().copy()
    numbers[numbers == 2] = 1
    numbers[0] = 2
    m = model("number ~ z + (1 | g)", data.assign(number=numbers))
    for method in ("laplace", "ep", "map"):
        result = m.fit(method)
        assert (np.diff(result.family_mean) > 0).all()
        chances = result.predict(random="conditional").to_numpy()
        assert (chances >= 0).all()
        assert np.isfinite(chances).all()
        assert np.isfinite(result.loo().elpd)


def test_models_without_covariates_or_groups() -> None:
    data = survey()
    for formula in ("answer ~ 1 + (1 | g)", "answer ~ 0 + (1 | g)", "answer ~ z", "answer ~ 1"):
        result = model(formula, data).fit()
        assert result.converged
        np.testing.assert_allclose(result.predict().sum(axis=1), 1.0, atol=1e-9)
    shares = np.bincount(data["answer"].cat.codes) / len(data)
    np.testing.assert_allclose(result.predict().iloc[0], shares, atol=0.01)


def test_newton_is_not_alone() -> None:
    m = model()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = m.fit_map("BFGS", {"maxiter": 3000})
        np.testing.assert_allclose(other.family_mean, m.fit_map().family_mean, atol=1e-3)
        np.testing.assert_allclose(m.fit_map(scale_fe=True).family_mean, m.fit_map().family_mean, atol=1e-5)
        found = m.fit_laplace(method="BFGS").family_mean
    np.testing.assert_allclose(found, m.fit_laplace().family_mean, atol=1e-3)


def test_correlated_effects() -> None:
    """With two categories, the binomial model: correlations, thresholds and their order in the vector."""
    rng = np.random.default_rng(4)
    g, z = np.repeat(np.arange(40), 20), rng.normal(size=800)
    u = rng.multivariate_normal([0, 0], [[1.0, 0.5], [0.5, 0.6]], size=40)
    latent = 0.5 * z + u[g, 0] + u[g, 1] * z + rng.logistic(size=800)
    data = pd.DataFrame({"two": (latent > 0) * 1, "four": np.digitize(latent, [-1, 0, 1.5]), "z": z, "g": g})
    ours = model("two ~ z + (z | g)", data).fit("laplace")
    theirs = mg.MixedGLM.from_formula("two ~ z + (z | g)", data=data, family="binomial").fit("laplace")
    for name in ("fe", "vcp", "cor", "vc"):
        of_theirs = getattr(theirs, f"{name}_mean")
        np.testing.assert_allclose(getattr(ours, f"{name}_mean"), of_theirs[len(of_theirs) - len(getattr(ours, f"{name}_mean")) :], atol=1e-7)  # fmt: skip
    np.testing.assert_allclose(ours.family_mean, -theirs.fe_mean[:1], atol=1e-7)
    four = model("four ~ z + (z | g)", data).fit("laplace")
    draws = four.posterior_sample(2000, 0)
    assert draws.params.shape[1] == len(four.params)
    np.testing.assert_allclose(draws.params.mean(axis=0), four.params, atol=0.2)
    assert four.check().k < 0.7
    assert list(four.to_frame()["type"]) == ["fixed"] + ["log sd"] * 2 + ["correlation"] + ["threshold"] * 3
    assert "c[2|3]" in str(four.summary())
    np.testing.assert_allclose(np.sqrt(np.diagonal(four.cov_params())), four.bse, rtol=1e-8)
