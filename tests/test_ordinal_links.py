"""Ordered categories by link: the posterior against dense formulas, and of probit and cloglog against quadrature and the binomial model."""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_expit, logsumexp
from scipy.stats import logistic, norm
from surveys import survey

import mixed_glm as mg
from mixed_glm.cli import main
from mixed_glm.exceptions import PriorPullWarning
from mixed_glm.families import Binomial, Cumulative

LINKS = ("probit", "cloglog")


def below(link: str, x: np.ndarray) -> np.ndarray:
    return np.asarray(norm.cdf(x) if link == "probit" else -np.expm1(-np.exp(x)))


def between(link: str, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Probability, by the tail that is small."""
    if link == "cloglog":
        return np.asarray(np.exp(-np.exp(low)) - np.exp(-np.exp(high)))
    own = logistic if link == "logit" else norm
    return np.where(low > 0.0, own.sf(low) - own.sf(high), own.cdf(high) - own.cdf(low))


def model(link: str, formula: str = "answer ~ x + z + (1 | g)", **arguments: Any) -> mg.MixedGLM:
    arguments.setdefault("data", survey())
    return mg.MixedGLM.from_formula(formula, family=Cumulative(link), **arguments)


def dense_log_posterior(m: mg.MixedGLM, params: np.ndarray, scale: float) -> float:
    """With fe_p = scale and vcp_p = 1: the ordered prior of equal normal ones is that of all orders, C - 1 factorial times."""
    p, k, c = m.k_fep, m.k_vcp, len(m.response_levels or ()) - 1
    beta, psi, cut, u = np.split(params, np.cumsum([p, k, c]))
    eta = m.exog @ beta + m.exog_vc @ u
    ends, y = np.r_[-np.inf, cut, np.inf], m.endog.astype(int)
    chance = between(m.family.link, ends[y] - eta, ends[y + 1] - eta)
    weights = np.ones(len(y)) if m.freq_weights is None else m.freq_weights
    prior = norm.logpdf(np.r_[beta, cut], 0, scale).sum() + math.lgamma(c + 1)
    effects = norm.logpdf(u, 0, np.exp(psi)[m.ident]).sum()
    return float(weights @ np.log(chance) + prior + norm.logpdf(psi).sum() + effects)


@pytest.mark.parametrize("link", ["logit", *LINKS])
def test_log_posterior_and_its_derivatives(link: str) -> None:
    data = survey()
    weights = np.random.default_rng(3).integers(1, 4, len(data))
    m = model(link, "answer ~ z + (1 | g)", data=data, fe_p=2.0, vcp_p=1.0, freq_weights=weights)
    point = np.r_[0.4, -0.2, -1.3, 0.2, 1.5, 0.5 * np.random.default_rng(0).normal(size=m.k_vc)]
    assert m.logposterior(point) == pytest.approx(dense_log_posterior(m, point, 2.0), abs=1e-8)
    steps = 1e-5 * np.eye(len(point))
    slopes = [
        (dense_log_posterior(m, point + h, 2.0) - dense_log_posterior(m, point - h, 2.0)) / 2e-5
        for h in steps
    ]
    np.testing.assert_allclose(m.logposterior_grad(point), slopes, rtol=1e-6, atol=1e-5)
    curvature = np.array(
        [(m.logposterior_grad(point + h) - m.logposterior_grad(point - h)) / 2e-5 for h in steps]
    )
    np.testing.assert_allclose(m.logposterior_hess(point).toarray(), curvature, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("link", LINKS)
def test_marginals_against_quadrature_of_a_tiny_data_set(link: str) -> None:
    """Two thresholds and one effect for each of three groups, integrated out on a grid."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(3), 60)
    y = np.digitize(np.array([-0.5, 0.0, 0.7])[g] + rng.normal(size=180), [-0.8, 0.7])
    m = mg.MixedGLM(y, None, np.eye(3)[g], np.zeros(3, int), Cumulative(link), fe_p=2.0, vcp_p=1.0)
    psi = -0.3
    cuts, effects = np.linspace(-2.6, 2.0, 116), np.linspace(-3.5, 3.5, 141)
    step, step_u, total = cuts[1] - cuts[0], effects[1] - effects[0], []
    counts = np.array([[(y[g == j] == k).sum() for k in range(3)] for j in range(3)])
    for low, high in itertools.combinations(cuts, 2):
        a, b = below(link, low - effects), below(link, high - effects)
        with np.errstate(divide="ignore"):
            chances = np.log([a, b - a, 1.0 - b])
        terms = np.where(counts[:, :, None] > 0, counts[:, :, None] * chances, 0.0).sum(axis=1)
        given = logsumexp(terms + norm.logpdf(effects, 0, math.exp(psi)), axis=1) + math.log(step_u)
        total.append(given.sum() + norm.logpdf([low, high], 0, 2).sum() + math.log(2) + 2 * math.log(step))
    expected = logsumexp(total) + norm.logpdf(psi)
    assert m.log_marginal([psi]) == pytest.approx(expected, abs=0.03)
    assert m.log_marginal([psi], "leaf") == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("approx", ["laplace", "leaf"])
def test_gradient_of_marginals(approx: str, link: str) -> None:
    m = model(link, "answer ~ z + (1 | g) + (0 + z | g)")
    at, h = np.array([0.1, -0.8]), 1e-4
    how: dict[str, Any] = {"n_quad": 15} if approx == "leaf" else {}
    slopes = [
        (m.log_marginal(at + d, approx, **how) - m.log_marginal(at - d, approx, **how)) / (2 * h)
        for d in h * np.eye(2)
    ]
    np.testing.assert_allclose(m.log_marginal_grad(at, approx, **how), slopes, atol=1e-4)


@pytest.mark.parametrize("method", ["auto", "laplace", "ep", "map"])
@pytest.mark.parametrize("link", LINKS)
def test_two_categories_are_the_binomial_model(link: str, method: str) -> None:
    data = survey()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PriorPullWarning)
        ours = model(link, "high ~ x + z + (1 | g)", data=data).fit(method)
        binomial = Binomial({"cloglog": "loglog"}.get(link, link))
        theirs = mg.MixedGLM.from_formula("high ~ x + z + (1 | g)", data=data, family=binomial).fit(method)
    # The binary model's fit() is leaf quadrature at once, where this one may find Laplace good enough.
    share, within = (0.06, 1e-2) if method == "auto" else (1e-8, 1e-8)
    for what, sign in (("mean", -1.0), ("sd", 1.0)):
        parts = [getattr(ours, f"{name}_{what}") for name in ("family", "fe", "vcp", "vc")]
        expected = theirs.params if what == "mean" else theirs.bse
        np.testing.assert_array_less(
            np.abs(np.concatenate([sign * parts[0], *parts[1:]]) - expected) / theirs.bse, share
        )
    if ours.method == theirs.method:
        assert ours.log_density == pytest.approx(theirs.log_density, abs=within)
    np.testing.assert_allclose(ours.predict()["1"], theirs.predict(), atol=within)


