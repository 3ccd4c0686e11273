"""One model: what we reach, what a peer reaches, and whether that is in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.gate.ours import Maximum, log_likelihood, restricted
from benchmarks.likelihood import laplace_loglik
from benchmarks.peers import Fit
from benchmarks.problem import Problem

__all__ = ["TOLERANCE", "Check", "check"]

TOLERANCE = 2e-3  # nats


@dataclass(frozen=True)
class Check:
    """Log-likelihoods of one model, all by the Laplace approximation.

    Attributes
    ----------
    model, description, peer : str
    ours : float
        Our maximum of L.
    theirs : float
        L at the peer's estimates, by our engine. NaN if it finds no conditional mode there.
    stated : float or None
        What the peer says that it is.
    arbiter : float
        L at the peer's estimates by code that uses neither package.
    mode : float
        log R at our mode of R, less that at the peer's standard deviations.
    status : str
        Of our fit.
    """

    model: str
    description: str
    peer: str
    ours: float
    theirs: float
    stated: float | None
    arbiter: float
    mode: float
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

    def differences(self) -> list[str]:
        """Where the peer's answer differs, and why."""
        found = []
        if self.ours - self.theirs > TOLERANCE:
            found.append(
                f"its estimates are {self.ours - self.theirs:.4f} below the maximum: it stopped short"
            )
        if self.stated is not None and abs(self.stated - self.arbiter) > TOLERANCE:
            found.append(
                f"it states {self.stated - self.arbiter:+.4f} against the independent value at its own estimates"
            )
        return found


def check(problem: Problem, peer: str, fit: Fit, ours: Maximum) -> Check:
    """Evaluate everything at the peer's estimates."""
    try:
        theirs = log_likelihood(problem, fit.fe_mean, fit.sd)
    except RuntimeError:  # no conditional mode
        theirs = np.nan
    with np.errstate(divide="ignore"):
        psi = np.log(fit.sd)
    return Check(
        problem.name,
        problem.description,
        peer,
        ours.loglik,
        theirs,
        fit.loglik,
        laplace_loglik(problem, fit.fe_mean, fit.sd),
        ours.restricted - restricted(problem, psi),
        ours.status,
    )
