"""What is to be predicted, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm.families import Family

Floats = npt.NDArray[np.float64]

_REACH = 6.0  # of the trapezoidal rules over a standard normal density


def _trapezoidal(n: int) -> tuple[Floats, Floats]:
    nodes = np.linspace(-_REACH, _REACH, n)
    return nodes, np.exp(-(nodes**2) / 2.0)


# Nodes and weights that are right to 1e-8 for all links, up to a standard deviation.
_RULES = (
    (0.1, np.polynomial.hermite_e.hermegauss(5)),
    (0.25, np.polynomial.hermite_e.hermegauss(9)),
    (1.0, _trapezoidal(25)),
    (2.0, _trapezoidal(49)),
    (np.inf, _trapezoidal(97)),
)


@dataclass(frozen=True)
class Target:
    """What to predict.

    Attributes
    ----------
    linear : bool
        The linear predictor rather than the mean of the response.
    random : {"population", "conditional", "marginal"}
    predictive : bool
        The interval is that of new responses.
    interval : float or None
        Its probability.
    """

    linear: bool
    random: str
    predictive: bool
    interval: float | None

    @property
    def levels(self) -> list[float]:
        """Of the median and of the ends of the interval."""
        tail = (1.0 - (self.interval or 0.0)) / 2.0
        return [0.5, tail, 1.0 - tail]


@dataclass(frozen=True)
class Prediction:
    """Means, medians and interval limits, shape (m,) each.

    Attributes
    ----------
    mean : float array
    median, lower, upper : float array
        NaN where no interval is asked for.
    k : float array
        Pareto k-hat of the draws that a mean is of; 0 where there is no doubt.
    """

    mean: Floats
    median: Floats
    lower: Floats
    upper: Floats
    k: Floats


def mean_over_normal(family: Family, eta: Floats, sd: Floats) -> Floats:
    """Mean of the response over normal linear predictors with these means and standard deviations, elementwise."""
    if not sd.any() or family.link == "identity":
        return np.asarray(family.mean(eta))
    if family.link == "log":
        return np.asarray(family.mean(eta + sd**2 / 2.0))
    widest = np.nan_to_num(sd).max()
    z, weights = next(rule for most, rule in _RULES if widest <= most)
    total: Floats = np.zeros_like(eta)
    for x, weight in zip(z, weights / weights.sum(), strict=True):
        total += weight * family.mean(eta + sd * x)
    return total
