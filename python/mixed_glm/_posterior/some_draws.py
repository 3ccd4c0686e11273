"""Draws of those parameters that are asked for: of all, where there are many, only few may be needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm._spec.layout import ParameterLayout

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_BATCH = 2**23  # parameters drawn at a time


@dataclass(frozen=True)
class SomeDraws:
    """Joint draws of fixed effects, hyperparameters and some random effects.

    Attributes
    ----------
    fe, hyper : float array, shape (n, p) and (n, d)
    vc : float array, shape (n, m)
        Of the random effects `effects`.
    effects : int array, shape (m,)
        Their numbers, increasing.
    layout : ParameterLayout
    """

    fe: Floats
    hyper: Floats
    vc: Floats
    effects: Places
    layout: ParameterLayout

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
        """Logarithms of the parameters of the family that the data estimate, shape (n, number of them)."""
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
    return SomeDraws(kept[:, layout.fe], kept[:, layout.hyper], kept[:, layout.vc.start :], effects, layout)
