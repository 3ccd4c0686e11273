"""What was reached, computed in the same way for all: independent of every package that is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.special import expit, gammaln, log_expit

from benchmarks.hyper import Hyper
from benchmarks.peers import Fit
from benchmarks.problem import Floats, Problem

__all__ = [
    "joint_log_density",
    "laplace_loglik",
    "mean_field_bound",
    "predictor_columns",
    "score",
    "thresholds",
]

Rows = tuple[Floats, Floats, Floats]

MOST_STEPS = 100
SMALLEST_STEP = 2.0**-30
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(41)


def score(problem: Problem, fit: Fit) -> float:
    """What the method maximizes, at the estimates of a fit: "laplace", "map" or "vb"."""
    if problem.method == "laplace":
        return laplace_loglik(problem, fit.fe_mean, fit.at)
    assert fit.vc_mean is not None
    if problem.method == "map":
        return joint_log_density(problem, fit.fe_mean, fit.sd, fit.vc_mean)
    assert fit.fe_sd is not None
    assert fit.log_sd_sd is not None
    assert fit.vc_sd is not None
    means, sds = (fit.fe_mean, np.log(fit.sd), fit.vc_mean), (fit.fe_sd, fit.log_sd_sd, fit.vc_sd)
    return mean_field_bound(problem, means, sds)


def laplace_loglik(problem: Problem, fe: Floats, at: Hyper, *, restricted: bool = False) -> float:
    """Log-likelihood of fixed effects and covariances, random effects integrated out by Laplace.

    With u = S v, S S' the covariance, the integral over v of exp(f(v)), f(v) = log p(y | v) - v'v / 2, is
    approximated by exp(f(v*)) |I + S' Z'WZ S|^(-1/2) at its mode v*. A standard deviation of 0 is no special case.
    Restricted: the fixed effects are integrated out as well, and `fe` is where the search begins.
    """
    scaled = sparse.csr_array(problem.exog_vc() @ _whitening(problem, at))
    fixed = predictor_columns(problem) @ fe[thresholds(problem) :]
    v, precision = np.zeros(scaled.shape[1]), np.ones(scaled.shape[1])
    if restricted:
        scaled = sparse.csr_array(sparse.hstack([sparse.csr_array(problem.exog), scaled]))
        v = np.concatenate([np.zeros(problem.exog.shape[1]), v])
        precision = np.concatenate([np.zeros(problem.exog.shape[1]), precision])
    own = at.shape if at.shape is not None else fe[: thresholds(problem)]
    value, d1, weights = _rows(problem, fixed, own)
    for _ in range(MOST_STEPS):
        gradient = scaled.T @ d1 - precision * v
        factor = _factor(scaled, weights, precision)
        step = factor.solve(gradient)
        rate = 1.0
        while True:
            trial = v + rate * step
            rows = _rows(problem, fixed + scaled @ trial, own)
            trial_value = rows[0] - precision @ trial**2 / 2
            if trial_value >= value - precision @ v**2 / 2 or rate < SMALLEST_STEP:
                break
            rate /= 2
        v, (value, d1, weights) = trial, rows
        if gradient @ step < 1e-12:
            break
    log_determinant = np.log(np.abs(_factor(scaled, weights, precision).U.diagonal())).sum()
    flat = np.sum(precision == 0.0) * np.log(2 * np.pi) / 2
    return float(value - precision @ v**2 / 2 - log_determinant / 2 + flat)


def predictor_columns(problem: Problem) -> Floats:
    """Columns of the fixed effects that are coefficients: an ordinal response has thresholds for the constant one."""
    return problem.exog[:, 1:] if problem.family == "cumulative" else problem.exog


def thresholds(problem: Problem) -> int:
    """Number of thresholds, which stand before the coefficients."""
    return int(problem.endog.max()) if problem.family == "cumulative" else 0


def _whitening(problem: Problem, at: Hyper) -> Any:
    blocks = [
        sparse.kron(root, sparse.eye_array(q)) for root, q in zip(at.roots(), problem.levels, strict=True)
    ]
    return sparse.csr_array(sparse.block_diag(blocks))


def joint_log_density(problem: Problem, fe: Floats, sd: Floats, u: Floats) -> float:
    """Log density of responses, fixed effects, log standard deviations and random effects, constants left out."""
    value, _, _ = _rows(problem, problem.exog @ fe + problem.exog_vc() @ u)
    effect_sd = sd[problem.ident]
    effects = -np.sum((u / effect_sd) ** 2) / 2 - np.log(effect_sd).sum()
    priors = -np.sum((fe / problem.fe_p) ** 2) / 2 - np.sum((np.log(sd) / problem.vcp_p) ** 2) / 2
    return float(value + effects + priors)


def mean_field_bound(
    problem: Problem, means: tuple[Floats, Floats, Floats], sds: tuple[Floats, Floats, Floats]
) -> float:
    """E log p(y, beta, psi, u) + entropy for independent normal beta, psi (log standard deviations) and u."""
    (beta, psi, u), (beta_sd, psi_sd, u_sd) = means, sds
    z, ident = problem.exog_vc(), problem.ident
    eta = problem.exog @ beta + z @ u
    eta_sd = np.sqrt(problem.exog**2 @ beta_sd**2 + z.multiply(z) @ u_sd**2)
    weights = NODE_WEIGHTS / NODE_WEIGHTS.sum()
    rows = sum(w * _rows(problem, eta + x * eta_sd)[0] for x, w in zip(NODES, weights, strict=True))
    precision = np.exp(2 * (psi_sd**2 - psi))[ident]
    effects = -np.sum(precision * (u**2 + u_sd**2)) / 2 - psi[ident].sum()
    priors = -sum(
        np.sum((m**2 + s**2) / scale**2 / 2 + np.log(scale))
        for m, s, scale in ((beta, beta_sd, problem.fe_p), (psi, psi_sd, problem.vcp_p))
    )
    entropy = sum(np.log(s).sum() + len(s) / 2 for s in sds)  # the log(2 pi) of prior and entropy cancel
    return float(rows + effects + priors + entropy)


def _rows(problem: Problem, eta: Floats, own: Any = None) -> tuple[float, Floats, Floats]:
    """Log-likelihood, its first derivative in eta, and minus the second; `own`: the family's parameter, or thresholds."""
    with np.errstate(over="ignore"):  # of a step that goes too far
        value, d1, weights = ROWS[problem.family](problem.endog, eta, own)
    return float(np.sum(value)), d1, weights


