"""Tails of fixed and random effects: skewness against exact quadrature; quantiles, draws and contrasts that agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from brute_force import log_likelihood
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import logsumexp
from simulated import OneFactor, crossed, one_factor

import mixed_glm as mg
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._posterior.quantiles import mixture_cdf, mixture_quantile

FITS: dict[str, Callable[[mg.MixedGLM], mg.MixedGLMResults]] = {
    "laplace": lambda m: m.fit_laplace(integrate="mode"),
    "leaf": lambda m: m.fit_laplace(n_quad=25, integrate="mode"),
    "ep": lambda m: m.fit_ep(integrate="mode"),
}


@dataclass
class Moments:
    """Mean, sd and skewness of each fixed effect, then of each random effect."""

    mean: np.ndarray
    sd: np.ndarray
    skewness: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray, powers: list[np.ndarray]) -> Moments:
        """From weights and, for each point, first three moments about zero."""
        first, second, third = (weights @ power for power in powers)
        variance = second - first**2
        return cls(first, np.sqrt(variance), (third - 3 * first * variance - first**3) / variance**1.5)


def exact_given_psi(
    data: OneFactor, psi: float, fe_p: float, center: np.ndarray, scale: np.ndarray
) -> Moments:
    """By brute force: a lattice of two fixed effects, and quadrature over each group's effect at all of its points."""
    line = np.linspace(-6.5, 6.5, 53)
    beta = center + np.array([(a, b) for a in line for b in line]) * scale
    log_weight = -0.5 * (beta**2).sum(axis=1) / fe_p**2
    u = np.linspace(-6.5, 6.5, 105) * np.exp(psi)
    effects = []
    for g in range(data.groups):
        rows = data.group == g
        eta = (beta @ data.x[rows].T)[:, None, :] + u[:, None]
        each = log_likelihood(data.family, eta, data.y[rows], float(data.trials)).sum(axis=2)
        each += stats.norm.logpdf(u, scale=np.exp(psi))
        total = logsumexp(each, axis=1)
        log_weight += total
        share = np.exp(each - total[:, None])
        effects.append([share @ u**power for power in (1, 2, 3)])
    weights = np.exp(log_weight - logsumexp(log_weight))
    of_u = np.array(effects).transpose(1, 2, 0)
    return Moments.of(weights, [np.hstack([beta**k, of_u[k - 1]]) for k in (1, 2, 3)])


def small(family: str) -> OneFactor:
    """Few groups of few rows, with few events: skew."""
    rng = np.random.default_rng(5)
    groups, rows = 5, 8
    group = np.repeat(np.arange(groups), rows)
    x = np.column_stack([np.ones(len(group)), rng.normal(size=len(group))])
    eta = -1.8 + 0.6 * x[:, 1] + 0.7 * np.linspace(-1.3, 1.3, groups)[group]
    trials = 3 if family.startswith("binomial") else 1
    y = rng.binomial(trials, 1 / (1 + np.exp(-eta))) if trials == 3 else rng.poisson(np.exp(eta))
    return OneFactor(y.astype(float), x, group, groups, family, trials)


def given_psi(posterior: MarginalPosterior) -> Moments:
    return Moments(
        np.r_[posterior.fe_means[0], posterior.vc_means[0]],
        np.r_[posterior.fe_sds[0], posterior.vc_sds[0]],
        np.r_[posterior.fe_skewness, posterior.vc_skewness[0]],
    )


