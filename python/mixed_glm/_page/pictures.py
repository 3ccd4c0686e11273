"""The pictures of the report, with what they show in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from mixed_glm import plots
from mixed_glm._effects.own_rows import own_frame
from mixed_glm._fit.fit import HasFit
from mixed_glm._page.figures import Picture, draw
from mixed_glm.plots._axes import percent, rows_height

_WIDTH = 5.4  # inches
_MOST_EFFECTS = 12  # conditional effects that are drawn


@dataclass(frozen=True)
class Rows:
    """Rows that conditional effects are drawn with.

    Attributes
    ----------
    newdata : DataFrame or None
        None: those of the model.
    arguments : dict
        Offset, exposure and trials of them.
    """

    newdata: Any = None
    arguments: dict[str, Any] = field(default_factory=dict)

    def frame(self, result: HasFit) -> Any:
        """The data frame; None if there is none."""
        return own_frame(result) if self.newdata is None else self.newdata


def coefficients(result: HasFit, alpha: float) -> Picture:
    """Fixed effects."""
    names = result.fit.spec.layout.fep_names
    shown = [name for name in names if name != "Intercept"] or list(
        names
    )  # which often is far from all others
    count = len(shown)
    alt = f"Dots with lines: {count} fixed effects and their {percent(alpha)} intervals; the table has the same numbers."
    size = (_WIDTH, rows_height(count))
    return draw("coefficients", alt, size, partial(plots.plot_coefficients, result, shown, alpha=alpha))


def deviations(result: HasFit, alpha: float) -> Iterator[Picture]:
    """Densities of the standard deviations, of correlations, and of the parameter of the family."""
    layout = result.fit.spec.layout
    names: list[str | None] = [None] if layout.k_vcp else []
    names += [*layout.cor_names, *layout.shape_names]
    for number, name in enumerate(names):
        what = "the standard deviations of the random effects" if name is None else name
        alt = f"Curves: the posterior density of {what}, and its prior behind; the table has means and intervals."
        yield draw(
            f"density{number}",
            alt,
            (_WIDTH, 3.7),
            partial(plots.plot_posterior, result, name, alpha=alpha),
        )


def caterpillars(result: HasFit, alpha: float) -> Iterator[Picture]:
    """Random effects of every component."""
    spec = result.fit.spec
    for k, name in enumerate(spec.layout.vcp_names):
        count = len(spec.effects_of(k))
        size = (_WIDTH, rows_height(count))
        yield draw(
            f"caterpillar{k}", _of_caterpillar(result, k, name, alpha), size,
            partial(plots.plot_random_effects, result, k, alpha=alpha),
        )  # fmt: skip


def predictive(result: HasFit, alpha: float, draws: int, rng: Any) -> Picture:
    """Responses against replications."""
    if result.fit.spec.family.has_trials:
        alt = "Dots: observed shares of successes in groups of rows against their predicted probability; bars: where replications lie."
    else:
        alt = "Bars: how many rows have each response, hanging from the number that the model expects; they should end in the grey band."
    return draw(
        "predictive",
        alt,
        (_WIDTH, 4.0),
        partial(plots.plot_predictive_check, result, draws=min(draws, 500), rng=rng, alpha=alpha),
    )


def conditional(result: HasFit, rows: Rows, alpha: float, draws: int, rng: Any) -> Iterator[Picture]:
    """The mean response over the values of each variable of the formula."""
    spec, frame = result.fit.spec, rows.frame(result)
    assert spec.encoding is not None
    shown = [name for name in spec.encoding.covariates if name in frame.columns]
    for number, name in enumerate(shown[:_MOST_EFFECTS]):
        alt = (
            f"The mean of {spec.endog_name} over the values of {name}, other variables at typical values, with its "
            f"{percent(alpha)} interval, and the responses of the data behind."
        )
        yield draw(
            f"effect{number}", alt, (_WIDTH, 3.8),
            partial(plots.plot_effect, result, name, newdata=rows.newdata, alpha=alpha, draws=draws, rng=rng, **rows.arguments),
        )  # fmt: skip


def _of_caterpillar(result: HasFit, k: int, name: str, alpha: float) -> str:
    fit = result.fit
    layout = fit.spec.layout
    places = layout.vc.start + fit.spec.effects_of(k)
    mean = fit.posterior.mean[places]
    low, high = (end[places] for end in fit.posterior.interval(alpha))
    clear = int(((low > 0.0) | (high < 0.0)).sum())
    least, most = places[np.argmin(mean)], places[np.argmax(mean)]
    return (
        f"Dots with lines in order of size: the {len(places)} random effects of {name} with their {percent(alpha)} "
        f"intervals. Lowest: {layout.names[least]}, {mean.min():.2f}; highest: {layout.names[most]}, {mean.max():.2f}. "
        f"Intervals without zero: {clear}."
    )
