"""Sensitivity to priors and data by power-scaling."""

from __future__ import annotations

import numpy as np
import pytest
from cbpp_fits import with_herds
from simulated import one_factor

import mixed_glm as mg
from mixed_glm._assess.power_scale import sensitivity


def test_of_a_normal_posterior() -> None:
    rng = np.random.default_rng(1)
    prior_mean, prior_sd, mean, sd = 3.0, 1.0, 0.0, 0.5
    precision = prior_sd**-2 + sd**-2
    draws = (prior_mean / prior_sd**2 + mean / sd**2) / precision + rng.normal(size=200_000) / np.sqrt(
        precision
    )
    log_prior = -0.5 * ((draws - prior_mean) / prior_sd) ** 2
    log_likelihood = -0.5 * ((draws - mean) / sd) ** 2
    of_prior = sensitivity(draws[:, None], log_prior)[0]
    of_likelihood = sensitivity(draws[:, None], log_likelihood)[0]
    assert of_prior == pytest.approx(of_likelihood, rel=0.3)  # they pull in opposite directions, equally far
    assert of_prior > 0.1  # three units off: in conflict
    agreeing = sensitivity(draws[:, None], -0.5 * ((draws - draws.mean()) / 20.0) ** 2)[0]
    assert agreeing < 0.01


def test_a_parameter_that_does_not_vary_is_not_sensitive() -> None:
    values = np.column_stack([np.ones(500), np.random.default_rng(1).normal(size=500)])
    found = sensitivity(values, values[:, 1])
    assert found[0] == 0.0
    assert found[1] > 0.1


def test_good_priors_say_little_and_data_much() -> None:
    table = with_herds().power_scale()
    assert list(table.columns) == ["prior", "likelihood", "diagnosis"]
    assert list(table.index) == list(with_herds().to_frame().index)
    assert (table["prior"] < 0.05)[:4].all()
    assert (table["likelihood"] > 0.05)[1:].all()


def test_conflict_and_strong_priors_are_named() -> None:
    frame = mg.datasets.load_cbpp()
    formula = "incidence ~ period + (1 | herd)"
    priors = {"period[T.2]": mg.priors.Normal(1.0, 0.5), "period[T.3]": mg.priors.Normal(0.0, 0.01)}
    with pytest.warns(mg.PriorPullWarning):
        result = mg.MixedGLM.from_formula(
            formula, data=frame, family="binomial", n_trials="size", priors=priors
        ).fit()
    table = result.power_scale()
    assert table["diagnosis"]["period[T.2]"] == "prior-data conflict"
    assert table["diagnosis"]["period[T.3]"] == "strong prior or weak likelihood"


def test_random_effects_and_seeds() -> None:
    result = one_factor(groups=8).model().fit()
    table = result.power_scale(500, random=True)
    assert len(table) == len(result.params)
    np.testing.assert_array_equal(table["prior"], result.power_scale(500, random=True)["prior"])
    with pytest.raises(ValueError, match="draws must be at least 25"):
        result.power_scale(10)
