"""Families of the response: density, link, support.

All are log-concave in the linear predictor. Some have a parameter of their own that the data estimate: sigma of the Gaussian,
alpha of the negative binomial (unless it is given), the dispersion of the gamma family. Objects are immutable, compare by
value, hash and pickle.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import special

from mixed_glm import _core
from mixed_glm._input.arrays import as_floats, as_generator, as_vector

__all__ = [
    "Binomial", "Exponential", "Family", "Gamma", "Gaussian", "NegativeBinomial", "Poisson", "as_family",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

SUPPORTED = (
    "Gaussian (identity), Binomial (logit, probit, cloglog, loglog), Poisson (log), NegativeBinomial (log), Gamma (log), "
    "Exponential (log)"
)


@dataclasses.dataclass(frozen=True)
class Family:
    """What the families have in common; use one of those below.

    Attributes
    ----------
    name : str
        ``"gaussian"``, ``"binomial"``, ``"poisson"``, ``"negative_binomial"``, ``"gamma"`` or ``"exponential"``.
    link : str
        Name of the link from the mean to the linear predictor eta.
    """

    name: ClassVar[str] = ""
    has_trials: ClassVar[bool] = False  # whether a response is a number of successes in trials
    is_continuous: ClassVar[bool] = False
    placeholder: ClassVar[float] = 0.0  # a possible response, in the place of one that is not known yet
    links: ClassVar[tuple[str, ...]] = ("log",)

    def __post_init__(self) -> None:
        """Refuse the base class, which is no family."""
        if type(self) is Family:
            raise TypeError(f"Family is abstract, use one of: {SUPPORTED}")

    @property
    def link(self) -> str:
        """Name of the link."""
        return self.links[0]

    @property
    def title(self) -> str:
        """Name as a heading has it."""
        return type(self).__name__

    @property
    def described(self) -> str:
        """Name, with what is taken as known of the distribution."""
        values = [(f.name, getattr(self, f.name)) for f in dataclasses.fields(self) if f.name != "link"]
        known = [(name, value) for name, value in values if value is not None]
        return f"{self.name} ({', '.join(f'{k} {v:g}' for k, v in known)})" if known else self.name

    @cached_property
    def core(self) -> _core.Family:
        """The family in the compiled core."""
        return _core.Family(self.name, self.link, getattr(self, "alpha", None))

    @property
    def shape_names(self) -> tuple[str, ...]:
        """Names of the parameters of the family that the data estimate; their logarithms are what is estimated."""
        return () if self.core.shape is None else (self.core.shape,)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the compiled part, which is made again when it is needed."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def mean(self, eta: npt.ArrayLike) -> Floats:
        """Inverse link: the mean of the response, per trial for the binomial family.

        Parameters
        ----------
        eta : array_like
            Linear predictor, any shape.

        Returns
        -------
        float array, shape of `eta`
        """
        return np.asarray(self.core.mean(as_floats(eta, "eta")))

    def predictor(self, mean: npt.ArrayLike) -> Floats:
        """Link: the linear predictor of a mean, per trial for the binomial family.

        Parameters
        ----------
        mean : array_like
            Any shape.

        Returns
        -------
        float array, shape of `mean`
        """
        return np.asarray(_LINKS[self.link](np.asarray(mean, dtype=np.float64)))

    def derivatives(
        self,
        endog: npt.ArrayLike,
        eta: npt.ArrayLike,
        n_trials: npt.ArrayLike | None = None,
        shape: float | None = None,
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Log probability (density) of each response and its derivatives in eta.

        Parameters
        ----------
        endog : array_like, shape (n,)
            Responses; numbers of successes for the binomial family.
        eta : array_like, shape (n,)
            Linear predictor.
        n_trials : array_like, shape (n,), or a number, optional
            Numbers of trials, for the binomial family only; 1 by default.
        shape : float, optional
            The family's own parameter: sigma, alpha or the dispersion; required where the family has one that the data
            estimate.

        Returns
        -------
        value : float array, shape (n,)
            Fully normalized log probability.
        d1, d2, d3 : float arrays, shape (n,)
            Its first, second and third derivative in eta.

        Raises
        ------
        ValueError
            If lengths differ or a response is outside the support.
        """
        y = as_vector(endog, "endog")
        predictor = as_floats(eta, "eta")  # any finite one, however large
        if predictor.shape != y.shape or not np.isfinite(predictor).all():
            raise ValueError(f"eta must be {len(y)} finite numbers, got shape {predictor.shape}")
        trials = np.ones(len(y)) if n_trials is None else as_vector(n_trials, "n_trials", len(y), scalar=True)
        self.validate_response(y, None if n_trials is None else trials)
        log_shape = self._log_shape(shape)
        core = self.core if log_shape is None else self.core.with_shape(float(log_shape))
        value, d1, d2, d3 = core.derivatives(predictor, y, trials, np.ones(len(y)))
        return value, d1, d2, d3

    def _log_shape(self, shape: npt.ArrayLike | None) -> Floats | None:
        """Logarithm of a parameter of the family's own; None where there is none."""
        if not self.shape_names:
            if shape is not None:
                raise ValueError(
                    f"shape is only for a family with a parameter that is estimated, got it with {self.name}"
                )
            return None
        if shape is None:
            raise ValueError(f"shape must be given: the {self.shape_names[0]} of the {self.name} family")
        values = np.asarray(shape, dtype=np.float64)
        if not (np.isfinite(values) & (values > 0.0)).all():
            raise ValueError(f"shape must be positive and finite, got {shape!r}")
        return np.asarray(np.log(values))

    def validate_response(self, endog: npt.ArrayLike, n_trials: npt.ArrayLike | None = None) -> None:
        """Check that every response is in the family's support.

        Parameters
        ----------
        endog : array_like, shape (n,)
            Responses; numbers of successes for the binomial family.
        n_trials : array_like, shape (n,), optional
            Numbers of trials, for the binomial family only; 1 by default.

        Raises
        ------
        ValueError
            Naming the argument, what was expected, and the first offending value with its row.
        """
        y = as_vector(endog, "endog")
        if n_trials is not None:
            raise ValueError(f"n_trials is only for the binomial family, got it with {self.name}")
        self._validate_support(y)

    def sample(
        self,
        eta: npt.ArrayLike,
        rng: Any = None,
        n_trials: npt.ArrayLike | None = None,
        shape: npt.ArrayLike | None = None,
    ) -> Floats:
        """Draw responses.

        Parameters
        ----------
        eta : array_like
            Linear predictor, any shape.
        rng : int or numpy.random.Generator, optional
        n_trials : array_like, optional
            Numbers of trials, for the binomial family only, of a shape that broadcasts to that of `eta`; 1 by
            default.
        shape : array_like, optional
            The family's own parameter: sigma, alpha or the dispersion, of a shape that broadcasts to that of `eta`;
            required where the family has one that the data estimate.

        Returns
        -------
        float array, shape of `eta`
            NaN where `eta` is; numbers of successes for the binomial family.
        """
        if n_trials is not None and not self.has_trials:
            raise ValueError(f"n_trials is only for the binomial family, got it with {self.name}")
        predictor = np.asarray(eta, dtype=np.float64)
        known = ~np.isnan(predictor)
        mean = np.asarray(self.core.mean(np.where(known, predictor, 0.0)))
        trials = (
            None if n_trials is None else np.broadcast_to(np.asarray(n_trials, dtype=np.float64), mean.shape)
        )
        log_shape = self._log_shape(shape)
        own = None if log_shape is None else np.broadcast_to(np.exp(log_shape), mean.shape)
        drawn = self._sample(mean, as_generator(rng), trials, own)
        return np.where(known, drawn, np.nan)

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        raise NotImplementedError

    def _validate_support(self, y: Floats) -> None:
        raise NotImplementedError

    def _validate_counts(self, y: Floats) -> None:
        _require(y >= 0, y, f"endog must not be negative for the {self.name} family")
        _require(y == np.floor(y), y, f"endog must be whole numbers for the {self.name} family")


