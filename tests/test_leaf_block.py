"""A leaf of several components of the same groups: which it is, and its answers against brute force."""

from itertools import product

import numpy as np
import pytest
from brute_force import log_likelihood
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from scipy.stats import norm
from simulated import crossed, draw

import mixed_glm as mg


def grouped(family="binomial-logit", m=2, groups=12, rows=5, p=0, sd=1.0, seed=3):
    """Intercept and m - 1 slopes of the same groups: model, factors (n, m), groups."""
    rng = np.random.default_rng(seed)
    n = groups * rows
    group = np.repeat(np.arange(groups), rows)
    factors = np.column_stack([np.ones(n), rng.normal(size=(n, m - 1))])
    u = sd * rng.normal(size=(groups, m))
    eta = (factors * u[group]).sum(axis=1)
    z = np.hstack([np.eye(groups)[group] * factors[:, [c]] for c in range(m)])
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 1))])[:, :p]
    y = draw(family, eta, rng)
    names = [name for name in ("int", "slope", "other")[:m] for _ in range(groups)]
    model = mg.MixedGLM(y, x if p else None, z, names, family=family.partition("-")[0], vcp_p=0.5, fe_p=2.0)
    return model, factors, group


def log_integrals(model, factors, group, psi, family, eta=0.0, points=31):
    """log of each group's integral over its effects, and their means, on lattices about mean and sd."""
    m = factors.shape[1]
    line = np.linspace(-7.0, 7.0, points)
    lattice = np.array(list(product(line, repeat=m)))
    prior_sd, integrals, means = np.exp(psi), [], []
    for g in np.unique(group):
        rows = group == g
        mean, sd = np.zeros(m), prior_sd
        for _ in range(4):  # first the prior's, then closer and closer
            nodes = mean + sd * lattice
            at = np.broadcast_to(eta, len(group))[rows, None] + factors[rows] @ nodes.T
            values = log_likelihood(family, at, model.endog[rows, None]).sum(axis=0)
            values += norm.logpdf(nodes, scale=prior_sd).sum(axis=1)
            values += np.log(sd * (line[1] - line[0])).sum()
            weights = np.exp(values - logsumexp(values))
            last = mean = weights @ nodes
            sd = np.maximum(np.sqrt(weights @ (nodes - mean) ** 2), 0.25 * sd)
        integrals.append(logsumexp(values))
        means.append(last)
    return np.array(integrals), np.array(means)


@pytest.mark.parametrize("family", ["binomial-logit", "poisson"])
@pytest.mark.parametrize("m", [2, 3])
def test_without_fixed_effects_a_block_is_exact(family, m):
    model, factors, group = grouped(family, m, groups=6)
    for psi in ([-0.5, 0.2, -0.2][:m], [0.6, -0.8, 0.3][:m]):
        points = 31 if m == 2 else 25
        expected = log_integrals(model, factors, group, psi, family, points=points)[0].sum()
        expected += norm.logpdf(psi, scale=0.5).sum()
        laplace = model.log_marginal(psi)
        assert model.log_marginal(psi, "leaf") == pytest.approx(expected, abs=0.01)
        assert model.log_marginal(psi, "leaf", n_quad=15) == pytest.approx(expected, abs=1e-3)
        assert abs(laplace - expected) > 0.002  # what the block is for
        step = 1e-3 * np.eye(m)
        slope = [
            (
                log_integrals(model, factors, group, psi + h, family, points=points)[0].sum()
                - log_integrals(model, factors, group, psi - h, family, points=points)[0].sum()
            )
            / 2e-3
            for h in step
        ]
        gradient = model.log_marginal_grad(psi, "leaf", n_quad=15)
        assert_allclose(gradient, np.array(slope) - np.array(psi) / 0.25, atol=5e-3)


