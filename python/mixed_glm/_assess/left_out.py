"""Predictive densities of rows that were left out, exactly: as differences of log evidences.

    log p(y_S | y_rest) = log p(y) - log p(y_rest) = -log E[ p(y_rest | theta) / p(y | theta) ]

over the posterior of the hyperparameters theta given all rows. Both densities given theta have the approximation of the
fit, and the mean is over few nodes in the place of its points (nodes.py): the errors that both evidences have cancel. Where
the rest says other things of theta than all rows do, the points do not reach, and the rest is fitted anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from mixed_glm import _core
from mixed_glm._assess.nodes import nodes_of
from mixed_glm._console.caller import warn
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.in_parallel import in_parallel
from mixed_glm._fit.refit import marginal_of, refit_marginal
from mixed_glm._input.arrays import as_n_jobs
from mixed_glm._spec.design import model_arguments
from mixed_glm.exceptions import ConvergenceWarning

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_LEAST_SHARE = 0.9  # effective share of the nodes, as of a normal density that moves by a third of an sd


def left_out(fit: Fit, sets: Sequence[Rows], n_jobs: int) -> Floats:
    """Log predictive density of the responses of each set of rows, jointly, given all other rows; shape (number of sets,).

    Priors stay those of all rows. NaN, with a warning, where no fit without the rows was found.
    """
    jobs = as_n_jobs(n_jobs)
    densities = _Densities.of(fit)
    log_ratio = np.array(in_parallel(densities.log_ratio, sets, jobs)).reshape(-1, len(densities.nodes))
    log_mean = logsumexp(log_ratio, axis=1)
    share = np.exp(2.0 * log_mean - logsumexp(2.0 * log_ratio - densities.log_weights, axis=1))
    found: Floats = -log_mean
    far = np.flatnonzero(~(share >= _LEAST_SHARE)).tolist()
    found[far] = in_parallel(densities.by_refitting, [sets[i] for i in far], jobs)
    _warn_of_lost(found)
    return found


def _warn_of_lost(found: Floats) -> None:
    lost = np.flatnonzero(np.isnan(found))
    if len(lost):
        shown = ", ".join(map(str, lost[:10])) + (", ..." if len(lost) > 10 else "")
        warn(
            f"{len(lost)} of {len(found)} fits without some rows did not converge: number {shown}; their densities are missing",
            ConvergenceWarning,
        )


@dataclass(frozen=True)
class _Densities:
    """Log densities of all responses given the nodes.

    Attributes
    ----------
    fit : Fit
    approximation : _core.Approximation
    arguments : dict
        Of the compiled model of all rows.
    log_evidence : float
    nodes : float array, shape (s, d)
    log_weights : float array, shape (s,)
    at_nodes : float array, shape (s,)
        log p(y, theta).
    """

    fit: Fit
    approximation: _core.Approximation
    arguments: dict[str, Any]
    log_evidence: float
    nodes: Floats
    log_weights: Floats
    at_nodes: Floats

    @classmethod
    def of(cls, fit: Fit) -> _Densities:
        posterior, approximation = marginal_of(fit)
        assert fit.log_evidence is not None
        spec = fit.spec
        arguments = model_arguments(spec.design, spec.family, spec.coordinates)
        nodes, weights = nodes_of(posterior.points, posterior.weights)
        core = approximation.core
        at_nodes = _at(nodes, spec.core(), core)
        return cls(fit, core, arguments, fit.log_evidence, nodes, np.log(weights), at_nodes)

    def log_ratio(self, rows: Rows) -> Floats:
        """Log weights with the ratio of the density without some rows to that with them, shape (s,); NaN: to be refitted."""
        unknown = np.full(len(self.nodes), np.nan)
        if self.fit.spec.lacks_category_without(rows):
            return unknown
        if len(self.nodes) == 1 and self.nodes.size:
            return unknown  # the mode was plugged in, which is another without some rows
        try:
            there = _at(self.nodes, self._without(rows), self.approximation)
            return self.log_weights + there - self.at_nodes
        except RuntimeError:  # a mode was not found
            return unknown

    def by_refitting(self, rows: Rows) -> float:
        """Difference of the log evidences."""
        if self.fit.spec.lacks_category_without(rows):
            return np.nan
        found = refit_marginal(self.fit, self._without(rows))
        return self.log_evidence - found.log_evidence if found.status.converged else np.nan

    def _without(self, rows: Rows) -> _core.Model:
        weights = self.arguments["weights"].copy()
        weights[rows] = 0.0
        return _core.Model(**self.arguments | {"weights": weights})


def _at(nodes: Floats, core: _core.Model, approximation: _core.Approximation) -> Floats:
    """log p(y, theta) at each node, shape (s,)."""
    return np.array([_core.log_marginal(core, approximation, node)[0] for node in nodes])
