"""One module per package that is compared.

Each has `PACKAGE` (the name of its distribution), `WORK` (what it does in the time), `applies(problem)`, and
`fit(problem)`, which imports the package, so that its absence is known only there.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol

from benchmarks.clock import Timing
from benchmarks.problem import Floats, Problem

__all__ = ["PEERS", "Fit", "Peer", "load"]

PEERS = ("mixed_glm", "gpboost", "gpboost_cholesky", "glmm", "statsmodels")


@dataclass(frozen=True)
class Fit:
    """One fit: how long it took and what came out.

    Attributes
    ----------
    cold : Timing
        From arrays to the fitted model.
    prepared : Timing or None
        The fit of a model that was constructed before; None where the package has no such step.
    loglik : float or None
        Log-likelihood (``"map"``: log density) as the package itself states it.
    fe_mean, fe_sd : float array, shape (p,)
        Fixed effects and their standard errors; None if the package has none.
    sd : float array, shape (K,)
        Standard deviations of the random effects.
    log_sd_sd : float array, shape (K,), or None
        Standard errors of their logarithms.
    vc_mean : float array, shape (q,)
        Random effects; only for ``"map"``.
    converged : bool or None
        None if the package does not say.
    """

    cold: Timing
    prepared: Timing | None
    loglik: float | None
    fe_mean: Floats
    fe_sd: Floats | None
    sd: Floats
    log_sd_sd: Floats | None = None
    vc_mean: Floats | None = None
    converged: bool | None = None


class Peer(Protocol):
    """What a module of this folder offers."""

    PACKAGE: str
    WORK: str

    def applies(self, problem: Problem) -> bool: ...
    def fit(self, problem: Problem) -> Fit: ...


def load(name: str) -> Peer:
    """The module of one peer."""
    peer: Peer = importlib.import_module(f"benchmarks.peers.{name}")
    return peer