@dataclasses.dataclass(frozen=True)
class Binomial(Family):
    """Number of successes in a known number of trials; 0 or 1 with one trial.

    Parameters
    ----------
    link : {"logit", "probit", "cloglog", "loglog"}, default "logit"
        The probability of success is 1 / (1 + exp(-eta)), Phi(eta), 1 - exp(-exp(eta)) or exp(-exp(-eta)).
    """

    link: str = "logit"

    name: ClassVar[str] = "binomial"
    has_trials: ClassVar[bool] = True
    links: ClassVar[tuple[str, ...]] = ("logit", "probit", "cloglog", "loglog")

    def __post_init__(self) -> None:
        """Check the link."""
        if self.link not in self.links:
            raise ValueError(f"link must be one of {', '.join(self.links)}, got {self.link!r}")

    def validate_response(self, endog: npt.ArrayLike, n_trials: npt.ArrayLike | None = None) -> None:
        """Check that successes are whole numbers from 0 to the number of trials.

        Parameters
        ----------
        endog : array_like, shape (n,)
            Numbers of successes.
        n_trials : array_like, shape (n,), or a number, optional
            Numbers of trials; 1 by default.

        Raises
        ------
        ValueError
            Naming the argument, what was expected, and the first offending value with its row.
        """
        y = as_vector(endog, "endog")
        if n_trials is None:
            _require_binary(y)
            return
        trials = as_vector(n_trials, "n_trials", len(y), scalar=True)
        _require(trials >= 0, trials, "n_trials must not be negative")
        _require(trials == np.floor(trials), trials, "n_trials must be whole numbers")
        _require_no_proportions(y, trials)
        self._validate_counts(y)
        row = _first(y <= trials)
        if row is not None:
            raise ValueError(
                f"endog must not exceed n_trials, got {y[row]:g} successes in {trials[row]:g} trials at row {row}"
            )

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        if trials is None:
            return (rng.random(mean.shape) < mean).astype(np.float64)
        return rng.binomial(trials.astype(np.int64), np.clip(mean, 0.0, 1.0)).astype(np.float64)


