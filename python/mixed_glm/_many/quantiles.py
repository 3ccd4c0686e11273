"""Quantiles of the parameters of many responses, as those that the fits of single responses have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from mixed_glm import _core
from mixed_glm._input.arrays import as_probability
from mixed_glm._posterior.psi_margins import density_quantiles
from mixed_glm._spec.layout import ParameterLayout

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


def mixture_quantiles(
    results: _core.ManyResults, layout: ParameterLayout, levels: tuple[float, ...], origins: Floats
) -> Arrays:
    """Of fits through the marginal posterior of the hyperparameters, shape (m, L, size of the block) each.

    Parameters
    ----------
    layout : ParameterLayout
        Of the hyperparameters.
    origins : float array, shape (m, p) or (1, p)
        What is added to the fixed effects.
    """
    fixed, hyper, effects = (
        rows.reshape(len(rows), len(levels), rows.shape[1] // len(levels))
        for rows in (np.array(results.fe_quantiles), np.array(results.hyper_quantiles), results.vc_quantiles)
    )
    for j, density in enumerate(results.psi_densities):
        if density is not None:
            hyper[j] = density_quantiles(density, layout, levels)
    ends = np.cumsum([layout.k_vcp, len(layout.cor_names)]).tolist()
    vcp, cor, family = np.split(hyper, ends, axis=2)
    return {
        "fe_quantiles": fixed + origins[:, None, :],
        "vcp_quantiles": vcp,
        "cor_quantiles": cor,
        "family_quantiles": family,
        "vc_quantiles": effects,
    }


def require_known_correlations(layout: ParameterLayout, integrate: Any) -> None:
    """Refuse quantiles of correlations where their hyperparameters are not integrated over.

    Raises
    ------
    ValueError
    """
    if layout.cor_names and integrate == "mode":
        raise ValueError(
            f"{NAME} with correlated effects needs an integration over the hyperparameters, got integrate='mode': leave "
            f"integrate out, or take {NAME}=None"
        )
