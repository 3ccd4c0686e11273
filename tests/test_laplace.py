"""fit_laplace, log_marginal and its gradient, against brute force, dense linear algebra and finite differences."""

import numpy as np
import pytest
from brute_force import log_likelihood
from numpy.testing import assert_allclose
from scipy.special import ndtr
from simulated import FAMILIES, crossed, one_factor

import mixed_glm as mg
from mixed_glm.exceptions import ConvergenceWarning

LEVELS = (0.025, 0.25, 0.5, 0.9)


def dense_laplace(family, y, a, precision, offset=0.0, trials=1.0):
    """Mode and Laplace log integral of exp(log likelihood) N(x; 0, 1 / precision), by derivatives in numpy."""
    h = 1e-4
    x = np.zeros(a.shape[1])
    for _ in range(60):
        eta = a @ x + offset
        up, at, down = (log_likelihood(family, eta + s, y, trials, 0.6) for s in (h, 0.0, -h))
        first, second = (up - down) / (2 * h), (up - 2 * at + down) / h**2
        hessian = (a.T * -second) @ a + np.diag(precision)
        step = np.linalg.solve(hessian, a.T @ first - precision * x)
        x = x + step * min(1.0, 2.0 / np.abs(step).max())
    value = at.sum() + 0.5 * np.log(precision).sum() - 0.5 * x @ (precision * x)
    return x, value - 0.5 * np.linalg.slogdet(hessian)[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_log_marginal_against_dense_linear_algebra(family):
    data = one_factor(family, p=2, trials=3 if family.startswith("binomial") else 1, seed=3)
    model = data.model(vcp_p=0.7, fe_p=1.5)
    a = np.hstack([data.x, np.eye(data.groups)[data.group]])
    for psi in (-1.5, 0.0, 0.8):
        precision = np.r_[np.full(2, 1.5**-2), np.full(data.groups, np.exp(-2 * psi))]
        _, expected = dense_laplace(family, data.y, a, precision, trials=float(data.trials))
        expected += -0.5 * (psi / 0.7) ** 2 - np.log(0.7 * np.sqrt(2 * np.pi))
        assert model.log_marginal([psi]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("approx", ["laplace", "leaf"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_against_finite_differences(family, approx):
    model = crossed(family=family, sizes=(12, 5, 3))
    for psi in ([0.0, 0.0, 0.0], [-2.0, 0.5, 0.1], [0.4, -3.0, -1.0]):
        gradient = model.log_marginal_grad(psi, approx)
        h = 1e-3
        for k in range(3):
            up, down = np.array(psi), np.array(psi)
            up[k] += h
            down[k] -= h
            slope = (model.log_marginal(up, approx) - model.log_marginal(down, approx)) / (2 * h)
            assert gradient[k] == pytest.approx(slope, rel=1e-3, abs=3e-3)


@pytest.mark.parametrize("p", [0, 1, 2])
@pytest.mark.parametrize("family", ["binomial-logit", "poisson"])
def test_brute_force(family, p):
    check_against_brute_force(one_factor(family, p=p, seed=7 + p))


def test_brute_force_with_three_fixed_effects():
    check_against_brute_force(one_factor(p=3, groups=10, seed=4))


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"binomial-logit", "poisson"}))
def test_brute_force_of_other_families(family):
    check_against_brute_force(one_factor(family, p=1, seed=9))


def check_against_brute_force(data, **options):
    """Means of beta, psi and u within 0.02 standard deviations by quadrature; Laplace within 0.4."""
    reference = data.reference(**options).posterior()
    u_mean, u_sd = reference.effects()
    mean, sd = np.r_[reference.mean, u_mean], np.r_[reference.sd, u_sd]
    model = data.model(**options)
    for n_quad, tolerance, sd_tolerance, evidence in ((25, 0.02, 0.05, 0.06), (1, 0.4, 0.35, 0.7)):
        result = model.fit_laplace(n_quad=n_quad)
        assert result.converged
        assert_allclose((result.params - mean) / sd, 0.0, atol=tolerance)
        assert_allclose(np.log(result.bse / sd), 0.0, atol=sd_tolerance)
        assert result.log_evidence == pytest.approx(reference.log_evidence, abs=evidence)


def test_quantiles_of_fixed_effects_and_log_sd():
    data = one_factor(p=1, groups=8, rows=3, sd=1.5, seed=12)
    result = data.model().fit_laplace(n_quad=25)
    for index, tolerance in ((0, 0.02), (1, 0.01)):
        reference = data.reference().posterior(step=0.7, drop=16, first=index)
        for level in LEVELS:
            assert reference.cdf(result.posterior.quantile(level)[index]) == pytest.approx(
                level, abs=tolerance
            )


@pytest.mark.parametrize("n_quad", [1, 25])
def test_quantiles_of_random_effects(n_quad):
    data = one_factor(p=1, groups=8, rows=3, sd=1.5, seed=12)
    result = data.model().fit_laplace(n_quad=n_quad)
    reference = data.reference().posterior()
    for level in LEVELS:
        below = reference.effects(limits=result.posterior.quantile(level)[2:])[2]
        assert_allclose(below, level, atol=0.02 if n_quad > 1 else 0.06)


def test_interval_of_the_standard_deviation_is_that_of_its_logarithm():
    result = one_factor(p=1).model().fit_laplace(n_quad=25)
    low, high = result.conf_int(alpha=0.1).to_numpy()[1]
    assert low == pytest.approx(result.posterior.quantile(0.05)[1])
    assert high == pytest.approx(result.posterior.quantile(0.95)[1])
    assert low < result.vcp_mean[0] < high


@pytest.mark.parametrize("n_quad", [1, 15])
def test_ways_to_integrate_agree(n_quad):
    model = crossed(n=600, sizes=(30, 20), family="poisson")
    grid = model.fit_laplace(n_quad=n_quad, integrate="grid")
    auto = model.fit_laplace(n_quad=n_quad)  # the same grid, interpolated
    assert auto.integration.evaluations < grid.integration.evaluations
    assert_allclose(np.log(auto.bse / grid.bse), 0.0, atol=0.01)
    for integrate, tolerance in (("auto", 0.01), ("ccd", 0.05), ("mode", 0.3)):
        other = model.fit_laplace(n_quad=n_quad, integrate=integrate)
        assert_allclose((other.params - grid.params) / grid.bse, 0.0, atol=tolerance)
        assert_allclose(np.log(other.bse / grid.bse), 0.0, atol=0.1)
        assert other.log_evidence == pytest.approx(grid.log_evidence, abs=0.05)


def test_two_wide_log_standard_deviations_are_not_interpolated():
    """Of which the data say next to nothing: variances of the effects grow with their exponentials."""
    rng = np.random.default_rng(6)
    factors = rng.integers(3, size=(12, 2))
    z = np.concatenate([np.eye(3)[factors[:, 0]], np.eye(3)[factors[:, 1]]], axis=1)
    endog = rng.integers(2, size=12).astype(float)
    model = mg.MixedGLM(endog, np.ones((12, 1)), z, np.repeat([0, 1], 3), "binomial", vcp_p=1.0, fe_p=2.0)
    auto, grid = model.fit_laplace(), model.fit_laplace(integrate="grid")
    assert grid.vcp_sd.max() > 0.5
    assert_allclose(np.log(auto.bse / grid.bse), 0.0, atol=0.01)
    assert_allclose((auto.params - grid.params) / grid.bse, 0.0, atol=0.01)


def test_a_central_composite_design_has_few_points():
    model = crossed(n=900, sizes=(10, 9, 8, 7, 6, 5), family="poisson", vcp_p=0.5)
    design = model.fit_laplace(integrate="ccd")
    assert design.converged
    assert len(design.posterior.weights) < 80
    model = crossed(n=800, sizes=(10, 9, 8, 7), family="poisson", vcp_p=0.5)
    grid, design = model.fit_laplace(integrate="grid"), model.fit_laplace(integrate="ccd")
    assert_allclose((design.params - grid.params) / grid.bse, 0.0, atol=0.1)
    assert_allclose(np.log(design.bse / grid.bse), 0.0, atol=0.1)


def test_three_components_and_more_are_integrated_along_ridges():
    model = crossed(n=800, sizes=(10, 9, 8, 7), family="poisson", vcp_p=0.5)
    grid, auto = model.fit_laplace(integrate="grid"), model.fit_laplace()
    assert_allclose(auto.params, model.fit_laplace(integrate="ridge").params)
    assert_allclose((auto.params - grid.params) / grid.bse, 0.0, atol=0.03)
    assert_allclose(np.log(auto.bse / grid.bse), 0.0, atol=0.04)


@pytest.mark.parametrize("n_quad", [1, 15])
@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "Nelder-Mead", "trust-constr"])
def test_scipy_methods_reach_the_same_mode(method, n_quad):
    if method == "Nelder-Mead" and n_quad > 1:
        pytest.skip("slow and no different")
    model = crossed(n=200)
    newton = model.fit_laplace(n_quad=n_quad, integrate="mode", minim_opts={"tol": 1e-10})
    options = {"gtol": 1e-6} if method != "Nelder-Mead" else {"xatol": 1e-6, "fatol": 1e-9}
    other = model.fit_laplace(n_quad=n_quad, integrate="mode", method=method, minim_opts=options)
    assert other.converged
    assert_allclose(other.vcp_mean, newton.vcp_mean, atol=2e-4)
    assert other.log_density == pytest.approx(newton.log_density, abs=1e-6)
    assert other.optim_retvals is not None


