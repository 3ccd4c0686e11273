"""What was reached, computed in the same way for all: independent of every package that is compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.special import expit, gammaln

from benchmarks.peers import Fit
from benchmarks.problem import Floats, Problem

__all__ = ["joint_log_density", "laplace_loglik", "mean_field_bound", "score"]

MOST_STEPS = 100
SMALLEST_STEP = 2.0**-30
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(41)


def score(problem: Problem, fit: Fit) -> float:
    """What the method maximizes, at the estimates of a fit: "laplace", "map" or "vb"."""
    if problem.method == "laplace":
        return laplace_loglik(problem, fit.fe_mean, fit.sd)
    assert fit.vc_mean is not None
    if problem.method == "map":
        return joint_log_density(problem, fit.fe_mean, fit.sd, fit.vc_mean)
    assert fit.fe_sd is not None
    assert fit.log_sd_sd is not None
    assert fit.vc_sd is not None
    means, sds = (fit.fe_mean, np.log(fit.sd), fit.vc_mean), (fit.fe_sd, fit.log_sd_sd, fit.vc_sd)
    return mean_field_bound(problem, means, sds)


def laplace_loglik(problem: Problem, fe: Floats, sd: Floats) -> float:
    """Log-likelihood of fixed effects and standard deviations, random effects integrated out by Laplace.

    With u = S v, S the standard deviations, the integral over v of exp(f(v)), f(v) = log p(y | v) - v'v / 2, is
    approximated by exp(f(v*)) |I + S Z'WZ S|^(-1/2) at its mode v*. A standard deviation of 0 is no special case.
    """
    scaled = sparse.csr_array(problem.exog_vc() @ sparse.diags_array(sd[problem.ident]))
    fixed = problem.exog @ fe
    v = np.zeros(scaled.shape[1])
    value, d1, weights = _rows(problem, fixed)
    for _ in range(MOST_STEPS):
        gradient = scaled.T @ d1 - v
        factor = _factor(scaled, weights)
        step = factor.solve(gradient)
        rate = 1.0
        while True:
            trial = v + rate * step
            rows = _rows(problem, fixed + scaled @ trial)
            trial_value = rows[0] - trial @ trial / 2
            if trial_value >= value - v @ v / 2 or rate < SMALLEST_STEP:
                break
            rate /= 2
        v, (value, d1, weights) = trial, rows
        if gradient @ step < 1e-12:
            break
    log_determinant = np.log(np.abs(_factor(scaled, weights).U.diagonal())).sum()
    return float(value - v @ v / 2 - log_determinant / 2)


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


def _rows(problem: Problem, eta: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood, its first derivative in eta, and minus the second."""
    y = problem.endog
    if problem.family == "poisson":
        with np.errstate(over="ignore"):  # of a step that goes too far
            mean = np.exp(eta)
        return float(np.sum(y * eta - mean - gammaln(y + 1))), y - mean, mean
    mean = expit(eta)
    return float(np.sum(y * eta - np.logaddexp(0, eta))), y - mean, mean * (1 - mean)


def _factor(scaled: sparse.csr_array, weights: Floats) -> Any:
    weighted = sparse.diags_array(weights) @ scaled
    matrix = sparse.eye_array(scaled.shape[1]) + scaled.T @ weighted
    return splu(sparse.csc_array(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
