"""Draws of those parameters that are asked for: of all, where there are many, only few may be needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm._spec.layout import ParameterLayout

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Effects = npt.NDArray[np.integer] | slice  # numbers of random effects

EVERY = slice(None)
NO_EFFECT = slice(0, 0)

_BATCH = 2**23  # parameters drawn at a time


@dataclass(frozen=True)
class SomeDraws:
    """Joint draws of fixed effects, hyperparameters, thresholds and some random effects.

    Attributes
    ----------
    fe, hyper : float array, shape (n, p) and (n, d)
    vc : float array, shape (n, m)
        Of the random effects `effects`.
    effects : int array, shape (m,)
        Their numbers, increasing.
    layout : ParameterLayout
    thresholds : float array, shape (n, C - 1)
        Of an ordinal response; without columns for others.
    """

    fe: Floats
    hyper: Floats
    vc: Floats
    effects: Places
    layout: ParameterLayout
    thresholds: Floats

    @property
    def vcp(self) -> Floats:
        """Log standard deviations, shape (n, K)."""
        return self.hyper[:, : self.layout.k_vcp]

    @property
    def cor(self) -> Floats:
        """Correlations, shape (n, C)."""
        start = self.layout.hyper.start
        return self.hyper[:, self.layout.cor.start - start : self.layout.cor.stop - start]

    @property
    def family(self) -> Floats:
        """Logarithms of the parameters of the family that the data estimate, shape (n, number of them); thresholds."""
        if self.layout.has_thresholds:
            return self.thresholds
        first = self.layout.family.start - self.layout.hyper.start
        return self.hyper[:, first:]

    def __len__(self) -> int:
        """Count the draws."""
        return len(self.fe)


def cut_from_all(
    layout: ParameterLayout, effects: Places, n: int, draw: Callable[[int], Floats]
) -> SomeDraws:
    """Draw all parameters, as many at a time as memory allows, and keep those that are asked for.

    Parameters
    ----------
    draw : callable
        Of a number of draws, returns that many of all parameters, shape (m, d).
    """
    size = max(1, _BATCH // max(layout.size, 1))
    keep = np.concatenate([np.arange(layout.vc.start), layout.vc.start + effects])
    kept = np.concatenate([draw(min(size, n - first))[:, keep] for first in range(0, n, size)])
    thresholds = kept[:, layout.family if layout.has_thresholds else slice(0, 0)]
    return SomeDraws(
        kept[:, layout.fe], kept[:, layout.hyper], kept[:, layout.vc.start :], effects, layout, thresholds
    )
