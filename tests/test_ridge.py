"""Integration over three and more variance components along ridges."""

from __future__ import annotations

import dataclasses
import math
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from scipy.integrate import trapezoid
from simulated import crossed

import mixed_glm as mg
from mixed_glm import _core
from mixed_glm._fit.marginal import _warn
from mixed_glm._posterior.ridge_density import RidgeDensity, RidgeShape

LEVELS = (0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.999)


def weak_model() -> mg.MixedGLM:
    """Three components, two of them with few levels."""
    return crossed(n=240, sizes=(4, 6, 30), seed=3)


@pytest.fixture(scope="module")
def ridge() -> mg.MixedGLMResults:
    return weak_model().fit_laplace()


@pytest.fixture(scope="module")
def grid() -> mg.MixedGLMResults:
    return weak_model().fit_laplace(integrate="grid")


def test_it_agrees_with_the_grid(ridge: mg.MixedGLMResults, grid: mg.MixedGLMResults) -> None:
    assert_allclose((ridge.params - grid.params) / grid.bse, 0.0, atol=0.02)
    assert_allclose(np.log(ridge.bse / grid.bse), 0.0, atol=0.03)
    assert ridge.log_evidence == pytest.approx(grid.log_evidence, abs=0.03)
    vcp = ridge.fit.spec.layout.vcp
    for level in (0.025, 0.5, 0.975):
        off = (ridge.posterior.quantile(level) - grid.posterior.quantile(level))[vcp]
        assert_allclose(off / grid.vcp_sd, 0.0, atol=0.1)


def test_a_result_tells_how_it_was_integrated(ridge: mg.MixedGLMResults, grid: mg.MixedGLMResults) -> None:
    found = ridge.integration
    assert found is not None
    assert found.rule == "ridge"
    assert 128 + 12 <= found.evaluations <= 175
    assert found.k_hat < 0.4
    assert 0.9 < found.ess_share <= 1.0
    assert f"ridge, {found.evaluations} evaluations, k-hat {found.k_hat:.2f}" in str(ridge.summary())
    assert grid.integration is not None
    assert grid.integration.rule == "grid"
    assert grid.integration.evaluations > found.evaluations
    assert math.isnan(grid.integration.k_hat)
    assert weak_model().fit_vb().integration is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.rule = "grid"  # type: ignore[misc]


@pytest.mark.parametrize("sizes", [(9,), (5, 12)])
def test_by_name_it_serves_few_components_too(sizes: tuple[int, ...]) -> None:
    model = crossed(n=200, sizes=sizes, seed=5)
    one, other = model.fit_laplace(integrate="ridge"), model.fit_laplace(integrate="grid")
    assert one.integration.rule == "ridge"
    assert_allclose((one.params - other.params) / other.bse, 0.0, atol=0.02)
    assert_allclose(np.log(one.bse / other.bse), 0.0, atol=0.04)


def test_quantiles_probabilities_and_densities_belong_together(ridge: mg.MixedGLMResults) -> None:
    posterior, vcp = ridge.posterior, ridge.fit.spec.layout.vcp
    for level in LEVELS:
        assert_allclose(posterior.cdf(posterior.quantile(level))[vcp], level, atol=1e-6)
    for k in range(3):
        psi, density = posterior.psi_density(k)
        assert trapezoid(density, psi) == pytest.approx(1.0, abs=1e-3)
        mean = trapezoid(psi * density, psi)
        assert mean == pytest.approx(ridge.vcp_mean[k], abs=0.02 * ridge.vcp_sd[k])
        sd = np.sqrt(trapezoid((psi - mean) ** 2 * density, psi))
        assert sd == pytest.approx(ridge.vcp_sd[k], rel=0.03)


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_the_same_bits_for_any_number_of_threads(ridge: mg.MixedGLMResults, n_jobs: int) -> None:
    again = weak_model().fit_laplace(n_jobs=n_jobs)
    assert_array_equal(again.params, ridge.params)
    assert_array_equal(again.bse, ridge.bse)
    assert_array_equal(again.posterior.quantile(0.025), ridge.posterior.quantile(0.025))


