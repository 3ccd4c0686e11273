"""Estimates and intervals as data frames with names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit


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
    posterior, layout = fit.posterior, fit.spec.layout
    low, high = posterior.interval(alpha)
    table = pd.DataFrame(
        {"type": layout.kinds, "mean": posterior.mean, "sd": posterior.sd, "lower": low, "upper": high},
        index=layout.names,
    )
    return table if random else table.iloc[layout.leading]


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
        Name (or number) of a variance component; default all.
    alpha : float, default 0.05
        The interval has probability ``1 - alpha``.

    Returns
    -------
    DataFrame
        Columns ``Mean``, ``SD``, ``Lower`` and ``Upper``; index: their names, if they have any.
    """
    layout = fit.spec.layout
    rows = np.arange(layout.k_vc) if term is None else fit.spec.effects_of(layout.component(term))
    index = None if layout.vc_names is None else [layout.vc_names[j] for j in rows]
    columns = (fit.posterior.mean, fit.posterior.sd, *fit.posterior.interval(alpha))
    names = ("Mean", "SD", "Lower", "Upper")
    table = {name: column[layout.vc][rows] for name, column in zip(names, columns, strict=True)}
    return pd.DataFrame(table, index=index)


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
