"""PriorPullWarning: which coefficients the prior moves, and by how much."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm._assess.prior_pull import prior_pull
from mixed_glm.exceptions import PriorPullWarning

FITS: dict[str, Callable[[mg.MixedGLM], mg.MixedGLMResults]] = {
    "fit": lambda m: m.fit(),
    "laplace": lambda m: m.fit_laplace(),
    "ep": lambda m: m.fit_ep(),
    "map": lambda m: m.fit_map(),
    "vb": lambda m: m.fit_vb(covariance="full"),
}


def years(origin: float) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    g, since = np.repeat(np.arange(30), 20), np.tile(np.arange(20), 30) - 9.5
    eta = -0.4 + 0.12 * since + rng.normal(0.0, 0.7, 30)[g]
    return pd.DataFrame({"g": g, "year": since + origin, "y": rng.binomial(20, 1 / (1 + np.exp(-eta)))})


def model(data: pd.DataFrame, **arguments: Any) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(
        "y ~ year + (1 | g)", data=data, family="binomial", n_trials=np.full(len(data), 20), **arguments
    )


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_a_covariate_far_from_zero(fit: Callable[[mg.MixedGLM], mg.MixedGLMResults]) -> None:
    with pytest.warns(
        mg.PriorPullWarning, match=r"Intercept .*year .*center\(\.\.\.\) it, take the default priors"
    ):
        fit(model(years(1994.5), fe_p=2.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model(years(0.0), fe_p=2.0))


@pytest.mark.parametrize("fit", [FITS["laplace"], FITS["ep"], FITS["map"]], ids=["laplace", "ep", "map"])
def test_priors_in_units_are_quiet(fit: Callable[[mg.MixedGLM], mg.MixedGLMResults]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", mg.PriorPullWarning)
        fit(model(years(1994.5)))


def test_it_points_at_the_line_that_fits() -> None:
    with pytest.warns(mg.PriorPullWarning) as caught:
        model(years(1994.5), fe_p=2.0).fit_laplace()
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PriorPullWarning")
@pytest.mark.parametrize("fe_p", [0.6, 0.3])
def test_it_is_the_move_that_the_prior_makes(fe_p: float) -> None:
    """To first order: against a fit with hardly any prior."""
    rng = np.random.default_rng(5)
    g, x = np.repeat(np.arange(12), 40), rng.normal(size=480)
    y = rng.poisson(np.exp(0.8 + 0.6 * x + rng.normal(0.0, 0.2, 12)[g]))
    data = pd.DataFrame({"y": y, "x": x, "g": g})
    narrow, wide = (
        mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="poisson", fe_p=scale, vcp_p=0.3).fit()
        for scale in (fe_p, 1e4)
    )
    moved = np.abs(narrow.fe_mean - wide.fe_mean) / wide.fe_sd
    assert moved[0] > 0.1
    np.testing.assert_allclose(prior_pull(narrow.fit)[:2], moved, rtol=0.25, atol=0.01)
    assert (prior_pull(wide.fit)[:2] < 1e-6).all()


def counts(u: np.ndarray, rows: int = 20, **arguments: Any) -> mg.MixedGLM:
    g = np.repeat(np.arange(len(u)), rows)
    y = np.random.default_rng(1).poisson(np.exp(1.0 + u[g]))
    return mg.MixedGLM(y, np.ones(len(g)), np.eye(len(u))[g], ["herd"] * len(u), "poisson", **arguments)


def test_standard_deviations_that_the_data_have_elsewhere() -> None:
    """Next to zero, where the prior alone says how near; and beyond a narrow prior."""
    none, some = np.zeros(12), np.linspace(-1.5, 1.5, 12)
    with pytest.warns(
        mg.PriorPullWarning,
        match=r"sd\(herd\) \(0\.\d+: by .*smaller than the prior expects.*'sd\(herd\)': HalfNormal\(1\)",
    ):
        counts(none).fit_laplace()
    with pytest.warns(
        mg.PriorPullWarning, match=r"larger than the prior expects.*'sd\(herd\)': LogNormal\(-2, 0\.3\)"
    ):
        counts(some, priors={"sd": mg.priors.LogNormal(-2.0, 0.1)}).fit_laplace()
    with warnings.catch_warnings():
        warnings.simplefilter("error", mg.PriorPullWarning)
        counts(some).fit_laplace()
        counts(none, priors={"sd": mg.priors.HalfNormal(1.0)}).fit_laplace()  # says nothing against zero
        counts(some, priors={"sd": mg.priors.HalfNormal(1.0)}).fit_laplace()


def test_many_responses_are_counted() -> None:
    model = counts(np.linspace(-1.5, 1.5, 12), fe_p=0.05)
    y = np.random.default_rng(2).poisson(np.exp(np.repeat(np.linspace(-0.8, 0.8, 12), 20))[:, None], (240, 7))
    with pytest.warns(mg.MixedGLMWarning) as caught:
        results = model.fit_many(np.c_[y, np.full(240, -1.0)])
    messages = [str(w.message) for w in caught if w.category is mg.PriorPullWarning]
    assert results.prior_pull.shape == (8, 2)
    assert np.isnan(results.prior_pull[7, 0])
    number = int((results.prior_pull[:7, 0] > 0.5).sum())
    assert messages[0].startswith("the prior pulls fixed effects")
    assert f"FE_1 ({number} of 7 responses)" in messages[0]
    one = mg.MixedGLM(y[:, 0], model.exog, model.exog_vc, ["herd"] * 12, "poisson", fe_p=0.05).fit_laplace()
    np.testing.assert_allclose(
        results.prior_pull[0], prior_pull(one.fit), rtol=0.25
    )  # this one given the highest psi


def test_a_named_prior_says_how_to_widen_it() -> None:
    priors = {"Intercept": mg.priors.Normal(3.0, 0.1), "year": mg.priors.Normal(0.0, 1.0)}
    with pytest.warns(mg.PriorPullWarning, match=r"priors=\{'Intercept': Normal\(3, 1\)\}"):
        model(years(0.0), priors=priors).fit_laplace()


def test_what_did_not_converge_says_that_alone() -> None:
    with pytest.warns(mg.ConvergenceWarning) as caught:
        model(years(1994.5)).fit_map(minim_opts={"maxiter": 1})
    assert not [w for w in caught if issubclass(w.category, mg.PriorPullWarning)]


def test_a_parameter_of_the_family_that_the_prior_decides() -> None:
    """Of near-Poisson counts how small alpha is; not where counts are overdispersed."""
    rng = np.random.default_rng(0)
    g, u = np.repeat(np.arange(20), 40), 0.3 * rng.normal(size=20)
    mean = np.exp(0.5 + u[g])
    near = pd.DataFrame({"y": rng.poisson(mean), "g": g})
    with pytest.warns(PriorPullWarning, match=r"prior pulls alpha .*priors=\{'alpha': HalfNormal"):
        mg.MixedGLM.from_formula("y ~ (1 | g)", data=near, family="negative_binomial").fit("laplace")
    far = near.assign(y=rng.poisson(mean * rng.gamma(1.0, 1.0, len(g))))
    with warnings.catch_warnings():
        warnings.simplefilter("error", PriorPullWarning)
        fitted = mg.MixedGLM.from_formula("y ~ (1 | g)", data=far, family="negative_binomial")
        fitted.fit("laplace")
    both = np.column_stack([near.y, far.y])
    with pytest.warns(
        PriorPullWarning, match=r"prior pulls alpha in 1 of 2 responses .*priors=\{'alpha': HalfNormal"
    ):
        fitted.fit_many(both)
