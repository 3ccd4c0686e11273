"""Variational Bayes: the bound, its gradient, the optimum, and the posterior that comes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from brute_force import BruteForce, log_likelihood
from scipy import sparse
from scipy.optimize import approx_fprime
from simulated import PLAIN

import mixed_glm as mg
from mixed_glm.exceptions import ConvergenceWarning
from mixed_glm.results import MixedGLMResults

FAMILIES = {
    "binomial-logit": mg.families.Binomial(),
    "binomial-probit": mg.families.Binomial("probit"),
    "binomial-cloglog": mg.families.Binomial("cloglog"),
    "binomial-loglog": mg.families.Binomial("loglog"),
    "poisson": mg.families.Poisson(),
    "negative_binomial": mg.families.NegativeBinomial(0.5),
    "exponential": mg.families.Exponential(),
}
SHARED = Path(__file__).parents[2] / "shared" / "data"


def simulate(name: str, n: int = 60, groups: int = 8, p: int = 2, seed: int = 3) -> dict:
    """Responses of a family with one grouping factor; arguments of MixedGLM and of BruteForce."""
    rng = np.random.default_rng(seed)
    exog = np.column_stack([np.ones(n), rng.normal(size=(n, p - 1))]) if p else np.zeros((n, 0))
    group = rng.integers(0, groups, n)
    eta = exog @ np.linspace(0.4, -0.5, p) + 0.8 * rng.normal(size=groups)[group]
    trials = rng.integers(1, 6, n) if name.startswith("binomial") else np.ones(n, dtype=int)
    mean = FAMILIES[name].mean(eta)
    if name.startswith("binomial"):
        y = rng.binomial(trials, mean)
    elif name == "exponential":
        y = rng.exponential(mean)
    else:
        y = rng.poisson(mean)
    return {
        "y": y.astype(float),
        "exog": exog,
        "group": group,
        "groups": groups,
        "trials": trials,
        "name": name,
    }


def make(data: dict, **options: object) -> mg.MixedGLM:
    exog_vc = np.eye(data["groups"])[data["group"]]
    options = PLAIN | options
    trials = data["trials"] if data["name"].startswith("binomial") else None
    exog = data["exog"] if data["exog"].shape[1] else None
    ident = np.zeros(data["groups"], dtype=int)
    return mg.MixedGLM(data["y"], exog, exog_vc, ident, FAMILIES[data["name"]], n_trials=trials, **options)


def brute_force(data: dict, **options: object) -> BruteForce:
    return BruteForce(
        data["y"], data["exog"], data["group"], data["name"], trials=data["trials"], groups=data["groups"], alpha=0.5,
        **options,
    )  # fmt: skip


def a_point(model: mg.MixedGLM, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    size = model.k_fep + model.k_vcp + model.k_vc
    return 0.5 * rng.normal(size=size), np.exp(0.4 * rng.normal(size=size) - 0.7)


def elbo_in_numpy(model: mg.MixedGLM, name: str, mean: np.ndarray, sd: np.ndarray) -> float:
    """The mean-field bound, term by term, with 4001 points of a trapezoidal rule."""
    m_fe, m_vcp, m_vc = model.spec.layout.unpack(mean)
    s_fe, s_vcp, s_vc = model.spec.layout.unpack(sd)
    eta = model.exog @ m_fe + model.exog_vc @ m_vc
    eta_sd = np.sqrt(model.exog**2 @ s_fe**2 + model.exog_vc2 @ s_vc**2)
    z = np.linspace(-12, 12, 4001)
    weights = np.exp(-(z**2) / 2) * (z[1] - z[0]) / np.sqrt(2 * np.pi)
    trials = 1.0 if model.n_trials is None else model.n_trials[:, None]
    rows = log_likelihood(name, eta[:, None] + eta_sd[:, None] * z, model.endog[:, None], trials, 0.5)
    log_two_pi = np.log(2 * np.pi)
    total = (rows @ weights).sum()
    total -= 0.5 * (log_two_pi + 2 * np.log(model.fe_p) + (m_fe**2 + s_fe**2) / model.fe_p**2).sum()
    total -= 0.5 * (log_two_pi + 2 * np.log(model.vcp_p) + (m_vcp**2 + s_vcp**2) / model.vcp_p**2).sum()
    m, s = m_vcp[model.ident], s_vcp[model.ident]
    total -= (0.5 * log_two_pi + m + 0.5 * (m_vc**2 + s_vc**2) * np.exp(-2 * m + 2 * s**2)).sum()
    return float(total + (0.5 * (1 + log_two_pi) + np.log(sd)).sum())


@pytest.mark.parametrize("name", FAMILIES)
def test_elbo_term_by_term(name: str) -> None:
    model = make(simulate(name), vcp_p=0.7, fe_p=[2.0, 0.5])
    for seed in range(3):
        point = a_point(model, seed)
        assert model.vb_elbo(*point) == pytest.approx(elbo_in_numpy(model, name, *point), rel=1e-8)


@pytest.mark.parametrize("name", FAMILIES)
def test_gradient(name: str) -> None:
    model = make(simulate(name))
    mean, sd = a_point(model)
    size = len(mean)
    numeric = approx_fprime(np.r_[mean, sd], lambda x: model.vb_elbo(x[:size], x[size:]), 1e-6)
    exact = np.concatenate(model.vb_elbo_grad(mean, sd))
    np.testing.assert_allclose(exact, numeric, rtol=2e-3, atol=2e-3)


def test_more_nodes_change_nothing_and_few_do() -> None:
    model = make(simulate("binomial-logit"))
    mean, sd = a_point(model)
    default = model.vb_elbo(mean, sd)
    assert model.vb_elbo(mean, sd, n_quad=100) == pytest.approx(default, rel=1e-8)
    assert model.vb_elbo(mean, sd, n_quad=2) != pytest.approx(default, rel=1e-5)
    wide = np.full_like(sd, 2.5)
    assert model.vb_elbo(mean, wide, n_quad=200) == pytest.approx(model.vb_elbo(mean, wide), rel=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_bounds_of_the_evidence(name: str) -> None:
    data = simulate(name)
    evidence = brute_force(data).posterior().log_evidence
    model = make(data)
    mean_field, full = model.fit_vb().elbo, model.fit_vb(covariance="full").elbo
    assert mean_field is not None
    assert full is not None
    assert mean_field < full < evidence
    assert evidence - full < 0.6
    assert evidence - mean_field < 3.0


@pytest.mark.parametrize("name", FAMILIES)
def test_log_marginal_is_a_bound_close_to_exact(name: str) -> None:
    data = simulate(name)
    model = make(data)
    for vcp in (-1.5, 0.0, 0.8):
        exact = brute_force(data, fixed_psi=np.array([vcp])).posterior().log_evidence
        bound = model.log_marginal([vcp], approx="vb")
        assert exact - 0.3 < bound < exact
    numeric = approx_fprime(np.array([0.2]), lambda v: model.log_marginal(v, approx="vb"), 1e-4)
    np.testing.assert_allclose(model.log_marginal_grad([0.2], approx="vb"), numeric, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", FAMILIES)
def test_full_covariance_is_near_the_exact_posterior(name: str) -> None:
    data = simulate(name, p=1)
    exact = brute_force(data).posterior()
    full, mean_field = (make(data).fit_vb(covariance=c) for c in ("full", "mean_field"))
    assert abs(full.fe_mean[0] - exact.mean[0]) < 0.1 * exact.sd[0]
    assert abs(np.log(full.fe_sd[0] / exact.sd[0])) < 0.25
    assert mean_field.fe_sd[0] < 0.7 * exact.sd[0]


@pytest.mark.parametrize(
    "method", ["BFGS", "L-BFGS-B", "CG", "Newton-CG", "trust-ncg", "trust-krylov", "SLSQP"]
)
def test_optimizers_agree(method: str) -> None:
    model = make(simulate("binomial-logit", n=80, groups=5))
    newton, other = model.fit_vb(), model.fit_vb(fit_method=method)
    assert other.optim_retvals is not None
    assert newton.elbo == pytest.approx(other.elbo, abs=1e-4)
    np.testing.assert_allclose(newton.params, other.params, atol=2e-3)
    np.testing.assert_allclose(newton.bse, other.bse, rtol=5e-3)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("covariance", ["mean_field", "full"])
def test_optimum_is_stationary_whatever_the_start(name: str, covariance: str) -> None:
    model = make(simulate(name))
    fit = model.fit_vb(covariance=covariance)
    assert fit.converged
    assert fit.status == "converged"
    size = len(fit.params)
    again = model.fit_vb(np.zeros(size), np.full(size, 0.5), covariance=covariance)
    perturbed = model.fit_vb(rng=1, covariance=covariance)
    for other in (again, perturbed):
        np.testing.assert_allclose(other.params, fit.params, atol=1e-5)
    if covariance == "mean_field":
        assert max(np.abs(g * fit.bse).max() for g in model.vb_elbo_grad(fit.params, fit.bse)) < 1e-5


def test_nothing_is_random() -> None:
    data = simulate("binomial-logit")
    first, second = make(data).fit_vb(), make(data).fit_vb()
    np.testing.assert_array_equal(first.params, second.params)
    np.testing.assert_array_equal(first.bse, second.bse)


def crossed() -> mg.MixedGLM:
    rng = np.random.default_rng(5)
    n, a, b = 300, 12, 9
    rows, first, second = np.arange(n), rng.integers(0, a, n), a + rng.integers(0, b, n)
    exog_vc = sparse.csr_array((np.ones(2 * n), (np.r_[rows, rows], np.r_[first, second])), shape=(n, a + b))
    exog = np.column_stack([np.ones(n), 3 + 0.2 * rng.normal(size=n)])
    eta = exog @ [-2.0, 0.7] + exog_vc @ rng.normal(size=a + b)
    return mg.MixedGLM(rng.poisson(np.exp(eta)), exog, exog_vc, [0] * a + [1] * b, "poisson", **PLAIN)


def test_full_covariance_matrix() -> None:
    model = crossed()
    fit = model.fit_vb(covariance="full")
    covariance = fit.cov_params()
    np.testing.assert_allclose(np.sqrt(covariance.diagonal()), fit.bse, rtol=1e-6)
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert not covariance[:2, 4:].any() == covariance[:2, 4:].all() == 0
    assert not covariance[2, 3:].any()
    # Fisher's information at the posterior mean, with the fit's own variances of the linear predictor
    coefficients = np.r_[0:2, 4 : len(fit.params)]
    columns = np.hstack([model.exog, model.exog_vc.toarray()])
    sigma = covariance[np.ix_(coefficients, coefficients)]
    eta = columns @ fit.params[coefficients]
    weight = np.exp(eta + 0.5 * np.einsum("ij,jk,ik->i", columns, sigma, columns))
    prior = np.exp(-2 * fit.vcp_mean + 2 * fit.vcp_sd**2)[model.ident]
    precision = columns.T @ (weight[:, None] * columns) + np.diag(np.r_[[0.25, 0.25], prior])
    np.testing.assert_allclose(np.linalg.inv(precision), sigma, rtol=1e-3, atol=1e-7)


def test_mean_field_covariance_is_a_vector() -> None:
    fit = crossed().fit_vb()
    assert fit.cov_params().shape == (25,)
    np.testing.assert_allclose(fit.cov_params(), fit.bse**2)
    assert fit.fe_sd[1] < 0.3 * crossed().fit_vb(covariance="full").fe_sd[1]


@pytest.mark.parametrize("covariance", ["mean_field", "full"])
def test_scale_fe_is_the_fit_of_standardized_columns(covariance: str) -> None:
    model = crossed()
    fit = model.fit_vb(scale_fe=True, covariance=covariance)
    mean, sd = model.exog[:, 1].mean(), model.exog[:, 1].std()
    exog = np.column_stack([np.ones(len(model.exog)), (model.exog[:, 1] - mean) / sd])
    by_hand = mg.MixedGLM(model.endog, exog, model.exog_vc, model.ident, "poisson", **PLAIN)
    reference = by_hand.fit_vb(covariance=covariance)
    back = np.array([[1.0, -mean / sd], [0.0, 1.0 / sd]])
    np.testing.assert_allclose(fit.fe_mean, back @ reference.fe_mean, rtol=1e-6)
    np.testing.assert_allclose(fit.params[2:], reference.params[2:], rtol=1e-5, atol=1e-7)
    covariance_there = np.asarray(reference.cov_params())
    block = np.diag(covariance_there[:2]) if covariance_there.ndim == 1 else covariance_there[:2, :2]
    np.testing.assert_allclose(fit.fe_sd**2, (back @ block @ back.T).diagonal(), rtol=1e-5)
    assert fit.elbo == pytest.approx(reference.elbo, rel=1e-9)
    if covariance == "full":
        np.testing.assert_allclose(np.sqrt(fit.cov_params().diagonal()), fit.bse, rtol=1e-6)
    start = fit.params, fit.bse
    again = model.fit_vb(*start, scale_fe=True, covariance=covariance)
    np.testing.assert_allclose(again.params, fit.params, rtol=1e-5, atol=1e-6)


def test_scale_fe_without_a_constant() -> None:
    data = simulate("poisson")
    data["exog"] = data["exog"][:, 1:] * 7.0
    model = make(data, fe_p=1.0)
    data["exog"] = data["exog"] / data["exog"].std()
    scaled = make(data, fe_p=1.0).fit_vb()
    np.testing.assert_allclose(
        model.fit_vb(scale_fe=True).fe_mean * model.exog.std(), scaled.fe_mean, rtol=1e-6
    )


def test_results_and_summary() -> None:
    data = simulate("binomial-logit")
    fit = make(data).fit(method="vb")
    full = make(data).fit(method="vb", covariance="full")
    assert isinstance(fit, MixedGLMResults)
    assert (fit.method, full.method) == ("vb", "vb_full")
    assert fit.elbo == fit.log_evidence
    assert fit.log_density == pytest.approx(fit.model.logposterior(fit.params))
    assert make(data).fit_laplace().elbo is None
    assert sum("Mean field" in line for line in str(fit.summary()).splitlines()) == 1
    assert "Mean field" not in str(full.summary())
    assert "full covariance" in str(full.summary())
    low, high = fit.conf_int().iloc[0]
    assert low < fit.fe_mean[0] < high


def test_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    model = make(simulate("poisson"))
    model.fit_vb()
    assert capsys.readouterr().out == ""
    fit = model.fit_vb(verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == fit.n_iter + 1
    bounds = [float(line.split("=")[1]) for line in lines]
    assert bounds == sorted(bounds)
    model.fit_vb(fit_method="BFGS", verbose=True)
    assert capsys.readouterr().out.startswith("|G|=")


def test_arguments_are_checked() -> None:
    model = make(simulate("poisson"))
    size = model.k_fep + model.k_vcp + model.k_vc
    with pytest.raises(ValueError, match="covariance must be one of 'mean_field', 'full', got 'diagonal'"):
        model.fit_vb(covariance="diagonal")
    with pytest.raises(ValueError, match="covariance='full' needs fit_method='newton'"):
        model.fit_vb(covariance="full", fit_method="BFGS")
    with pytest.raises(ValueError, match="mean must have 11 entries"):
        model.fit_vb(np.zeros(size + 1))
    with pytest.raises(ValueError, match="sd must be positive"):
        model.vb_elbo(np.zeros(size), np.zeros(size))
    with pytest.raises(ValueError, match="'tol' and 'maxiter', got gtol"):
        model.fit_vb(minim_opts={"gtol": 1e-3})
    with pytest.raises(ValueError, match="n_quad must be at least 1"):
        model.vb_elbo(np.zeros(size), np.ones(size), n_quad=0)
    with pytest.raises(TypeError, match="fit_method must be a string"):
        model.fit_vb(fit_method=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["newton", "BFGS"])
def test_unfinished_search_warns(method: str) -> None:
    model = make(simulate("binomial-logit"))
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        fit = model.fit_vb(fit_method=method, minim_opts={"maxiter": 1})
    assert not fit.converged
    assert fit.status == "not converged"


def test_huge_counts_and_effects_of_single_rows() -> None:
    rng = np.random.default_rng(2)
    n = 60
    y = rng.poisson(np.exp(8 + rng.normal(size=n)))
    y[:5] = 0
    fit = mg.MixedGLM(
        y, np.ones((n, 1)), sparse.eye_array(n, format="csr"), np.zeros(n, int), "poisson"
    ).fit_vb()
    full = fit.model.fit_vb(covariance="full")
    assert fit.converged
    assert full.converged
    assert np.isfinite(full.bse).all()
    assert full.elbo > fit.elbo


def test_without_random_effects() -> None:
    data = simulate("binomial-logit")
    model = mg.MixedGLM(data["y"], data["exog"], family="binomial", n_trials=data["trials"])
    fit, full = model.fit_vb(), model.fit_vb(covariance="full")
    np.testing.assert_allclose(fit.params, full.params, atol=0.02)
    assert full.elbo >= fit.elbo


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the reference posteriors")
@pytest.mark.parametrize("name", ["cbpp", "epil", "contraception", "bacteria", "salamander_mating"])
def test_full_covariance_against_long_simulations(name: str) -> None:
    with np.load(SHARED / f"{name}.npz") as d, np.load(SHARED / f"{name}.ref.npz") as ref:
        exog_vc = sparse.csr_array((d["Z_data"], d["Z_indices"], d["Z_indptr"]), shape=tuple(d["Z_shape"]))
        binomial = str(d["family"]) == "binomial"
        model = mg.MixedGLM(
            d["y"], d["X"], exog_vc, d["ident"], "binomial" if binomial else "poisson", float(ref["vcp_p"]),
            float(ref["fe_p"]), offset=d["offset"], n_trials=d["n_trials"] if binomial else None,
        )  # fmt: skip
        p = model.k_fep
        fit = model.fit_vb(covariance="full")
        # q(psi) is where mean field remains: the worst is bacteria, whose psi has a long tail.
        assert (np.abs(fit.fe_mean - ref["mean"][:p]) / ref["sd"][:p]).max() < 0.15
        assert np.abs(np.log(fit.fe_sd / ref["sd"][:p])).max() < 0.15
        assert model.fit_vb().fe_sd.min() < 0.7 * fit.fe_sd.min()
