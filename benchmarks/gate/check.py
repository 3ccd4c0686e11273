"""One model: what we reach, what a peer reaches, and whether that is in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.gate.ours import Ours
from benchmarks.hyper import Hyper
from benchmarks.likelihood import laplace_loglik
from benchmarks.peers import Fit
from benchmarks.problem import Problem

__all__ = ["OTHER_OBJECTIVES", "TOLERANCE", "Check", "check"]

TOLERANCE = 2e-3  # nats
OTHER_OBJECTIVES = {
    (
        "lme4",
        "gamma",
    ): "takes the expected curvature for the observed one, and the dispersion from Pearson residuals",
    ("lme4", "negative_binomial"): "takes the expected curvature for the observed one",
}
SMALL_SD = 1e-2  # below, differences of standard deviations are taken relative to it


@dataclass(frozen=True)
class Check:
    """Log-likelihoods of one model, all by the Laplace approximation: L, or R where the peer maximizes that.

    Attributes
    ----------
    model, description, family, peer : str
    restricted : bool
        Whether what follows is R.
    ours : float
        Our maximum.
    theirs : float
        The same at the peer's estimates, by our engine. NaN if it finds no conditional mode there.
    stated : float or None
        What the peer says that it is.
    arbiter : float
        The same at the peer's estimates by code that uses neither package.
    mode : float
        Log of what our fit maximizes, at its mode, less that at the peer's estimates.
    differ : float
        Largest difference of the peer's standard deviations, correlations and parameter of the family from our maximum.
    status : str
        Of our fit.
    """

    model: str
    description: str
    family: str
    peer: str
    restricted: bool
    ours: float
    theirs: float
    stated: float | None
    arbiter: float
    mode: float
    differ: float
    status: str

    def defects(self) -> list[str]:
        """What is wrong with us; none if the gate is passed."""
        found = []
        if np.isnan(self.theirs):
            found.append("our likelihood cannot be had at the peer's estimates")
        if abs(self.theirs - self.arbiter) > TOLERANCE:
            found.append(f"our likelihood is {self.theirs - self.arbiter:+.4f} from the independent one")
        if self.theirs > self.ours + TOLERANCE:
            found.append(f"the peer's estimates are {self.theirs - self.ours:.4f} better than our maximum")
        if self.mode < -TOLERANCE:
            found.append(f"our mode is {-self.mode:.4f} below the peer's standard deviations")
        return found

    @property
    def other_objective(self) -> bool:
        """Whether the peer is known to maximize something else."""
        return (self.peer, self.family) in OTHER_OBJECTIVES

    def differences(self) -> list[str]:
        """Where the peer's answer differs, and why."""
        found = []
        if self.ours - self.theirs > TOLERANCE:
            why = "it maximizes something else" if self.other_objective else "it stopped short"
            found.append(f"its estimates are {self.ours - self.theirs:.4f} below the maximum: {why}")
        if self.stated is not None and abs(self.stated - self.arbiter) > TOLERANCE:
            why = ", as it maximizes something else" if self.other_objective else ""
            found.append(
                f"it states {self.stated - self.arbiter:+.4f} against the independent value at its own estimates{why}"
            )
        return found


def check(problem: Problem, peer: str, fit: Fit, ours: Ours) -> Check:
    """Evaluate everything at the peer's estimates."""
    theta, best = fit.at.free(), ours.best(fit.restricted)
    try:
        theirs = ours.value(fit.fe_mean, theta, fit.restricted)
        mode = ours.posterior(ours.theta) - ours.posterior(theta)
    except RuntimeError:  # no conditional mode
        theirs, mode = np.nan, np.nan
    return Check(
        problem.name,
        problem.description,
        problem.family,
        peer,
        fit.restricted,
        best.value,
        theirs,
        fit.loglik,
        laplace_loglik(problem, fit.fe_mean, fit.at, restricted=fit.restricted),
        mode,
        _difference(fit.at, Hyper.of(problem, best.theta)),
        ours.status,
    )


def _difference(one: Hyper, other: Hyper) -> float:
    """Largest difference: relative of standard deviations and of the family's parameter, absolute of correlations."""
    shapes = [at.shape for at in (one, other) if at.shape is not None]
    parts = [np.abs(one.sd - other.sd) / np.maximum(other.sd, SMALL_SD), np.abs(np.diff(np.log(shapes)))]
    for a, b in zip(one.correlations(), other.correlations(), strict=True):
        parts.append(np.abs(a - b).ravel())
    return float(np.max(np.concatenate(parts)))
