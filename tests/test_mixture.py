"""Posteriors that are mixtures over psi: moments, covariance, quantiles."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from simulated import crossed, one_factor

from mixed_glm._posterior.fixed_effects import FixedEffects, _roots
from mixed_glm._posterior.quantiles import (
    line_margin,
    margins_quantile,
    mixture_cdf,
    mixture_quantile,
)

LEVELS = np.array([1e-6, 0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.999999])


@pytest.mark.parametrize("level", LEVELS)
def test_quantile_of_a_mixture(level):
    weights, means, sds = np.array([0.2, 0.5, 0.3]), np.array([-2.0, 0.0, 5.0]), np.array([0.1, 1.0, 2.0])
    x = mixture_quantile(weights, means[:, None], sds[:, None], None, level)[0]
    assert weights @ stats.norm.cdf((x - means) / sds) == pytest.approx(level, rel=1e-6)


def test_quantile_of_a_single_normal():
    means, sds = np.array([[3.0, 1.0]]), np.array([[2.0, 1e-8]])
    quantiles = mixture_quantile(np.ones(1), means, sds, None, 0.975)
    assert_allclose(quantiles, [6.919928, 1.0], rtol=1e-6)


@pytest.mark.parametrize("level", LEVELS[1:-1])
@pytest.mark.parametrize(
    "distribution", [stats.norm(2.0, 0.3), stats.gumbel_r(1.0, 0.5), stats.loggamma(0.8)]
)
def test_quantile_of_a_density_on_a_grid(level, distribution):
    points = np.random.default_rng(0).permutation(
        np.arange(distribution.ppf(1e-7), distribution.ppf(1 - 1e-7), 0.5 * distribution.std())
    )
    x = margins_quantile([line_margin(points, distribution.logpdf(points) + 123.0)], level)[0]
    assert distribution.cdf(x) == pytest.approx(level, abs=1e-3)


@pytest.fixture(scope="module", params=[1, 15])
def result(request):
    return crossed(n=150).fit_laplace(n_quad=request.param)


def test_moments_are_those_of_the_points(result):
    posterior = result.posterior
    assert posterior.weights.sum() == pytest.approx(1.0)
    assert (posterior.weights >= 0).all()
    assert_allclose(posterior.weights @ posterior.points, result.vcp_mean, rtol=1e-10)
    spread = (posterior.points - result.vcp_mean) ** 2
    assert_allclose(np.sqrt(posterior.weights @ spread), result.vcp_sd, rtol=1e-8)
    assert_allclose(posterior.weights @ posterior.fe_means, result.fe_mean, rtol=1e-8, atol=1e-10)
    within, between = posterior.fe_sds**2, (posterior.fe_means - result.fe_mean) ** 2
    assert_allclose(np.sqrt(posterior.weights @ (within + between)), result.fe_sd, rtol=1e-8)
    assert_allclose(np.sqrt(posterior.fe_cov.diagonal()), result.fe_sd, rtol=1e-8)


def test_weights_follow_the_density(result):
    posterior = result.posterior
    inside = posterior.weights > 1e-8
    ratio = np.log(posterior.weights[inside]) - posterior.log_density[inside]
    assert np.ptp(ratio) < 1e-8  # all cells of a grid are equally large


def test_covariance(result):
    covariance = np.asarray(result.cov_params())
    assert_allclose(covariance, covariance.T, rtol=1e-10, atol=1e-14)
    assert_allclose(np.sqrt(covariance.diagonal()), result.bse, rtol=1e-10)
    assert np.linalg.eigvalsh(covariance / np.outer(result.bse, result.bse)).min() > -1e-8
    p = len(result.fe_mean)
    correlation = result.posterior.fe_cov / np.outer(result.fe_sd, result.fe_sd)
    assert_allclose(covariance[:p, :p] / np.outer(result.fe_sd, result.fe_sd), correlation, atol=0.05)


def test_quantiles_increase(result):
    quantiles = np.array([result.posterior.quantile(level) for level in np.linspace(0.005, 0.995, 67)])
    assert (np.diff(quantiles, axis=0) > 0).all()
    middle = result.posterior.quantile(0.5)
    assert (np.abs(middle - result.params) < 0.5 * result.bse).all()


def test_one_point():
    plain = one_factor().model().fit_laplace(integrate="mode", mean_correction=False)  # no skewness either
    assert plain.posterior.weights == pytest.approx(1.0)
    low, high = (plain.posterior.quantile(level) for level in (0.025, 0.975))
    assert_allclose((high - low) / (2 * 1.959964 * plain.bse), 1.0, rtol=1e-3)
    assert np.isfinite(np.asarray(plain.cov_params())).all()


def test_without_components():
    import mixed_glm as mg

    rng = np.random.default_rng(0)
    model = mg.MixedGLM(rng.poisson(2.0, 30).astype(float), np.ones((30, 1)), family="poisson")
    fit = model.fit_laplace()
    assert fit.vcp_mean.shape == fit.vc_mean.shape == (0,)
    assert fit.converged
    assert np.isfinite(np.asarray(fit.cov_params())).all()
    low, high = fit.conf_int().to_numpy()[0]
    assert low < fit.fe_mean[0] < high


@pytest.mark.parametrize("level", [0.025, 0.3, 0.5, 0.9])
def test_distribution_function_is_the_inverse_of_the_quantile(result, level):
    posterior = result.posterior
    assert_allclose(posterior.cdf(posterior.quantile(level)), level, atol=1e-6)


@pytest.mark.parametrize("integrate", ["grid", "mode"])
@pytest.mark.parametrize("method", ["fit_laplace", "fit_ep"])
def test_distribution_function_with_one_component(method, integrate):
    posterior = getattr(one_factor().model(), method)(integrate=integrate).posterior
    assert_allclose(posterior.cdf(posterior.quantile(0.2)), 0.2, atol=1e-6)


def test_distribution_function_of_a_normal_posterior():
    result = one_factor().model().fit_vb()
    assert_allclose(result.posterior.cdf(result.params + 1.96 * result.bse), 0.975, atol=1e-5)
    assert_allclose(result.posterior.cdf(result.posterior.quantile(0.1)), 0.1)


@pytest.mark.parametrize("level", [1e-6, 0.025, 0.5, 0.9, 1 - 1e-6])
@pytest.mark.parametrize("skewed", [False, True])
def test_quantiles_of_odd_mixtures(level, skewed):
    """Far apart, of very different widths, with next to no weight: whatever Newton's method does on its way."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(9, 0.3))
    means = rng.normal(size=(9, 40)) * 10.0 ** rng.integers(-2, 3, 40)
    sds = 10.0 ** rng.uniform(-2, 1.5, size=(9, 40))
    skewness = rng.uniform(-0.5, 0.5, size=(9, 40)) if skewed else None
    x = mixture_quantile(weights, means, sds, skewness, level)
    low, high = x - 1e-9 * sds.min(axis=0), x + 1e-9 * sds.min(axis=0)
    assert (mixture_cdf(weights, means, sds, skewness, low) <= level + 1e-9).all()
    assert (mixture_cdf(weights, means, sds, skewness, high) >= level - 1e-9).all()