def test_start_does_not_matter():
    model = crossed(n=200)
    reference = model.fit_laplace()
    for start in ([-6.0, 3.0], [5.0, 5.0], [-20.0, -20.0]):
        assert_allclose(model.fit_laplace(start=start).params, reference.params, rtol=0.0, atol=5e-3)


def test_deterministic_and_without_side_effects():
    model = crossed(n=200)
    first = model.fit_laplace(n_quad=15)
    model.log_marginal([3.0, -3.0])
    second = model.fit_laplace(n_quad=15)
    assert np.array_equal(first.params, second.params)
    assert np.array_equal(first.bse, second.bse)


def test_without_mean_correction_means_are_modes():
    model = one_factor(p=2, seed=5).model()
    plain = model.fit_laplace(integrate="mode", mean_correction=False)
    mode = model.core().conditional_mode(plain.vcp_mean)
    assert_allclose(plain.params, mode, atol=1e-5)
    corrected = model.fit_laplace(integrate="mode")
    assert np.abs((corrected.fe_mean - plain.fe_mean) / plain.fe_sd).max() > 0.01


def test_log_evidence_is_the_integral_of_log_marginal():
    model = one_factor(p=2, seed=6).model(vcp_p=0.8)
    for approx, n_quad in (("laplace", 1), ("leaf", 25)):
        psi = np.linspace(-5.0, 3.0, 161)
        density = np.exp([model.log_marginal([s], approx) for s in psi])
        result = model.fit_laplace(n_quad=n_quad)
        assert result.log_evidence == pytest.approx(np.log(density.sum() * 0.05), abs=2e-3)
        mean = psi @ density / density.sum()
        sd = np.sqrt((psi - mean) ** 2 @ density / density.sum())
        assert (result.vcp_mean[0] - mean) / sd == pytest.approx(0.0, abs=5e-3)
        assert result.vcp_sd[0] == pytest.approx(sd, rel=5e-3)
        cumulative = np.cumsum(density) / density.sum()
        for level in LEVELS:
            quantile = np.interp(level, cumulative, psi + 0.025)
            assert result.posterior.quantile(level)[2] == pytest.approx(quantile, abs=0.02 * sd)


