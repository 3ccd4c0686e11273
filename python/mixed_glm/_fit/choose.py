"""Which approximation `MixedGLM.fit` uses: found out by the core, which looks at the model at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._console.progress import shown_progress
from mixed_glm._fit.marginal import Approximation

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """An approximation and where its search for the mode of psi should begin.

    Attributes
    ----------
    approximation : Approximation
    start : float array, shape (K,)
    """

    approximation: Approximation
    start: Floats


def choose(model: MixedGLM, progress: bool = False, n_jobs: int = 1) -> Choice:
    """Choose among Laplace, leaf quadrature and expectation propagation, with a bar for `progress`."""
    with shown_progress(progress, "choice of a method", "log density") as report:
        found = _core.choose(model.core(), n_jobs=n_jobs, report=report)
    return Choice(Approximation(found.approximation.name, found.approximation.leaf), found.start)
