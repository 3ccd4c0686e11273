"""What ArviZ gets."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from arviz_0 import arviz_0
from cbpp_fits import with_herds

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
    np.testing.assert_array_equal(posterior["u_herd"].sel(herd="3").values[0], draws.vc[:, 2])
    assert posterior["u_period:herd"].shape == (1, 50, model.k_vc - 15)
    likelihood = tree["log_likelihood"]["incidence"]
    np.testing.assert_allclose(likelihood.values[0], draws.log_likelihood())
    np.testing.assert_array_equal(tree["sample_stats"]["log_q"].values[0], draws.log_q)
    np.testing.assert_array_equal(tree["sample_stats"]["log_p"].values[0], draws.log_p)
    np.testing.assert_array_equal(tree["observed_data"]["incidence"].values, model.endog)
    predictive = tree["posterior_predictive"]["incidence"].values[0]
    assert predictive.shape == (50, model.nobs)
    assert (predictive <= model.n_trials).all()


def test_datatree_without_arviz(cbpp: mg.MixedGLMResults, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args, **options):
        if name.startswith("arviz"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"mixed-glm\[arviz\]"):
        cbpp.to_datatree(5)
