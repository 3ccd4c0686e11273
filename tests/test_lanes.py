"""Fits of one variance component: leaf quadrature with as many nodes as are needed."""

import numpy as np
import pytest
import scipy.sparse as sp

import mixed_glm as mg


def one_component(family, seed, groups=40, rows=800, sd=1.0, slopes=False, giant=False):
    """A model whose groups have all kinds of sizes; a twentieth of the rows belong to none."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(rows), rng.normal(size=(rows, 2))])
    group = (groups * rng.random(rows) ** 2).astype(int)
    if giant:
        group[: rows // 2] = 3
    factor = rng.normal(size=rows) if slopes else np.ones(rows)
    factor[::20] = 0.0
    u = rng.normal(0.0, sd, groups)
    eta = x @ [0.2, 0.5, -0.4] + factor * u[group]
    z = sp.csr_matrix((factor, (np.arange(rows), group)), shape=(rows, groups))
    z.eliminate_zeros()
    if family.name == "binomial":
        y = rng.random(rows) < 1.0 / (1.0 + np.exp(-eta))
    else:
        y = rng.poisson(np.exp(np.minimum(eta, 4.0)))
    return mg.MixedGLM(y.astype(float), x, z, np.zeros(groups, int), family=family)


def difference(found, expected):
    """The largest of means, in posterior standard deviations, and of log standard deviations."""
    mean = np.abs(found.params - expected.params) / expected.bse
    return max(mean.max(), np.abs(np.log(found.bse / expected.bse)).max())


FAMILIES = {
    "logit": mg.families.Binomial(),
    "cloglog": mg.families.Binomial("cloglog"),
    "counts": mg.families.Poisson(),
    "overdispersed": mg.families.NegativeBinomial(0.5),
}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(
    "kind",
    [{}, {"slopes": True}, {"giant": True}, {"groups": 300, "rows": 1500}, {"sd": 2.5, "groups": 150}],
    ids=["uneven", "slopes", "giant", "many", "wide"],
)
def test_nodes_by_need_are_enough(name, kind):
    """As with 35 nodes, far fewer being told, and an error that is small."""
    model = one_component(FAMILIES[name], 5, **kind)
    found, expected = model.fit(), model.fit_laplace(n_quad=35)
    assert found.method == "leaf"
    assert found.converged
    assert expected.converged
    assert difference(found, expected) < 0.01
    assert 0 < found.integration.n_quad <= 63
    assert 0.0 <= found.integration.quadrature_error < 0.03
    assert expected.integration.n_quad == 0
    assert np.isnan(expected.integration.quadrature_error)
    assert found.log_evidence == pytest.approx(expected.log_evidence, abs=0.05)


def test_threads_leave_the_bits_alone():
    """Enough rows for a second thread to be woken up."""
    model = one_component(mg.families.Binomial(), 7, rows=9000, groups=300)
    np.testing.assert_array_equal(model.fit(n_jobs=2).params, model.fit(n_jobs=1).params)


def test_draws_and_predictions_after_nodes_by_need():
    """They are of the posterior that was fitted."""
    model = one_component(mg.families.Poisson(), 9)
    result = model.fit()
    draws = np.asarray(result.posterior_sample(4000, rng=1))
    assert (np.abs(draws.mean(axis=0) - result.params) / result.bse).max() < 0.1
    assert np.abs(np.log(draws.std(axis=0) / result.bse)).max() < 0.1
