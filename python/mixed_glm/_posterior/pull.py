"""How far priors keep a posterior from where the data would have it.

Fixed effects, given the standard deviations of the random effects: let m be their posterior mean, C their covariance, P and o the
precision and the mean of their prior. Beside a Gaussian likelihood of precision L = C^-1 - P the data alone would have their estimate at

    m + L^-1 P (m - o),    with the covariance L^-1,

and the pull is how far that is from m, in standard errors: the roots of the diagonal of L^-1. Where the prior is wide it is C P (m - o) in
posterior standard deviations; where it is narrow, posterior standard deviations are the prior's own and would hide it.

Log standard deviations: sd (m - o) / w^2, o and w the middle and the width of the prior. Their likelihood is flat where a standard
deviation is next to zero, so that the prior's width is the measure there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixed_glm._spec.priors import ModelPriors
from mixed_glm.priors import Prior

Floats = npt.NDArray[np.float64]

MUCH = 0.5  # standard errors of a fixed effect
MUCH_OF_SD = 0.75  # posterior standard deviations of a log standard deviation
_ALL = 1.0 - 1e-10  # of what is known; the rest is rounding


def fixed_pull(off: Floats, spread: Floats, way: Floats) -> Floats:
    """Pull on each fixed effect in standard errors, shape (m, p), of m posteriors; NaN where one has no covariance.

    Parameters
    ----------
    off : float array, shape (m, p)
        Means in coordinates in which the prior is standard normal.
    spread : float array, shape (m, p, p)
        Covariances in these coordinates.
    way : float array, shape (p, p)
        From these coordinates to the coefficients, up to a factor for each.
    """
    if not off.size:
        return np.zeros_like(off)
    known = np.asarray(np.isfinite(spread).all(axis=(1, 2)) & np.isfinite(off).all(axis=1))
    share, axes = np.linalg.eigh(np.where(known[:, None, None], spread, 0.0))  # of the prior in what is known
    share = np.clip(share, 0.0, _ALL)
    root = np.sqrt(share / (1.0 - share))[:, None, :] * axes
    own = np.einsum("ij,mjk->mik", way, root)  # not matmul, whose bits depend on how many there are
    moved = np.einsum("mik,mk->mi", own, np.einsum("mjk,mj->mk", root, np.where(known[:, None], off, 0.0)))
    scale = np.sqrt((own**2).sum(axis=2))
    pull = np.abs(np.divide(moved, scale, out=np.zeros_like(moved), where=scale > 0.0))
    return np.where(known[:, None], pull, np.nan)


def is_much(pull: Floats, k_fep: int) -> npt.NDArray[np.bool_]:
    """Whether fixed effects, the first `k_fep` of the last axis, and log standard deviations are pulled far."""
    return np.asarray(pull > np.where(np.arange(pull.shape[-1]) < k_fep, MUCH, MUCH_OF_SD))


def sd_pull(mean: Floats, sd: Floats, priors: ModelPriors) -> Floats:
    """Pull on log standard deviations, from their posterior means and standard deviations, shape (..., K).

    Zero where a standard deviation is smaller than a prior with mass at zero expects: such a prior says nothing against it.
    """
    return _of_logs(mean, sd, priors.of_log_sds, priors.sd)


def shape_pull(mean: Floats, sd: Floats, priors: ModelPriors) -> Floats:
    """The same of the logarithms of the parameters of the family, shape (..., k)."""
    return _of_logs(mean, sd, priors.of_log_shapes, priors.family)


def _of_logs(mean: Floats, sd: Floats, of_logs: tuple[Floats, Floats], priors: tuple[Prior, ...]) -> Floats:
    middle, width = of_logs
    keeps_from_zero = np.array([prior.has_joint_mode for prior in priors], dtype=bool)
    off = mean - middle
    return np.asarray(np.where(keeps_from_zero | (off > 0.0), sd * np.abs(off) / width**2, 0.0))
