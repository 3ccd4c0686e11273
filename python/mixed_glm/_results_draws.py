"""The part of a result that draws from the posterior."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._part import ResultsPart
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._spec.standardization import Standardization

Floats = npt.NDArray[np.float64]


class DrawsMethods(ResultsPart):
    """Posterior draws."""

    def posterior_sample(self, n: int = 1000, rng: Any = None) -> PosteriorDraws:
        """Draw fixed effects, log standard deviations and random effects jointly from the approximation fitted.

        The log standard deviations psi are drawn from their density between the points of the fit's grid, the
        effects from their approximate posterior given psi (at the nearest point of a finer grid, to first order
        around it); with leaf quadrature the leaf's effects from their exact conditional densities. ``fit_map`` and
        ``fit_vb``: from their normal distributions. Covariance matrices are never formed.

        Parameters
        ----------
        n : int, default 1000
            Number of draws.
        rng : int or numpy.random.Generator, optional
            Source of random numbers; a number makes the draws reproducible.

        Returns
        -------
        PosteriorDraws
            Converts to an array of shape (n, p + K + q); ``log_q`` and ``log_p`` are the log densities of each draw
            in the approximation and in the model.

        Raises
        ------
        ValueError
            If `n` is not a positive integer, or a joint mode is not a maximum.
        RuntimeError
            If the approximation could not be evaluated somewhere between the points of the fit.
        """
        results = self._results()
        n = as_count(n, "n")
        k_fixed = results.model.k_fep + results.model.k_vcp
        drawn = results.posterior.draw(n, as_generator(rng), k_fixed)
        return PosteriorDraws(*drawn, results.model, self._log_joint)

    def posterior_predictive(self, n: int = 1000, rng: Any = None) -> Floats:
        """Draw responses of the model's own rows from their posterior predictive distribution.

        Parameters
        ----------
        n, rng
            As for `posterior_sample`.

        Returns
        -------
        float array, shape (n, nobs)
            One row for each posterior draw; binomial: numbers of successes.
        """
        generator = as_generator(rng)
        draws = self.posterior_sample(n, generator)
        model = self._results().model
        return model.family.sample(draws.linear_predictor(), generator, model.n_trials)

    def _log_joint(self, params: Floats) -> Floats:
        """Log joint density at each row of parameters."""
        change = self._standardization()
        core = self._results().model.core(change)
        if change is None:
            return _core.log_joint(core, params)
        return _core.log_joint(core, change.params_to(params)) - change.log_determinant

    def _standardization(self) -> Standardization | None:
        change: Standardization | None = getattr(self._results().posterior, "standardization", None)
        return change
