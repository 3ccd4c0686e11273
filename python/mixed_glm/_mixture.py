"""Posteriors that are mixtures over points in the log standard deviations psi."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.linalg
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from mixed_glm._posterior import Posterior
from mixed_glm.optimize import hessian

if TYPE_CHECKING:
    from mixed_glm import _core
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]

_NEGLIGIBLE_WEIGHT = 1e-4  # of a point, for the covariance
_FINE_STEPS = 2000  # of the grid on which a density of one psi is integrated


@dataclass(frozen=True)
class MarginalPosterior(Posterior):
    """A mixture over M points in psi, with skew components.

    Attributes
    ----------
    mean, sd, skewness : float array, shape (p + K + q,)
    weights : float array, shape (M,)
        Of the points; they sum to one.
    points : float array, shape (M, K)
        Log standard deviations.
    log_density : float array, shape (M,)
        log p(y, psi) at the points.
    fe_means, fe_sds : float array, shape (M, p)
        Means and standard deviations of the fixed effects given psi.
    fe_cov : float array, shape (p, p)
        Covariance of the fixed effects.
    model : MixedGLM
    """

    skewness: Floats
    weights: Floats
    points: Floats
    log_density: Floats
    fe_means: Floats
    fe_sds: Floats
    fe_cov: Floats
    model: MixedGLM

    @classmethod
    def of(cls, model: MixedGLM, fit: _core.MarginalFit) -> MarginalPosterior:
        """Take over what the core found."""
        return cls(
            mean=fit.mean,
            sd=fit.sd,
            skewness=fit.skewness,
            weights=fit.weights,
            points=fit.points_vcp,
            log_density=fit.points_log_density,
            fe_means=fit.points_fe_mean,
            fe_sds=fit.points_fe_sd,
            fe_cov=fit.fe_cov,
            model=model,
        )

    def quantile(self, level: float) -> Floats:
        """Marginal quantiles of all parameters, shape (p + K + q,).

        Fixed effects: of the mixture of normal distributions. A single psi on a grid: of its density, interpolated.
        All others: Cornish-Fisher expansion to the third moment.
        """
        out = cornish_fisher(self.mean, self.sd, self.skewness, level)
        p, k = self.model.k_fep, self.model.k_vcp
        out[:p] = [
            mixture_quantile(self.weights, m, s, level)
            for m, s in zip(self.fe_means.T, self.fe_sds.T, strict=True)
        ]
        if k == 1 and len(self.weights) > 3:
            out[p] = density_quantile(self.points[:, 0], self.log_density, level)
        return out

    def covariance(self) -> Floats:
        """Dense covariance of all parameters, shape (d, d), computed on demand.

        Correlations are those of the Gaussians at the conditional modes, mixed over psi; standard deviations are
        this posterior's own.
        """
        model, core = self.model, self.model.core()
        keep = self.weights > _NEGLIGIBLE_WEIGHT
        p, k = model.k_fep, model.k_vcp
        coefficients = np.r_[0:p, p + k : len(self.mean)]
        modes = np.array([core.conditional_mode(psi) for psi in self.points[keep]])
        weights = self.weights[keep] / self.weights[keep].sum()
        covariance = (
            np.cov(modes.T, aweights=weights, ddof=0) if len(modes) > 1 else np.zeros((len(self.mean),) * 2)
        )
        for weight, mode in zip(weights, modes, strict=True):
            precision = -hessian(core, mode).toarray()[np.ix_(coefficients, coefficients)]
            inverse = scipy.linalg.cho_solve(scipy.linalg.cho_factor(precision), np.eye(len(precision)))
            covariance[np.ix_(coefficients, coefficients)] += weight * inverse
        if len(modes) == 1:
            covariance[p : p + k, p : p + k] = np.diag(self.sd[p : p + k] ** 2)
        scale = self.sd / np.sqrt(covariance.diagonal())
        return np.asarray(covariance * np.outer(scale, scale))


def cornish_fisher(mean: Floats, sd: Floats, skewness: Floats, level: float) -> Floats:
    """Quantiles from three moments, elementwise (Cornish and Fisher 1938)."""
    z = ndtri(level)
    g = np.clip(skewness, -1.0, 1.0)  # beyond, the expansion ceases to be monotone
    return np.asarray(mean + sd * (z + (z**2 - 1) * g / 6 - (2 * z**3 - 5 * z) * g**2 / 36))


def mixture_quantile(weights: Floats, means: Floats, sds: Floats, level: float) -> float:
    """Quantile of a mixture of normal distributions with M components."""
    ends = means + sds * ndtri(level)
    low, high = float(ends.min()), float(ends.max())
    if high - low <= 1e-12 * (1 + abs(high)):
        return low
    return float(brentq(lambda x: float(weights @ ndtr((x - means) / sds)) - level, low, high, xtol=1e-10))


def density_quantile(points: Floats, log_density: Floats, level: float) -> float:
    """Quantile of a density on the line, known by its logarithm at the points of a grid."""
    order = np.argsort(points)
    x, f = points[order], log_density[order]
    fine = np.linspace(x[0], x[-1], _FINE_STEPS)
    density = np.exp(CubicSpline(x, f)(fine) - f.max())
    cumulative = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return float(np.interp(level, cumulative / cumulative[-1], fine))