def test_prior_is_recovered_without_information():
    rng = np.random.default_rng(0)
    z = np.eye(5)[rng.integers(5, size=40)]
    model = mg.MixedGLM(
        np.zeros(40),
        np.ones((40, 1)),
        z,
        np.zeros(5, int),
        family="poisson",
        freq_weights=np.zeros(40),
        vcp_p=0.4,
        fe_p=2.0,
    )
    for n_quad in (1, 25):
        result = model.fit_laplace(n_quad=n_quad)
        assert_allclose(result.vcp_mean, 0.0, atol=1e-6)
        assert_allclose(result.vcp_sd, 0.4, rtol=1e-3)
        assert_allclose(result.fe_sd, 2.0, rtol=1e-6)
        assert_allclose(result.vc_sd, np.exp(0.4**2), rtol=5e-3)  # sqrt(E exp(2 psi))
        assert result.log_evidence == pytest.approx(0.0, abs=1e-4)


def test_probabilities_of_a_gaussian_fixed_effect():
    """Counts of 10,000: beta is normal given psi, and so are its quantiles."""
    data = one_factor("poisson", p=1, groups=30, seed=3)
    data.y = np.round(2000 * np.exp(0.05 * np.random.default_rng(2).normal(size=30)))[data.group]
    result = data.model(fe_p=20.0, vcp_p=0.01).fit_laplace()
    for level in LEVELS:
        z = (result.posterior.quantile(level)[0] - result.fe_mean[0]) / result.fe_sd[0]
        assert ndtr(z) == pytest.approx(level, abs=5e-3)


