"""Ordinal responses: the posterior against dense formulas, quadrature, and the binomial model that two categories are."""

from __future__ import annotations

import io
import itertools
import math
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import norm

import mixed_glm as mg
from mixed_glm import _core
from mixed_glm.cli import main
from mixed_glm.exceptions import PriorPullWarning, RankDeficiencyWarning
from mixed_glm.families import Cumulative, as_family

LABELS = ["no", "perhaps", "yes", "sure"]


def survey(n: int = 400, groups: int = 20, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x, z = rng.integers(groups, size=n), rng.normal(50, 10, n), rng.normal(size=n)
    latent = 0.05 * (x - 50) + 0.5 * z + 1.3 * rng.normal(size=groups)[g] + rng.logistic(size=n)
    codes = np.digitize(latent, [-1.5, 0.0, 1.2])
    answer = pd.Categorical(np.array(LABELS)[codes], categories=LABELS, ordered=True)
    return pd.DataFrame(
        {"answer": answer, "number": codes + 1, "high": (latent > 0) * 1, "x": x, "z": z, "g": g}
    )


def model(
    formula: str = "answer ~ x + z + (1 | g)", data: pd.DataFrame | None = None, **arguments: Any
) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(
        formula, data=survey() if data is None else data, family="cumulative", **arguments
    )


def dense_log_posterior(m: mg.MixedGLM, params: np.ndarray, scale: float) -> float:
    """With fe_p = scale and vcp_p = 1: the ordered prior of equal normal ones is that of all orders, C - 1 factorial times."""
    p, k, c = m.k_fep, m.k_vcp, len(m.response_levels or ()) - 1
    beta, psi, cut, u = np.split(params, np.cumsum([p, k, c]))
    eta = m.exog @ beta + m.exog_vc @ u
    ends, y = np.r_[-np.inf, cut, np.inf], m.endog.astype(int)
    likelihood = np.log(expit(ends[y + 1] - eta) - expit(ends[y] - eta))
    weights = np.ones(len(y)) if m.freq_weights is None else m.freq_weights
    prior = norm.logpdf(np.r_[beta, cut], 0, scale).sum() + math.lgamma(c + 1)
    return float(
        weights @ likelihood + prior + norm.logpdf(psi).sum() + norm.logpdf(u, 0, np.exp(psi)[m.ident]).sum()
    )


def test_log_posterior_and_its_derivatives() -> None:
    data = survey()
    weights = np.random.default_rng(3).integers(1, 4, len(data))
    m = model("answer ~ z + (1 | g)", data, fe_p=2.0, vcp_p=1.0, freq_weights=weights)
    rng = np.random.default_rng(0)
    point = np.r_[0.4, -0.2, -1.3, 0.2, 1.5, rng.normal(size=m.k_vc)]
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


def test_layout_and_names() -> None:
    m = model()
    result = m.fit("laplace")
    assert m.response_levels == tuple(LABELS)
    assert m.family == Cumulative()
    assert m.family.categories == 4
    names = ["x", "z", "g", "c[no|perhaps]", "c[perhaps|yes]", "c[yes|sure]"]
    assert list(result.to_frame().index) == names
    assert list(result.conf_int().index[:6]) == names
    assert list(result.to_frame()["type"]) == ["fixed"] * 2 + ["log sd"] + ["threshold"] * 3
    np.testing.assert_array_equal(
        result.params, np.r_[result.fe_mean, result.vcp_mean, result.family_mean, result.vc_mean]
    )
    assert (np.diff(result.family_mean) > 0).all()
    text = str(result.summary())
    assert "c[yes|sure]      T" in text
    assert "thresholds (T)" in text
    assert set(result.priors.index) == {*names[:2], *names[3:], "sd(g)"}
    covariance = result.cov_params()
    np.testing.assert_allclose(np.sqrt(np.diagonal(covariance)), result.bse, rtol=1e-10)
    precise = result.posterior.fixed_effects()
    joint = np.cov(precise.sample(200_000, np.random.default_rng(0)).T)
    np.testing.assert_allclose(covariance.iloc[[3, 4, 5, 0, 1], [3, 4, 5, 0, 1]], joint, rtol=0.05, atol=2e-3)


def test_responses_of_all_kinds_are_one_model() -> None:
    data = survey()
    numbers = model("number ~ x + (1 | g)", data)
    assert numbers.response_levels == ("1", "2", "3", "4")
    np.testing.assert_array_equal(numbers.endog, data["answer"].cat.codes)
    z = np.eye(20)[data["g"]]
    for response in (
        data["answer"],
        data["number"].to_numpy(),
        list(data["number"]),
        data["number"].astype(float),
    ):
        m = mg.MixedGLM(response, data[["x"]], z, np.zeros(20, int), "cumulative")
        assert m.log_marginal([0.0]) == pytest.approx(numbers.log_marginal([0.0]), abs=1e-9)
    zero, one = model("number ~ 0 + x + (1 | g)", data), model("number ~ 1 + x + (1 | g)", data)
    assert zero.log_marginal([0.0]) == one.log_marginal([0.0]) == numbers.log_marginal([0.0])


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        (np.array(["no", "yes"] * 10), ValueError, r"without an order \(texts\).*categories=\['no', 'yes'\], ordered=True"),
        (pd.Categorical(["no", "yes"] * 10), ValueError, "a categorical that is not ordered"),
        (np.arange(20) / 2, ValueError, "whole numbers, or an ordered categorical.*0.5 at row 1"),
        (np.ones(20), ValueError, "two categories or more.*only '1'"),
        (pd.Categorical(["a", "c"] * 10, categories=list("abc"), ordered=True), ValueError, "no observation in category 'b'"),
        (pd.Categorical([None, "c"] * 10, categories=list("ac"), ordered=True), ValueError, "missing labels, got one at row 0"),
        (np.r_[np.nan, np.arange(19)], ValueError, "must be finite"),
    ],
)  # fmt: skip
def test_responses_that_are_refused(response: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mg.MixedGLM(
            response, np.linspace(-1, 1, 20), np.eye(5)[np.arange(20) % 5], np.zeros(5, int), "cumulative"
        )
    frame = pd.DataFrame({"y": response, "x": np.linspace(-1, 1, 20), "g": np.arange(20) % 5})
    if not frame["y"].isna().any():
        with pytest.raises(error, match=message):
            mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="cumulative")


