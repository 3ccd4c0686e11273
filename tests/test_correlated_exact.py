"""Correlated random effects ``(x | g)``: the posterior against dense algebra, a lattice and simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from scipy.special import betaln
from slopes import NAME, intercepts_and_slopes

import mixed_glm as mg
from mixed_glm import priors

Floats = npt.NDArray[np.float64]
pytestmark = pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PriorPullWarning")


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return intercepts_and_slopes()


def dense_log_marginal(data: pd.DataFrame, theta: Floats, scale: float = 2.0) -> float:
    """Laplace's log p(y, psi, z) of ``y ~ x + (x | g)``, Poisson, in dense algebra; fe_p = scale, vcp_p = 1, LKJ(1)."""
    y, x = data["y"].to_numpy(float), data["x"].to_numpy()
    groups = data["g"].max() + 1
    a = np.zeros((len(y), 2 * groups + 2))
    rows = np.arange(len(y))
    a[rows, 2 * data["g"]], a[rows, 2 * data["g"] + 1] = 1.0, x
    a[:, -2], a[:, -1] = 1.0, x
    sd, rho = np.exp(theta[:2]), np.tanh(theta[2])
    sigma = np.array([[sd[0] ** 2, sd[0] * sd[1] * rho], [sd[0] * sd[1] * rho, sd[1] ** 2]])
    p = np.kron(np.eye(groups + 1), np.linalg.inv(sigma))
    p[-2:, -2:] = np.eye(2) / scale**2
    m = np.zeros(a.shape[1])
    for _ in range(100):
        mu = np.exp(a @ m)
        h = a.T @ (mu[:, None] * a) + p
        step = np.linalg.solve(h, a.T @ (y - mu) - p @ m)
        m = m + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-13:
            break
    value = stats.poisson.logpmf(y, np.exp(a @ m)).sum() - 0.5 * m @ p @ m
    value += 0.5 * np.linalg.slogdet(p)[1] - 0.5 * np.linalg.slogdet(h)[1]
    prior = stats.norm.logpdf(theta[:2]).sum() - 2.0 * np.log(np.cosh(theta[2]))
    return float(value + prior - betaln(0.5, 1.0))


def test_marginal_is_that_of_dense_algebra(counts: pd.DataFrame) -> None:
    model = mg.MixedGLM.from_formula(
        "y ~ x + (x | g)", data=counts[counts["g"] < 8], family="poisson", fe_p=2, vcp_p=1
    )
    data = counts[counts["g"] < 8].reset_index(drop=True)
    for theta in ([-0.3, -0.8, 0.7], [0.2, -2.0, -1.5], [-1.0, 0.1, 0.0]):
        point = np.array(theta)
        assert model.log_marginal(point) == pytest.approx(dense_log_marginal(data, point), rel=1e-10)
        h = 1e-4 * np.eye(3)
        slope = [
            (dense_log_marginal(data, point + e) - dense_log_marginal(data, point - e)) / 2e-4 for e in h
        ]
        np.testing.assert_allclose(model.log_marginal_grad(point), slope, rtol=1e-5, atol=1e-5)