@pytest.mark.parametrize("family", ["poisson", "binomial-logit", "binomial-cloglog"])
@pytest.mark.parametrize("how", FITS)
def test_skewness_given_psi_is_that_of_quadrature(family: str, how: str) -> None:
    data = small(family)
    posterior = FITS[how](data.model(fe_p=2.0, vcp_p=1.0)).posterior
    found = given_psi(posterior)
    exact = exact_given_psi(data, posterior.points[0, 0], 2.0, found.mean[:2], found.sd[:2])
    assert np.abs(exact.skewness[:2]).max() > 0.1
    assert_allclose((found.mean - exact.mean) / exact.sd, 0.0, atol=0.03)
    assert_allclose(found.sd[:2], exact.sd[:2], rtol=0.015 if how == "laplace" else 0.035)
    assert_allclose(found.skewness[:2], exact.skewness[:2], atol=0.03)
    assert_allclose(found.skewness[2:], exact.skewness[2:], atol=0.13 if how == "leaf" else 0.05)
    levels = np.array([0.025, 0.975])[:, None]
    ends = np.array(
        [mixture_quantile(np.ones(1), found.mean[None], found.sd[None], found.skewness, q[0]) for q in levels]
    )
    truth = np.array(
        [mixture_quantile(np.ones(1), exact.mean[None], exact.sd[None], exact.skewness, q[0]) for q in levels]
    )
    assert_allclose((ends - truth) / exact.sd, 0.0, atol=0.08)


@pytest.mark.parametrize("skewness", [-0.94, -0.3, 0.0, 0.5, 0.95])
def test_components_are_skew_normal(skewness: float) -> None:
    x = np.linspace(-2.5, 2.5, 9)
    shape = np.abs(skewness) ** (2 / 3)
    delta = np.sign(skewness) * np.sqrt(np.pi / 2 * shape / (shape + ((4 - np.pi) / 2) ** (2 / 3)))
    standard = stats.skewnorm(delta / np.sqrt(1 - delta**2))
    assert float(standard.stats("s")) == pytest.approx(skewness, abs=1e-9)
    expected = standard.cdf(standard.mean() + standard.std() * x)
    one = np.ones((1, len(x)))
    assert_allclose(
        mixture_cdf(np.ones(1), 3 + 0 * one, 2 * one, skewness * one, 3 + 2 * x), expected, atol=1e-9
    )


@pytest.mark.parametrize("skewness", [-2.5, -0.96, 1.2])
def test_components_beyond_are_shifted_log_normal(skewness: float) -> None:
    s = _log_normal_shape(abs(skewness))
    standard = stats.lognorm(s)
    x = np.linspace(-2.5, 2.5, 9)
    side = np.sign(skewness)
    expected = standard.cdf(standard.mean() + standard.std() * side * x)
    expected = expected if side > 0 else 1 - expected
    one = np.ones((1, len(x)))
    assert_allclose(mixture_cdf(np.ones(1), 0 * one, one, skewness * one, x), expected, atol=1e-9)


def _log_normal_shape(skewness: float) -> float:
    root = 2 * np.sinh(np.arcsinh(skewness / 2) / 3)
    return float(np.sqrt(np.log1p(root**2)))


def skew_fit(how: str) -> mg.MixedGLMResults:
    model = small("poisson").model(fe_p=2.0, vcp_p=0.5)
    return {
        "laplace": lambda: model.fit_laplace(),
        "mode": lambda: model.fit_laplace(integrate="mode"),
        "leaf": lambda: model.fit_laplace(n_quad=15),
        "ep": lambda: model.fit_ep(),
    }[how]()


@pytest.mark.parametrize("how", ["laplace", "mode", "leaf", "ep"])
def test_draws_have_the_marginals_that_the_quantiles_have(how: str) -> None:
    result = skew_fit(how)
    p, k = result.model.k_fep, result.model.k_vcp
    draws = result.posterior_sample(20_000, rng=3).params
    columns = np.r_[0:p, p + k : draws.shape[1]]
    for level in (0.025, 0.2, 0.5, 0.8, 0.975):
        quantile = result.posterior.quantile(level)
        assert_allclose(result.posterior.cdf(quantile)[columns], level, atol=1e-6)
        share = (draws[:, columns] < quantile[columns]).mean(axis=0)
        assert_allclose(share, level, atol=4.5 * np.sqrt(level * (1 - level) / 20_000) + 0.004)


