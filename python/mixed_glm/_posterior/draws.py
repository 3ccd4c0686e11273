"""Draws from a posterior, with their log densities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._posterior.parameter_draws import ParameterDraws
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
class PosteriorDraws(ParameterDraws):
    """Joint posterior draws of all parameters; ``np.asarray(draws)`` is `params`.

    Attributes
    ----------
    params : float array, shape (n, p + K + q)
        One row for each draw: fixed effects, log standard deviations, correlations if there are some, random effects.
    spec : ModelSpec
        What was fitted.
    log_q : float array, shape (n,)
        Log density of the approximate posterior that was drawn from, normalized; with correlations, those of log standard
        deviations and of the numbers without bounds that the correlations are made of.
    log_q_fixed : float array, shape (n,)
        The same of fixed effects and log standard deviations alone, random effects integrated out.
    change : Standardization or None
        Of the columns that it was fitted with; the prior is then that of their coefficients.
    model : MixedGLM or None
        The model, for draws of a result.
    """

    log_q: Floats
    log_q_fixed: Floats
    change: Standardization | None = None
    model: Any = None

    @cached_property
    def log_p(self) -> Floats:
        """Log joint density log p(y, beta, psi, u) at each draw, shape (n,); computed when it is asked for."""
        core, change = self.spec.core(self.change), self.change
        params = self.spec.layout.free_params(self.params)
        if change is None:
            return _core.log_joint(core, params)
        return _core.log_joint(core, change.params_to(params)) - change.log_determinant


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
    sampler: _core.ConditionalDraws, psi: Floats, nodes: Floats, rng: np.random.Generator
) -> Drawn:
    """Draw fixed effects, and those random effects that the sampler is to draw, for given log standard deviations.

    Densities are those given psi.

    Draws with one node are made together.
    """
    order = np.lexsort(nodes.T) if nodes.shape[1] else np.arange(len(nodes))
    psi, nodes = psi[order], nodes[order]
    drawn = in_batches(
        len(psi), sampler.normals, rng, lambda rows, z: sampler.draw(psi[rows], nodes[rows], z)
    )
    restored = np.empty_like(order)
    restored[order] = np.arange(len(order))
    return Drawn(*(part[restored] for part in drawn))
