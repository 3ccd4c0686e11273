"""Variances that families give their responses: the one place that a new family is told in."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import polygamma

from mixed_glm._input.options import as_choice
from mixed_glm.families import Family

Floats = npt.NDArray[np.float64]

APPROXIMATIONS = ("lognormal", "trigamma")

# Of one response (binomial: of one trial), by its mean and the family's own parameter.
_OF_RESPONSE: dict[str, Callable[[Floats, Floats], Floats]] = {
    "gaussian": lambda mean, sigma: np.broadcast_to(sigma**2, mean.shape),
    "binomial": lambda mean, _: mean * (1.0 - mean),
    "poisson": lambda mean, _: mean,
    "negative_binomial": lambda mean, alpha: mean + alpha * mean**2,
    "gamma": lambda mean, dispersion: dispersion * mean**2,
    "exponential": lambda mean, _: mean**2,
}
# Of the latent variable that a binary response is a threshold of.
_OF_LATENT = {
    "logit": math.pi**2 / 3.0,
    "probit": 1.0,
    "cloglog": math.pi**2 / 6.0,
    "loglog": math.pi**2 / 6.0,
}


def require_variance(family: Family) -> None:
    """Refuse a family whose responses have no variance that is known.

    Raises
    ------
    ValueError
        Naming those that have.
    """
    if family.name not in _OF_RESPONSE:
        known = ", ".join(_OF_RESPONSE)
        raise ValueError(
            f"explained variance is known for the families {known}, not for {family.name} (family)"
        )


def response_variance(family: Family, mean: Floats, shape: Floats | None) -> Floats:
    """Variance of a response, per trial for the binomial family, elementwise.

    Parameters
    ----------
    mean : float array
    shape : float array that broadcasts to the shape of `mean`, or None
        Parameter of the family that the data estimate, where there is one: sigma, alpha or the dispersion.

    Raises
    ------
    ValueError
        If it is not known for the family.
    """
    require_variance(family)
    own = getattr(family, "alpha", None) if shape is None else shape  # where it is known, the family has it
    return np.asarray(_OF_RESPONSE[family.name](mean, np.asarray(np.nan if own is None else own)))


def distribution_variance(
    family: Family, mean: Floats, shape: Floats | None, approximation: str = "lognormal"
) -> Floats:
    """Variance that the distribution of the response has on the scale of the linear predictor, elementwise.

    Binomial: that of the latent variable, pi^2 / 3 for the logit, 1 for the probit, pi^2 / 6 for cloglog and loglog links.
    Gaussian: its own. With a log link, v being the squared coefficient of variation of a response: log(1 + v), or trigamma(1 / v).

    Parameters
    ----------
    mean : float array
        Of the responses on average.
    shape : float array, or None
        As for `response_variance`.
    approximation : {"lognormal", "trigamma"}
        For a log link.

    References
    ----------
    Nakagawa, Johnson and Schielzeth (2017), Journal of the Royal Society Interface 14: 20170213.
    """
    as_choice(approximation, "approximation", APPROXIMATIONS)
    if family.link in _OF_LATENT:
        return np.full(np.shape(mean), _OF_LATENT[family.link])
    variance = response_variance(family, mean, shape)
    if family.link == "identity":
        return variance
    relative = variance / mean**2
    return np.asarray(np.log1p(relative) if approximation == "lognormal" else polygamma(1, 1.0 / relative))
