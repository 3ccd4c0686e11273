"""Posteriors by brute force, in numpy alone: the reference for everything that the core approximates.

One grouping factor g with effects u_g, and few other parameters theta = (beta, v, psi): the factor's effects are
integrated by a trapezoidal rule of 97 points around their conditional mode, theta by a lattice of all points that
are connected to the mode through points within `drop` nats of it. Both rules converge exponentially for smooth
densities; with the default steps no result is further off than 0.001 standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize
from scipy.special import expit, gammaln, log_expit, log_ndtr, logsumexp, xlogy

NODES = np.linspace(-12.0, 12.0, 97)


def log_likelihood(family: str, eta, y, trials=1.0, alpha=1.0):
    """log p(y | eta), fully normalized; family is "binomial-logit", "poisson", ..."""
    if family.startswith("binomial"):
        constant = gammaln(trials + 1) - gammaln(y + 1) - gammaln(trials - y + 1)
        if family == "binomial-logit":
            yes, no = log_expit(eta), log_expit(-eta)
        elif family == "binomial-probit":
            yes, no = log_ndtr(eta), log_ndtr(-eta)
        else:
            side = eta if family == "binomial-cloglog" else -eta
            mu = np.exp(np.clip(side, -600, 600))
            tail, rest = -mu, np.log(-np.expm1(-np.maximum(mu, 1e-250)))
            yes, no = (rest, tail) if family == "binomial-cloglog" else (tail, rest)
        return constant + np.where(y > 0, y * yes, 0.0) + np.where(trials > y, (trials - y) * no, 0.0)
    eta = np.clip(eta, -700, 700)
    if family == "poisson":
        return y * eta - np.exp(eta) - gammaln(y + 1)
    if family == "negative_binomial":
        r = 1 / alpha
        log_p = log_expit(eta + np.log(alpha))
        return (
            gammaln(y + r)
            - gammaln(r)
            - gammaln(y + 1)
            + xlogy(y, 1.0)
            + y * log_p
            + r * log_expit(-eta - np.log(alpha))
        )
    if family == "exponential":
        return -eta - y * np.exp(-eta)
    raise ValueError(family)


@dataclass
class BruteForce:
    """Model with one factor to integrate over and few other parameters.

    y, trials, offset : (n,); x : (n, p); group : (n,) codes, -1 for none; leaf : component of the groups' effects;
    zv : (n, m) columns of the other effects, of components ident_v.
    """

    y: np.ndarray
    x: np.ndarray
    group: np.ndarray
    family: str
    k: int = 1
    leaf: int = 0
    zv: np.ndarray | None = None
    ident_v: tuple[int, ...] = ()
    trials: np.ndarray | float = 1.0
    offset: np.ndarray | float = 0.0
    alpha: float = 1.0
    vcp_p: float = 1.0
    fe_p: float = 2.0
    fixed_psi: np.ndarray | None = None
    slope: np.ndarray | float = 1.0  # factor of each row's group effect
    groups: int = 0
    log_prior: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = (
        None  # of (beta, psi), instead of fe_p, vcp_p
    )
    _matrix: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.y)
        self.trials = np.broadcast_to(np.asarray(self.trials, float), n)
        self.slope = np.broadcast_to(np.asarray(self.slope, float), n)
        zv = np.zeros((n, 0)) if self.zv is None else self.zv
        self._matrix = np.hstack([self.x, zv])
        self.groups = max(self.groups, int(self.group.max(initial=-1)) + 1)

    @property
    def p(self) -> int:
        return self.x.shape[1]

    def _psi(self, theta):
        return (
            theta[:, self._matrix.shape[1] :]
            if self.fixed_psi is None
            else np.tile(self.fixed_psi, (len(theta), 1))
        )

    def density(self, theta, nodes=False):
        """log p(y, theta) for (m, d) points; with `nodes` also nodes and weights of the effects, (m, groups, 97)."""
        a = self._matrix.shape[1]
        psi = self._psi(theta)
        eta = theta[:, :a] @ self._matrix.T + self.offset
        total = (self.log_prior or self._normal_priors)(theta[:, : self.p], psi)
        for j, component in enumerate(self.ident_v):
            s = psi[:, component]
            total -= 0.5 * (theta[:, self.p + j] * np.exp(-s)) ** 2 + s + 0.5 * np.log(2 * np.pi)
        alone = self.group < 0
        total += self._rows(eta[:, alone], alone).sum(1)
        if not self.groups:
            return (total, None, None) if nodes else total
        sd = np.exp(psi[:, self.leaf])[:, None]
        u, scale = self._modes(eta, sd)
        points = u[..., None] + scale[..., None] * NODES
        value = -0.5 * (points / sd[..., None]) ** 2 - np.log(sd[..., None]) - 0.5 * np.log(2 * np.pi)
        for i in np.flatnonzero(~alone):
            g = self.group[i]
            value[:, g] += self._rows(eta[:, i, None] + self.slope[i] * points[:, g], i)
        integral = logsumexp(value, axis=2)
        total += (integral + np.log(scale * (NODES[1] - NODES[0]))).sum(1)
        return (total, points, np.exp(value - integral[..., None])) if nodes else total

    def _normal_priors(self, beta, psi):
        total = -0.5 * ((beta / self.fe_p) ** 2).sum(1) - self.p * np.log(self.fe_p * np.sqrt(2 * np.pi))
        return (
            total - 0.5 * ((psi / self.vcp_p) ** 2).sum(1) - self.k * np.log(self.vcp_p * np.sqrt(2 * np.pi))
        )

    def _rows(self, eta, rows):
        return log_likelihood(self.family, eta, self.y[rows], self.trials[rows], self.alpha)

    def _modes(self, eta, sd):
        """Conditional modes and scales of the effects: bisection, then Newton. Only the nodes are placed there."""
        low = np.full((len(eta), self.groups), -40.0) * np.maximum(sd, 0.01)
        high = -low
        for k in range(24):
            u = 0.5 * (low + high)
            h = 1e-3 * np.minimum(sd, 0.1)
            slope = self._slope(eta, u, sd)
            if k >= 16:
                curvature = (slope - self._slope(eta, u + h, sd)) / h
                u = np.clip(u + slope / curvature, low, high)
                slope = self._slope(eta, u, sd)
            low, high = np.where(slope > 0, u, low), np.where(slope > 0, high, u)
        curvature = (self._slope(eta, u - h, sd) - self._slope(eta, u + h, sd)) / (2 * h)
        return u, 1 / np.sqrt(curvature)

    def _slope(self, eta, u, sd):
        grouped = np.flatnonzero(self.group >= 0)
        g = self.group[grouped]
        at = eta[:, grouped] + self.slope[grouped] * u[:, g]
        pull = self.slope[grouped] * score(self.family, at, self.y[grouped], self.trials[grouped], self.alpha)
        return pull @ np.eye(self.groups)[g] - u / sd**2

    def posterior(self, step: float = 1.0, drop: float = 12.0, first: int = 0) -> Posterior:
        """Integrate. The marginal density of parameter number `first` is exact on the lattice."""
        d = self._matrix.shape[1] + (self.k if self.fixed_psi is None else 0)
        if d == 0:
            value, points, weights = self.density(np.zeros((1, 0)), nodes=True)
            return Posterior(self, np.zeros((1, 0)), np.ones(1), float(value[0]), first, points, weights)
        mode = minimize(lambda t: -self.density(t[None])[0], np.zeros(d), method="BFGS").x
        order = np.r_[first, np.delete(np.arange(d), first)]
        axes = np.empty((d, d))
        axes[order] = np.linalg.cholesky(np.linalg.inv(self._curvature(mode))[np.ix_(order, order)])
        cells = np.zeros((1, d), int)
        values = self.density(mode[None])
        frontier = cells
        known = {(0,) * d}
        while len(frontier):
            top = values.max()
            fresh = []
            for cell in frontier:
                for j in range(d):
                    for side in (-1, 1):
                        new = tuple(int(c) + side * (j == b) for b, c in enumerate(cell))
                        if new not in known:
                            known.add(new)
                            fresh.append(new)
            if not fresh:
                break
            added = np.array(fresh)
            new_values = np.concatenate(
                [
                    self.density(mode + step * part @ axes.T)
                    for part in np.array_split(added, len(added) // 400 + 1)
                ]
            )
            cells, values = np.vstack([cells, added]), np.concatenate([values, new_values])
            frontier = added[new_values > top - drop]
        keep = values > values.max() - drop - 3
        theta = mode + step * cells[keep] @ axes.T
        evidence = logsumexp(values) + d * np.log(step) + np.linalg.slogdet(axes)[1]
        weights = np.exp(values[keep] - logsumexp(values[keep]))
        return Posterior(self, theta, weights, evidence, first, cells=cells[keep][:, 0])

    def _curvature(self, at):
        d, h = len(at), 1e-3
        e = h * np.eye(d)
        points = [
            at + s * e[i] + t * e[j] for i in range(d) for j in range(d) for s in (1, -1) for t in (1, -1)
        ]
        f = self.density(np.array(points)).reshape(d, d, 2, 2)
        hessian = (f[..., 0, 0] - f[..., 0, 1] - f[..., 1, 0] + f[..., 1, 1]) / (4 * h * h)
        return -0.5 * (hessian + hessian.T)


def score(family, eta, y, trials, alpha):
    """Derivative of the log likelihood in eta."""
    if family == "binomial-logit":
        return y - trials * expit(eta)
    if family == "poisson":
        return y - np.exp(np.clip(eta, -700, 700))
    if family == "negative_binomial":
        return y - (y + 1 / alpha) * expit(eta + np.log(alpha))
    if family == "exponential":
        return -1 + y * np.exp(np.clip(-eta, -700, 700))
    h = 1e-5
    up, down = (log_likelihood(family, eta + s, y, trials, alpha) for s in (h, -h))
    return (up - down) / (2 * h)


@dataclass
class Posterior:
    """Points and weights over theta; moments and distribution functions from them."""

    model: BruteForce
    theta: np.ndarray
    weights: np.ndarray
    log_evidence: float
    first: int
    points: np.ndarray | None = None
    node_weights: np.ndarray | None = None
    cells: np.ndarray | None = None

    @property
    def mean(self):
        return self.weights @ self.theta

    @property
    def sd(self):
        return np.sqrt(self.weights @ (self.theta - self.mean) ** 2)

    def cdf(self, x: float) -> float:
        """Distribution function of parameter number `first`."""
        which = np.unique(self.cells)
        at = np.array([self.theta[self.cells == c, self.first][0] for c in which])
        mass = np.array([self.weights[self.cells == c].sum() for c in which])
        keep = mass > 1e-12
        density = CubicSpline(at[keep], np.log(mass[keep]))
        fine = np.linspace(at[keep][0], at[keep][-1], 4001)
        f = np.exp(density(fine))
        return float(np.interp(x, fine, np.cumsum(f) / f.sum()))

    def effects(self, limits=None):
        """Means and standard deviations of the factor's effects; with limits (groups,) also P(u <= limit)."""
        keep = self.weights > 1e-9
        first = second = below = 0.0
        for part in np.array_split(np.flatnonzero(keep), keep.sum() // 400 + 1):
            _, u, w = self.model.density(self.theta[part], nodes=True)
            at = self.weights[part]
            first = first + np.einsum("m,mgk,mgk->g", at, w, u)
            second = second + np.einsum("m,mgk,mgk->g", at, w, u**2)
            if limits is not None:
                width = u[..., 1:2] - u[..., 0:1]
                share = np.clip((np.asarray(limits)[None, :, None] - u) / width + 0.5, 0, 1)
                below = below + np.einsum("m,mgk,mgk->g", at, w, share)
        mean, sd = first, np.sqrt(second - first**2)
        return (mean, sd, below) if limits is not None else (mean, sd)