def test_posterior_is_that_of_a_fine_lattice(counts: pd.DataFrame) -> None:
    data = counts[counts["g"] < 12].reset_index(drop=True)
    model = mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="poisson", fe_p=2, vcp_p=1)
    result = model.fit_laplace()
    mode, sd = result.posterior.points.mean(axis=0), result.posterior.points.std(axis=0)
    axes = [np.linspace(m - 4.0 * s, m + 4.0 * s, 13) for m, s in zip(mode, sd, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    values = np.array([model.log_marginal(p) for p in points])
    weights = np.exp(values - values.max())
    weights /= weights.sum()
    rho = np.tanh(points[:, 2])
    mean = weights @ rho
    spread = np.sqrt(weights @ (rho - mean) ** 2)
    assert result.cor_mean[0] == pytest.approx(mean, abs=0.06 * spread)
    assert result.cor_sd[0] == pytest.approx(spread, rel=0.05)
    np.testing.assert_allclose(result.vcp_mean, weights @ points[:, :2], atol=0.03)


def test_expectation_propagation_and_choice() -> None:
    data = intercepts_and_slopes(groups=60, rows=6, binary=True)
    model = mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="binomial")
    ep, chosen = model.fit_ep(), model.fit()
    assert ep.status == "converged"
    assert chosen.method in ("laplace", "leaf", "ep")
    assert chosen.cor_mean.shape == (1,)


@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.DesignWarning")
@pytest.mark.parametrize(
    ("term", "data"),
    [
        ("(x | g)", intercepts_and_slopes(groups=6, rows=8, rho=0.999)),
        (
            "(x | g)",
            intercepts_and_slopes(groups=20).assign(
                y=lambda d: np.random.default_rng(0).poisson(2.0, len(d))
            ),
        ),
        (
            "(w | g)",
            intercepts_and_slopes(groups=20).assign(w=lambda d: d["g"] % 2 + 0.0),
        ),  # does not vary within groups
        (
            "(x + z | h2)",
            intercepts_and_slopes(groups=20).assign(h2=lambda d: d["g"] % 2),
        ),  # fewer levels than coordinates
        ("(x | g)", intercepts_and_slopes(groups=15, rows=1)),
    ],
)
def test_degenerate_data(term: str, data: pd.DataFrame) -> None:
    result = mg.MixedGLM.from_formula(f"y ~ x + {term}", data=data, family="poisson").fit_laplace()
    table = result.to_frame()
    assert np.isfinite(table[["mean", "sd", "lower", "upper"]].to_numpy()).all()
    correlations = table[table["type"] == "correlation"]
    assert ((correlations["lower"] >= -1.0) & (correlations["upper"] <= 1.0)).all()
    assert (correlations["sd"] > 0).all()


def test_gaussian_responses_are_exact(counts: pd.DataFrame) -> None:
    rng = np.random.default_rng(3)
    data = counts[counts["g"] < 10]
    u = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]], 10)[data["g"]]
    data = data.assign(y=lambda d: u[:, 0] + (0.5 + u[:, 1]) * d["x"] + rng.normal(size=len(d)))
    sd = priors.LogNormal(0, 1)
    model = mg.MixedGLM.from_formula(
        "y ~ x + (x | g)", data=data, family="gaussian", fe_p=2, priors={"sd": sd, "sigma": sd}
    )
    theta = np.array([-0.2, -0.7, 0.6, -0.3])
    x, z = model.exog, model.exog_vc.toarray()
    scale, rho = np.exp(theta[:2]), np.tanh(theta[2])
    block = np.diag(scale) @ [[1.0, rho], [rho, 1.0]] @ np.diag(scale)
    covariance = 4.0 * x @ x.T + np.exp(2 * theta[3]) * np.eye(len(x)) + z @ np.kron(block, np.eye(10)) @ z.T
    value = stats.multivariate_normal(np.zeros(len(x)), covariance).logpdf(model.endog)
    prior = stats.norm.logpdf(theta[[0, 1, 3]]).sum() - 2.0 * np.log(np.cosh(theta[2])) - betaln(0.5, 1.0)
    assert model.log_marginal(theta) == pytest.approx(value + prior, rel=1e-10)
    result = model.fit()
    assert result.to_frame()["type"].tolist()[-2:] == ["correlation", "family"]
    table = result.conf_int()
    assert table.index[4:6].tolist() == [NAME, "sigma"]
    draws = result.posterior_sample(2000, rng=0)
    assert draws.cor.mean() == pytest.approx(result.cor_mean[0], abs=0.2 * result.cor_sd[0])
    assert np.std(draws.log_p - draws.log_q) < 3.0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_calibration(family: str) -> None:
    """Probabilities below the parameters that responses were drawn with are uniform."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 10)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=len(g)), "y": rng.integers(0, 2, len(g))})
    given = {"family": family, "fe_p": 0.7, "priors": {"sd": priors.LogNormal(-0.5, 0.5)}}
    draws = mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, **given).prior_sample(100, rng=2)
    responses = draws.predictive(rng)
    below = []
    for params, y in zip(draws.params, responses, strict=True):
        result = mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data.assign(y=y), **given).fit()
        below.append(result.posterior.cdf(params)[:5])
    for column in np.transpose(below):
        assert stats.kstest(column, "uniform").pvalue > 1e-3
