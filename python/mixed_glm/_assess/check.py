"""A fit checked by itself: importance ratios of the posterior to its approximation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from mixed_glm import _core
from mixed_glm._console.progress import shown_count
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.ordinal import refuse_joint_rows
from mixed_glm._input.arrays import as_count
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._posterior.psis import GOOD_K, LEAST_DRAWS, smooth_weights
from mixed_glm._spec.binary_rows import BinaryRows
from mixed_glm._spec.design import make_core
from mixed_glm._spec.fixed_prior import FixedPrior
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.families import Cumulative

Floats = npt.NDArray[np.float64]

_LEAF_N_QUAD = (25, 11, 7)  # of a leaf of one, two and three components
_BATCH, _LEAST_DRAWS = 2**18, 16  # linear predictors, and draws, at a time
_VERY_GOOD_K = 0.5
_NEARLY_ALL = 0.9  # of the draws
_LARGE_SHIFT = 0.3


_INSTEAD = (
    "refine() compares draws of all parameters together with the exact density, and fit_laplace(n_quad=25) shows whether a finer "
    "approximation gives other results"
)


@dataclass(frozen=True, repr=False)
class Check:
    """What importance sampling says of a fit; `str` says it in words.

    Attributes
    ----------
    k : float
        Shape k-hat of the generalized Pareto distribution of the largest importance ratios: below 0.5 the
        approximation is close; up to 0.7 usable and correctable; above, it misses part of the posterior,
        of which `effective` tells how much.
    effective : float
        Effective number of draws after reweighting.
    shift : float array, shape (p + K,)
        By how much reweighting moves each posterior mean, in posterior standard deviations, fixed effects and log
        standard deviations; only to be relied on where `k` is below 0.7.
    log_evidence : float
        Estimate of log p(y) by the reweighted draws.
    log_weights : float array, shape (draws,)
        Logarithms of the smoothed weights, which sum to one.
    integral : str
        How random effects were integrated out of the posterior: ``"quadrature"`` (exact up to the quadrature),
        ``"quadrature and Laplace"`` (the component with the most effects, and up to two others of its groups, by
        quadrature, the rest by Laplace),
        ``"Laplace"``, ``"normal"`` (exact, of a normal response) or ``"none"``.
    names : tuple of str
        Names of the entries of `shift`.
    """

    k: float
    effective: float
    shift: Floats
    log_evidence: float
    log_weights: Floats
    integral: str
    names: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether `k` is at most 0.7, or reweighting leaves nine tenths of the draws effective all the same."""
        return self.k <= GOOD_K or self._nearly_equal()

    def _nearly_equal(self) -> bool:
        return self.effective > _NEARLY_ALL * len(self.log_weights)

    def __str__(self) -> str:
        """Say what the numbers mean."""
        draws = len(self.log_weights)
        lines = [
            f"Pareto k of the importance ratios: {self.k:.2f} ({self._verdict()})",
            f"Effective draws after reweighting: {self.effective:.0f} of {draws}",
        ]
        if self.ok and len(self.shift):
            worst = int(np.argmax(np.abs(self.shift)))
            lines.append(
                f"Reweighting moves no mean by more than {abs(self.shift[worst]):.2f} posterior standard deviations "
                f"({self.names[worst]})"
            )
            if abs(self.shift[worst]) > _LARGE_SHIFT:
                lines.append(
                    "This is more than the fit should be off: try fit_laplace(n_quad=25) or fit_ep()"
                )
        lines.append(_ABOUT_INTEGRAL[self.integral])
        return "\n".join(lines)

    __repr__ = __str__  # shown at the prompt, too

    def _verdict(self) -> str:
        if self.k <= _VERY_GOOD_K:
            return (
                "good: the approximation of fixed effects and standard deviations is close to the posterior"
            )
        if self.k <= GOOD_K:
            return "fair: the approximation is usable, and reweighting its draws corrects it"
        if self._nearly_equal():
            return (
                "its far tails are too light, but all in all it is close to the posterior: see the next line"
            )
        return (
            "poor: the approximation misses part of the posterior; its means may be right, its tails are not. "
            "Try fit_laplace(n_quad=25) or fit_ep()"
        )


_ABOUT_INTEGRAL = {
    "normal": "Random effects, normal given all others, were integrated out of the posterior exactly: the ratios are exact",
    "none": "The model has no random effects: the ratios are exact",
    "quadrature": "Random effects were integrated out of the posterior by quadrature: the ratios are exact",
    "quadrature and Laplace": "Random effects were integrated out of the posterior by quadrature for the component "
    "with the most effects and by Laplace's method for the others: errors of the latter do not show",
    "Laplace": "Random effects were integrated out of the posterior by Laplace's method, whose errors do not show",
}


