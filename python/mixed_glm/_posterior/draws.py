"""Draws from a posterior, with their log densities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm import _core

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

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
    model : MixedGLM
    """

    params: Floats
    log_q: Floats
    log_q_fixed: Floats
    model: MixedGLM
    _log_joint: Callable[[Floats], Floats]

    @cached_property
    def log_p(self) -> Floats:
        """Log joint density log p(y, beta, psi, u) at each draw, shape (n,); computed when it is asked for."""
        return self._log_joint(self.params)

    @property
    def fe(self) -> Floats:
        """Fixed effects, shape (n, p)."""
        return self.params[:, : self.model.k_fep]

    @property
    def vcp(self) -> Floats:
        """Log standard deviations, shape (n, K)."""
        return self.params[:, self.model.k_fep : self.model.k_fep + self.model.k_vcp]

    @property
    def vc(self) -> Floats:
        """Random effects, shape (n, q)."""
        return self.params[:, self.model.k_fep + self.model.k_vcp :]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of draws and of parameters."""
        return len(self.params), self.params.shape[1]

    def linear_predictor(self) -> Floats:
        """Linear predictors of the model's rows at each draw, shape (n, nobs)."""
        model = self.model
        eta = self.fe @ model.exog.T
        eta += np.asarray((model.exog_vc @ self.vc.T).T)
        shift = model._design.total_offset()
        return eta if shift is None else eta + shift

    def log_likelihood(self) -> Floats:
        """Log probability of each response at each draw, times its frequency weight, shape (n, nobs)."""
        model = self.model
        trials = np.ones(model.nobs) if model.n_trials is None else model.n_trials
        weights = np.ones(model.nobs) if model.freq_weights is None else model.freq_weights
        return model.family.core.log_likelihood(self.linear_predictor(), model.endog, trials, weights)

    def to_frame(self) -> pd.DataFrame:
        """Draws as a data frame with a column for each parameter."""
        model = self.model
        effects = model.vc_names or [f"u[{j}]" for j in range(model.k_vc)]
        return pd.DataFrame(self.params, columns=model.fep_names + model.vcp_names + effects)

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


def independent(mean: Floats, sd: Floats, fixed: int | None, n: int, rng: np.random.Generator) -> Drawn:
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