def test_densities_of_draws_are_those_of_what_is_drawn() -> None:
    """Their ratio to a kernel-free estimate: an importance sample of a known density integrates to one."""
    result = skew_fit("mode")
    draws = result.posterior_sample(40_000, rng=4)
    mean, covariance = draws.params.mean(axis=0), np.cov(draws.params.T)
    target = stats.multivariate_normal(mean, 0.6 * covariance)  # light tails: bounded weights
    weights = np.exp(target.logpdf(draws.params) - draws.log_q)
    assert weights.mean() == pytest.approx(1.0, abs=5 * weights.std() / 200)
    leading = draws.params[:, :3]
    target = stats.multivariate_normal(leading.mean(axis=0), 0.6 * np.cov(leading.T))
    weights = np.exp(target.logpdf(leading) - draws.log_q_fixed)
    assert weights.mean() == pytest.approx(1.0, abs=5 * weights.std() / 200)


@pytest.mark.parametrize("how", ["laplace", "leaf", "ep"])
def test_contrasts_agree_with_draws_and_tables(how: str) -> None:
    result = skew_fit(how)
    names = list(result.model.fep_names)
    table = result.contrast([names[0], f"{names[0]} + 2 * {names[1]}", f"{names[0]} - {names[1]}"])
    assert_allclose(table.iloc[0][["lower", "upper"]].astype(float), result.conf_int().iloc[0], atol=1e-9)
    beta = result.posterior.fixed_effects().sample(100_000, np.random.default_rng(1))
    weights = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, -1.0]])
    values = beta @ weights.T
    for i, row in enumerate(table.itertuples()):
        share = [(values[:, i] < end).mean() for end in (row.lower, row.upper)]
        assert_allclose(share, [0.025, 0.975], atol=0.004)
        assert (values[:, i] > 0).mean() == pytest.approx(row[-1], abs=0.006)
    skewness = result.posterior.fixed_effects().skewness(weights)
    deviations = result.posterior.fixed_effects().deviations(np.zeros(100_000, int), np.random.default_rng(2))
    assert_allclose(stats.skew(deviations @ weights.T), skewness, atol=0.06)
    assert np.abs(skewness).max() > 0.1


def test_skewness_follows_the_columns_as_given() -> None:
    """A fit that centres and scales its columns inside tells of the coefficients as they were asked for."""
    data = small("poisson")
    moved = replace(data, x=np.column_stack([data.x[:, 0], 5.0 + 3.0 * data.x[:, 1]]))
    inside = moved.model(fe_p=None, vcp_p=1.0).fit_laplace(integrate="mode")
    assert inside.posterior.change is not None
    wide = moved.model(fe_p=30.0, vcp_p=1.0).fit_laplace(integrate="mode")
    wide_inside = inside.posterior.fe_skewness
    assert_allclose(wide_inside, wide.posterior.fe_skewness, atol=0.1)
    draws = inside.posterior_sample(20_000, rng=1).fe
    assert_allclose(stats.skew(draws), wide_inside, atol=0.1)


def test_older_files_have_no_skewness_of_the_fixed_effects(tmp_path: Path) -> None:
    result = skew_fit("laplace")
    old = replace(result.posterior, fe_third=None)
    assert (old.fe_skewness == 0.0).all()
    assert np.isfinite(old.quantile(0.025)).all()
    assert np.isfinite(old.draw(5, np.random.default_rng(0)).params).all()
    path = tmp_path / "skew.mglm"
    result.save(path)
    again = mg.load(path)
    assert_allclose(again.posterior.fe_third, result.posterior.fe_third, rtol=0.0)
    pd.testing.assert_frame_equal(again.conf_int(), result.conf_int())


def test_crossed_factors_have_tails_too() -> None:
    result = crossed(seed=3, family="poisson", vcp_p=0.5).fit_ep()
    assert np.abs(result.posterior.fe_skewness).max() > 0.0
    assert np.abs(result.posterior.vc_skewness).max() > 0.02


def test_without_correction_everything_is_normal() -> None:
    posterior = one_factor().model().fit_laplace(mean_correction=False).posterior
    assert posterior.fe_third is None
    assert (posterior.vc_skewness == 0.0).all()
