"""Expectation propagation, and what fit() chooses."""

import numpy as np
import pytest
from benchmarks.calibration.catalogue import DESIGNS
from numpy.testing import assert_allclose
from reference_data import load
from simulated import FAMILIES, crossed, one_factor

import mixed_glm as mg
from mixed_glm._fit.choose import choose

# Largest errors against NUTS: beta, psi, u in posterior sd; log ratios of the sds. Beside them what was measured.
EP = {
    "bacteria": (0.06, 0.12, 0.1, 0.06, 0.05, 0.09),  # 0.044 0.093 0.072 0.043 0.028 0.069
    "cbpp": (0.03, 0.05, 0.04, 0.04, 0.04, 0.04),  # 0.011 0.023 0.021 0.013 0.001 0.023
    "contraception": (0.03, 0.05, 0.04, 0.04, 0.04, 0.04),  # 0.006 0.007 0.012 0.020 0.006 0.026
    "epil": (0.03, 0.05, 0.04, 0.04, 0.04, 0.04),  # 0.007 0.029 0.019 0.010 0.003 0.024
    "grouseticks": (0.03, 0.08, 0.05, 0.04, 0.08, 0.04),  # 0.005 0.055 0.030 0.005 0.063 0.024
    "salamander_mating": (0.03, 0.05, 0.04, 0.04, 0.04, 0.04),  # 0.005 0.009 0.013 0.012 0.006 0.023
    "spider_long": (0.03, 0.05, 0.04, 0.04, 0.04, 0.04),  # 0.008 0.012 0.011 0.021 0.009 0.024
    "verbagg": (0.03, 0.07, 0.05, 0.04, 0.04, 0.06),  # 0.010 0.045 0.027 0.014 0.011 0.038
}
CHOSEN = {
    "bacteria": "leaf",
    "cbpp": "leaf",
    "salamander_mating": "ep",
    "epil": "leaf",
    "verbagg": "leaf",
}


@pytest.mark.parametrize("name", EP)
def test_against_nuts(name):
    problem = load(name)
    result = problem.model().fit_ep()
    assert result.converged
    assert result.status == "converged"
    problem.check(result, EP[name])


@pytest.mark.parametrize("name", EP)
def test_fit_against_nuts(name):
    problem = load(name)
    result = problem.model().fit()
    assert result.converged
    problem.check(result, (0.05, 0.1, 0.05, 0.05, 0.07 if name == "grouseticks" else 0.05, 0.05))
    if name in CHOSEN:
        assert result.method == CHOSEN[name]


@pytest.mark.parametrize("family", FAMILIES)
def test_against_brute_force(family):
    data = one_factor(family, groups=10, rows=6, p=1)
    result, exact = data.model().fit_ep(), data.reference().posterior()
    assert result.converged
    assert abs(result.fe_mean[0] - exact.mean[0]) < 0.1 * exact.sd[0]
    assert abs(result.vcp_mean[0] - exact.mean[1]) < 0.2 * exact.sd[1]
    assert result.log_evidence == pytest.approx(exact.log_evidence, abs=0.2)


@pytest.mark.parametrize("family", ["binomial-logit", "poisson"])
def test_gradient(family):
    model = crossed(family=family)
    psi, h = np.array([-0.3, 0.2]), 1e-3
    gradient = model.log_marginal_grad(psi, "ep")
    for k in range(2):
        step = h * np.eye(2)[k]
        slope = (model.log_marginal(psi + step, "ep") - model.log_marginal(psi - step, "ep")) / (2 * h)
        assert gradient[k] == pytest.approx(slope, abs=0.02)


def large(kind):
    rng = np.random.default_rng(4)
    n, groups = 80, 8
    group = np.arange(n) % groups
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    z = np.eye(groups)[group]
    u = 0.5 * rng.normal(size=groups)[group]
    if kind == "counts":
        return mg.MixedGLM(rng.poisson(np.exp(9 + u)), x, z, np.zeros(groups, int), "poisson", fe_p=10.0)
    if kind == "trials":
        y = rng.binomial(10**6, 1 / (1 + np.exp(-u)))
        return mg.MixedGLM(y, x, z, np.zeros(groups, int), "binomial", n_trials=10**6)
    z = np.hstack([z, np.eye(n)])  # an effect for every observation
    ident = np.repeat([0, 1], [groups, n])
    return mg.MixedGLM(rng.poisson(np.exp(2 + u + 0.4 * rng.normal(size=n))), x, z, ident, "poisson")


@pytest.mark.parametrize("kind", ["counts", "trials", "observation-level effects"])
def test_much_information(kind):
    """There Laplace is as good as exact."""
    model = large(kind)
    ep, laplace = model.fit_ep(), model.fit_laplace()
    assert ep.converged
    assert np.isfinite(ep.params).all()
    assert_allclose((ep.params - laplace.params) / laplace.bse, 0.0, atol=0.08)
    assert_allclose(np.log(ep.bse / laplace.bse), 0.0, atol=0.05)
    assert model.fit().method in ("laplace", "ep", "leaf")


def test_a_point_that_falls_back_is_told():
    n = 30
    x, z = np.ones((n, 1)), np.eye(6)[np.arange(n) % 6]
    model = mg.MixedGLM(np.zeros(n), x, z, np.zeros(6, int), "binomial", fe_p=1e4, vcp_p=10.0)
    with pytest.warns(mg.ConvergenceWarning, match="Laplace took its place|not converged"):
        result = model.fit_ep()
    assert result.status in ("fell back", "not converged")
    assert np.isfinite(result.params).all()
    assert np.isfinite(result.bse).all()


@pytest.mark.parametrize("replicate", [12, 255, 452])
def test_a_negligible_point_that_falls_back_is_not_told(replicate):
    """The outermost point of the grid, 12 nats below the mode, ends in a limit cycle there."""
    model, _ = DESIGNS["poisson"].draw(np.random.default_rng([1, 3, replicate]))
    result = model.fit_ep()  # a warning would be an error
    assert result.status == "converged"
    laplace = model.fit_laplace()
    assert_allclose((result.fe_mean - laplace.fe_mean) / laplace.fe_sd, 0.0, atol=0.1)


def test_choice_without_effects_and_without_leaf():
    assert (
        choose(mg.MixedGLM([0, 1, 1, 0], np.ones((4, 1)), family="binomial")).approximation.name == "laplace"
    )
    rng = np.random.default_rng(0)
    z = rng.normal(size=(60, 4))  # every row touches every effect: no leaf
    y = (rng.random(60) < 0.5).astype(float)
    model = mg.MixedGLM(y, np.ones((60, 1)), z, np.zeros(4, int), "binomial")
    assert choose(model).approximation.name in ("laplace", "ep")
    assert model.fit().converged


def test_bad_arguments():
    model = crossed()
    with pytest.raises(ValueError, match="n_quad must be at least 1"):
        model.fit_ep(n_quad=0)
    with pytest.raises(ValueError, match="integrate must be one of"):
        model.fit_ep(integrate="magic")
    with pytest.raises(ValueError, match="approx must be"):
        model.log_marginal([0.0, 0.0], "magic")
    with pytest.raises(ValueError, match="start"):
        model.fit_ep(start=[0.0])