def _poisson(y: Floats, eta: Floats, own: None) -> Rows:
    mean = np.exp(eta)
    return y * eta - mean - gammaln(y + 1), y - mean, mean


def _binomial(y: Floats, eta: Floats, own: None) -> Rows:
    mean = expit(eta)
    return y * eta - np.logaddexp(0, eta), y - mean, mean * (1 - mean)


def _gaussian(y: Floats, eta: Floats, sigma: float) -> Rows:
    r = (y - eta) / sigma
    return -(r**2) / 2 - np.log(sigma * np.sqrt(2 * np.pi)), r / sigma, np.full(len(y), sigma**-2)


def _negative_binomial(y: Floats, eta: Floats, alpha: float) -> Rows:
    size, mean = 1 / alpha, np.exp(eta)
    constant = gammaln(y + size) - gammaln(size) - gammaln(y + 1)
    value = constant - size * np.log1p(alpha * mean) + y * (eta - np.log(size) - np.log1p(alpha * mean))
    share = mean / (size + mean)
    return value, y - (y + size) * share, (y + size) * share * (1 - share)


def _gamma(y: Floats, eta: Floats, dispersion: float) -> Rows:
    k, ratio = 1 / dispersion, y * np.exp(-eta)
    value = k * np.log(k) - gammaln(k) + (k - 1) * np.log(y) - k * eta - k * ratio
    return value, k * (ratio - 1), k * ratio


def _cumulative(y: Floats, eta: Floats, cuts: Floats) -> Rows:
    ends = np.concatenate([[-np.inf], cuts, [np.inf]])
    low, high = ends[y.astype(int)] - eta, ends[y.astype(int) + 1] - eta
    below, above = expit(low), expit(-high)
    with np.errstate(divide="ignore"):
        middle = log_expit(high) + log_expit(-low) + np.log1p(-np.exp(low - high))
    return middle, below - above, below * (1 - below) + above * (1 - above)


ROWS: dict[str, Callable[[Floats, Floats, Any], Rows]] = {
    "binomial": _binomial,
    "cumulative": _cumulative,
    "gamma": _gamma,
    "gaussian": _gaussian,
    "negative_binomial": _negative_binomial,
    "poisson": _poisson,
}


def _factor(scaled: sparse.csr_array, weights: Floats, precision: Floats) -> Any:
    weighted = sparse.diags_array(weights) @ scaled
    matrix = sparse.diags_array(precision) + scaled.T @ weighted
    return splu(sparse.csc_array(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
