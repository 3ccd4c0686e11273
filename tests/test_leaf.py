"""Leaf quadrature: which component it is, and its answers against brute force with other effects beside the leaf."""

import numpy as np
import pytest
from brute_force import BruteForce
from numpy.testing import assert_allclose
from simulated import PLAIN, crossed, draw

import mixed_glm as mg


def with_one_more_column(family="binomial-logit", seed=2, groups=10, rows=4):
    """One factor and a second component with a single column: brute force has v as a fourth parameter."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rows)
    n = groups * rows
    group[rng.random(n) < 0.1] = -1  # rows that touch no effect of the factor
    column = rng.normal(size=(n, 1))
    slope = 0.5 + rng.random(n)
    z = np.zeros((n, groups))
    z[group >= 0, group[group >= 0]] = slope[group >= 0]
    eta = 0.3 + z @ rng.normal(size=groups) + 0.8 * column[:, 0]
    y = draw(family, eta, rng)
    x = np.ones((n, 1))
    model = mg.MixedGLM(
        y, x, np.hstack([z, column]), ["g"] * groups + ["one"], family="binomial", vcp_p=0.5, fe_p=2.0
    )  # fmt: skip
    reference = BruteForce(
        y, x, group, family, k=2, leaf=0, zv=column, ident_v=(1,), slope=slope, groups=groups, vcp_p=0.5
    )
    return model, reference


def test_brute_force_beside_another_component_and_rows_without_an_effect():
    model, brute_force = with_one_more_column()
    reference = brute_force.posterior(step=1.1, drop=10.0)
    u_mean, u_sd = reference.effects()
    result = model.fit_laplace(n_quad=25, leaf="g")
    beta, v = 0, 1
    mean = np.r_[reference.mean[[beta, 2, 3]], u_mean, reference.mean[v]]
    sd = np.r_[reference.sd[[beta, 2, 3]], u_sd, reference.sd[v]]
    assert_allclose((result.params - mean) / sd, 0.0, atol=0.03)
    assert_allclose(np.log(result.bse / sd), 0.0, atol=0.06)
    assert result.log_evidence == pytest.approx(reference.log_evidence, abs=0.08)


def test_marginal_at_fixed_psi_against_brute_force():
    model, brute_force = with_one_more_column(seed=5)
    for psi in ([-1.0, 0.2], [0.5, -0.5]):
        brute_force.fixed_psi = np.array(psi)
        reference = brute_force.posterior().log_evidence
        leaf = model.log_marginal(psi, "leaf", leaf="g")
        assert leaf == pytest.approx(reference, abs=0.05)
        assert abs(leaf - reference) < abs(model.log_marginal(psi) - reference)


def test_more_nodes_converge():
    model, _ = with_one_more_column(seed=4)
    exact = model.log_marginal([0.0, 0.0], "leaf", n_quad=80)
    errors = [abs(model.log_marginal([0.0, 0.0], "leaf", n_quad=n) - exact) for n in (3, 7, 15, 25)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-6


def test_leaf_by_name_and_by_number():
    model = crossed(sizes=(12, 5))
    assert model.vcp_names == ["VC_1", "VC_2"]
    for name, number in (("VC_1", 0), ("VC_2", 1)):
        by_name = model.fit_laplace(n_quad=9, leaf=name)
        assert np.array_equal(by_name.params, model.fit_laplace(n_quad=9, leaf=number).params)
        assert np.array_equal(by_name.params, model.fit_laplace(n_quad=9, leaf=np.int64(number)).params)
        assert by_name.method == "leaf"
    assert np.array_equal(model.fit_laplace(n_quad=9).params, model.fit_laplace(n_quad=9, leaf=0).params)
    first, second = (model.fit_laplace(n_quad=9, leaf=k).params for k in (0, 1))
    assert not np.allclose(first, second, rtol=0.0, atol=1e-5)


def test_the_default_is_the_largest_component():
    model = crossed(sizes=(5, 12))
    assert np.array_equal(model.fit_laplace(n_quad=9).params, model.fit_laplace(n_quad=9, leaf="VC_2").params)


@pytest.mark.parametrize("leaf", ["district", 2, -1, 0.5, None])
def test_a_leaf_that_is_not_there(leaf):
    with pytest.raises(ValueError, match=r"leaf must be 'auto' or .*'VC_1', 'VC_2'.*got"):
        crossed().fit_laplace(n_quad=9, leaf=leaf)
    with pytest.raises(ValueError, match="leaf must be"):
        crossed().log_marginal([0.0, 0.0], "leaf", leaf=leaf)


def test_rows_that_touch_two_effects_of_a_component():
    rng = np.random.default_rng(0)
    z = np.eye(6)[rng.integers(6, size=50)] + np.eye(6)[rng.integers(6, size=50)]
    other = np.eye(4)[rng.integers(4, size=50)]
    y = rng.integers(2, size=50).astype(float)
    alone = mg.MixedGLM(y, None, z, ["pair"] * 6, family="binomial")
    with pytest.raises(
        ValueError, match=r"n_quad > 1 needs a component of which each row touches at most one"
    ):
        alone.fit_laplace(n_quad=9)
    both = mg.MixedGLM(y, None, np.hstack([z, other]), ["pair"] * 6 + ["single"] * 4, family="binomial")
    assert both.fit_laplace(n_quad=9).method == "leaf"  # the smaller one, which is possible
    with pytest.raises(ValueError, match=r"leaf must be .*'single'.*got 'pair'"):
        both.fit_laplace(n_quad=9, leaf="pair")


def test_the_leaf_is_ignored_by_plain_laplace():
    model = crossed()
    assert np.array_equal(model.fit_laplace(leaf="VC_2").params, model.fit_laplace().params)


def test_the_order_of_rows_and_columns_does_not_matter():
    model = crossed(n=150)
    rng = np.random.default_rng(4)
    rows, columns = rng.permutation(150), rng.permutation(17)
    z = np.asarray(model.exog_vc.todense() if hasattr(model.exog_vc, "todense") else model.exog_vc)
    shuffled = mg.MixedGLM(
        model.endog[rows],
        model.exog[rows],
        z[rows][:, columns],
        np.asarray(model.ident)[columns],
        family="binomial",
        **PLAIN,
    )
    for n_quad in (1, 15):
        a, b = model.fit_laplace(n_quad=n_quad), shuffled.fit_laplace(n_quad=n_quad)
        assert_allclose(b.fe_mean, a.fe_mean, atol=1e-5)
        assert_allclose(b.vcp_mean, a.vcp_mean, atol=1e-5)
        assert_allclose(b.vc_mean, a.vc_mean[columns], atol=1e-5)
        assert_allclose(b.vc_sd, a.vc_sd[columns], atol=1e-5)
        assert b.log_evidence == pytest.approx(a.log_evidence, abs=1e-5)


@pytest.mark.slow
def test_nested_binary_data_are_recovered():
    """Leaves of 1 to 3 binary rows, sd 2.5 within sd 1: the benchmark accuracy_nested at a third of its size."""
    truth = np.r_[0.5, -1.0, np.log([2.5, 1.0])]
    scores = {1: [], 25: []}
    for replicate in range(6):
        rng = np.random.default_rng([11, replicate])
        leaf = np.repeat(np.arange(600), rng.integers(1, 4, 600))
        group, n = (np.arange(600) % 60)[leaf], len(leaf)
        x = np.column_stack([np.ones(n), rng.normal(size=n)])
        u, v = 2.5 * rng.normal(size=600), rng.normal(size=60)
        y = draw("binomial-logit", x @ truth[:2] + u[leaf] + v[group], rng)
        frame = {"y": y, "x": x[:, 1], "leaf": leaf, "group": group}
        model = mg.MixedGLM.from_formula("y ~ x + (1 | leaf) + (1 | group)", data=frame, family="binomial")
        for n_quad, kept in scores.items():
            result = model.fit_laplace(n_quad=n_quad)
            kept.append((np.r_[result.fe_mean, result.vcp_mean] - truth) / np.r_[result.fe_sd, result.vcp_sd])
    exact, laplace = np.array(scores[25]), np.array(scores[1])
    assert np.abs(exact.mean(0)).max() < 3 / np.sqrt(6)
    assert np.abs(exact).max() < 4
    assert laplace[:, 2].mean() < -1.5  # the standard deviation of the leaf is far too small
