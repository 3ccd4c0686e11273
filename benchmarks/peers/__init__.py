"""One module per package that is compared.

Each has `WORK` (what it does in the time), `version()`, `applies(problem)`, and `fit(problem)`, which imports the
package, so that its absence is known only there. Some have `fit_each(problem, endogs)` as well.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.clock import Timing
from benchmarks.hyper import Hyper
from benchmarks.problem import Floats, Problem

__all__ = ["PEERS", "Absent", "Fit", "Fits", "Peer", "load"]

PEERS = (
    "mixed_glm", "gpboost", "gpboost_cholesky", "glmm", "mixedlm", "lme4", "lme4_reml", "glmmtmb",
    "ordinal", "statsmodels",
)  # fmt: skip


class Absent(Exception):
    """A package that cannot be timed, and why."""


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
        Log-likelihood (``"map"``: log density, ``"vb"``: lower bound) as the package itself states it.
    fe_mean, fe_sd : float array, shape (p,)
        Fixed effects and their standard errors; None if the package has none.
    sd : float array, shape (K,)
        Standard deviations of the random effects, component by component.
    log_sd_sd : float array, shape (K,), or None
        Standard errors of their logarithms.
    vc_mean, vc_sd : float array, shape (q,), or None
        Random effects and their standard deviations; only needed for ``"map"`` and ``"vb"``.
    converged : bool or None
        None if the package does not say.
    hyper : Hyper or None
        Covariances and the parameter of the family; None where `sd` says all.
    chosen, chosen_prepared : Timing or None
        Of the package's better answer, where it has one that is worth its own time: our `fit()`, as `cold` and `prepared`.
    restricted : bool
        Whether `loglik` has the fixed effects integrated out, as REML does.
    """

    cold: Timing
    prepared: Timing | None
    loglik: float | None
    fe_mean: Floats
    fe_sd: Floats | None
    sd: Floats
    log_sd_sd: Floats | None = None
    vc_mean: Floats | None = None
    vc_sd: Floats | None = None
    converged: bool | None = None
    hyper: Hyper | None = None
    restricted: bool = False
    chosen: Timing | None = None
    chosen_prepared: Timing | None = None

    @property
    def stages(self) -> dict[str, Timing | None]:
        """What was timed, by the names that results have."""
        return {
            "cold": self.cold,
            "prepared": self.prepared,
            "fit() cold": self.chosen,
            "fit() prepared": self.chosen_prepared,
        }

    @property
    def at(self) -> Hyper:
        """Covariances and the parameter of the family."""
        return self.hyper or Hyper(tuple(np.array([[sd**2]]) for sd in self.sd))


@dataclass(frozen=True)
class Fits:
    """Fits of one design to m responses: the time of all, and the estimates.

    Attributes
    ----------
    time : Timing
        Of all fits, the model having been constructed before where the package has such a step.
    fe_mean : float array, shape (m, p)
    sd : float array, shape (m, K)
        Standard deviations of the random effects.
    """

    time: Timing
    fe_mean: Floats
    sd: Floats


class Peer(Protocol):
    """What a module of this folder offers."""

    WORK: str

    def version(self) -> str: ...
    def applies(self, problem: Problem) -> bool: ...
    def fit(self, problem: Problem) -> Fit: ...


def load(name: str) -> Peer:
    """The module of one peer."""
    peer: Peer = importlib.import_module(f"benchmarks.peers.{name}")
    return peer
