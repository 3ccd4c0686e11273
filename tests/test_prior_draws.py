"""Draws from the prior against the priors' own distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mixed_glm as mg
from mixed_glm.priors import Exponential, Gamma, HalfNormal, Normal

N = 4000


def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({
        "y": rng.poisson(2.0, 60), "year": rng.integers(1985, 2015, 60).astype(float),
        "t": rng.uniform(1.0, 3.0, 60), "g": np.arange(60) % 6, "h": np.arange(60) % 5,
    })  # fmt: skip


def model(**arguments: Any) -> mg.MixedGLM:
    formula = "y ~ year + offset(log(t)) + (1 | g) + (1 | h)"
    return mg.MixedGLM.from_formula(formula, data=data(), family="poisson", **arguments)


def agrees(drawn: np.ndarray, cdf: Any) -> bool:
    return stats.kstest(drawn, cdf).pvalue > 1e-4


def test_each_parameter_has_its_prior() -> None:
    priors = {"Intercept": Normal(1.0, 0.5), "sd(g)": HalfNormal(0.7), "sd(h)": Exponential(2.0)}
    draws = model(priors=priors, fe_p=0.3).prior_sample(N, rng=1)
    frame = draws.to_frame()
    assert agrees(frame["Intercept"], stats.norm(1.0, 0.5).cdf)
    assert agrees(frame["year"], stats.norm(0.0, 0.3).cdf)
    assert agrees(np.exp(frame["g"]), stats.halfnorm(scale=0.7).cdf)
    assert agrees(np.exp(frame["h"]), stats.expon(scale=0.5).cdf)
    for name, sd in (("g", draws.vcp[:, :1]), ("h", draws.vcp[:, 1:])):
        effects = draws.vc[:, :6] if name == "g" else draws.vc[:, 6:]
        standard = effects / np.exp(sd)
        assert agrees(standard.ravel(), stats.norm.cdf)
        assert abs(np.corrcoef(standard.T) - np.eye(standard.shape[1])).max() < 0.08


def test_priors_in_units_of_the_columns() -> None:
    """The intercept's is that of the linear predictor at the means of the columns."""
    made = model(fe_p=None, vcp_p=None)
    draws = made.prior_sample(N, rng=2)
    middle = draws.fe @ made.exog.mean(axis=0)
    year = made.exog[:, 1]
    location = made.spec.design.priors.fe_loc[0]
    assert abs(location - np.log(data()["y"].sum() / data()["t"].sum())) < 0.1
    assert agrees(middle, stats.norm(location, 2.5).cdf)
    assert agrees(draws.fe[:, 1], stats.norm(0.0, 2.5 / year.std()).cdf)
    shifted = data().assign(year=data()["year"] - 2000.0)
    other = mg.MixedGLM.from_formula(
        "y ~ year + offset(log(t)) + (1 | g) + (1 | h)", data=shifted, family="poisson", fe_p=None, vcp_p=None
    )
    one, two = (m.prior_sample(50, rng=2).linear_predictor() for m in (made, other))
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)


def test_responses() -> None:
    made = model(priors={"Intercept": Normal(0.0, 0.3), "year": Normal(0.0, 1e-9), "sd": HalfNormal(1e-6)})
    drawn = made.prior_predictive(N, rng=4)
    assert drawn.shape == (N, 60)
    assert (drawn == np.floor(drawn)).all()
    expected = np.exp(0.045) * data()["t"].to_numpy()  # mean of a log-normal variate with sigma 0.3
    np.testing.assert_allclose(drawn.mean(axis=0), expected, rtol=0.12)
    np.testing.assert_array_equal(drawn, made.prior_predictive(N, rng=4))


def test_standard_deviations_near_zero_stay_finite() -> None:
    drawn = model(priors={"sd": Gamma(0.001, 1.0)}).prior_sample(1000, rng=5)
    assert np.isfinite(drawn.params).all()


def test_endless_standard_deviations_stay_finite() -> None:
    """Infinite effects of two signs in one row would have no sum."""
    wide = model(vcp_p=1e18)
    assert np.isfinite(wide.prior_sample(50, rng=1).params).all()
    assert np.isfinite(wide.prior_predictive(50, rng=1)).all()


def test_without_random_effects() -> None:
    drawn = mg.MixedGLM(np.ones(5), np.ones((5, 1)), None, None, "poisson").prior_sample(10, rng=0)
    assert drawn.shape == (10, 1)


@pytest.mark.parametrize("n", [0, -1, 1.5, "many"])
def test_numbers_of_draws(n: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="n must be"):
        model().prior_sample(n)
