"""Prior distributions of coefficients, standard deviations of random effects, and correlations.

They are given by name, as the summary shows the parameters::

    MixedGLM.from_formula(..., priors={"x": Normal(0, 0.5), "sd(herd)": HalfNormal(1), "sd": Exponential(2)})

``"sd"`` stands for all standard deviations that are not named themselves. Objects are immutable, compare by value, hash and
pickle.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mixed_glm._input.arrays import LARGEST, as_count, as_generator

__all__ = [
    "LKJ",
    "PC",
    "Exponential",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfT",
    "InverseGamma",
    "LogNormal",
    "Normal",
    "Prior",
    "as_prior",
]

Floats = npt.NDArray[np.float64]

COEFFICIENT, SD, CORRELATION = "coefficient", "standard deviation", "correlation"


@dataclass(frozen=True)
class Prior:
    """What the priors have in common; use one of those that are derived from it.

    Attributes
    ----------
    of : str
        What it may be the prior of: ``"coefficient"``, ``"standard deviation"`` or ``"correlation"``.
    has_joint_mode : bool
        Whether the joint density of all parameters is bounded under it: not where the density of a standard deviation
        does not vanish fast enough at zero.
    """

    of: ClassVar[str] = ""
    has_joint_mode: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the parameters and make them floats."""
        if type(self) is Prior:
            raise TypeError(
                "Prior is abstract, use one of: "
                + ", ".join(n for n in __all__ if n not in ("Prior", "as_prior"))
            )
        for f in dataclasses.fields(self):
            object.__setattr__(self, f.name, self._checked(f.name, getattr(self, f.name)))

    def _checked(self, name: str, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"{name} of {type(self).__name__} must be a number, got {value!r}") from None
        except OverflowError:
            raise ValueError(
                f"{name} of {type(self).__name__} must be a number that a float can hold"
            ) from None
        positive = name not in ("loc", "mu")
        most = math.log(LARGEST) if name == "mu" else LARGEST
        least = 1 / LARGEST if positive else -most
        if not least <= number <= most:
            kind = "positive number" if positive else "finite number"
            raise ValueError(
                f"{name} of {type(self).__name__} must be a {kind}, got {number:g} (from {least:g} to {most:g})"
            )
        return number

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        raise NotImplementedError

    def _distribution(self) -> Any:
        """scipy's distribution on the natural scale."""
        raise NotImplementedError

    def log_density(self, x: npt.ArrayLike) -> Floats:
        """Log density on the natural scale of the parameter: of the standard deviation, not of its logarithm.

        Parameters
        ----------
        x : array_like

        Returns
        -------
        float array, shape of `x`
        """
        with np.errstate(all="ignore"):  # of wide distributions they may be infinite
            return np.asarray(self._distribution().logpdf(np.asarray(x, dtype=np.float64)))

    def quantile(self, level: npt.ArrayLike) -> Floats:
        """Quantiles on the natural scale of the parameter.

        Parameters
        ----------
        level : array_like
            Between 0 and 1.

        Returns
        -------
        float array, shape of `level`
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._distribution().ppf(level))

    def sample(self, n: int, rng: Any = None) -> Floats:
        """Draw from it.

        Parameters
        ----------
        n : int
        rng : int or numpy.random.Generator, optional

        Returns
        -------
        float array, shape (n,)
        """
        count, generator = as_count(n, "n"), as_generator(rng)
        with np.errstate(all="ignore"):
            return np.asarray(self._distribution().rvs(count, random_state=generator))

    def __repr__(self) -> str:
        """As it is written."""
        values = ", ".join(f"{getattr(self, f.name):g}" for f in dataclasses.fields(self))
        return f"{type(self).__name__}({values})"


@dataclass(frozen=True, repr=False)
class Normal(Prior):
    """A normal prior of a coefficient.

    Parameters
    ----------
    loc : float, default 0.0
        Mean.
    scale : float, default 1.0
        Standard deviation.
    """

    loc: float = 0.0
    scale: float = 1.0
    of: ClassVar[str] = COEFFICIENT

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "normal", self.loc, self.scale

    def widened(self, factor: float) -> Normal:
        """One with the same mean and `factor` times the standard deviation.

        Parameters
        ----------
        factor : float

        Returns
        -------
        Normal
        """
        return Normal(self.loc, factor * self.scale)

    def _distribution(self) -> Any:
        return _scipy().norm(self.loc, self.scale)


@dataclass(frozen=True, repr=False)
class LogNormal(Prior):
    """A standard deviation whose logarithm is normal: the default, and statsmodels' prior.

    Parameters
    ----------
    mu : float, default 0.0
        Mean of the logarithm.
    sigma : float, default 1.0
        Standard deviation of the logarithm.
    """

    mu: float = 0.0
    sigma: float = 1.0
    of: ClassVar[str] = SD
    has_joint_mode: ClassVar[bool] = True

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "normal", self.mu, self.sigma

    def _distribution(self) -> Any:
        return _scipy().lognorm(self.sigma, scale=math.exp(self.mu))


@dataclass(frozen=True, repr=False)
class HalfNormal(Prior):
    """A standard deviation that is the absolute value of a normal variate.

    Parameters
    ----------
    scale : float, default 1.0
        Standard deviation of that variate.
    """

    scale: float = 1.0
    of: ClassVar[str] = SD

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "half_normal", self.scale, 0.0

    def _distribution(self) -> Any:
        return _scipy().halfnorm(scale=self.scale)


@dataclass(frozen=True, repr=False)
class HalfT(Prior):
    """A standard deviation that is the absolute value of a variate with Student's t distribution.

    Parameters
    ----------
    df : float, default 3.0
        Degrees of freedom.
    scale : float, default 1.0
    """

    df: float = 3.0
    scale: float = 1.0
    of: ClassVar[str] = SD

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "half_t", self.df, self.scale

    def _distribution(self) -> Any:
        return _HalfT(self.df, self.scale)


@dataclass(frozen=True, repr=False)
class HalfCauchy(Prior):
    """A standard deviation that is the absolute value of a Cauchy variate: `HalfT` with one degree of freedom.

    Parameters
    ----------
    scale : float, default 1.0
    """

    scale: float = 1.0
    of: ClassVar[str] = SD

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "half_t", 1.0, self.scale

    def _distribution(self) -> Any:
        return _scipy().halfcauchy(scale=self.scale)


@dataclass(frozen=True, repr=False)
class Exponential(Prior):
    """An exponential prior of a standard deviation.

    Parameters
    ----------
    rate : float, default 1.0
        One over its mean, as in brms and rstanarm.
    """

    rate: float = 1.0
    of: ClassVar[str] = SD

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "gamma", 1.0, self.rate

    def _distribution(self) -> Any:
        return _scipy().expon(scale=1.0 / self.rate)


@dataclass(frozen=True, repr=False)
class PC(Prior):
    """The penalized complexity prior of a standard deviation: exponential, with P(sd > `upper`) = `prob`.

    Simpson, Rue, Riebler, Martins and Sorbye (2017), Statistical Science 32, 1-28.

    Parameters
    ----------
    upper : float, default 1.0
    prob : float, default 0.05
        Between 0 and 1.
    """

    upper: float = 1.0
    prob: float = 0.05
    of: ClassVar[str] = SD

    def __post_init__(self) -> None:
        """Check that `prob` is a probability."""
        super().__post_init__()
        if self.prob >= 1.0:
            raise ValueError(f"prob of PC must be between 0 and 1, got {self.prob:g}")

    @property
    def rate(self) -> float:
        """Rate of the exponential distribution."""
        return -math.log(self.prob) / self.upper

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "gamma", 1.0, self.rate

    def _distribution(self) -> Any:
        return _scipy().expon(scale=1.0 / self.rate)


@dataclass(frozen=True, repr=False)
class Gamma(Prior):
    """A gamma prior of a standard deviation.

    Parameters
    ----------
    shape : float, default 2.0
    rate : float, default 1.0
        The mean is ``shape / rate``.
    """

    shape: float = 2.0
    rate: float = 1.0
    of: ClassVar[str] = SD

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "gamma", self.shape, self.rate

    def _distribution(self) -> Any:
        return _scipy().gamma(self.shape, scale=1.0 / self.rate)


@dataclass(frozen=True, repr=False)
class InverseGamma(Prior):
    """A standard deviation (not a variance) that is one over a gamma variate.

    Parameters
    ----------
    shape : float, default 2.0
    scale : float, default 1.0
        The density is proportional to ``sd ** (-shape - 1) * exp(-scale / sd)``.
    """

    shape: float = 2.0
    scale: float = 1.0
    of: ClassVar[str] = SD
    has_joint_mode: ClassVar[bool] = True

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "inverse_gamma", self.shape, self.scale

    def _distribution(self) -> Any:
        return _scipy().invgamma(self.shape, scale=self.scale)


@dataclass(frozen=True, repr=False)
class LKJ(Prior):
    """The prior of a correlation matrix R with density proportional to ``det(R) ** (eta - 1)``.

    Lewandowski, Kurowicka and Joe (2009), Journal of Multivariate Analysis 100, 1989-2001.

    Parameters
    ----------
    eta : float, default 1.0
        1: all correlation matrices are equally likely; above: those near the identity are more likely.
    """

    eta: float = 1.0
    of: ClassVar[str] = CORRELATION

    def core(self) -> tuple[str, float, float]:
        """Name and parameters in the compiled core."""
        return "lkj", self.eta, 0.0

    def _distribution(self) -> Any:
        """Of the correlation of two effects."""
        return _scipy().beta(self.eta, self.eta, loc=-1.0, scale=2.0)

    def marginal_log_density(self, rho: npt.ArrayLike, order: int = 2) -> Floats:
        """Log density of one correlation of a matrix.

        Parameters
        ----------
        rho : array_like
        order : int, default 2
            Number of rows of the matrix.

        Returns
        -------
        float array, shape of `rho`
        """
        shape = self.eta + 0.5 * (order - 2)
        return np.asarray(
            _scipy().beta(shape, shape, loc=-1.0, scale=2.0).logpdf(np.asarray(rho, dtype=np.float64))
        )


def as_prior(text: str) -> Prior:
    """The distribution that a text such as ``"halfnormal(1)"`` or ``"Normal(0, 0.5)"`` names.

    Parameters
    ----------
    text : str
        A name in any case, with or without underscores, and numbers in parentheses.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    known = {name.lower(): globals()[name] for name in __all__ if name not in ("Prior", "as_prior")}
    match = re.fullmatch(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*", text)
    cls = known.get(match[1].lower().replace("_", "")) if match else None
    if match is None or cls is None:
        names = ", ".join(sorted(c.__name__ for c in known.values()))
        raise ValueError(
            f"prior: expected one of {names} with its numbers, as in 'HalfNormal(1)', got {text!r}"
        )
    try:
        numbers = [float(part) for part in (match[2] or "").split(",") if part.strip()]
    except ValueError:
        raise ValueError(f"prior: expected numbers in the parentheses, got {text!r}") from None
    most = len(dataclasses.fields(cls))
    if len(numbers) > most:
        raise ValueError(f"prior: {cls.__name__} has {most} numbers, got {text!r}")
    prior: Prior = cls(*numbers)
    return prior


class _HalfT:
    """scipy's functions for the absolute value of a t variate."""

    def __init__(self, df: float, scale: float) -> None:
        self._t = _scipy().t(df, scale=scale)

    def logpdf(self, x: Floats) -> Floats:
        return np.where(x >= 0.0, np.log(2.0) + self._t.logpdf(x), -np.inf)

    def ppf(self, level: npt.ArrayLike) -> Floats:
        return np.asarray(self._t.ppf(0.5 * (1.0 + np.asarray(level))))

    def rvs(self, size: int, random_state: np.random.Generator) -> Floats:
        return np.asarray(np.abs(self._t.rvs(size, random_state=random_state)))


def _scipy() -> Any:
    """scipy's distributions, which take as long to import as all else: when one is asked for."""
    from scipy import stats

    return stats
