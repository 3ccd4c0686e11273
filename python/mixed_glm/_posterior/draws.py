"""Draws from a posterior, with their log densities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm import _core
from mixed_glm._spec.spec import ModelSpec
from mixed_glm._spec.standardization import Standardization

Floats = npt.NDArray[np.float64]

_BATCH = 2**22  # random numbers at a time


class Drawn(NamedTuple):
    """What a posterior draws.

    Attributes
    ----------
    params : float array, shape (n, d)
    log_q : float array, shape (n,)
        Log densities of all parameters.
    log_q_fixed : float array, shape (n,)
        Log densities of fixed effects and log standard deviations, random effects integrated out.
    """

    params: Floats
    log_q: Floats
    log_q_fixed: Floats

    def plus(self, of_psi: Floats | float) -> Drawn:
        """The same with a log density added."""
        return Drawn(self.params, self.log_q + of_psi, self.log_q_fixed + of_psi)


@dataclass(frozen=True)
class PosteriorDraws:
    """Joint draws of all parameters; ``np.asarray(draws)`` is `params`.

    Attributes
    ----------
    params : float array, shape (n, p + K + q)
        One row for each draw: fixed effects, log standard deviations, random effects.
    log_q : float array, shape (n,)
        Log density of the approximate posterior that was drawn from, normalized.
    log_q_fixed : float array, shape (n,)
        The same of fixed effects and log standard deviations alone, random effects integrated out.
    spec : ModelSpec
        What was fitted.
    change : Standardization or None
        Of the columns that it was fitted with; the prior is then that of their coefficients.
    model : MixedGLM or None
        The model, for draws of a result.
    """

    params: Floats
    log_q: Floats
    log_q_fixed: Floats
    spec: ModelSpec
    change: Standardization | None = None
    model: Any = None

    @cached_property
    def log_p(self) -> Floats:
        """Log joint density log p(y, beta, psi, u) at each draw, shape (n,); computed when it is asked for."""
        core, change = self.spec.core(self.change), self.change
        if change is None:
            return _core.log_joint(core, self.params)
        return _core.log_joint(core, change.params_to(self.params)) - change.log_determinant

    @property
    def fe(self) -> Floats:
        """Fixed effects, shape (n, p)."""
        return self.params[:, self.spec.layout.fe]

    @property
    def vcp(self) -> Floats:
        """Log standard deviations, shape (n, K)."""
        return self.params[:, self.spec.layout.vcp]

    @property
    def vc(self) -> Floats:
        """Random effects, shape (n, q)."""
        return self.params[:, self.spec.layout.vc]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of draws and of parameters."""
        return len(self.params), self.params.shape[1]

    def linear_predictor(self, rows: slice = slice(None)) -> Floats:
        """Linear predictors of the model's rows at each draw, shape (n, nobs).

        Parameters
        ----------
        rows : slice, optional
            Of these rows alone.
        """
        design = self.spec.design
        eta = self.fe @ design.exog[rows].T
        eta += np.asarray((design.exog_vc[rows] @ self.vc.T).T)
        return eta if self._shift is None else eta + self._shift[rows]

    def log_likelihood(self, rows: slice = slice(None)) -> Floats:
        """Log probability of each response at each draw, times its frequency weight, shape (n, nobs).

        Parameters
        ----------
        rows : slice, optional
            Of these rows alone.
        """
        design = self.spec.design
        trials, weights = self._trials_and_weights
        return self.spec.family.core.log_likelihood(
            self.linear_predictor(rows), design.endog[rows], trials[rows], weights[rows]
        )

    @cached_property
    def _shift(self) -> Floats | None:
        return self.spec.design.total_offset()

    @cached_property
    def _trials_and_weights(self) -> tuple[Floats, Floats]:
        return self.spec.design.trials(), self.spec.design.weights()

    def predictive(self, rng: np.random.Generator) -> Floats:
        """Responses of the model's rows drawn at each draw of the parameters, shape (n, nobs).

        Parameters
        ----------
        rng : numpy.random.Generator
        """
        return self.spec.family.sample(self.linear_predictor(), rng, self.spec.design.n_trials)

    def to_frame(self) -> pd.DataFrame:
        """Draws as a data frame with a column for each parameter."""
        return pd.DataFrame(self.params, columns=self.spec.layout.names)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:
        """Return `params`."""
        return np.array(self.params, dtype=dtype, copy=bool(copy) or None)

    def __getitem__(self, index: Any) -> Any:
        """Entries of `params`."""
        return self.params[index]

    def __len__(self) -> int:
        """Count the draws."""
        return len(self.params)


def in_batches(
    n: int,
    width: int,
    rng: np.random.Generator,
    draw: Callable[[slice, Floats], tuple[Floats, Floats, Floats]],
) -> Drawn:
    """Draw in batches that need a moderate number of random numbers.

    Parameters
    ----------
    n, width : int
        Numbers of draws, and of standard normal numbers that each needs.
    rng : Generator
    draw : callable
        Of the positions of a batch and its random numbers, shape (m, width), returns what `Drawn` holds.
    """
    size = max(1, _BATCH // max(width, 1))
    parts = [
        draw(slice(first, first + size), rng.standard_normal((min(size, n - first), width)))
        for first in range(0, n, size)
    ]
    return Drawn(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def independent(mean: Floats, sd: Floats, fixed: int, n: int, rng: np.random.Generator) -> Drawn:
    """Draws of independent normal variates, of which the first `fixed` are not random effects."""
    z = rng.standard_normal((n, len(mean)))
    each = -0.5 * z**2 - np.log(sd) - 0.5 * np.log(2.0 * np.pi)
    return Drawn(mean + sd * z, each.sum(axis=1), each[:, :fixed].sum(axis=1))


def draw_given_psi(
    sampler: _core.ConditionalDraws, psi: Floats, nodes: Floats, width: int, rng: np.random.Generator
) -> Drawn:
    """Draw fixed and random effects for given log standard deviations; densities are those given psi.

    Draws with one node are made together.
    """
    order = np.lexsort(nodes.T) if nodes.shape[1] else np.arange(len(nodes))
    psi, nodes = psi[order], nodes[order]
    drawn = in_batches(len(psi), width, rng, lambda rows, z: sampler.draw(psi[rows], nodes[rows], z))
    restored = np.empty_like(order)
    restored[order] = np.arange(len(order))
    return Drawn(*(part[restored] for part in drawn))