def test_an_outer_category_may_be_empty() -> None:
    data = survey()
    wider = data["answer"].cat.set_categories(["never", *LABELS])
    result = model("answer ~ z + (1 | g)", data.assign(answer=wider)).fit()
    assert result.converged
    assert np.isfinite(result.family_sd).all()
    assert result.predict()["never"].max() < 0.05


def test_a_constant_is_refused() -> None:
    data = survey()
    with pytest.raises(
        ValueError, match=r"column 'one' is constant, and the thresholds.*in the place of a constant"
    ):
        mg.MixedGLM(data["answer"], data[["x"]].assign(one=2.0), None, None, "cumulative")
    dummies = pd.get_dummies(np.where(data["z"] > 0, "a", "b"), dtype=float)
    with pytest.warns(RankDeficiencyWarning, match="with a constant"):
        mg.MixedGLM(data["answer"], dummies, None, None, "cumulative")


def test_family_arguments() -> None:
    assert as_family("cumulative") == Cumulative() == as_family(Cumulative)
    for link in ("probit", "cloglog"):
        with pytest.raises(ValueError, match=f"the {link} link is not available.*only 'logit'.*Binomial"):
            Cumulative(link)
    with pytest.raises(ValueError, match="write 'cumulative'"):
        as_family("ordinal")
    with pytest.raises(
        ValueError, match=r"Cumulative\(categories=3\) does not fit a response with 4 categories"
    ):
        mg.MixedGLM.from_formula("answer ~ x", data=survey(), family=Cumulative(categories=3))
    with pytest.raises(ValueError, match="at least 2"):
        Cumulative(categories=1)
    for call in (
        lambda: Cumulative().mean(0.0),
        lambda: Cumulative().sample(0.0),
        lambda: Cumulative().derivatives([0], [0]),
    ):
        with pytest.raises(ValueError, match="cumulative family"):
            call()
    with pytest.raises(ValueError, match="n_trials is only for the binomial family"):
        model(n_trials=2)
    with pytest.raises(ValueError, match="exposure is only for a log link"):
        model(exposure=np.ones(400))