@dataclasses.dataclass(frozen=True)
class Gaussian(Family):
    """Normal responses with mean eta and a standard deviation sigma that the data estimate."""

    name: ClassVar[str] = "gaussian"
    is_continuous: ClassVar[bool] = True
    links: ClassVar[tuple[str, ...]] = ("identity",)

    def _validate_support(self, y: Floats) -> None:
        """Every finite number will do."""

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        assert shape is not None
        return mean + shape * rng.standard_normal(mean.shape)


@dataclasses.dataclass(frozen=True)
class Poisson(Family):
    """Counts with mean and variance exp(eta)."""

    name: ClassVar[str] = "poisson"

    def _validate_support(self, y: Floats) -> None:
        self._validate_counts(y)

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        return _poisson(mean, rng)


@dataclasses.dataclass(frozen=True)
class NegativeBinomial(Family):
    """Counts with mean mu = exp(eta) and variance mu + alpha mu^2.

    Parameters
    ----------
    alpha : float, optional
        Dispersion, from 1e-100 to 1e100, where it is known; the Poisson family is the limit at 0. Default: estimated from
        the data.
    """

    alpha: float | None = None

    name: ClassVar[str] = "negative_binomial"

    def __post_init__(self) -> None:
        """Check alpha and make it a float."""
        if self.alpha is None:
            return
        try:
            alpha = float(self.alpha)
        except (TypeError, ValueError):
            raise TypeError(f"alpha must be a positive number, got {self.alpha!r}") from None
        if not (math.isfinite(alpha) and 1e-100 <= alpha <= 1e100):
            raise ValueError(f"alpha must be a positive number (1e-100 to 1e100), got {alpha!r}")
        object.__setattr__(self, "alpha", alpha)

    def _validate_support(self, y: Floats) -> None:
        self._validate_counts(y)

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        alpha = np.asarray(self.alpha if shape is None else np.maximum(shape, _LEAST_ALPHA), dtype=np.float64)
        return _poisson(mean * rng.gamma(1.0 / alpha, alpha, mean.shape), rng)


