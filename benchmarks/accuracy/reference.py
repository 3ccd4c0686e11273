"""Long-run reference posteriors by NUTS (numpyro), independent of mixed_glm.

Each effect is as non-centred as its data leave it: u = exp(a psi) v, where a is the prior's share in the precision of
u. What NUTS moves in is whitened around a Laplace approximation at rough standard deviations found by EM, which costs
nothing in exactness and gives nearly independent draws:

    H = A' W A + P at those standard deviations, A = [X, Z diag(exp(a psi))], eliminating the component with the most
    effects (its block D is diagonal):   S = H_tt - H_tl D^-1 H_lt = L L',
    theta = m_t + L^-T xi_t   (beta and the other components),    v_l = m_l - D^-1 H_lt (theta - m_t) + D^-1/2 xi_l
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import scipy.linalg
from jax.scipy.special import log_ndtr
from numpyro.diagnostics import effective_sample_size, gelman_rubin
from numpyro.infer import MCMC, NUTS

from .problem import Floats, Problem

numpyro.enable_x64()

QUANTILES = {"q025": 0.025, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q975": 0.975}
EM_STEPS = 25
LEAST_LOG_SD = -2.5  # of the whitening


def log_likelihood(problem: Problem, eta: Any) -> Any:
    """Of every row, up to a constant."""
    y, n = problem.y, problem.trials
    if problem.family == "poisson":
        return y * eta - jnp.exp(eta)
    if problem.link == "probit":
        return y * log_ndtr(eta) + (n - y) * log_ndtr(-eta)
    if problem.link == "cloglog":
        mu = jnp.exp(eta)
        return y * jnp.log(-jnp.expm1(-mu)) - (n - y) * mu
    return y * eta - n * jnp.logaddexp(0.0, eta)


class Whitening:
    """Linear map between (beta, v) and nearly independent standard normals, fixed before sampling."""

    def __init__(self, problem: Problem) -> None:
        p, ident = problem.X.shape[1], problem.ident()
        self.psi = np.full(len(problem.terms), -0.5)
        a_u = problem.Z().toarray()
        value = jax.jit(lambda eta: log_likelihood(problem, eta).sum())
        d1 = jax.jit(jax.grad(lambda eta: log_likelihood(problem, eta).sum()))
        d2 = jax.jit(lambda eta: jax.jvp(d1, (eta,), (jnp.ones_like(eta),))[1])
        prior = np.r_[np.full(p, problem.fe_p**-2.0), np.ones(a_u.shape[1])]
        m = np.zeros(len(prior))
        if problem.family == "poisson":
            m[0] = np.log(problem.y.sum() / np.exp(problem.shift).sum())
        for step in range(EM_STEPS):
            a = np.hstack([problem.X, a_u * np.exp(self.psi[ident])])
            for _ in range(60):  # damped Newton
                eta = a @ m + problem.shift
                w = -np.asarray(d2(eta))
                hessian = (a.T * w) @ a + np.diag(prior)
                factor = scipy.linalg.cho_factor(hessian)
                move = scipy.linalg.cho_solve(factor, a.T @ np.asarray(d1(eta)) - prior * m)
                objective = partial(self._objective, value, a, prior, problem.shift)
                t, now = 1.0, objective(m)
                while not objective(m + t * move) >= now - 1e-9 * abs(now) and t > 1e-6:
                    t /= 2
                m = m + t * move
                if np.abs(t * move).max() < 1e-6:
                    break
            if step == EM_STEPS - 1:
                break
            variance = np.diag(scipy.linalg.cho_solve(factor, np.eye(len(m))))[p:]
            second = (m[p:] ** 2 + variance) * np.exp(2 * self.psi[ident])
            old = self.psi
            mean_square = np.bincount(ident, second) / np.bincount(ident)
            self.psi = np.maximum(0.5 * np.log(mean_square), LEAST_LOG_SD)
            m = np.r_[m[:p], m[p:] * np.exp((old - self.psi)[ident])]
        self.share = 1.0 / np.diag(hessian)[p:]  # of the prior, whose precision is 1 here
        scale = np.r_[np.ones(p), np.exp((self.share - 1.0) * self.psi[ident])]
        hessian, m = hessian * np.outer(scale, scale), m / scale
        leaf = int(np.argmax(np.bincount(ident)))
        self.is_leaf = np.r_[np.zeros(p, bool), ident == leaf]
        top = ~self.is_leaf
        self.mode_top, self.mode_leaf = m[top], m[self.is_leaf]
        self.leaf_precision = np.diag(hessian)[self.is_leaf]
        coupling = hessian[np.ix_(self.is_leaf, top)] / self.leaf_precision[:, None]
        schur = hessian[np.ix_(top, top)] - hessian[np.ix_(top, self.is_leaf)] @ coupling
        lower = np.linalg.cholesky(schur)
        self.spread = scipy.linalg.solve_triangular(lower, np.eye(len(lower)), lower=True).T
        self.coupling = coupling @ self.spread

    @staticmethod
    def _objective(value: Any, a: Floats, prior: Floats, shift: Floats, m: Floats) -> float:
        return float(value(a @ m + shift)) - 0.5 * float(prior @ m**2)

    def unwhiten(self, top: Any, leaf: Any) -> tuple[Any, Any]:
        """(xi_t, xi_l) to (theta, v_l)."""
        theta = self.mode_top + self.spread @ top
        return theta, self.mode_leaf - self.coupling @ top + leaf / jnp.sqrt(self.leaf_precision)


def reference(
    problem: Problem, chains: int = 4, warmup: int = 700, draws: int = 3000, seed: int = 1
) -> dict[str, Any]:
    """Posterior moments of (beta, psi, u) with their Monte-Carlo errors."""
    p, ident, k = problem.X.shape[1], problem.ident(), len(problem.terms)
    white = Whitening(problem)
    q_top = len(white.mode_top)
    order_u = np.concatenate([np.flatnonzero(white.is_leaf[p:] == 0), np.flatnonzero(white.is_leaf[p:])])
    back = np.argsort(order_u)
    sizes = np.cumsum([t.levels for t in problem.terms])[:-1]
    x, shift = jnp.asarray(problem.X), jnp.asarray(problem.shift)
    dense = len(problem.y) * len(ident) <= 150_000
    z_dense = jnp.asarray(problem.Z().toarray()) if dense else None
    codes = [jnp.asarray(t.codes) for t in problem.terms]
    values = [None if t.covariate is None else jnp.asarray(t.covariate) for t in problem.terms]

    def coefficients(state: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        psi = white.psi + state["psi"]
        theta, v_leaf = white.unwhiten(state["top"], state["leaf"])
        v = jnp.concatenate([theta[p:], v_leaf])[back]
        return theta[:p], psi, v, v * jnp.exp(white.share * psi[ident])

    def potential(state: dict[str, Any]) -> Any:
        beta, psi, v, u = coefficients(state)
        eta = x @ beta + shift
        if dense:
            eta = eta + z_dense @ u
        else:
            for c, value, part in zip(codes, values, jnp.split(u, sizes), strict=True):
                eta = eta + (part[c] if value is None else part[c] * value)
        log_sd_v = (1.0 - white.share) * psi[ident]
        prior = (beta**2).sum() / problem.fe_p**2 + (psi**2).sum() / problem.vcp_p**2
        prior = prior + (v**2 * jnp.exp(-2.0 * log_sd_v) + 2.0 * log_sd_v).sum()
        return 0.5 * prior - log_likelihood(problem, eta).sum()

    kernel = NUTS(potential_fn=potential, dense_mass=[("psi",)], target_accept_prob=0.85)
    mcmc = MCMC(
        kernel,
        num_warmup=warmup,
        num_samples=draws,
        num_chains=chains,
        chain_method="sequential",
        progress_bar=False,
    )
    rng = np.random.default_rng(seed)
    start = {
        "psi": 0.1 * rng.normal(size=(chains, k)),
        "top": 0.1 * rng.normal(size=(chains, q_top)),
        "leaf": 0.1 * rng.normal(size=(chains, len(white.mode_leaf))),
    }
    mcmc.run(jax.random.PRNGKey(seed), init_params=start, extra_fields=("diverging", "num_steps"))
    states = mcmc.get_samples(group_by_chain=True)
    flat = jax.jit(
        jax.vmap(jax.vmap(lambda s: jnp.concatenate([c for i, c in enumerate(coefficients(s)) if i != 2])))
    )
    sample = np.asarray(flat(states))  # chains, draws, parameters
    ess = effective_sample_size(sample)
    pooled = sample.reshape(-1, sample.shape[-1])
    sd = pooled.std(axis=0, ddof=1)
    out = {"mean": pooled.mean(axis=0), "sd": sd}
    out |= {name: np.quantile(pooled, level, axis=0) for name, level in QUANTILES.items()}
    extra = mcmc.get_extra_fields()
    return out | {
        "mcse_mean": sd / np.sqrt(ess), "ess_bulk": ess, "rhat": gelman_rubin(sample),
        "mcse_sd": sd / np.sqrt(2 * np.maximum(effective_sample_size((sample - out["mean"]) ** 2), 1.0)),
        "divergences": int(extra["diverging"].sum()), "draws": pooled.shape[0],
        "steps": float(extra["num_steps"].mean()),
        "vcp_p": problem.vcp_p, "fe_p": problem.fe_p, "p": p, "k": k, "q": len(ident),
    }  # fmt: skip