def test_cloglog_is_the_binomial_one_of_the_lowest_category() -> None:
    data = survey().assign(low=lambda d: 1 - d["high"])
    ours = model("cloglog", "high ~ x + z + (1 | g)", data=data).fit("laplace")
    theirs = mg.MixedGLM.from_formula("low ~ x + z + (1 | g)", data=data, family=Binomial("cloglog")).fit(
        "laplace"
    )
    np.testing.assert_allclose(ours.family_mean[0], theirs.fe_mean[0], atol=1e-7)
    np.testing.assert_allclose(ours.fe_mean, -theirs.fe_mean[1:], atol=1e-7)
    np.testing.assert_allclose(ours.vcp_mean, theirs.vcp_mean, atol=1e-7)


@pytest.mark.parametrize("link", LINKS)
def test_draws_predictions_and_cross_validation(link: str) -> None:
    m = model(link)
    result = m.fit()
    assert result.converged
    draws = result.posterior_sample(400, 0)
    chances = m.family.probabilities(draws.linear_predictor(), draws.family[:, None, :])
    log_likelihood = np.log(np.take_along_axis(chances, m.endog.astype(int)[None, :, None], axis=2))[..., 0]
    np.testing.assert_allclose(draws.log_likelihood(), log_likelihood, atol=1e-8)
    np.testing.assert_allclose([m.logposterior(p) for p in draws.params[:5]], draws.log_p[:5], atol=1e-7)
    table = result.predict()
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    conditional = result.predict(random="conditional", draws=400)
    shares = np.bincount(m.endog.astype(int), minlength=4) / m.nobs
    np.testing.assert_allclose(conditional.mean(), shares, atol=0.03)
    replicated = result.posterior_predictive(200, 0)
    np.testing.assert_allclose([(replicated == k).mean() for k in range(4)], shares, atol=0.03)
    some = result.predict(survey().head(3), random="conditional", draws=2000)
    np.testing.assert_allclose(some, conditional.iloc[:3], atol=0.05)
    assert result.loo().elpd == pytest.approx(result.waic().elpd, abs=3.0)
    assert "c[perhaps|yes]" in str(result.summary())