def test_quantiles_of_some_effects_are_those_of_all(result):
    posterior, effects = result.posterior, np.array([1, 4, 7])
    places = np.concatenate(
        [np.arange(posterior.spec.layout.vc.start), posterior.spec.layout.vc.start + effects]
    )
    some = posterior.quantile(0.1, effects)
    assert_allclose(some, posterior.quantile(0.1)[places], rtol=1e-14)
    assert_allclose(posterior.cdf(some, effects), 0.1, atol=1e-6)


def test_few_nodes_stand_for_all_points_where_psi_is_well_known(monkeypatch):
    posterior = one_factor("poisson", groups=800, rows=8, sd=1.0).model().fit().posterior
    effects = np.arange(0, 800, 7)
    few = posterior.quantile(0.975, effects)
    assert posterior._few_nodes is not None
    assert_allclose(posterior.cdf(few, effects)[posterior.spec.layout.vc.start :], 0.975, atol=1e-9)
    monkeypatch.setitem(vars(posterior), "_few_nodes", None)
    assert_allclose(few, posterior.quantile(0.975, effects), atol=2e-6)


@pytest.mark.parametrize("most", [1, 2])
def test_third_cumulants_of_merged_components_survive_a_change_of_coordinates(most):
    """They are in coordinates whitened by the root of a component that is merged with others."""
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(4, 3, 3)) + 2.0 * np.eye(3)
    third = rng.normal(size=(3, 3, 3))
    third = sum(third.transpose(order) for order in itertools.permutations(range(3))) / 30.0
    fixed = FixedEffects(
        np.array([0.5, 0.2, 0.2, 0.1]), rng.normal(size=(4, 3)), roots @ roots.transpose(0, 2, 1), third
    )
    merged = fixed.merged(most)
    change, matrix = rng.normal(size=(3, 3)), rng.normal(size=(5, 3))
    assert_allclose(merged.turned(change).skewness(matrix), merged.skewness(matrix @ change), rtol=1e-9)
    assert_allclose(
        merged.turned(change).turned(change).skewness(matrix),
        merged.skewness(matrix @ change @ change),
        rtol=1e-9,
    )


def test_what_is_no_distribution_has_no_quantile() -> None:
    """As a file whose numbers were changed may have it: a search for one would not end."""
    means = np.array([[-2.3], [0.1], [0.7]])
    sds = np.array([[-0.3], [0.1], [-1.8]])
    assert np.isnan(mixture_quantile(np.full(3, 1 / 3), means, sds, None, 0.025)).all()


def test_roots_of_covariances() -> None:
    """Also where one of them is singular."""
    for last in (np.diag([1.0, 2.0]), np.array([[4.0, 6.0], [6.0, 9.0]]), np.zeros((2, 2))):
        covariances = np.array([[[2.0, 0.5], [0.5, 1.0]], last])
        roots = _roots(covariances)
        assert_allclose(roots @ roots.transpose(0, 2, 1), covariances, atol=1e-15)
