"""What the families have in common."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._input.arrays import as_floats, as_generator, as_vector
from mixed_glm.families._support import Floats, require

SUPPORTED = (
    "Gaussian (identity), Binomial (logit, probit, cloglog, loglog), Poisson (log), NegativeBinomial (log), Gamma (log), "
    "Exponential (log), Cumulative (logit, probit, cloglog)"
)


@dataclasses.dataclass(frozen=True)
class Family:
    """What the families have in common; use one of its kinds.

    Attributes
    ----------
    name : str
        ``"gaussian"``, ``"binomial"``, ``"poisson"``, ``"negative_binomial"``, ``"gamma"``, ``"exponential"`` or
        ``"cumulative"``.
    link : str
        Name of the link from the mean to the linear predictor eta.
    """

    name: ClassVar[str] = ""
    has_trials: ClassVar[bool] = False  # whether a response is a number of successes in trials
    is_continuous: ClassVar[bool] = False
    is_ordinal: ClassVar[bool] = (
        False  # whether a response is the number of a category, in the order of categories
    )
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
        return _core.Family(
            self.name, self.link, getattr(self, "alpha", None), getattr(self, "categories", None)
        )

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

    def draw(
        self, eta: npt.ArrayLike, own: npt.ArrayLike, rng: Any = None, n_trials: npt.ArrayLike | None = None
    ) -> Floats:
        """Draw responses at draws of all parameters.

        Parameters
        ----------
        eta : array_like
            Linear predictor, any shape.
        own : array_like, shape (..., k)
            Logarithms of the k parameters of the family that the data estimate, of a shape that broadcasts to that of `eta` with
            one more axis.
        rng, n_trials : optional
            As for `sample`.

        Returns
        -------
        float array, shape of `eta`
        """
        logs = np.asarray(own, dtype=np.float64)
        return self.sample(eta, rng, n_trials, np.exp(logs[..., 0]) if logs.shape[-1] else None)

    def log_likelihood(
        self,
        endog: Floats,
        eta: Floats,
        own: Floats,
        n_trials: Floats | None = None,
        weights: Floats | None = None,
    ) -> Floats:
        """Log probability (density) of each response at draws of all parameters, times its weight, shape (draws, n).

        Parameters
        ----------
        endog : float array, shape (n,)
        eta : float array, shape (draws, n)
        own : float array, shape (draws, k)
            Logarithms of the k parameters of the family that the data estimate.
        n_trials, weights : float array, shape (n,), optional
            Ones by default.
        """
        ones = np.ones(len(endog))
        return self.core.log_likelihood(
            np.ascontiguousarray(eta.T), endog, ones if n_trials is None else n_trials, ones if weights is None else weights,
            np.ascontiguousarray(own.ravel()),
        ).T  # fmt: skip

    def _sample(
        self, mean: Floats, rng: np.random.Generator, trials: Floats | None, shape: Floats | None
    ) -> Floats:
        raise NotImplementedError

    def _validate_support(self, y: Floats) -> None:
        raise NotImplementedError

    def _validate_counts(self, y: Floats) -> None:
        require(y >= 0, y, f"endog must not be negative for the {self.name} family")
        require(y == np.floor(y), y, f"endog must be whole numbers for the {self.name} family")
