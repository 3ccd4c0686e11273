"""Models that are the same but for how they are written have the same posterior, whatever the method.

Tolerances are in posterior standard deviations. Rounding alone moves modes by less than 1e-5 of one; what iterates to a
tolerance of its own (`fit_ep`, `fit_vb`) is allowed as much. A grid over the log standard deviations ends where the
density has dropped by so much: rounding decides about its last points, which are worth up to 0.02 standard deviations.
At the mode alone (``integrate="mode"``) the standard deviations of log standard deviations come from differences of
gradients, which are right to 3 %.
"""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from simulated import FAMILIES
from small_models import make, models, rows_of, simulate

import mixed_glm as mg

SEEDS = st.integers(0, 2**20)
examples = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)

# method: fit, tolerance of means in posterior standard deviations, of log standard deviations and of the evidence
METHODS = {
    "map": (lambda m: m.fit_map(), 1e-5, 1e-4),
    "laplace": (lambda m: m.fit_laplace(integrate="mode"), 1e-4, 0.03),
    "grid": (lambda m: m.fit_laplace(), 0.02, 0.03),
    "leaf": (lambda m: m.fit_laplace(n_quad=7, integrate="mode"), 1e-4, 0.03),
    "ep": (lambda m: m.fit_ep(integrate="mode"), 1e-3, 0.03),
    "vb": (lambda m: m.fit_vb(), 1e-3, 1e-2),
    "vb full": (lambda m: m.fit_vb(covariance="full"), 1e-3, 1e-2),
}
OTHER_SITES = 0.25  # expectation propagation of rows of other sizes is another approximation
every_method = pytest.mark.parametrize("method", METHODS)


def fit(arguments, method, **changes):
    model = make(arguments, **changes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.MixedGLMWarning)
        return METHODS[method][0](model)


def sites(method):
    return OTHER_SITES if method == "ep" else 0.0


def unusual(result):
    return result.status != "converged"


def assert_same(one, other, method, effects=None, fixed=None, components=None, fixed_scale=1.0,
                log_ratio=0.0, tolerance=0.0):  # fmt: skip
    """`effects[j]`, `fixed`, `components`: position in `other` of each parameter of `one`.

    `fixed_scale`: times the fixed effects of `other`. `log_ratio`: log p(y) of `other` minus that of `one`. `tolerance`
    of means, and half that of standard deviations, if it is larger than that of the method.
    """
    if unusual(one) or unusual(other):  # rounding decides where a search ends that fails, and whether it does
        return
    _, of_mean, of_sd = METHODS[method]
    of_mean, of_sd = (
        max(of_mean, tolerance, 2e-3),
        max(of_sd, 2 * tolerance, 5e-3),
    )  # the search ends within 0.001 sd
    model = one.model
    order = np.concatenate([
        np.arange(model.k_fep) if fixed is None else fixed,
        model.k_fep + (np.arange(model.k_vcp) if components is None else components),
        model.k_fep + model.k_vcp + (np.arange(model.k_vc) if effects is None else effects),
    ]).astype(int)  # fmt: skip
    scale = np.ones(len(order))
    scale[: model.k_fep] = fixed_scale
    np.testing.assert_allclose((scale * other.params[order] - one.params) / one.bse, 0.0, atol=of_mean)
    np.testing.assert_allclose(np.log(scale * other.bse[order] / one.bse), 0.0, atol=of_sd)
    if one.log_evidence is not None:
        assert other.log_evidence - one.log_evidence == pytest.approx(log_ratio, abs=of_sd)


@every_method
@examples
@given(models(), SEEDS)
def test_order_of_rows(method, arguments, seed):
    rows = np.random.default_rng(seed).permutation(len(arguments["endog"]))
    assert_same(fit(arguments, method), fit(rows_of(arguments, rows), method), method)


@every_method
@examples
@given(models(), SEEDS)
def test_order_of_columns(method, arguments, seed):
    """Random effects in another order, also with those of a component no longer side by side."""
    order = np.random.default_rng(seed).permutation(len(arguments["ident"]))
    other = fit(arguments, method, exog_vc=arguments["exog_vc"][:, order], ident=arguments["ident"][order])
    assert_same(fit(arguments, method), other, method, effects=np.argsort(order))


@every_method
@examples
@given(models(), SEEDS)
def test_order_of_levels_and_components(method, arguments, seed):
    """Components numbered in another order, as happens when the levels of a factor are renamed."""
    names = np.random.default_rng(seed).permutation(10)[: arguments["ident"].max() + 1]
    renumbered = np.argsort(np.argsort(names))
    if method == "leaf":  # of several candidates of one size the first is the leaf
        sizes = np.bincount(arguments["ident"])
        if len(set(sizes)) < len(sizes):
            return
    other = fit(arguments, method, ident=names[arguments["ident"]])
    assert_same(fit(arguments, method), other, method, components=renumbered)


@every_method
@examples
@given(models(least_p=2), SEEDS)
def test_order_of_fixed_effects(method, arguments, seed):
    order = np.random.default_rng(seed).permutation(arguments["exog"].shape[1])
    prior = np.linspace(0.5, 2.0, len(order))
    one = fit(arguments, method, fe_p=prior)
    other = fit(arguments, method, exog=arguments["exog"][:, order], fe_p=prior[order])
    assert_same(one, other, method, fixed=np.argsort(order))


