"""Derivatives against central differences, for random families, designs and points."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from small_models import a_point, make, models

from mixed_glm import families

SEEDS = st.integers(0, 2**20)
examples = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def slopes(function, point, step=1e-4):
    """Five-point central differences along every axis: error of the order of step^4."""
    columns = []
    for axis in np.eye(len(point)):
        one, two = step * axis, 2 * step * axis
        near = np.asarray(function(point + one)) - np.asarray(function(point - one))
        far = np.asarray(function(point + two)) - np.asarray(function(point - two))
        columns.append((8 * near - far) / (12 * step))
    return np.array(columns)


def assert_close(exact, numeric, rtol):
    """Relative to the largest entry."""
    np.testing.assert_allclose(exact, numeric, rtol=0, atol=rtol * (1 + np.abs(numeric).max(initial=0.0)))


@examples
@given(models(least_components=0), SEEDS, st.sampled_from([0.3, 1.0, 2.0]))
def test_logposterior(arguments, seed, scale):
    rng = np.random.default_rng(seed)
    n = len(arguments["endog"])
    model = make(arguments, offset=0.3 * rng.normal(size=n), freq_weights=rng.exponential(size=n))
    point = a_point(model, seed, scale)
    assume(point.size)
    assert_close(model.logposterior_grad(point), slopes(model.logposterior, point), 1e-6)
    hessian = model.logposterior_hess(point).toarray()
    assert_close(hessian, slopes(model.logposterior_grad, point), 1e-6)
    np.testing.assert_array_equal(hessian, hessian.T)


@examples
@given(models(), SEEDS)
def test_vb_elbo(arguments, seed):
    model = make(arguments)
    mean, sd = a_point(model, seed), np.exp(a_point(model, seed + 1) - 1.0)
    d = len(mean)
    point = np.r_[mean, sd]
    # as many nodes everywhere, so that the rule does not change along the way; the gradient is that of the exact bound
    numeric = slopes(lambda x: model.vb_elbo(x[:d], x[d:], n_quad=40), point)[:, None].ravel()
    assert_close(np.concatenate(model.vb_elbo_grad(mean, sd, n_quad=40)), numeric, 1e-3)


@pytest.mark.parametrize("approx", ["laplace", "leaf", "ep", "vb"])
@settings(examples, max_examples=15)
@given(models(), SEEDS)
def test_log_marginal(approx, arguments, seed):
    model = make(arguments)
    psi = 0.5 * np.random.default_rng(seed).normal(size=model.k_vcp)
    # of the exact density, that is: fifteen leave 1e-2 of one with three rows
    nodes = 40 if approx in ("ep", "leaf") else None
    numeric = slopes(lambda x: model.log_marginal(x, approx, n_quad=nodes), psi, step=1e-2)
    # psi changes slowly: the fourth order in the step is below 1e-5; what iterates ends within 1e-4
    assert_close(
        model.log_marginal_grad(psi, approx, n_quad=nodes),
        numeric,
        2e-3 if approx in ("ep", "leaf") else 1e-4,
    )


ROWS = {
    "binomial": st.sampled_from([families.Binomial(link) for link in families.Binomial.links]),
    "poisson": st.just(families.Poisson()),
    "negative_binomial": st.floats(0.01, 50.0).map(families.NegativeBinomial),
    "exponential": st.just(families.Exponential()),
}


@examples
@given(st.one_of(ROWS.values()), SEEDS)
def test_families(family, seed):
    """Of each row: the first derivative from the value, the second from the first, the third from the second."""
    rng = np.random.default_rng(seed)
    eta = rng.normal(scale=rng.choice([0.5, 2.0, 4.0]), size=20)
    trials = rng.integers(1, 30, size=20) if family.name == "binomial" else None
    y = rng.exponential(5.0, size=20)
    y = y if family.name == "exponential" else np.floor(y) if trials is None else np.floor(y % (trials + 1))
    exact = family.derivatives(y, eta, trials)
    h = 1e-3
    up2, up, down, down2 = (family.derivatives(y, eta + s, trials) for s in (2 * h, h, -h, -2 * h))
    for order in range(3):
        numeric = (8 * (up[order] - down[order]) - (up2[order] - down2[order])) / (12 * h)
        assert_close(exact[order + 1], numeric, 1e-7)
