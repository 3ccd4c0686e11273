"""The tables of the report: cells as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._report.tables import estimates
from mixed_glm._report.varcorr import varcorr
from mixed_glm.plots._axes import percent

RATIOS = {"logit": "odds ratio", "log": "ratio of means"}


@dataclass(frozen=True)
class Table:
    """A table with a heading for each row.

    Attributes
    ----------
    caption : str
    columns : tuple of str
        The first is that of the headings.
    rows : list of (str, list of str)
    numbers : bool
        Whether the cells are numbers, which line up at the right.
    """

    caption: str
    columns: tuple[str, ...]
    rows: list[tuple[str, list[str]]]
    numbers: bool = True


def fixed_table(fit: Fit, alpha: float) -> Table | None:
    """Fixed effects, thresholds and parameters of the family; None without any."""
    frame = estimates(fit, alpha)
    wanted = frame["type"].isin(["fixed", "threshold"]).to_numpy()
    frame = frame[wanted]
    if not len(frame):
        return None
    ratio = RATIOS.get(fit.spec.family.link) if not fit.spec.family.is_ordinal else RATIOS["logit"]
    above = 1.0 - fit.posterior.cdf(np.zeros(len(fit.posterior.mean)))
    rows = []
    for (name, row), chance in zip(frame.iterrows(), above[fit.spec.layout.leading][wanted], strict=True):
        cells = [*_cells(row), _share(float(chance))]
        if ratio is not None:
            of_ratio = row["type"] == "fixed" and name != "Intercept"
            with np.errstate(over="ignore"):
                low, middle, high = (float(np.exp(row[c])) for c in ("lower", "mean", "upper"))
            cells.append(f"{_number(middle)} ({_between(low, high)})" if of_ratio else "")
        rows.append((str(name), cells))
    columns = ("Effect", "Mean", "SD", f"{percent(alpha)} interval", "P(> 0)")
    caption = "Fixed effects and thresholds" if fit.spec.layout.has_thresholds else "Fixed effects"
    return Table(caption, columns + ((ratio.capitalize(),) if ratio else ()), rows)


def variance_table(fit: Fit, alpha: float) -> Table | None:
    """Standard deviations and correlations of the random effects, and the parameter of the family; None without any."""
    frame = varcorr(fit, alpha) if fit.spec.layout.k_vcp else pd.DataFrame()
    rows = []
    for key, row in frame.iterrows():
        group, effect, other = key if isinstance(key, tuple) else (key, "", "")
        what = (
            f"correlation of {effect} and {other}"
            if other
            else f"standard deviation of {effect or 'effects'}"
        )
        rows.append((f"{group}: {what}", _cells(row)))
    own = estimates(fit, alpha)
    for name, row in own[own["type"] == "family"].iterrows():
        with np.errstate(over="ignore"):
            low, mean, high = (float(np.exp(row[c])) for c in ("lower", "mean", "upper"))
        rows.append((f"{name} (of the family)", [_number(mean), "", _between(low, high)]))
    if not rows:
        return None
    return Table(
        "Standard deviations and correlations", ("", "Mean", "SD", f"{percent(alpha)} interval"), rows
    )


def prior_table(fit: Fit) -> Table:
    """The priors in force."""
    rows = [(name, [prior, of]) for name, prior, of in fit.spec.prior_rows()]
    return Table("Priors", ("Parameter", "Prior", "It is the prior of"), rows, numbers=False)


def pairs_table(caption: str, columns: tuple[str, str], pairs: Sequence[tuple[str, str]]) -> Table:
    """Names and what belongs to them."""
    return Table(caption, columns, [(name, [value]) for name, value in pairs], numbers=False)


def _cells(row: pd.Series) -> list[str]:
    return [_number(row["mean"]), _number(row["sd"]), _between(row["lower"], row["upper"])]


def _between(low: float, high: float) -> str:
    return f"{_number(low)} to {_number(high)}"


def _share(value: float) -> str:
    if np.isnan(value):
        return "–"
    return "> 0.999" if value > 0.999 else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _number(value: float) -> str:
    """Three digits, or two decimals; a true minus sign."""
    if not np.isfinite(value):
        return "–"
    size = abs(value)
    text = (
        f"{value:.2e}" if size and not 1e-3 <= size < 1e6 else f"{value:.3f}" if size < 10 else f"{value:.4g}"
    )
    return text.replace("-", "\u2212")
