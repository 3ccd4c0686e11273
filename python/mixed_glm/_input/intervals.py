"""Probabilities of intervals, as `alpha` or as `conf_level`: where the one is given for the other, a warning says so."""

from __future__ import annotations

from typing import Any

from mixed_glm._console.caller import warn
from mixed_glm._input.arrays import as_probability
from mixed_glm.exceptions import NarrowIntervalWarning


def as_alpha(value: Any) -> float:
    """`alpha` of intervals of probability ``1 - alpha``."""
    alpha = as_probability(value, "alpha")
    if alpha > 0.5:
        _warn_of_narrow("alpha", alpha, 1.0 - alpha)
    return alpha


def as_conf_level(value: Any) -> float:
    """`conf_level`, the probability of intervals."""
    level = as_probability(value, "conf_level")
    if level < 0.5:
        _warn_of_narrow("conf_level", level, level)
    return level


def _warn_of_narrow(name: str, value: float, probability: float) -> None:
    warn(
        f"{name}={value:g} gives intervals of {100 * probability:.4g} %; for those of {100 * (1 - probability):.4g} % write "
        f"{name}={1 - value:.4g}",
        NarrowIntervalWarning,
    )