def check(fit: Fit, draws: int = 1000, rng: Any = 0, progress: bool = False) -> Check:
    """Check the approximation of fixed effects and log standard deviations by importance sampling.

    Draws of (beta, psi) are weighted by the ratio of their posterior density, random effects integrated out, to
    that of the approximation. Where the largest ratios are much larger than the others, the approximation misses
    a part of the posterior; their Pareto k-hat tells (Vehtari et al. 2024).

    Parameters
    ----------
    draws : int, default 1000
        At least 25.
    rng : int or numpy.random.Generator, default 0
    progress : bool, default False
        Show a bar, as every draw takes about as long as a search for the mode; needs tqdm.

    Returns
    -------
    Check
        Shown as text that says what it means; ``k``, ``ok``, ``effective``, ``shift``, ...

    Raises
    ------
    ValueError
        For more than two ordered categories with another link than the logit, of which an observation is not one or two
        independent binary ones: use `MixedGLMResults.refine`.

    Notes
    -----
    Random effects are integrated out by adaptive quadrature (25 nodes) for the component with the most effects
    of which each row has at most one, so for models with one grouping factor the ratios are exact. Other
    components are integrated by Laplace's method, whose errors do not show.
    """
    n = as_count(draws, "draws")
    if n < LEAST_DRAWS:
        raise ValueError(f"draws must be at least {LEAST_DRAWS} to see the tail of their weights, got {n}")
    return check_draws(fit.posterior.sample(n, rng), progress)


def check_draws(draws: PosteriorDraws, progress: bool = False) -> Check:
    """Compare draws with the posterior density of fixed effects and log standard deviations."""
    layout = draws.spec.layout
    log_p, integral = integrated_density(draws, progress)
    log_ratio = log_p - draws.log_q_fixed
    found = np.isfinite(log_ratio)
    if not found.all():
        log_ratio = np.where(found, log_ratio, -np.inf)
    log_weights, k = smooth_weights(log_ratio)
    weights = np.exp(log_weights)
    params = draws.params[:, layout.leading]
    return Check(
        k=k,
        effective=float(1.0 / (weights**2).sum()),
        shift=(weights @ params - params.mean(axis=0)) / params.std(axis=0),
        log_evidence=float(logsumexp(log_ratio) - np.log(len(draws))),
        log_weights=log_weights,
        integral=integral,
        names=tuple(layout.names[layout.leading]),
    )


def integrated_density(draws: PosteriorDraws, progress: bool = False) -> tuple[Floats, str]:
    """log p(y, beta, psi), random effects integrated out, at each draw; and how they were integrated."""
    spec = draws.spec
    if spec.layout.k_vc == 0:
        return draws.log_p, "none"
    refuse_joint_rows(spec, "check()", _INSTEAD)
    rows = BinaryRows.of(spec)
    design = spec.design if rows is None else rows.design(spec.design)
    no_columns = np.empty((len(design.endog), 0), order="F")
    none = dataclasses.replace(design, exog=no_columns, priors=design.priors.without_fixed())
    family = spec.family.above if isinstance(spec.family, Cumulative) else spec.family
    core = make_core(none, family, merge_rows=False)
    leaf, integral = _how_to_integrate(spec, core, design.ident)
    shift = design.total_offset()
    values = []
    size = max(_LEAST_DRAWS, _BATCH // len(design.endog))
    with shown_count(progress, len(draws), "check", "draws") as advance:
        for first in range(0, len(draws), size):
            some = slice(first, first + size)
            eta = draws.fe[some] @ design.exog.T + (0.0 if shift is None else shift)
            if rows is not None:
                eta -= draws.family[some][:, rows.threshold]
            psi = np.ascontiguousarray(spec.layout.free(draws.hyper[some]))
            values.append(
                _core.integrate_effects(core, psi, eta, leaf=leaf, n_quad=_LEAF_N_QUAD[max(len(leaf), 1) - 1])
            )
            advance(len(psi))
    fixed = draws.params[:, spec.layout.fixed]
    of_gaps = 0.0 if rows is None else rows.log_gaps(draws.family)
    return np.concatenate(values) + of_gaps + FixedPrior.of(spec, draws.change).log_density(fixed), integral


def _how_to_integrate(
    spec: ModelSpec, core: _core.Model, ident: npt.NDArray[np.int32]
) -> tuple[list[int], str]:
    """Components that are integrated by quadrature, and what the whole is called."""
    if spec.family.name == "gaussian":
        return [], "normal"
    leaf = _core.default_leaf(core)
    if not leaf:
        return [], "Laplace"
    return leaf, "quadrature" if np.isin(ident, leaf).all() else "quadrature and Laplace"


def affordable_draws(fit: Fit, evaluations: int) -> int:
    """How many draws a check looks at with so many evaluations of the density of a row; perhaps too few."""
    spec = fit.spec
    coordinates = 0 if spec.family.name == "gaussian" else len(_core.default_leaf(spec.core()))
    nodes = _LEAF_N_QUAD[coordinates - 1] ** coordinates if coordinates else 1
    return int(evaluations // (nodes * spec.nobs))