@pytest.mark.parametrize("link", LINKS)
def test_log_likelihood_far_out(link: str) -> None:
    """Finite, and that of a narrow category to all digits, where differences of probabilities are zero."""
    family, cuts = Cumulative(link, 4), np.array([[-1.0, -1.0 + 1e-9, 2.0]])
    far = [family.log_likelihood(np.arange(4.0), np.full((1, 4), eta), cuts) for eta in (30.0, -5.0)]
    assert np.isfinite(far).all()
    at = 0.3
    density = norm.logpdf(-1.0 - at) if link == "probit" else (-1.0 - at) - math.exp(-1.0 - at)
    narrow = family.log_likelihood(np.array([1.0]), np.array([[at]]), cuts)[0, 0]
    assert narrow == pytest.approx(density + math.log(cuts[0, 1] - cuts[0, 0]), abs=1e-8)


def test_links_differ_in_scale_alone() -> None:
    """Slopes of the logit link are about 1.7 times those of the probit, and both fit about as well."""
    probit = model("probit").fit()
    logit = mg.MixedGLM.from_formula("answer ~ x + z + (1 | g)", data=survey(), family="cumulative").fit()
    np.testing.assert_allclose(logit.fe_mean / probit.fe_mean, 1.7, atol=0.2)
    assert abs(logit.loo().elpd - probit.loo().elpd) < 5.0
    assert log_expit(0.0) < 0.0


@pytest.mark.parametrize("link", LINKS)
def test_many_responses_are_one_at_a_time(link: str) -> None:
    m = model(link, "answer ~ x + z + (1 | g)")
    other = np.random.default_rng(1).permutation(m.endog)
    many = m.fit_many(np.column_stack([m.endog, other]) + 0.0, "laplace")
    single = m.fit("laplace")
    np.testing.assert_allclose(many.family_mean[0], single.family_mean, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(many.fe_mean[0], single.fe_mean, rtol=1e-6, atol=1e-7)
    assert np.isfinite(many.vcp_mean).all()


def test_what_is_refused() -> None:
    m = model("probit")
    with pytest.raises(
        ValueError, match="fit_ep is not for more than two ordered categories with the probit"
    ):
        m.fit_ep()
    with pytest.raises(ValueError, match="expectation propagation is not available for ordered categories"):
        m.log_marginal([0.0], "ep")
    with pytest.raises(
        ValueError, match=r"check\(\) is not for more than two .* the probit link.*; refine\(\)"
    ):
        m.fit("laplace").check()
    with pytest.raises(ValueError, match="not for the cumulative family"):
        m.fit_vb()
    with pytest.raises(ValueError, match="turn the order of the categories"):
        Cumulative("loglog")
    with pytest.raises(ValueError, match="link must be one of logit, probit, cloglog"):
        Cumulative("cauchit")


def test_saved_and_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = model("cloglog").fit("laplace")
    result.save(tmp_path / "fit.mglm")
    back = mg.load(tmp_path / "fit.mglm")
    assert back.model.family == Cumulative("cloglog")
    assert back.model.family.categories == 4
    pd.testing.assert_frame_equal(back.predict(), result.predict())
    survey().to_csv(tmp_path / "data.csv", index=False)
    arguments = [str(tmp_path / "data.csv"), "answer ~ x + z + (1 | g)", "--family", "cumulative"]
    assert main(["fit", *arguments, "--link", "probit", "--levels", "no,perhaps,yes,sure"]) == 0
    assert "c[no|perhaps]" in capsys.readouterr().out
