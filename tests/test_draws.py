"""Posterior draws: their moments are those reported, their densities those of the model and of the approximation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from reference_data import load
from scipy import stats
from scipy.special import logsumexp
from simulated import crossed, one_factor

import mixed_glm as mg
from mixed_glm._posterior import mixture

N = 4000


def blocks(result: mg.MixedGLMResults) -> list[slice]:
    p, k = result.model.k_fep, result.model.k_vcp
    return [slice(0, p), slice(p, p + k), slice(p + k, None)]


def check_moments(result, draws, mean=0.0, sd=0.0, tail=0.0) -> None:
    """Means, sds and tail shares: within Monte-Carlo error and given allowances of those reported."""
    n, d = draws.shape
    error = stats.norm.isf(1e-5 / d) / np.sqrt(n)
    off = (draws.params.mean(axis=0) - result.params) / result.bse
    assert np.abs(off).max() < error + mean
    assert np.abs(np.log(draws.params.std(axis=0) / result.bse)).max() < error + sd
    interval = result.conf_int(0.2).to_numpy()
    for share in ((draws.params < interval[:, 0]).mean(axis=0), (draws.params > interval[:, 1]).mean(axis=0)):
        assert np.abs(share - 0.1).max() < 0.3 * error + tail


FITS = {
    "map": lambda m: m.fit_map(),
    "map scaled": lambda m: m.fit_map(scale_fe=True),
    "vb": lambda m: m.fit_vb(),
    "vb scaled": lambda m: m.fit_vb(scale_fe=True),
    "vb full": lambda m: m.fit_vb(covariance="full"),
    "vb full scaled": lambda m: m.fit_vb(covariance="full", scale_fe=True),
}


@pytest.fixture(scope="module")
def counts() -> mg.MixedGLM:
    return one_factor("poisson", groups=15, rows=6, p=3, seed=3).model(vcp_p=0.3)


@pytest.mark.parametrize("how", FITS)
def test_draws_of_normal_fits(counts: mg.MixedGLM, how: str) -> None:
    result = FITS[how](counts)
    draws = result.posterior_sample(N, rng=1)
    check_moments(result, draws)
    covariance = np.asarray(result.cov_params())
    if covariance.ndim == 2:
        sd = np.sqrt(covariance.diagonal())
        off = (np.cov(draws.params.T) - covariance) / np.outer(sd, sd)
        assert np.abs(off).max() < 6.0 / np.sqrt(N)
    if how in ("map", "vb full"):
        normal = stats.multivariate_normal(result.params, covariance)
        np.testing.assert_allclose(draws.log_q[:50], normal.logpdf(draws.params[:50]), rtol=1e-7)
    if how == "vb":
        normal_rows = stats.norm.logpdf(draws.params, result.params, result.bse).sum(axis=1)
        np.testing.assert_allclose(draws.log_q, normal_rows, rtol=1e-10)


def test_equal_rows_count_once_each() -> None:
    """Rows that the core merges: the weights that the full covariance is made of are shared among them."""
    rng = np.random.default_rng(0)
    group, x = np.repeat(np.arange(8), 20), np.tile([0.0, 1.0], 80)
    z, ident = np.eye(8)[group], np.zeros(8, int)
    model = mg.MixedGLM(rng.binomial(1, 0.4, 160), np.c_[np.ones(160), x], z, ident, "binomial")
    result = model.fit_vb(covariance="full")
    np.testing.assert_allclose(np.sqrt(np.diag(result.cov_params())), result.bse, rtol=1e-6)
    check_moments(result, result.posterior_sample(N, rng=1))


@pytest.mark.parametrize("how", ["vb", "vb full", "map"])
def test_scaled_fits_keep_the_evidence(counts: mg.MixedGLM, how: str) -> None:
    """A fit of standardized columns has its own prior; log_p and log_q are both densities of params as given."""
    result = FITS[how + " scaled"](counts)
    draws = result.posterior_sample(N, rng=1)
    bound = (draws.log_p - draws.log_q).mean()
    if how == "map":
        assert np.std(draws.log_p - draws.log_q) < 3.0
    else:
        error = 5 * np.std(draws.log_p - draws.log_q) / np.sqrt(N)
        assert bound == pytest.approx(result.elbo, abs=error)


@pytest.mark.parametrize("integrate", ["grid", "mode", "ccd"])
@pytest.mark.parametrize("method", ["laplace", "ep", "leaf"])
def test_draws_of_marginal_fits(method: str, integrate: str) -> None:
    model = one_factor(groups=15, rows=8, p=2, seed=5).model()
    fit = {
        "laplace": lambda: model.fit_laplace(integrate=integrate),
        "ep": lambda: model.fit_ep(integrate=integrate),
        "leaf": lambda: model.fit_laplace(n_quad=15, integrate=integrate),
    }[method]
    result = fit()
    draws = result.posterior_sample(N if method != "leaf" else 1500, rng=2)
    check_moments(result, draws, mean=0.01, sd=0.015, tail=0.01 if integrate == "grid" else 0.02)


def test_draws_of_several_components() -> None:
    result = crossed(n=300, sizes=(20, 8, 12), seed=4).fit_laplace()
    draws = result.posterior_sample(N, rng=3)
    check_moments(result, draws, mean=0.02, sd=0.03, tail=0.01)
    # psi and effects are dependent: where a standard deviation is small, so are its effects.
    for k in range(3):
        size = np.log((draws.vc[:, result.model.ident == k] ** 2).mean(axis=1))
        assert np.corrcoef(size, draws.vcp[:, k])[0, 1] > 0.5


@pytest.mark.parametrize("family", ["binomial-logit", "poisson", "exponential"])
def test_importance_weights_give_the_evidence(family: str) -> None:
    """E_q[p / q] = p(y), which brute force knows: both densities are normalized, and belong to the draws."""
    data = one_factor(family, groups=6, rows=5, p=1, seed=7)
    evidence = data.reference().posterior().log_evidence
    for method in ("laplace", "ep", "leaf"):
        model = data.model()
        result = model.fit_laplace(n_quad=15) if method == "leaf" else model.fit(method)
        draws = result.posterior_sample(N, rng=4)
        ratio = draws.log_p - draws.log_q
        estimate = logsumexp(ratio) - np.log(N)
        error = np.exp(ratio - estimate).std() / np.sqrt(N)
        assert error < 0.1
        assert estimate == pytest.approx(evidence, abs=5 * error + 0.002)
    assert np.exp(ratio - estimate).std() < 0.15  # the leaf's effects are drawn exactly


def test_hard_leaf_against_brute_force() -> None:
    data = one_factor(groups=12, rows=3, p=1, sd=3.0, seed=2)
    exact = data.reference().posterior()
    mean, sd = exact.effects()
    draws = data.model().fit_laplace(n_quad=25).posterior_sample(N, rng=5)
    np.testing.assert_allclose(draws.vc.mean(axis=0), mean, atol=0.08 * sd.max())
    np.testing.assert_allclose(draws.vc.std(axis=0), sd, rtol=0.07)


def test_far_out_nodes_of_a_leaf() -> None:
    """exp(eta) rises so steeply between the outer nodes that no interpolation holds."""
    data = one_factor("poisson", groups=6, rows=4, p=1, seed=4)
    draws = data.model().fit_laplace(n_quad=15).posterior_sample(N, rng=0)
    assert draws.linear_predictor().max() < 5.0  # counts are at most 16
    assert np.std(draws.log_p - draws.log_q) < 0.3


@pytest.mark.parametrize("name", ["cbpp", "bacteria", "salamander_mating"])
def test_draws_against_nuts(name: str) -> None:
    problem = load(name)
    draws = problem.model().fit().posterior_sample(N, rng=0)
    moments = SimpleNamespace(params=draws.params.mean(axis=0), bse=draws.params.std(axis=0))
    problem.check(moments, (0.12, 0.15, 0.15, 0.1, 0.1, 0.15))
    quantiles = np.quantile(draws.params, [0.025, 0.975], axis=0)
    off = np.abs(quantiles - [problem.reference["q025"], problem.reference["q975"]]) / problem.reference["sd"]
    assert off.max() < 0.35


def test_log_p_is_the_joint_density(counts: mg.MixedGLM) -> None:
    draws = counts.fit_laplace().posterior_sample(5, rng=0)
    np.testing.assert_allclose(draws.log_p, [counts.logposterior(row) for row in draws.params], rtol=1e-12)


def test_draws_are_reproducible(counts: mg.MixedGLM) -> None:
    result = counts.fit_laplace()
    first, second = result.posterior_sample(50, rng=1), result.posterior_sample(50, rng=1)
    np.testing.assert_array_equal(first, second)
    generator = np.random.default_rng(1)
    np.testing.assert_array_equal(first, result.posterior_sample(50, generator))
    assert not np.array_equal(first, result.posterior_sample(50, generator))


def test_container(counts: mg.MixedGLM) -> None:
    result = counts.fit_laplace()
    draws = result.posterior_sample(7, rng=1)
    assert np.asarray(draws).shape == draws.shape == (7, 3 + 1 + 15)
    assert len(draws) == 7
    np.testing.assert_array_equal(np.hstack([draws.fe, draws.vcp, draws.vc]), draws.params)
    np.testing.assert_array_equal(draws[2], draws.params[2])
    assert list(draws.to_frame().columns[:4]) == ["FE_1", "FE_2", "FE_3", "VC_1"]
    np.testing.assert_allclose(
        draws.linear_predictor(), [counts.core().linear_predictor(row) for row in draws.params], rtol=1e-12
    )
    joint = draws.log_likelihood().sum(axis=1) + _log_prior(counts, draws)
    np.testing.assert_allclose(joint, draws.log_p, rtol=1e-10)
    for bad in (0, -1, 2.5, "3"):
        with pytest.raises((ValueError, TypeError), match="n must"):
            result.posterior_sample(bad)


def _log_prior(model: mg.MixedGLM, draws) -> np.ndarray:
    scales = np.exp(draws.vcp[:, model.ident])
    return (
        stats.norm.logpdf(draws.fe, scale=model.fe_p).sum(axis=1)
        + stats.norm.logpdf(draws.vcp, scale=model.vcp_p).sum(axis=1)
        + stats.norm.logpdf(draws.vc, scale=scales).sum(axis=1)
    )


def test_models_without_random_or_fixed_effects() -> None:
    rng = np.random.default_rng(0)
    plain = mg.MixedGLM(rng.integers(0, 2, 60), np.ones((60, 1)), family="binomial").fit_laplace()
    check_moments(plain, plain.posterior_sample(N, rng=1))
    only_random = one_factor(groups=8, rows=10, p=0).model().fit_laplace()
    check_moments(only_random, only_random.posterior_sample(N, rng=1), mean=0.01, sd=0.015, tail=0.01)


def test_not_a_maximum() -> None:
    model = one_factor(groups=8, rows=3, sd=0.0).model()
    with pytest.warns(mg.MixedGLMWarning):
        result = model.fit_map("Nelder-Mead", {"maxiter": 1}, start=np.r_[0.0, -2.0, np.ones(8)])
    assert result.status == "not converged"
    assert np.isnan(result.bse).all()
    with pytest.raises(ValueError, match="not positive definite"):
        result.posterior_sample(3)


def test_posterior_predictive() -> None:
    rng = np.random.default_rng(0)
    trials = rng.integers(1, 9, 80).astype(float)
    group = np.repeat(np.arange(8), 10)
    y = rng.binomial(trials.astype(int), 0.4)
    model = mg.MixedGLM(
        y, np.ones((80, 1)), np.eye(8)[group], np.zeros(8, int), family="binomial", n_trials=trials
    )
    result = model.fit_laplace()
    drawn = result.posterior_predictive(2000, rng=1)
    assert drawn.shape == (2000, 80)
    assert (drawn <= trials).all()
    draws = result.posterior_sample(2000, rng=1)
    expected = trials * model.family.mean(draws.linear_predictor())
    np.testing.assert_allclose(drawn.mean(axis=0), expected.mean(axis=0), atol=0.15)


@pytest.mark.parametrize(
    ("family", "variance"),
    [
        (mg.families.Binomial(), lambda m: m * (1 - m)),
        (mg.families.Binomial("cloglog"), lambda m: m * (1 - m)),
        (mg.families.Poisson(), lambda m: m),
        (mg.families.NegativeBinomial(0.7), lambda m: m + 0.7 * m**2),
        (mg.families.Exponential(), lambda m: m**2),
    ],
)
def test_family_sample(family: mg.families.Family, variance) -> None:
    eta = np.broadcast_to(np.array([-1.0, 0.3, np.nan]), (20_000, 3))
    drawn = family.sample(eta, rng=1)
    assert np.isnan(drawn[:, 2]).all()
    mean = family.mean(eta[0, :2])
    np.testing.assert_allclose(drawn[:, :2].mean(axis=0), mean, rtol=0.05)
    np.testing.assert_allclose(drawn[:, :2].var(axis=0), variance(mean), rtol=0.1)
    family.validate_response(drawn[:, 0])


def test_family_sample_extremes() -> None:
    huge = mg.families.Poisson().sample([700.0, -800.0, 50.0], rng=0)
    assert np.isfinite(huge).all()
    assert huge[1] == 0.0
    with pytest.raises(ValueError, match="n_trials is only for the binomial"):
        mg.families.Poisson().sample([0.0], n_trials=[2])
    assert mg.families.Binomial().sample([50.0], n_trials=7).tolist() == [7.0]


def two_of_one_factor() -> mg.MixedGLM:
    """Random intercepts and slopes, which are a leaf together, beside another factor."""
    rng = np.random.default_rng(5)
    group, other, x = np.repeat(np.arange(12), 10), rng.integers(5, size=120), rng.normal(size=120)
    indicators = np.eye(12)[group]
    z = np.hstack([indicators, indicators * x[:, None], np.eye(5)[other]])
    eta = z @ np.r_[0.8 * rng.normal(size=24), 0.5 * rng.normal(size=5)]
    ident = np.repeat([0, 1, 2], [12, 12, 5])
    y = (rng.random(120) < 1 / (1 + np.exp(-eta))).astype(float)
    return mg.MixedGLM(y, np.column_stack([np.ones(120), x]), z, ident, family="binomial")


@pytest.mark.parametrize(
    ("make", "effects", "leaf"),
    [
        (lambda: crossed(n=150), [0, 3, 10], 0),
        (two_of_one_factor, [2, 13, 14, 25], [0, 1]),
        (lambda: one_factor(groups=12, rows=5).model(), [4, 5, 11], 0),
    ],
    ids=["one component", "a block", "no other"],
)
@pytest.mark.parametrize("n_quad", [1, 9])
def test_some_effects_are_drawn_as_all_are(make, effects, leaf, n_quad, monkeypatch) -> None:
    monkeypatch.setattr(
        mixture, "worthwhile", lambda *_: None
    )  # as with effects that many rows link to all others
    result = make().fit_laplace(n_quad=n_quad, leaf=leaf if n_quad > 1 else "auto")
    layout, some = result.posterior.spec.layout, np.array(effects)
    drawn = result.posterior.draw_some(some, N, np.random.default_rng(0))
    every = result.posterior_sample(N, rng=1).params
    places = np.concatenate([np.arange(layout.vc.start), layout.vc.start + some])
    params = np.hstack([drawn.fe, drawn.hyper, drawn.vc])
    scale = every[:, places].std(axis=0)
    assert drawn.vc.shape == (N, len(effects))
    error = 5.0 / np.sqrt(N)
    assert np.abs((params.mean(axis=0) - every[:, places].mean(axis=0)) / scale).max() < 1.5 * error
    assert np.abs(np.log(params.std(axis=0) / scale)).max() < error
    assert np.abs(np.corrcoef(params.T) - np.corrcoef(every[:, places].T)).max() < 1.5 * error
