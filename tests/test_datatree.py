"""What ArviZ gets."""

from __future__ import annotations

import builtins
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from arviz_0 import arviz_0
from cbpp_fits import with_herds
from scipy import stats

import mixed_glm as mg


@pytest.fixture
def cbpp() -> mg.MixedGLMResults:
    return with_herds()


def test_datatree() -> None:
    arviz_0()
    frame = mg.datasets.load_cbpp()
    model = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd) + (1 | period:herd)", data=frame, family="binomial", n_trials="size"
    )
    result = model.fit_laplace()
    tree = result.to_datatree(50, rng=3)
    draws = result.posterior_sample(50, np.random.default_rng(3))
    posterior = tree["posterior"]
    assert posterior["beta"].dims == ("chain", "draw", "fixed_effect")
    assert list(posterior["fixed_effect"].values) == model.fep_names
    assert list(posterior["component"].values) == ["herd", "period:herd"]
    np.testing.assert_array_equal(posterior["beta"].values[0], draws.fe)
    np.testing.assert_array_equal(posterior["sd"].values[0], np.exp(draws.vcp))
    np.testing.assert_array_equal(posterior["u_herd"].sel(herd=3).values[0], draws.vc[:, 2])
    assert posterior["u_period:herd"].shape == (1, 50, model.k_vc - 15)
    likelihood = tree["log_likelihood"]["incidence"]
    np.testing.assert_allclose(likelihood.values[0], draws.log_likelihood())
    np.testing.assert_array_equal(tree["sample_stats"]["log_q"].values[0], draws.log_q)
    np.testing.assert_array_equal(tree["sample_stats"]["log_p"].values[0], draws.log_p)
    np.testing.assert_array_equal(tree["observed_data"]["incidence"].values, model.endog)
    predictive = tree["posterior_predictive"]["incidence"].values[0]
    assert predictive.shape == (50, model.nobs)
    for group in ("observed_data", "posterior_predictive", "prior_predictive"):
        assert tree[group]["incidence"].dtype.kind == "i"  # discrete, as ArviZ 1 asks
    assert (predictive <= model.n_trials).all()


def correlated() -> mg.MixedGLMResults:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=120), "g": np.repeat(np.arange(12), 10)})
    slope, level = rng.normal(size=(2, 12))
    data["y"] = level[data["g"]] + (1.0 + slope[data["g"]]) * data["x"] + rng.normal(size=120)
    return mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="gaussian").fit()


def ordinal() -> mg.MixedGLMResults:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=150), "g": [f"{v}" for v in rng.integers(0, 10, 150)]})
    data["y"] = np.digitize(
        data["x"] + rng.normal(size=10)[data["g"].astype(int)] + rng.logistic(size=150), [-1.0, 1.0]
    )
    return mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="cumulative").fit()


def of_arrays() -> mg.MixedGLMResults:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(10), 5)
    y = rng.poisson(np.exp(rng.normal(size=10)[groups]))
    return mg.MixedGLM(y, np.ones((50, 1)), np.eye(10)[groups], np.zeros(10, int), family="poisson").fit()


@pytest.mark.parametrize("make", [with_herds, correlated, ordinal, of_arrays])
def test_groups_of_the_tree(make: Callable[[], mg.MixedGLMResults]) -> None:
    arviz_0()
    result = make()
    tree = result.to_datatree(40, rng=1)
    model = result.model
    draws = result.posterior_sample(40, np.random.default_rng(1))
    for name in ("posterior", "prior"):
        assert set(tree[name].data_vars) == set(tree["posterior"].data_vars)
    assert tree["prior"]["beta"].shape == (1, 40, model.k_fep)
    assert tree["prior_predictive"][model.endog_names].shape == (1, 40, model.nobs)
    np.testing.assert_array_equal(tree["constant_data"]["X"].values, model.exog)
    total = sum(p.values.reshape(40, -1).sum(axis=1) for p in tree["log_prior"].data_vars.values())
    # log p(y, theta, u) is that of the responses, of the random effects, and of the priors of psi, not of exp(psi).
    rest = draws.log_p - draws.log_likelihood().sum(axis=1) - total
    np.testing.assert_allclose(rest, effects(draws) + jacobian(draws), atol=1e-8)


def effects(draws) -> np.ndarray:
    """Log density of the random effects given their standard deviations and correlations."""
    design = draws.spec.design
    if design.correlated:
        (term,) = design.correlated
        sds, rho = np.exp(draws.vcp), draws.cor[:, 0]
        out = np.zeros(len(draws))
        for i in range(len(draws)):
            covariance = np.outer(sds[i], sds[i]) * [[1.0, rho[i]], [rho[i], 1.0]]
            out[i] = (
                stats.multivariate_normal(np.zeros(2), covariance).logpdf(draws.vc[i][term.columns]).sum()
            )
        return out
    return stats.norm.logpdf(draws.vc, scale=np.exp(draws.vcp)[:, design.ident]).sum(axis=1)


def jacobian(draws) -> np.ndarray:
    """From densities of standard deviations and correlations to those of the parameters of the core."""
    out = draws.vcp.sum(axis=1)
    if not draws.spec.layout.has_thresholds:
        out = out + draws.family.sum(axis=1)
    return out + np.log1p(-(draws.cor**2)).sum(axis=1)


def test_groups_that_are_whole_numbers_are_coordinates_of_their_kind() -> None:
    arviz_0()
    tree = with_herds().to_datatree(5)
    assert tree["posterior"]["herd"].dtype.kind == "i"
    assert list(tree["posterior"]["herd"].values) == list(range(1, 16))
    codes = tree["constant_data"]["index_herd"].values
    herds = mg.datasets.load_cbpp()["herd"].astype(int).to_numpy()
    np.testing.assert_array_equal(tree["posterior"]["herd"].values[codes], herds)
    assert tree["constant_data"]["n_trials"].shape == (56,)
    labels = ordinal().to_datatree(5)["posterior"]["g"]
    assert all(isinstance(v, str) for v in labels.values)  # digits, but labels


def test_psens_of_arviz() -> None:
    az = arviz_0()
    result = with_herds()
    tree = result.to_datatree(2000, rng=0)
    ours = result.power_scale(2000, rng=0)
    for component in ("prior", "likelihood"):
        theirs = az.psens(tree, component=component, var_names=["beta", "log_sd"])
        found = np.concatenate([theirs["beta"].values, theirs["log_sd"].values])
        np.testing.assert_allclose(ours[component], found, rtol=1e-6)


def test_datatree_without_arviz(cbpp: mg.MixedGLMResults, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args, **options):
        if name.startswith("arviz"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"mixed-glm\[arviz\]"):
        cbpp.to_datatree(5)
