"""Estimates and intervals as data frames with names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._input.options import as_flag
from mixed_glm._posterior.some_draws import EVERY, NO_EFFECT, Effects
from mixed_glm._spec.terms import CorrelatedTerm

Floats = npt.NDArray[np.float64]

_COLUMNS = ("Mean", "SD", "Lower", "Upper")


def estimates(fit: Fit, alpha: float = 0.05, random: bool = False) -> pd.DataFrame:
    """All estimates as one table.

    Parameters
    ----------
    alpha : float, default 0.05
        The interval has probability ``1 - alpha``.
    random : bool, default False
        Whether the random effects are rows too.

    Returns
    -------
    DataFrame
        Index: names. Columns: ``type`` (``fixed``, ``log sd``, ``threshold``, ``random``), ``mean``, ``sd``, ``lower``,
        ``upper``.
    """
    names, columns = named_estimates(fit, alpha, random)
    return pd.DataFrame(columns, index=names)


def named_estimates(fit: Fit, alpha: float, random: bool) -> tuple[list[str], dict[str, Any]]:
    """Names, and the columns of `estimates`."""
    posterior, layout = fit.posterior, fit.spec.layout
    random = as_flag(random, "random")
    rows = slice(0, layout.size) if random else layout.leading
    low, high = posterior.interval(alpha, EVERY if random else NO_EFFECT)
    moments = {"mean": posterior.mean[rows], "sd": posterior.sd[rows]}
    columns = {"type": layout.kinds[rows], **moments, "lower": low, "upper": high}
    return (layout.names if random else layout.leading_names), columns


def intervals(fit: Fit, alpha: float = 0.05) -> pd.DataFrame:
    """Central credible intervals of all parameters.

    Parameters
    ----------
    alpha : float, default 0.05
        The intervals have probability ``1 - alpha``.

    Returns
    -------
    DataFrame, shape (d, 2)
        Columns ``lower`` and ``upper``; standard deviations of random effects on the log scale.
    """
    low, high = fit.posterior.interval(alpha)
    return pd.DataFrame({"lower": low, "upper": high}, index=fit.spec.layout.names)


def random_effects(fit: Fit, term: str | int | None = None, alpha: float = 0.05) -> pd.DataFrame:
    """Posterior means, standard deviations and intervals of the random effects.

    Parameters
    ----------
    term : str or int, optional
        Name (or number) of a variance component; default all. The name of the groups of correlated effects, as ``"subject"`` of
        ``(days | subject)``, stands for all of their components.
    alpha : float, default 0.05
        The interval has probability ``1 - alpha``.

    Returns
    -------
    DataFrame
        Columns ``Mean``, ``SD``, ``Lower`` and ``Upper``; index: their names, if they have any. Of correlated effects: a row for each
        group, and these four columns for each coordinate.
    """
    layout = fit.spec.layout
    together = [t for t in fit.spec.design.correlated if isinstance(term, str) and t.name == term]
    if together:
        return _by_coordinate(fit, together, alpha)
    rows = np.arange(layout.k_vc) if term is None else fit.spec.effects_of(layout.component(term))
    index = None if layout.vc_names is None else [layout.vc_names[j] for j in rows]
    columns = _of_effects(fit, rows, alpha)
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)), index=index)


def _of_effects(fit: Fit, effects: Effects, alpha: float) -> list[Floats]:
    """Means, standard deviations and ends of the intervals of some random effects."""
    vc, posterior = fit.spec.layout.vc, fit.posterior
    ends = (end[vc.start :] for end in posterior.interval(alpha, effects))
    return [posterior.mean[vc][effects], posterior.sd[vc][effects], *ends]


def _by_coordinate(fit: Fit, terms: list[CorrelatedTerm], alpha: float) -> pd.DataFrame:
    """A row for each group of the terms, which have the same groups."""
    table = {
        (coordinate, name): part
        for term in terms
        for j, coordinate in enumerate(term.coordinates)
        for name, part in zip(_COLUMNS, _of_effects(fit, term.columns[:, j], alpha), strict=True)
    }
    return pd.DataFrame(table, index=fit.spec.levels_of(terms[0]))


def covariances(fit: Fit) -> npt.NDArray[np.float64] | pd.DataFrame | pd.Series:
    """Posterior covariance of all parameters: dense, so not for very many groups; computed on demand.

    Returns
    -------
    ndarray or DataFrame, shape (d, d)
        With names if the model was made from a formula. Variances alone, shape (d,), for fits in which
        the parameters are independent.
    """
    covariance = fit.posterior.covariance()
    if fit.spec.encoding is None:
        return covariance
    names = fit.spec.layout.names
    if covariance.ndim == 1:
        return pd.Series(covariance, index=names)
    return pd.DataFrame(covariance, index=names, columns=names)
