"""Predictive densities of rows that were left out, exactly: as differences of log evidences.

    log p(y_S | y_rest) = log p(y) - log p(y_rest) = -log E[ p(y_rest | theta) / p(y | theta) ]

over the posterior of the hyperparameters theta given all rows. Both densities given theta have the approximation of the
fit, so that the errors that both evidences have cancel, and are evaluated at few nodes in the place of its points
(nodes.py). Where the rest says other things of theta than all rows do, the points do not reach, and the rest is fitted
anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._assess.nodes import Nodes, log_sum_exp, nodes_of
from mixed_glm._console.caller import warn
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.in_parallel import in_parallel
from mixed_glm._fit.refit import marginal_of, refit_marginal
from mixed_glm._input.arrays import as_n_jobs
from mixed_glm._spec.design import model_arguments
from mixed_glm.exceptions import ConvergenceWarning

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_LEAF_N_QUAD = (
    9  # where the fit chose their number: what they miss is nearly the same with and without the rows
)
_LEAST_SHARE = 0.8  # effective share of the nodes, as of a normal density that moves by half an sd


def left_out(fit: Fit, sets: Sequence[Rows], n_jobs: int) -> Floats:
    """Log predictive density of the responses of each set of rows, jointly, given all other rows; shape (number of sets,).

    Priors stay those of all rows. NaN, with a warning, where no fit without the rows was found.
    """
    jobs = as_n_jobs(n_jobs)
    densities = _Densities.of(fit)
    log_ratio = densities.log_ratios(sets, jobs)
    log_weights = np.log(densities.nodes.weights)
    at_nodes = log_sum_exp(log_ratio + log_weights)
    share = np.exp(2.0 * at_nodes - log_sum_exp(2.0 * log_ratio + log_weights))
    found: Floats = -densities.nodes.log_mean_exp(log_ratio)
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
    """What becomes of the density of all responses where some are left out.

    Attributes
    ----------
    fit : Fit
    approximation : _core.Approximation
    arguments : dict
        Of the compiled model of all rows.
    log_evidence : float
    nodes : Nodes
        Of the hyperparameters.
    """

    fit: Fit
    approximation: _core.Approximation
    arguments: dict[str, Any]
    log_evidence: float
    nodes: Nodes

    @classmethod
    def of(cls, fit: Fit) -> _Densities:
        posterior, approximation = marginal_of(fit)
        assert fit.log_evidence is not None
        spec = fit.spec
        arguments = model_arguments(spec.design, spec.family, spec.coordinates)
        # Written out, also where none are given.
        arguments |= {"trials": spec.design.trials(), "weights": spec.design.weights()}
        if not arguments["offset"].size:
            arguments["offset"] = np.zeros(spec.nobs)
        nodes = nodes_of(posterior.points, posterior.weights)
        if approximation.name == "leaf" and approximation.n_quad == 0 and len(approximation.leaf) == 1:
            approximation = dataclasses.replace(approximation, n_quad=_LEAF_N_QUAD)
        return cls(fit, approximation.core, arguments, fit.log_evidence, nodes)

    def log_ratios(self, sets: Sequence[Rows], n_jobs: int) -> Floats:
        """Log ratio of the density without some rows to that with them at each node, shape (number of sets, s).

        NaN where that is to be refitted.
        """
        found = np.full((len(sets), len(self.nodes.points)), np.nan)
        if len(self.nodes.points) == 1 and self.nodes.points.size:
            return found  # the mode was plugged in, which is another without some rows
        lacking = self.fit.spec.lacks_category_without
        there = [i for i, rows in enumerate(sets) if not lacking(rows)]
        given = {name: self.arguments[name] for name in ("endog", "trials", "weights", "offset")}
        found[there] = _core.log_ratios_without(
            self.fit.spec.core(), self.approximation, self.nodes.points, [sets[i] for i in there],
            **given, thresholds=self.arguments.get("thresholds", np.zeros(0)), n_jobs=n_jobs,
        )  # fmt: skip
        return found

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