@dataclasses.dataclass(frozen=True)
class Gamma(Family):
    """Positive responses with mean mu = exp(eta) and variance d mu^2, with a dispersion d that the data estimate.

    1 / d is what is called the shape of a gamma distribution.
    """

    name: ClassVar[str] = "gamma"
    is_continuous: ClassVar[bool] = True
    placeholder: ClassVar[float] = 1.0

    def _validate_support(self, y: Floats) -> None:
        _require(y > 0, y, "endog must be positive for the gamma family")

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        assert shape is not None
        return mean * rng.gamma(1.0 / shape, shape, mean.shape)


@dataclasses.dataclass(frozen=True)
class Exponential(Family):
    """Waiting times with mean exp(eta): the gamma family with shape 1."""

    name: ClassVar[str] = "exponential"
    is_continuous: ClassVar[bool] = True

    def _validate_support(self, y: Floats) -> None:
        _require(y >= 0, y, "endog must not be negative for the exponential family")

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        return rng.exponential(mean)


_MOST_POISSON = 1e15
_LEAST_ALPHA = 1e-100  # of a draw: below, there is no difference
_OVERDISPERSED = "write {!r}, and a random effect of each row for overdispersion, as (1 | row)"
_NOT_PART = "it is not part of the model"
_REASONS = {
    "bernoulli": "write 'binomial'", "logistic": "write 'binomial'", "betabinomial": _OVERDISPERSED.format("binomial"),
    "quasibinomial": _OVERDISPERSED.format("binomial"), "quasipoisson": _OVERDISPERSED.format("poisson"),
    "inversegaussian": "its log density is not concave", "lognormal": "write 'gaussian' and log(y) for the response",
    **dict.fromkeys(("quasi", "student", "t", "tweedie", "beta", "weibull"), _NOT_PART),
    **dict.fromkeys(("zip", "zinb", "zeroinflatedpoisson", "zeroinflatednegbinomial", "hurdlepoisson"), _NOT_PART),
    **dict.fromkeys(("multinomial", "categorical", "cumulative", "ordinal", "sratio"), _NOT_PART),
}  # fmt: skip
_NEGATIVE_BINOMIAL = frozenset({
    "nb", "nb1", "nb2", "negbin", "negbinom", "negbinomial", "nbinom", "nbinom1", "nbinom2", "negativebinom", "negativebin",
    "negbinomial2", "negativebinomial2", "neg.binomial", "glmer.nb",
})  # fmt: skip

_LINKS: dict[str, Callable[[Floats], Floats]] = {
    "identity": np.asarray,
    "log": np.log,
    "logit": special.logit,
    "probit": special.ndtri,
    "cloglog": lambda p: np.log(-np.log1p(-p)),
    "loglog": lambda p: -np.log(-np.log(p)),
}

_BY_NAME: dict[str, type[Family]] = {
    "binomial": Binomial,
    "poisson": Poisson,
    "gaussian": Gaussian,
    "normal": Gaussian,
    "negativebinomial": NegativeBinomial,
    "gamma": Gamma,
    "exponential": Exponential,
}


def as_family(obj: Any) -> Family:
    """Turn what a user may give for a family into one of ours.

    Parameters
    ----------
    obj : Family, str, class, or statsmodels family
        An object of this module, a name such as ``"poisson"``, a class of this module, or a family (object or class)
        of statsmodels, which is recognized by the names of its class and of its link's.

    Returns
    -------
    Family

    Raises
    ------
    ValueError
        If the family or its link is not supported.
    TypeError
        If `obj` is nothing that names a family.
    """
    if isinstance(obj, Family):
        return obj
    if isinstance(obj, type):
        if obj.__name__ == "NegativeBinomial":
            return NegativeBinomial()
        if not (issubclass(obj, Family) or hasattr(obj, "links")):
            raise TypeError(_not_a_family(obj))
        obj = obj()
        return obj if isinstance(obj, Family) else _from_statsmodels(obj)
    if isinstance(obj, str):
        return family_class(obj)()
    if hasattr(obj, "link") and hasattr(obj, "variance"):
        return _from_statsmodels(obj)
    raise TypeError(_not_a_family(obj))


