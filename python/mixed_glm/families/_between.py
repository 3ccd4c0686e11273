"""Distributions behind ordered categories, by their link: the log probability of an interval, and quantiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from mixed_glm.families._support import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_LOG_ROOT_TWO_PI = 0.5 * np.log(2.0 * np.pi)
_MOST = 700.0  # of an exponent


def _logistic(low: Floats, high: Floats, width: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        gap = np.log(-np.expm1(-width))
    return np.asarray(special.log_expit(high) + special.log_expit(-low) + gap)


def _normal(low: Floats, high: Floats, width: Floats) -> Floats:
    """On the side of zero where tails are small; a narrow interval by a quadrature rule, so that nothing cancels."""
    turned = low + high < 0.0
    a, b = np.where(turned, -high, low), np.where(turned, -low, high)
    outer, inner = special.log_ndtr(-a), special.log_ndtr(-b)
    with np.errstate(invalid="ignore"):
        middle = 0.5 * (a + b)
        narrow = np.isfinite(width) & (width * (np.abs(middle) + width) < 1.0)
    centre, reach = np.where(narrow, middle, 0.0), np.where(narrow, width, 1.0)
    step = 0.5 * reach[..., None] * _NODES
    of_rule = np.exp(-step * (centre[..., None] + 0.5 * step)) @ (0.5 * _WEIGHTS)
    with np.errstate(divide="ignore"):
        by_rule = np.log(reach * of_rule) - 0.5 * centre**2 - _LOG_ROOT_TWO_PI
        wide = outer + np.log(-np.expm1(inner - outer))
    return np.asarray(np.where(narrow, by_rule, wide))


def _gompertz(low: Floats, high: Floats, width: Floats) -> Floats:
    """exp(-exp(low)) - exp(-exp(high)) = exp(-exp(low)) (1 - exp(-growth))."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        log_growth = np.where(width > _MOST, high, low + np.log(np.expm1(np.minimum(width, _MOST))))
        growth = np.exp(log_growth)
        inside = np.where(growth < 0.5, np.log(-np.expm1(-growth)), np.log1p(-np.exp(-growth)))
        inside = np.where(growth < 1e-5, log_growth - 0.5 * growth, inside)
        return np.asarray(inside - np.exp(low))


def _gompertz_quantile(p: Floats) -> Floats:
    return np.asarray(np.log(-np.log1p(-p)))


# log F(high) - F(low); the ends may be infinite, width is high - low as exactly as it is known.
LOG_BETWEEN: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "logit": _logistic, "probit": _normal, "cloglog": _gompertz,
}  # fmt: skip
QUANTILES: dict[str, Callable[[Floats], Floats]] = {
    "logit": special.logit, "probit": special.ndtri, "cloglog": _gompertz_quantile,
}  # fmt: skip
