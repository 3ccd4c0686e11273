"""Log densities of the responses of a fit's own rows, from draws of its posterior."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixed_glm._posterior.parameter_draws import ParameterDraws
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

_BATCH = 2**23  # parameters drawn at a time


def draw_log_likelihood(
    posterior: Posterior, spec: ModelSpec, draws: int, rng: np.random.Generator
) -> Floats:
    """Log likelihood of each row of `spec`, which has the parameters of the posterior, at each draw, shape (draws, rows)."""
    size = max(1, _BATCH // max(spec.layout.size, 1))
    return np.concatenate(
        [
            ParameterDraws(posterior.draw(min(size, draws - first), rng).params, spec).log_likelihood()
            for first in range(0, draws, size)
        ]
    )


def log_mean(log_likelihood: Floats) -> tuple[Floats, Floats]:
    """Log of the mean of the likelihood over draws, shape (draws, m), and its Monte-Carlo variance, shape (m,) each."""
    highest = log_likelihood.max(axis=0)
    highest = np.where(np.isfinite(highest), highest, 0.0)
    ratio = np.exp(log_likelihood - highest)
    mean = ratio.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # impossible at every draw
        return highest + np.log(mean), ratio.var(axis=0) / (len(ratio) * mean**2)