def as_given_family(obj: Any) -> Family:
    """As `as_family`, for an argument that may not be left out.

    Raises
    ------
    ValueError
        If it was left out, that is None.
    """
    if obj is None:
        raise ValueError("family must be given: 'binomial', 'poisson', ..., or a family object")
    return as_family(obj)


def _from_statsmodels(obj: Any) -> Family:
    cls = family_class(type(obj).__name__)
    link = type(obj.link).__name__.lower()
    if link not in cls.links:
        expected = ", ".join(cls.links)
        raise ValueError(
            f"family: the {cls.__name__} family must have link {expected}, got {type(obj.link).__name__}: "
            "with other links the log density is not concave or not defined for every linear predictor"
        )
    if cls is Binomial:
        return Binomial(link=link)
    if cls is NegativeBinomial:
        return NegativeBinomial(alpha=obj.alpha)
    return cls()


def family_class(name: str) -> type[Family]:
    """Class of the family of this name, or ValueError."""
    written = re.fullmatch(r"([\w.]+)\((.*)\)", name.strip().replace(" ", ""))  # R's binomial(link = "logit")
    key = (written[1] if written else name.strip()).lower().replace("_", "").replace("-", "").replace(" ", "")
    if key in _BY_NAME and not (written and written[2]):
        return _BY_NAME[key]
    if key in _NEGATIVE_BINOMIAL:
        return NegativeBinomial
    reasons = {
        **{link: f"write families.Binomial(link={link!r})" for link in Binomial.links},
        **(
            {key: f"write families.{_BY_NAME[key].__name__}({written[2]})"}
            if written and key in _BY_NAME
            else {}
        ),
        **_REASONS,
    }
    close = difflib.get_close_matches(key, _BY_NAME, 1)
    hint = f"did you mean {_BY_NAME[close[0]].name!r}?" if close else ""
    reason = f" ({reasons.get(key, hint)})" if key in reasons or close else ""
    raise ValueError(f"family must be one of: {SUPPORTED}; got {name!r}{reason}")


def _not_a_family(obj: Any) -> str:
    return f"family must be a family, its name, or a statsmodels family, one of: {SUPPORTED}; got {obj!r}"


def _poisson(mean: Floats, rng: np.random.Generator) -> Floats:
    """Poisson variates; beyond what numpy can draw, rounded normal ones, which then differ by less than rounding."""
    small = np.minimum(mean, _MOST_POISSON)
    drawn = rng.poisson(small).astype(np.float64)
    large = mean > _MOST_POISSON
    if large.any():
        drawn[large] = np.round(rng.normal(mean[large], np.sqrt(mean[large])))
    return drawn


def _first(good: npt.NDArray[np.bool_]) -> int | None:
    """Row of the first False, None if there is none."""
    return None if good.all() else int(np.argmin(good))


def _require_binary(y: Floats) -> None:
    row = _first((y == 0) | (y == 1))
    if row is None:
        return
    values = np.unique(y)
    if ((y >= 0) & (y <= 1)).all():
        hint = "for proportions of n trials give n_trials=n, or the counts y * n with n_trials=n"
    elif len(values) == 2:
        hint = f"it has the values {values[0]:g} and {values[1]:g}: write I(y == {values[1]:g}), which is 1 for success"
    else:
        hint = "give n_trials for counts"
    raise ValueError(f"endog must be 0 or 1 for the binomial family, got {y[row]:g} at row {row} ({hint})")


def _require_no_proportions(y: Floats, trials: Floats) -> None:
    fractions = (y != np.floor(y)) & (y > 0) & (y < 1)
    if fractions.any() and ((y >= 0) & (y <= 1)).all():
        counts = y * trials
        row = int(np.argmax(np.abs(counts - np.round(counts))))
        raise ValueError(
            f"endog must be numbers of successes, or proportions of n_trials: {y[row]:g} of {trials[row]:g} trials are "
            f"{counts[row]:g} successes at row {row}, which is no whole number; give the counts as endog, with n_trials"
        )


def _require(good: npt.NDArray[np.bool_], values: Floats, message: str) -> None:
    row = _first(good)
    if row is not None:
        raise ValueError(f"{message}, got {values[row]:g} at row {row}")