def test_variational_methods_are_refused() -> None:
    m = model()
    size = 6 + m.k_vc
    for call in (
        m.fit_vb, lambda: m.fit("vb", covariance="full"), lambda: m.log_marginal([0.0], "vb"),
        lambda: m.vb_elbo(np.zeros(size), np.ones(size)), lambda: m.vb_elbo_grad(np.zeros(size), np.ones(size)),
        lambda: m.fit_many(m.endog[:, None] + 1, "vb"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"not for the cumulative family.*use fit"):
            call()


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


def test_predictions() -> None:
    data = survey()
    m = model(data=data)
    result = m.fit("laplace")
    draws = result.posterior_sample(4000, 0)
    own = result.predict(random="conditional", draws=4000)
    assert list(own.columns) == LABELS
    assert own.index.equals(m.index)
    np.testing.assert_allclose(own.sum(axis=1), 1.0, atol=1e-9)
    expected = m.family.probabilities(draws.linear_predictor(), draws.family[:, None, :]).mean(axis=0)
    np.testing.assert_allclose(own, expected, atol=0.01)
    population = m.family.probabilities(draws.fe @ m.exog.T, draws.family[:, None, :])
    np.testing.assert_allclose(result.predict(), population.mean(axis=0), atol=0.01)
    limits = result.predict(interval=0.9, draws=4000)
    np.testing.assert_allclose(limits.xs("mean", axis=1, level=1), result.predict(), atol=1e-12)
    low, high = np.quantile(population, [0.05, 0.95], axis=0)
    np.testing.assert_allclose(limits.xs("lower", axis=1, level=1), low, atol=0.02)
    np.testing.assert_allclose(limits.xs("upper", axis=1, level=1), high, atol=0.02)
    responses = result.predict(interval=0.5, predictive=True)
    assert responses["median"].cat.categories.tolist() == LABELS
    assert (responses["lower"] <= responses["upper"]).all()
    np.testing.assert_allclose(result.predict(linear=True), m.exog @ result.fe_mean, atol=1e-9)
    new = data.head(4).assign(g=[99, 0, 1, 2])
    unknown = result.predict(new, random="conditional", draws=4000)
    marginal = result.predict(new, random="marginal", draws=4000)
    np.testing.assert_allclose(unknown.iloc[0], marginal.iloc[0], atol=0.01)
    np.testing.assert_allclose(
        m.predict(result.params), m.family.probabilities(m.exog @ result.fe_mean, result.family_mean)
    )
    with pytest.raises(
        ValueError, match=r"params must have all parameters, with the thresholds c\[no\|perhaps\]"
    ):
        m.predict(result.fe_mean)


def test_few_effects_of_many() -> None:
    """Of many groups only those that are asked for are drawn: from binary rows, thresholds being given."""
    data = survey(n=40_000, groups=8000, seed=2)
    m = model("answer ~ z + (1 | g)", data)
    result = m.fit("laplace")
    some = result.predict(data.head(3), random="conditional", draws=2000)
    all_of_them = result.posterior_sample(500, 1)
    eta = all_of_them.linear_predictor(slice(0, 3))
    expected = m.family.probabilities(eta, all_of_them.family[:, None, :]).mean(axis=0)
    np.testing.assert_allclose(some, expected, atol=0.02)


def test_draws_checks_and_cross_validation() -> None:
    m = model()
    result = m.fit("laplace")
    draws = result.posterior_sample(500, 0)
    assert draws.family.shape == (500, 3)
    assert (np.diff(draws.family) > 0).all()
    chances = m.family.probabilities(draws.linear_predictor(), draws.family[:, None, :])
    log_likelihood = np.log(np.take_along_axis(chances, m.endog.astype(int)[None, :, None], axis=2))[..., 0]
    np.testing.assert_allclose(draws.log_likelihood(), log_likelihood, atol=1e-9)
    np.testing.assert_allclose([m.logposterior(p) for p in draws.params[:5]], draws.log_p[:5], atol=1e-8)
    assert set(np.unique(result.posterior_predictive(20, 0))) <= {0.0, 1.0, 2.0, 3.0}
    checked = result.check()
    assert checked.k < 0.5
    assert checked.integral == "quadrature"
    assert checked.names[-1] == "c[yes|sure]"
    assert checked.log_evidence == pytest.approx(result.log_evidence, abs=0.3)
    loo, waic = result.loo(), result.waic()
    assert len(loo.pointwise) == m.nobs
    assert loo.elpd == pytest.approx(waic.elpd, abs=2.0)
    table = result.contrast(["c[perhaps|yes] - c[no|perhaps]", "x - z", "c[no|perhaps] + g"])
    gaps = draws.family[:, 1] - draws.family[:, 0]
    assert table["mean"].iloc[0] == pytest.approx(result.family_mean[1] - result.family_mean[0], abs=1e-10)
    assert table["sd"].iloc[0] == pytest.approx(gaps.std(), rel=0.1)


def test_prior_draws_are_in_order() -> None:
    for arguments in (
        {},
        {"fe_p": 1.5},
        {"priors": {"c[no|perhaps]": mg.priors.Normal(1.0, 0.5)}, "fe_p": 2.0},
    ):
        m = model("answer ~ z + (1 | g)", **arguments)
        draws = m.prior_sample(40_000, 0)
        assert (np.diff(draws.family) > 0).all()
        priors = m.spec.design.priors
        plain = np.random.default_rng(1).normal(priors.fe_loc[:3], priors.fe_scale[:3], (400_000, 3))
        kept = plain[(np.diff(plain) > 0).all(axis=1)]
        shift = draws.fe @ m.exog.mean(axis=0) if priors.constant >= 0 else np.zeros(len(draws))
        np.testing.assert_allclose((draws.family - shift[:, None]).mean(axis=0), kept.mean(axis=0), atol=0.05)
        np.testing.assert_allclose((draws.family - shift[:, None]).std(axis=0), kept.std(axis=0), atol=0.05)
        assert set(np.unique(m.prior_predictive(20, 0))) <= {0.0, 1.0, 2.0, 3.0}


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


def test_priors_by_name() -> None:
    normal = mg.priors.Normal(-1.0, 0.2)
    m = model(priors={"c[no|perhaps]": normal})
    assert m.priors.loc["c[no|perhaps]"].tolist() == ["Normal(-1, 0.2)", "threshold"]
    given = model(fe_p={"c[yes|sure]": 0.5, "x": 1.0}, vcp_p=1.0)
    assert given.fe_p[[2, 3]].tolist() == [0.5, 1.0]
    assert model(fe_p=[1.0, 2.0, 3.0, 4.0, 5.0]).fe_p.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    with pytest.raises(ValueError, match="fixed effects and thresholds"):
        model(fe_p=[1.0, 2.0])


def test_many_responses_are_one_at_a_time() -> None:
    data = survey()
    m = model("number ~ z + (1 | g)", data, offset=data["x"] / 100)
    rng = np.random.default_rng(0)
    other, gap = rng.integers(1, 5, len(data)), rng.choice([1, 3, 4], len(data))
    responses = np.column_stack([data["number"], other, gap, np.full(len(data), 7)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = m.fit_many(responses, method="laplace")
    single = [
        m.fit("laplace"),
        model("number ~ z + (1 | g)", data.assign(number=other), offset=data["x"] / 100).fit("laplace"),
    ]
    for j, one in enumerate(single):
        for name in ("fe", "vcp", "family"):
            for what in ("mean", "sd"):
                np.testing.assert_allclose(
                    getattr(found, f"{name}_{what}")[j], getattr(one, f"{name}_{what}"), atol=1e-10
                )
        assert found.log_evidence[j] == pytest.approx(one.log_evidence, abs=1e-9)
    assert [int(s) for s in found.status[2:]] == [int(mg.ResponseStatus.INVALID_RESPONSE)] * 2
    assert "c[1|2] mean" in found.to_frame()
    assert (found.to_frame(long=True)["type"] == "threshold").sum() == 12


def test_many_responses_without_a_model() -> None:
    data = survey()
    codes = data["answer"].cat.codes.to_numpy()[:, None]
    z = np.eye(20)[data["g"]]
    with pytest.raises(ValueError, match=r"families.Cumulative\(categories=5\)"):
        mg.fit_many(codes, data[["z"]].to_numpy(), z, np.zeros(20, int), family="cumulative")
    for arguments in ({}, {"fe_p": 2.0}, {"priors": {"FE_1": mg.priors.Normal(1.0, 0.1)}}):
        found = mg.fit_many(
            codes, data[["z"]].to_numpy(), z, np.zeros(20, int), family=Cumulative(categories=4), **arguments
        )
        one = mg.MixedGLM(
            codes[:, 0], data[["z"]].to_numpy(), z, np.zeros(20, int), "cumulative", **arguments
        ).fit("laplace")
        np.testing.assert_allclose(found.family_mean[0], one.family_mean, atol=1e-9)
        np.testing.assert_allclose(found.fe_sd[0], one.fe_sd, atol=1e-9)


def test_saved_and_pickled(tmp_path: Path) -> None:
    data = survey()
    m = model("answer ~ x * z + (1 | g)", data)
    result = m.fit()
    result.save(tmp_path / "fit.mglm")
    for again in (mg.load(tmp_path / "fit.mglm"), pickle.loads(pickle.dumps(result))):
        assert str(again.summary()) == str(result.summary())
        np.testing.assert_array_equal(again.family_sd, result.family_sd)
        new = data.head(5).drop(columns=["answer"])
        pd.testing.assert_frame_equal(
            again.predict(new, random="conditional"), result.predict(new, random="conditional")
        )
        assert again.model.response_levels == tuple(LABELS)
        np.testing.assert_array_equal(
            again.posterior_sample(5, 0).params, result.posterior_sample(5, 0).params
        )


def test_pictures() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    result = model().fit("laplace")
    ax = result.plot_predictive_check()
    assert [t.get_text() for t in ax.get_xticklabels()] == LABELS
    result.plot_coefficients(ratio=True)
    result.plot_posterior()
    pyplot.close("all")


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


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, table, saved = survey(), tmp_path / "survey.csv", tmp_path / "fit.mglm"
    data.to_csv(table, index=False)
    formula = "answer ~ z + (1 | g)"
    arguments = ["fit", str(table), formula, "--family", "cumulative", "--method", "laplace"]
    assert main([*arguments, "--levels", ",".join(LABELS), "--save", str(saved)]) == 0
    assert "c[perhaps|yes]" in capsys.readouterr().out
    expected = model(formula, data).fit("laplace")
    np.testing.assert_allclose(mg.load(saved).params, expected.params, atol=1e-12)
    assert main(["predict", str(saved), str(table), "--interval", "0.9"]) == 0
    predicted = pd.read_csv(io.StringIO(capsys.readouterr().out))
    np.testing.assert_allclose(predicted["predicted[sure]"], expected.predict()["sure"], atol=1e-9)
    assert {"median[no]", "lower[yes]", "upper[yes]"} <= set(predicted.columns)
    assert main(["fit", str(table), "number ~ z + (1 | g)", *arguments[3:]]) == 0
    for levels, message in (
        ([], "without an order"), (["--levels", "no,yes"], "which is none of no, yes"), (["--levels", "no,no"], "each once"),
    ):  # fmt: skip
        capsys.readouterr()
        assert main([*arguments, *levels]) != 0
        assert message in capsys.readouterr().err


def test_arviz() -> None:
    pytest.importorskip("arviz_base")
    tree = model().fit("laplace").to_datatree(50)
    assert tree["posterior"]["threshold"].shape == (1, 50, 3)
    assert list(tree["posterior"]["cut"].values) == ["c[no|perhaps]", "c[perhaps|yes]", "c[yes|sure]"]
    assert tree["log_likelihood"]["answer"].shape == (1, 50, 400)


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


def test_draws_of_rows() -> None:
    data = survey()
    m = model("answer ~ z + (1 | g)", data)
    result = m.fit("laplace")
    new = data.head(50).drop(columns=["x"])
    eta = result.predict_draws(new, kind="linear", draws=4000)
    np.testing.assert_allclose(eta.mean(axis=0), result.predict(new, linear=True), atol=1e-9)
    responses = result.predict_draws(new, kind="response", random="conditional", draws=4000)
    shares = np.array([(responses == k).mean(axis=0) for k in range(4)]).T
    np.testing.assert_allclose(shares, result.predict(new, random="conditional", draws=4000), atol=0.04)
    found = result.predict_draws(new, kind="log_likelihood", random="conditional", draws=200)
    given = result.predict_draws(
        new.drop(columns=["answer"]),
        kind="log_likelihood",
        random="conditional",
        draws=200,
        endog=new["answer"],
    )
    np.testing.assert_array_equal(found, given)
    chances = result.predict(new, random="conditional", draws=4000).to_numpy()
    expected = np.log(chances[np.arange(50), m.endog[:50].astype(int)])
    np.testing.assert_allclose(np.log(np.exp(found).mean(axis=0)), expected, atol=0.1)
    with pytest.raises(
        ValueError,
        match=r"must be one of the categories 'no', 'perhaps', 'yes', 'sure', got 'never' at row 1",
    ):
        result.predict_draws(new.head(2), kind="log_likelihood", endog=np.array(["no", "never"]))
    with pytest.raises(ValueError, match="kind='mean' is not for the cumulative family"):
        result.predict_draws(new)


def test_what_has_no_mean() -> None:
    result = model("answer ~ z + (1 | g)").fit("laplace")
    with pytest.raises(ValueError, match=r"average the probabilities that predict gives"):
        result.avg_predictions()
    with pytest.raises(ValueError, match="explained variance is known for the families"):
        result.r2()
    table = result.hypothesis("`c[yes|sure]` > `c[no|perhaps]`")
    assert table["probability"].iloc[0] == pytest.approx(1.0, abs=1e-3)


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
