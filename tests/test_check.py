"""Checks of a fit by itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from cbpp_fits import with_herds
from simulated import crossed, one_factor

import mixed_glm as mg
from mixed_glm._assess import check as check_module
from mixed_glm._assess.check import Check, integrated_density


@pytest.fixture
def cbpp() -> mg.MixedGLMResults:
    return with_herds()


@pytest.mark.parametrize("family", ["binomial-logit", "poisson"])
def test_integrated_density_is_that_of_brute_force(family: str) -> None:
    data = one_factor(family, groups=6, rows=5, p=2, sd=1.5, seed=3)
    draws = data.model().fit_laplace().posterior_sample(20, rng=0)
    values, how = integrated_density(draws, None)
    assert how == "quadrature"
    np.testing.assert_allclose(values, data.reference().density(draws.params[:, :3]), atol=1e-4)


def test_normal_effects_are_integrated_without_quadrature(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=40), "g": np.arange(40) % 8})
    frame["y"] = frame["x"] + rng.normal(size=8)[frame["g"]] + rng.normal(size=40)
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="gaussian").fit_laplace()
    draws = result.posterior_sample(20, rng=0)
    values, how = integrated_density(draws)
    assert how == "normal"
    assert "the ratios are exact" in str(result.check())
    monkeypatch.setattr(check_module, "_how_to_integrate", lambda *_: ([0], "quadrature"))
    np.testing.assert_allclose(integrated_density(draws)[0], values, rtol=1e-9)


def test_check_of_good_and_bad_fits() -> None:
    data = one_factor(groups=10, rows=4, p=1, sd=2.0, seed=2)
    evidence = data.reference().posterior().log_evidence
    model = data.model()
    good = model.fit_laplace(n_quad=15).check(rng=1)
    assert good.effective > 900
    assert np.abs(good.shift).max() < 0.05
    assert good.log_evidence == pytest.approx(evidence, abs=0.05)
    assert "the ratios are exact" in str(good)
    bad = model.fit_vb().check(rng=1)
    assert bad.effective < 400
    assert bad.log_evidence == pytest.approx(evidence, abs=1.0)
    assert np.exp(bad.log_weights).sum() == pytest.approx(1.0)
    # Reweighting moves the wrong means towards the right ones.
    exact = data.reference().posterior().mean
    laplace = model.fit_laplace(mean_correction=False)
    corrected = laplace.params[:2] + laplace.check(4000).shift * laplace.bse[:2]
    assert np.abs(corrected - exact).sum() < 0.5 * np.abs(laplace.params[:2] - exact).sum()


def test_words_of_a_check(cbpp: mg.MixedGLMResults) -> None:
    found = cbpp.check()
    assert found.ok
    text = str(found)
    assert f"Pareto k of the importance ratios: {found.k:.2f}" in text
    assert "Reweighting moves no mean by more than" in text
    poor = type(found)(1.3, 12.0, found.shift, 0.0, found.log_weights, "Laplace", found.names)
    assert not poor.ok
    assert "misses part of the posterior" in str(poor)
    assert "Laplace's method, whose errors do not show" in str(poor)


def test_check_of_other_models() -> None:
    assert crossed(n=150, sizes=(12, 5)).fit_laplace().check(300).integral == "quadrature and Laplace"
    rng = np.random.default_rng(0)
    plain = mg.MixedGLM(rng.integers(0, 2, 60), np.ones((60, 1)), family="binomial").fit_laplace()
    assert plain.check(500).integral == "none"
    scaled = one_factor("poisson", groups=12, rows=6, p=3).model(vcp_p=0.3)
    exact, other = scaled.fit_laplace(), scaled.fit_vb(covariance="full", scale_fe=True)
    assert np.isfinite(other.check().log_evidence)
    assert exact.check().log_evidence == pytest.approx(exact.log_evidence, abs=0.3)


def test_checks_are_shown_in_words(cbpp: mg.MixedGLMResults) -> None:
    found = cbpp.check(draws=100)
    assert repr(found) == str(found)
    assert repr(found).startswith("Pareto k of the importance ratios")
    assert repr(cbpp.waic(draws=100)).startswith("elpd_waic")


@pytest.mark.parametrize("method", ["check", "loo", "waic", "to_datatree"])
def test_draws_are_named_in_errors(cbpp: mg.MixedGLMResults, method: str) -> None:
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        getattr(cbpp, method)(draws=0)
    with pytest.raises(TypeError, match=r"draws must be a whole number, got 2\.5"):
        getattr(cbpp, method)(draws=2.5)


def test_a_check_needs_a_tail(cbpp: mg.MixedGLMResults) -> None:
    with pytest.raises(
        ValueError, match="draws must be at least 25 to see the tail of their weights, got 24"
    ):
        cbpp.check(draws=24)
    assert np.isfinite(cbpp.check(draws=25).k)


def test_light_far_tails_are_told_from_a_poor_fit() -> None:
    """k-hat above 0.7 with nearly all draws effective: usable, and not called fair because of it."""
    equal = Check(1.2, 950.0, np.zeros(2), 0.0, np.full(1000, -np.log(1000)), "none", ("a", "b"))
    assert equal.ok
    assert "far tails are too light" in str(equal)
    fair = dataclasses.replace(equal, k=0.6)
    assert fair.ok
    assert "fair: the approximation is usable" in str(fair)
    poor = dataclasses.replace(equal, effective=200.0)
    assert not poor.ok
    assert "poor: the approximation misses part" in str(poor)
