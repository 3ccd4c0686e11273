"""The line rule against a fine grid: 20 data sets of each kind, and its use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import mixed_glm as mg
from mixed_glm import _core
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._spec.approximation import Approximation
from mixed_glm.priors import Exponential, HalfCauchy, HalfNormal, Prior

ROWS = 200


@dataclass(frozen=True)
class Kind:
    """Data sets to be drawn."""

    groups: int
    sd: float
    family: str = "binomial"
    prior: Prior | None = None

    def draw(self, seed: int) -> mg.MixedGLM:
        rng = np.random.default_rng(seed)
        code = np.arange(ROWS) % self.groups
        exog = np.column_stack([np.ones(ROWS), rng.standard_normal(ROWS)])
        eta = exog @ [0.2, 0.5] + self.sd * rng.standard_normal(self.groups)[code]
        binary = (rng.random(ROWS) < 1 / (1 + np.exp(-eta))).astype(float)
        y = binary if self.family == "binomial" else rng.poisson(np.exp(eta)).astype(float)
        priors: dict[str, Any] = {"vcp_p": 1.0} if self.prior is None else {"priors": {"sd": self.prior}}
        ident = np.zeros(self.groups, int)
        return mg.MixedGLM(y, exog, np.eye(self.groups)[code], ident, self.family, fe_p=2.0, **priors)


KINDS = {
    "binary": Kind(20, 1.0),
    "binary, small sd": Kind(20, 0.3),
    "binary, no sd": Kind(20, 0.0),
    "binary, few groups": Kind(5, 0.5),
    "binary, many groups": Kind(50, 1.0),
    "counts": Kind(20, 0.5, "poisson"),
    "half-normal": Kind(20, 1.0, prior=HalfNormal(1)),
    "half-normal, small sd": Kind(20, 0.3, prior=HalfNormal(1)),
    "half-normal, few groups": Kind(5, 0.5, prior=HalfNormal(1)),
    "half-normal, counts": Kind(20, 0.2, "poisson", HalfNormal(1)),
    "exponential": Kind(20, 0.3, prior=Exponential(1)),
    "exponential, few groups": Kind(5, 0.5, prior=Exponential(1)),
    "half-Cauchy": Kind(20, 0.3, prior=HalfCauchy(1)),
    "half-Cauchy, few groups": Kind(5, 0.5, prior=HalfCauchy(1)),
    "half-Cauchy, no sd": Kind(20, 0.0, prior=HalfCauchy(1)),
}
APPROXIMATIONS = {
    "laplace": Approximation("laplace"),
    "leaf": Approximation("leaf", 0, 11),
    "ep": Approximation("ep"),
}


def posterior(model: mg.MixedGLM, approximation: Approximation, **options: Any) -> tuple[Any, Any]:
    """The core's fit, and the posterior that it makes."""
    method = _core.MarginalMethod(approximation=approximation.core, **options)
    fit = _core.fit_marginal(model.spec.core(), method)
    return fit, MarginalPosterior.of(model.spec, approximation, fit)


@dataclass(frozen=True)
class Errors:
    """Of a fit by the line rule, in posterior standard deviations."""

    evaluations: float
    psi_mean: float
    psi_log_sd: float
    psi_ends: float
    ends: float  # of all coefficients

    @classmethod
    def of(cls, model: mg.MixedGLM, approximation: Approximation) -> Errors:
        fit, line = posterior(model, approximation, integrate="line")
        _, fine = posterior(model, approximation, integrate="grid", grid_step=0.2, grid_drop=16.0)
        assert fit.integration.rule == "line"
        psi = model.spec.layout.vcp
        mean = np.abs(line.mean - fine.mean) / fine.sd
        log_sd = np.abs(np.log(line.sd / fine.sd))
        ends = np.max([np.abs(line.quantile(p) - fine.quantile(p)) / fine.sd for p in (0.025, 0.975)], axis=0)
        of_psi = float(ends[psi][0])
        return cls(
            fit.integration.evaluations,
            mean[psi][0],
            log_sd[psi][0],
            of_psi,
            float(np.delete(ends, psi).max()),
        )


def check(kind: Kind, approximation: Approximation, seeds: range) -> None:
    errors = [Errors.of(kind.draw(seed), approximation) for seed in seeds]
    assert np.mean([e.evaluations for e in errors]) <= 5.0
    assert max(e.psi_mean for e in errors) < 0.01
    assert max(e.psi_log_sd for e in errors) < 0.02
    assert max(e.psi_ends for e in errors) < 0.03
    assert max(e.ends for e in errors) < 0.035


@pytest.mark.parametrize("name", KINDS)
def test_line_agrees_with_a_fine_grid(name: str) -> None:
    check(KINDS[name], APPROXIMATIONS["laplace"], range(3))


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_line_agrees_with_a_fine_grid_on_many_data_sets(name: str) -> None:
    check(KINDS[name], APPROXIMATIONS["laplace"], range(20))


@pytest.mark.parametrize("approximation", ["leaf", "ep"])
@pytest.mark.parametrize("name", ["binary", "half-normal, few groups"])
def test_line_suits_every_approximation(approximation: str, name: str) -> None:
    check(KINDS[name], APPROXIMATIONS[approximation], range(2))


def test_line_is_the_default_for_one_component() -> None:
    model = KINDS["counts"].draw(1)
    auto, line, grid = (model.fit_laplace(integrate=rule) for rule in ("auto", "line", "grid"))
    assert_allclose(auto.params, line.params, rtol=0, atol=0)
    assert_allclose((line.params - grid.params) / grid.bse, 0.0, atol=0.01)
    assert_allclose(np.log(line.bse / grid.bse), 0.0, atol=0.02)
    assert line.log_evidence == pytest.approx(grid.log_evidence, abs=0.01)
    assert line.converged


def test_line_is_refused_for_several_components() -> None:
    rng = np.random.default_rng(1)
    first, second = np.eye(4)[np.arange(40) % 4], np.eye(5)[np.arange(40) % 5]
    y = rng.poisson(2.0, 40).astype(float)
    model = mg.MixedGLM(y, np.ones((40, 1)), np.hstack([first, second]), [0] * 4 + [1] * 5, "poisson")
    with pytest.raises(ValueError, match="integrate: 'line' is for one variance component, got 2; use"):
        model.fit_laplace(integrate="line")
    with pytest.raises(ValueError, match="integrate: 'line' is for one variance component, got 2; use"):
        model.fit_many(y[:, None], integrate="line")


def test_line_of_many_responses_is_that_of_one() -> None:
    models = [KINDS["half-normal"].draw(seed) for seed in range(3)]
    y = np.column_stack([model.endog for model in models])
    model = models[0]
    many = model.fit_many(y[:, :1])
    one = model.fit_laplace()
    assert_allclose(many.fe_mean[0], one.fe_mean, rtol=1e-10)
    assert_allclose(many.vcp_sd[0], one.vcp_sd, rtol=1e-10)


def test_covariances_of_the_points_are_positive_definite() -> None:
    result = KINDS["half-normal, few groups"].draw(2).fit_laplace()
    points = result.posterior.fe_covs
    assert np.linalg.eigvalsh(points).min() > 0.0
    assert_allclose(np.sqrt(np.diagonal(points, axis1=1, axis2=2)), result.posterior.fe_sds, rtol=1e-12)
