"""Draws from the posterior itself, with a fit as proposal."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from cbpp_fits import with_herds
from reference_data import load
from simulated import crossed, one_factor

import mixed_glm as mg
from mixed_glm._assess.refined import RefinedDraws, _correlation_times, weighted_quantiles

METHODS = ("psis", "metropolis")


@pytest.mark.parametrize("method", METHODS)
def test_it_is_the_posterior_whatever_fit_proposed(method: str) -> None:
    data = one_factor(groups=10, rows=4, p=1, sd=1.0, seed=2)
    exact = data.reference().posterior()
    for fit in (data.model().fit_laplace(mean_correction=False), data.model().fit_ep()):
        found = fit.refine(8000, method=method)
        assert found.ok
        table = found.summary()
        off = (table["mean"] - exact.mean[: len(table)]) / table["mcse"]
        assert np.abs(off).max() < 4.0
        np.testing.assert_allclose(table["sd"], exact.sd[: len(table)], rtol=0.05)


def wrong(result: mg.MixedGLMResults) -> mg.MixedGLMResults:
    """A fit whose random effects are half as wide as they should be."""
    posterior = result.posterior
    sd = np.where(np.array(posterior.spec.layout.kinds) == "random", 0.4 * posterior.sd, posterior.sd)
    fit = dataclasses.replace(result.fit, posterior=dataclasses.replace(posterior, sd=sd))
    return mg.MixedGLMResults(result.model, fit)


@pytest.mark.parametrize("method", METHODS)
def test_it_says_where_it_is_not(method: str) -> None:
    narrow = wrong(with_herds().model.fit_vb())
    with pytest.warns(mg.RefinementWarning, match="misses a part of the posterior"):
        found = narrow.refine(1000, method=method)
    assert found.k > 0.7
    assert not found.ok
    assert "misses a part" in str(found)


def test_too_few_effective_draws_are_told() -> None:
    with pytest.warns(mg.RefinementWarning, match=r"too few for intervals: refine\(draws=1000\)"):
        found = with_herds().refine(50)
    assert not found.ok


def test_draws_offer_what_those_of_the_fit_do() -> None:
    result = with_herds()
    found = result.refine(500, rng=3)
    drawn = result.posterior_sample(500, rng=3)
    assert isinstance(found, type(drawn))
    assert found.model is result.model
    assert found.shape == drawn.shape == np.asarray(found).shape
    assert found.linear_predictor().shape == (500, 56)
    assert found.log_likelihood().shape == (500, 56)
    assert (found.predictive(np.random.default_rng(1)) >= 0).all()
    assert list(found.to_frame()) == list(drawn.to_frame())
    np.testing.assert_allclose(found.log_p[:3], [result.model.logposterior(row) for row in found.params[:3]])
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.k = 0.0


def test_summary_is_laid_out_as_tables_of_fits_are() -> None:
    result = with_herds()
    found = result.refine(4000)
    table, fitted = found.summary(), result.to_frame()
    assert list(table.index) == list(fitted.index)
    assert list(table["type"]) == list(fitted["type"])
    assert list(table) == ["type", "mean", "sd", "lower", "median", "upper", "mcse", "ess"]
    assert (
        table[["mean", "sd", "lower", "upper"]] - fitted[["mean", "sd", "lower", "upper"]]
    ).abs().max().max() < 0.05
    everything = found.summary(0.1, random=True)
    assert list(everything.index) == list(result.to_frame(random=True).index)
    assert (everything["lower"] > found.summary(0.05, random=True)["lower"]).all()
    assert table["ess"].between(2000, 5000).all()


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_draws(method: str) -> None:
    result = with_herds()
    one, two = result.refine(400, rng=5, method=method), result.refine(400, rng=5, method=method)
    np.testing.assert_array_equal(one.params, two.params)
    assert (one.params != result.refine(400, rng=6, method=method).params).any()


def test_acceptance() -> None:
    chain = with_herds().refine(2000, method="metropolis")
    moved = (np.diff(chain.params, axis=0) != 0.0).any(axis=1).mean()
    assert chain.acceptance == pytest.approx(moved, abs=0.001)
    assert "Accepted: 9" in str(chain)
    assert np.isnan(with_herds().refine(2000).acceptance)


def ordinal() -> mg.MixedGLMResults:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=150), "g": rng.integers(0, 15, 150)})
    effect = rng.normal(size=15)[data["g"]]
    data["y"] = np.digitize(data["x"] + effect + rng.logistic(size=150), [-1.0, 1.0])
    return mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="cumulative").fit()


def correlated() -> mg.MixedGLMResults:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=150), "g": np.repeat(np.arange(15), 10)})
    slope, level = rng.normal(size=(2, 15))
    data["y"] = level[data["g"]] + (1.0 + slope[data["g"]]) * data["x"] + rng.normal(size=150)
    return mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="gaussian").fit()


def several() -> mg.MixedGLMResults:
    return crossed(seed=1).fit_laplace()


@pytest.mark.parametrize("make", [ordinal, correlated, several])
def test_other_models(make) -> None:
    result = make()
    found = result.refine()
    assert found.ok
    table, fitted = found.summary(), result.to_frame()
    assert (np.abs(table["mean"] - fitted["mean"]) < 0.15 * fitted["sd"]).all()
    assert (np.abs(np.log(table["sd"] / fitted["sd"])) < 0.15).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"draws": 24}, "draws must be at least 25"), ({"method": "nuts"}, "'psis', 'metropolis', got 'nuts'")],
)
def test_bad_arguments(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        with_herds().refine(**arguments)
    with pytest.raises(ValueError, match="alpha"):
        with_herds().refine(200).summary(alpha=2.0)


def test_weighted_quantiles() -> None:
    values = np.random.default_rng(1).normal(size=(50_000, 2))
    levels = np.array([0.025, 0.5, 0.975])
    equal = np.full(50_000, 1.0 / 50_000)
    np.testing.assert_allclose(
        weighted_quantiles(values, equal, levels), np.quantile(values, levels, axis=0, method="hazen")
    )
    tilted = np.exp(values[:, 0] - 0.5)  # moves the mean of the first by one
    moved = weighted_quantiles(values, tilted / tilted.sum(), levels)
    np.testing.assert_allclose(moved[:, 0], [-0.96, 1.0, 2.96], atol=0.1)
    np.testing.assert_allclose(moved[:, 1], [-1.96, 0.0, 1.96], atol=0.1)


def test_correlation_times() -> None:
    rng = np.random.default_rng(2)
    chain = np.zeros((100_000, 3))
    noise = rng.normal(size=chain.shape)
    for t in range(1, len(chain)):
        chain[t] = [0.0, 0.5, 0.9] * chain[t - 1] + noise[t]
    np.testing.assert_allclose(_correlation_times(chain), [1.0, 3.0, 19.0], rtol=0.2)
    assert _correlation_times(np.ones((100, 1))) == [1.0]


def test_resampling_needs_no_luck() -> None:
    """Each draw as often as its weight says, up to one."""
    found = with_herds().refine(1000)
    assert isinstance(found, RefinedDraws)
    weights = 1000 * np.exp(found.log_weights)
    counts = np.array([(found.params == row).all(axis=1).sum() for row in found.proposals])
    assert (np.abs(counts - weights) < 1.0 + 1e-9).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["cbpp", "epil", "bacteria", "salamander_mating", "spider_long", "grouseticks"]
)
@pytest.mark.parametrize("method", METHODS)
def test_against_nuts(name: str, method: str) -> None:
    data = load(name)
    reference = data.reference
    found = data.model().fit().refine(8000, method=method)
    assert found.k < 0.7
    table = found.summary(random=True)
    noise = np.sqrt(table["mcse"] ** 2 + reference["mcse_mean"] ** 2)
    z = (table["mean"] - reference["mean"]) / noise
    assert np.sqrt((z**2).mean()) < 1.3
    # An end of an interval has about three times the Monte-Carlo error of a mean.
    for end, level in (("lower", "q025"), ("upper", "q975")):
        z = (table[end] - reference[level]) / (3.0 * noise)
        assert np.sqrt((z**2).mean()) < 1.5
        assert np.abs(z).max() < 6.0