def test_draws_have_the_moments_and_their_density(ridge: mg.MixedGLMResults) -> None:
    draws = ridge.posterior_sample(4000, rng=1)
    assert_allclose(draws.vcp.mean(axis=0), ridge.vcp_mean, atol=0.06 * ridge.vcp_sd.max())
    assert_allclose(draws.vcp.std(axis=0), ridge.vcp_sd, rtol=0.06)
    assert_allclose(draws.fe.mean(axis=0), ridge.fe_mean, atol=0.08 * ridge.fe_sd.max())
    assert len(np.unique(draws.vcp[:, 0])) == 4000
    found = ridge.check(rng=2)
    assert found.k < 0.5
    assert found.effective > 800


def test_densities_of_draws_are_normalized(ridge: mg.MixedGLMResults) -> None:
    """E_q[g / q] = 1 for any density g."""
    density = ridge.posterior._psi_density()
    assert isinstance(density, RidgeDensity)
    drawn = density.draw(20_000, np.random.default_rng(3))
    sd = np.sqrt(density.covariance.diagonal())
    z = (drawn.psi - density.mean) / sd
    log_g = -0.5 * (z / 0.8) ** 2 - np.log(0.8 * sd * np.sqrt(2 * np.pi))
    assert np.exp(log_g.sum(axis=1) - drawn.log_density).mean() == pytest.approx(1.0, abs=0.03)


def test_long_tails_of_half_normal_priors_are_reached() -> None:
    model = crossed(n=240, sizes=(4, 6, 30), seed=3, priors={"sd": mg.priors.HalfNormal(1.0)})
    one = model.fit_laplace()
    other = model.fit_laplace(integrate="grid")
    assert one.integration.k_hat < 0.4
    assert_allclose((one.fe_mean - other.fe_mean) / other.fe_sd, 0.0, atol=0.03)
    assert one.posterior.quantile(0.001)[model.k_fep] < one.vcp_mean[0] - 3.5 * one.vcp_sd[0]


def test_saved_and_loaded(ridge: mg.MixedGLMResults, tmp_path: Path) -> None:
    ridge.save(tmp_path / "fit.mglm")
    loaded = mg.load(tmp_path / "fit.mglm")
    assert ridge.integration is not None
    assert loaded.integration is not None
    assert_equal(dataclasses.astuple(loaded.integration), dataclasses.astuple(ridge.integration))
    for level in LEVELS:
        assert_array_equal(loaded.posterior.quantile(level), ridge.posterior.quantile(level))
    one, other = (r.posterior_sample(50, rng=4) for r in (loaded, ridge))
    assert_array_equal(one.params, other.params)
    assert_array_equal(one.log_q, other.log_q)
    assert_array_equal(
        pickle.loads(pickle.dumps(ridge)).posterior.quantile(0.5), ridge.posterior.quantile(0.5)
    )


def test_a_shape_must_fit_together(ridge: mg.MixedGLMResults) -> None:
    shape = ridge.posterior.ridge
    turned = shape.profiles[::-1].copy()
    torn = shape.profiles.copy()
    torn[0, 1] = np.nan
    for change in (
        {"mode": shape.mode[:2]}, {"axes": shape.axes[:2]}, {"profiles": shape.profiles[:, 1:]},
        {"profiles": turned}, {"profiles": torn}, {"profiles": shape.profiles[1:2]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="RidgeShape: "):
            dataclasses.replace(shape, **change)
    with pytest.raises(ValueError, match="expected one uniform number for each axis"):
        RidgeShape(shape.mode, shape.axes, shape.profiles).core().at(np.full((3, 2), 0.5))


def test_weights_that_doubt_themselves_are_told() -> None:
    status = _core.ResponseStatus.ROUGH_INTEGRATION
    assert status.label == "rough integration"
    assert status.converged
    report = SimpleNamespace(
        rule="ridge", evaluations=280, k_hat=0.83, ess_share=0.41, psi_error=0.0, sd_error=0.0
    )
    fit = SimpleNamespace(
        weights=np.ones(4), iterations=3, reason="", failed_points=0, fallbacks=0, integration=report
    )
    with pytest.warns(mg.exceptions.ConvergenceWarning, match=r"k-hat 0\.83, effective share 0\.41"):
        _warn(status, fit, None)
