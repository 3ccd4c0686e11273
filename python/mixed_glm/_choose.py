"""Which approximation `MixedGLM.fit` uses, found out by looking at the model at hand.

At Laplace's mode of psi, with covariance C of psi there, the gradients of log p(y, psi) by expectation propagation
(g_E) and by leaf quadrature (g_L) say to first order by how much each of them would move psi, in standard deviations:

    E_k = (C g_E)_k / sd_k        L_k = (C g_L)_k / sd_k

Laplace errs by about max(|E_k|, |L_k|). Quadrature is exact for the leaf l and Laplace for all others, EP treats all
alike: so EP errs by about |L_l - E_l|, and leaf quadrature by max over k != l of |E_k - L_k|. On 37 problems with
long MCMC references this predicted nearly all errors within a third, and its worst case was that of an oracle
(benchmarks/accuracy).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._fit_marginal import EP_N_QUAD, LEAF_N_QUAD, Approximation
from mixed_glm._progress import shown_progress

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]

MOST_ROWS = 500_000  # beyond, Laplace with mean correction
GOOD_ENOUGH = 0.05  # posterior standard deviations of psi that Laplace may be off


@dataclass(frozen=True)
class Choice:
    """An approximation and where its search for the mode of psi should begin.

    Attributes
    ----------
    approximation : Approximation
    start : float array, shape (K,)
    """

    approximation: Approximation
    start: Floats


def choose(model: MixedGLM, progress: bool = False) -> Choice:
    """Choose among Laplace, leaf quadrature and expectation propagation, with a bar for `progress`."""
    core = model.core()
    laplace = Approximation("laplace")
    zero = np.zeros(model.k_vcp)
    if model.k_vcp == 0:
        return Choice(laplace, zero)
    with shown_progress(progress, "choice of a method", "log density") as report:
        fit = _core.fit_marginal(core, zero, integrate="mode", report=report)
    if not fit.has_posterior:
        return Choice(laplace, zero)
    start = fit.mode
    if model.nobs > MOST_ROWS:
        return Choice(laplace, start)
    covariance: Floats = np.asarray(np.linalg.inv(fit.mode_precision), dtype=np.float64)
    ep = Approximation("ep", n_quad=EP_N_QUAD)
    ep_shift = _shift(core, ep, start, covariance)
    if not any(_core.leaf_candidates(core)):
        return Choice(laplace if _size(ep_shift) < GOOD_ENOUGH else ep, start)
    component = _core.default_leaf(core)
    leaf = Approximation("leaf", component, LEAF_N_QUAD)
    leaf_shift = _shift(core, leaf, start, covariance)
    if not np.isfinite(leaf_shift).all():
        return Choice(ep, start)
    if max(_size(ep_shift), _size(leaf_shift)) < GOOD_ENOUGH:
        return Choice(laplace, start)
    difference = np.abs(ep_shift - leaf_shift)
    others = np.delete(difference, component)
    if difference[component] < others.max(initial=0.0):
        return Choice(ep, start + _bounded(ep_shift, covariance))
    return Choice(leaf, start + _bounded(leaf_shift, covariance))


def _shift(core: _core.Model, approximation: Approximation, vcp: Floats, covariance: Floats) -> Floats:
    """First-order move of the mode of psi under another approximation, in standard deviations, shape (K,)."""
    try:
        _, gradient = approximation.log_marginal(core, vcp)
    except RuntimeError:  # it cannot even be evaluated there: never the one to choose
        return np.full(len(vcp), np.inf)
    return np.asarray(covariance @ gradient / np.sqrt(covariance.diagonal()))


def _size(shift: Floats) -> float:
    return float(np.abs(shift).max())


def _bounded(shift: Floats, covariance: Floats) -> Floats:
    """The move itself, at most one standard deviation."""
    return np.asarray(np.clip(shift, -1.0, 1.0) * np.sqrt(covariance.diagonal()))