@every_method
@examples
@given(models(), SEEDS)
def test_repeated_rows_are_weights(method, arguments, seed):
    weights = np.random.default_rng(seed).integers(0, 4, size=len(arguments["endog"]))
    weights[0] = 1
    rows = np.repeat(np.arange(len(weights)), weights)
    repeated = fit(rows_of(arguments, rows), method)
    assert_same(fit(arguments, method, freq_weights=weights), repeated, method, tolerance=sites(method))


@every_method
@examples
@given(models(families=("poisson",), least_p=1), SEEDS)
def test_rows_of_counts_can_be_merged(method, arguments, seed):
    """Counts in rows with one predictor: their sum, with as much exposure, up to a constant in the evidence."""
    rng = np.random.default_rng(seed)
    n = len(arguments["endog"])
    twice = rows_of(arguments, np.repeat(np.arange(n), 2))
    first = rng.binomial(arguments["endog"].astype(int), 0.5)
    twice["endog"] = np.column_stack([first, arguments["endog"] - first]).ravel()
    one, merged = fit(twice, method), fit(arguments, method, exposure=np.full(n, 2.0))
    ratio = merged.model.logposterior(merged.params) - one.model.logposterior(merged.params)
    assert_same(one, merged, method, log_ratio=ratio, tolerance=sites(method))


@every_method
@examples
@given(models(families=tuple(f for f in FAMILIES if f.startswith("binomial"))), SEEDS)
def test_trials_can_be_split(method, arguments, seed):
    """k successes in n trials: two rows of fewer trials, up to a binomial coefficient in the evidence."""
    if "n_trials" not in arguments:
        return
    rng = np.random.default_rng(seed)
    n, trials = len(arguments["endog"]), arguments["n_trials"]
    part = rng.integers(0, trials + 1)
    won = rng.hypergeometric(
        part, trials - part, arguments["endog"].astype(int)
    )  # successes in the first part
    split = rows_of(arguments, np.repeat(np.arange(n), 2))
    split["endog"] = np.column_stack([won, arguments["endog"] - won]).ravel()
    split["n_trials"] = np.column_stack([part, trials - part]).ravel()
    one, other = fit(arguments, method), fit(split, method)
    ratio = other.model.logposterior(one.params) - one.model.logposterior(one.params)
    assert_same(one, other, method, log_ratio=ratio, tolerance=sites(method))


@every_method
@examples
@given(models(least_p=1), st.floats(-1.5, 1.5))
def test_an_offset_moves_the_intercept(method, arguments, shift):
    """With a wide prior: the intercept moves by minus the offset, all else stays."""
    n = len(arguments["endog"])
    model = make(arguments, fe_p=np.r_[1e6, np.full(arguments["exog"].shape[1] - 1, 2.0)])
    if arguments["endog"].min() == arguments["endog"].max():  # the prior alone keeps the intercept
        return
    one = fit(arguments, method, fe_p=model.fe_p)
    other = fit(arguments, method, fe_p=model.fe_p, offset=np.full(n, shift))
    if unusual(one) or unusual(other) or one.fe_sd[0] > 1e3:
        return
    expected = one.params.copy()
    expected[0] -= shift
    np.testing.assert_allclose((other.params - expected) / one.bse, 0.0, atol=10 * METHODS[method][1])
    np.testing.assert_allclose(np.log(other.bse / one.bse), 0.0, atol=METHODS[method][2])


@every_method
@examples
@given(models(least_p=1), st.floats(-3, 3))
def test_a_column_scaled_with_its_prior(method, arguments, power):
    """exog[:, j] times c with fe_p[j] / c: the coefficient is that over c."""
    p = arguments["exog"].shape[1]
    scale = np.ones(p)
    scale[-1] = 10.0**power
    one = fit(arguments, method, fe_p=np.full(p, 2.0))
    other = fit(arguments, method, exog=arguments["exog"] * scale, fe_p=2.0 / scale)
    assert_same(one, other, method, fixed_scale=scale)


@every_method
@examples
@given(models(), st.sampled_from(["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]))
def test_dense_and_sparse_are_one(method, arguments, kind):
    """To the bit: they become the same arrays."""
    one = fit(arguments, method)
    other = fit(arguments, method, exog_vc=getattr(sparse, f"{kind}_array")(arguments["exog_vc"]))
    np.testing.assert_array_equal(other.params, one.params)
    np.testing.assert_array_equal(other.bse, one.bse)


@pytest.mark.parametrize(
    "method", ["laplace", "leaf", "ep"]
)  # joint modes and factorized bounds do depend on them
@pytest.mark.parametrize("family", FAMILIES)
def test_effects_without_data_change_nothing(method, family):
    """Columns of zeros integrate out."""
    arguments = simulate(family, seed=4)
    z, ident = arguments["exog_vc"], arguments["ident"]
    other = fit(arguments, method, exog_vc=np.c_[z, np.zeros((len(z), 2))], ident=np.r_[ident, 0, 0])
    assert_same(fit(arguments, method), other, method)
