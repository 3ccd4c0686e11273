"""Quantiles of the parameters of many responses, as those that the fits of single responses have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from mixed_glm import _core
from mixed_glm._input.arrays import as_probability
from mixed_glm._posterior.psi_margins import density_quantiles

Floats = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]

NAME = "keep_quantiles"


def as_levels(given: Any) -> tuple[float, ...]:
    """Probabilities that quantiles are asked for; none for None.

    Raises
    ------
    TypeError, ValueError
        If it is no list of probabilities, each another one.
    """
    if given is None:
        return ()
    if isinstance(given, str) or np.ndim(given) != 1:
        raise TypeError(
            f"{NAME} must be a list of probabilities such as [0.025, 0.975], or None, got {given!r}"
        )
    levels = tuple(as_probability(level, f"{NAME}[{i}]") for i, level in enumerate(given))
    if len(set(levels)) < len(levels):
        raise ValueError(f"{NAME} must name each probability once, got {list(levels)}")
    return levels


def normal_quantiles(mean: Floats, sd: Floats, levels: tuple[float, ...]) -> Floats:
    """Of m x d normal variates, shape (m, L, d)."""
    return np.asarray(mean[:, None, :] + sd[:, None, :] * ndtri(np.array(levels))[:, None])


def mixture_quantiles(results: _core.ManyResults, levels: tuple[float, ...], origins: Floats) -> Arrays:
    """Of fits through the marginal posterior of psi, shapes (m, L, p), (m, L, K), and (m, L, q) or (m, L, 0).

    `origins`, shape (m, p) or (1, p): what is added to the fixed effects.
    """
    flat = {
        name: np.array(getattr(results, name)) for name in ("fe_quantiles", "vcp_quantiles", "vc_quantiles")
    }
    found = {
        name: rows.reshape(len(rows), len(levels), rows.shape[1] // len(levels))
        for name, rows in flat.items()
    }
    found["fe_quantiles"] += origins[:, None, :]
    for j, density in enumerate(results.psi_densities):
        if density is not None:
            found["vcp_quantiles"][j] = density_quantiles(density, levels)
    return found