def test_posterior_against_brute_force():
    """Thin binary groups with intercepts and slopes, one fixed effect: a lattice over (beta, psi)."""
    model, factors, group = grouped(groups=12, rows=6, p=1, sd=1.5, seed=7)
    result = model.fit_laplace(n_quad=11)
    centre, scale = result.params[:3], result.bse[:3]
    line = np.linspace(-4.2, 4.2, 9)
    points = np.array(list(product(line, repeat=3)))
    points = points[(points**2).sum(axis=1) < 4.3**2]
    log_p, means = [], []
    for point in centre + points * scale:
        integrals, mean = log_integrals(
            model, factors, group, point[1:], "binomial-logit", eta=point[0], points=15
        )
        prior = norm.logpdf(point, scale=[2.0, 0.5, 0.5]).sum()
        log_p.append(integrals.sum() + prior)
        means.append(np.r_[point, mean.T.ravel()])
    weights = np.exp(np.array(log_p) - logsumexp(log_p))
    expected = weights @ np.array(means)
    sd = np.sqrt(weights @ np.array(means)[:, :3] ** 2 - expected[:3] ** 2)
    assert_allclose((result.params - expected) / result.bse, 0.0, atol=0.03)
    assert_allclose(np.log(result.bse[:3] / sd), 0.0, atol=0.04)
    alone = model.fit_laplace(n_quad=25, leaf=["int"])
    assert np.abs((alone.params - expected) / result.bse)[:3].max() > 0.05  # what the block is for


def test_the_leaf_by_name():
    model, _, _ = grouped(m=3, groups=8)
    psi = [0.1, 0.2, 0.3]
    value = {
        str(leaf): model.log_marginal(psi, "leaf", n_quad=7, leaf=leaf)
        for leaf in ("auto", "int", "slope", 2, ["int", "slope", "other"], [0, 1], ["int"], ["slope"])
    }
    assert value["auto"] == value["int"] == value["slope"] == value["2"]
    assert value["auto"] == value["['int', 'slope', 'other']"]
    assert len({value["auto"], value["[0, 1]"], value["['int']"], value["['slope']"]}) == 4
    formula = mg.MixedGLM.from_formula(
        "y ~ x + (1 + x || g)",
        data={"y": [0, 1] * 20, "x": np.random.default_rng(0).normal(size=40), "g": np.arange(40) // 5},
        family="binomial",
    )
    assert formula.log_marginal([0.0, 0.0], "leaf", leaf="g") == formula.log_marginal([0.0, 0.0], "leaf")


@pytest.mark.parametrize("leaf", [["VC_1", "VC_2"], ["VC_1", "VC_1"]])
def test_components_of_other_groups_are_no_block(leaf):
    with pytest.raises(ValueError, match=r"components whose effects belong to the same groups.*got \["):
        crossed().fit_laplace(n_quad=9, leaf=leaf)


@pytest.mark.parametrize("leaf", [[], ["no such"], [0, 7], [None], None, 1.5])
def test_lists_that_name_no_components(leaf):
    with pytest.raises(ValueError, match=r"leaf must be 'auto' or .* or a list of up to three"):
        crossed().fit_laplace(n_quad=9, leaf=leaf)


@pytest.mark.parametrize("m", [2, 3])
def test_draws_agree_with_the_moments(m):
    model, _, _ = grouped(m=m, groups=8 if m == 2 else 4, p=2, seed=5)
    result = model.fit_laplace(n_quad=7)
    draws = result.posterior_sample(2000, rng=1)
    effects = slice(2 + m, None)
    off = (draws.params.mean(axis=0) - result.params) / result.bse
    assert np.abs(off[effects]).max() < 0.15
    assert np.abs(np.log(draws.params.std(axis=0) / result.bse))[effects].max() < 0.1
    # The density that is reported is the one drawn from: with weights p / q the evidence comes out.
    log_weights = draws.log_p - draws.log_q
    assert logsumexp(log_weights) - np.log(len(log_weights)) == pytest.approx(result.log_evidence, abs=0.1)


def test_any_number_of_threads_gives_the_same_bits():
    model, _, _ = grouped(m=2, groups=400, rows=6, p=2)
    one, two = (model.fit_laplace(n_quad=5, integrate="mode", n_jobs=jobs) for jobs in (1, 2))
    assert np.array_equal(one.params, two.params)
    assert np.array_equal(one.bse, two.bse)


def test_too_many_nodes_for_a_product():
    model, _, _ = grouped(m=3, groups=8)
    with pytest.raises(ValueError, match="n_quad: expected at most 25 nodes for each of 3 components"):
        model.fit_laplace(n_quad=40)
    assert model.fit_laplace(n_quad=40, leaf=["int"], integrate="mode").converged