class TestArguments:
    def test_integrate(self):
        with pytest.raises(
            ValueError,
            match=r"integrate must be one of 'auto', 'line', 'grid', 'ridge', 'ccd', 'mode', got 'all'",
        ):
            crossed().fit_laplace(integrate="all")

    @pytest.mark.parametrize("n_quad", [0, -3, 2.5, "many", None])
    def test_n_quad(self, n_quad):
        with pytest.raises((ValueError, TypeError), match="n_quad"):
            crossed().fit_laplace(n_quad=n_quad)

    def test_too_many_nodes(self):
        with pytest.raises(ValueError, match="n_quad"):
            crossed().fit_laplace(n_quad=100_000)

    def test_start(self):
        with pytest.raises(ValueError, match="start"):
            crossed().fit_laplace(start=[0.0])
        with pytest.raises(ValueError, match="start"):
            crossed().fit_laplace(start=[0.0, np.nan])

    def test_method(self):
        with pytest.raises(ValueError, match=r"[Uu]nknown|method"):
            crossed().fit_laplace(method="descent")

    def test_minim_opts(self):
        with pytest.raises(ValueError, match=r"minim_opts.*gtol"):
            crossed().fit_laplace(minim_opts={"gtol": 1e-3})
        with pytest.raises(TypeError, match=r"minim_opts .*'tol' must be a number, got \[0.001\]"):
            crossed().fit_laplace(minim_opts={"tol": [1e-3]})

    def test_vcp(self):
        with pytest.raises(ValueError, match="vcp"):
            crossed().log_marginal([0.0])
        with pytest.raises(ValueError, match="vcp"):
            crossed().log_marginal([0.0, np.inf])

    def test_approx(self):
        with pytest.raises(ValueError, match=r"approx must be .*'laplace'.*got 'saddle'"):
            crossed().log_marginal([0.0, 0.0], "saddle")

    def test_too_few_iterations_are_reported(self):
        with pytest.warns(ConvergenceWarning):
            result = crossed().fit_laplace(minim_opts={"maxiter": 2}, start=[-5.0, 4.0])
        assert not result.converged
        assert result.status != "converged"
