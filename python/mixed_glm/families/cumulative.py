"""Ordered categories."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mixed_glm._input.arrays import as_generator
from mixed_glm.families._between import LOG_BETWEEN, QUANTILES
from mixed_glm.families._support import Floats, require
from mixed_glm.families.base import Family
from mixed_glm.families.binomial import Binomial


@dataclasses.dataclass(frozen=True)
class Cumulative(Family):
    """Ordered categories: ``P(y <= j) = F(c_j - eta)``, thresholds ``c_1 < ... < c_(C-1)`` being estimated.

    With the logit link the proportional odds model. A larger linear predictor makes higher categories more likely. It has no
    constant: the thresholds are what an intercept would be.

    Parameters
    ----------
    link : {"logit", "probit", "cloglog"}, default "logit"
        F(x) is 1 / (1 + exp(-x)), Phi(x) or 1 - exp(-exp(x)). The last, of grouped survival times, has proportional hazards.
    categories : int, optional
        Number of categories; default that of the response. Families that differ in it alone are equal.
    """

    link: str = "logit"
    categories: int | None = dataclasses.field(default=None, compare=False)

    name: ClassVar[str] = "cumulative"
    is_ordinal: ClassVar[bool] = True
    links: ClassVar[tuple[str, ...]] = ("logit", "probit", "cloglog")

    def __post_init__(self) -> None:
        """Check the link and the number."""
        if self.link == "loglog":
            raise ValueError(
                "link: for the log-log link turn the order of the categories and write 'cloglog': thresholds and coefficients "
                "have the other sign then"
            )
        if self.link not in self.links:
            raise ValueError(f"link must be one of {', '.join(self.links)}, got {self.link!r}")
        if self.categories is None:
            return
        if isinstance(self.categories, bool) or not isinstance(self.categories, (int, np.integer)):
            raise TypeError(f"categories must be a whole number from 2, got {self.categories!r}")
        if self.categories < 2:
            raise ValueError(f"categories must be at least 2, got {self.categories}")

    def of(self, categories: int) -> Cumulative:
        """The family for so many categories.

        Parameters
        ----------
        categories : int
            Number C of categories.

        Raises
        ------
        ValueError
            If it has another number of them.
        """
        if self.categories not in (None, categories):
            raise ValueError(
                f"family: Cumulative(categories={self.categories}) does not fit a response with {categories} categories"
            )
        return dataclasses.replace(self, categories=categories)

    @property
    def above(self) -> Binomial:
        """Whether a response is above a threshold c, as a binary one with the linear predictor eta - c."""
        return Binomial({"cloglog": "loglog"}.get(self.link, self.link))

    @property
    def has_binary_rows(self) -> bool:
        """Whether, given the thresholds, an observation is one or two independent binary ones (`above`)."""
        return self.link == "logit" or self.categories == 2

    def probabilities(self, eta: npt.ArrayLike, thresholds: npt.ArrayLike) -> Floats:
        """Probability of each category.

        Parameters
        ----------
        eta : array_like
            Linear predictor, any shape.
        thresholds : array_like, shape (..., C - 1)
            Of a shape that broadcasts to that of `eta` with one more axis. They count in increasing order.

        Returns
        -------
        float array, shape of `eta` and (C,)
        """
        above = self.above.mean(np.asarray(eta, dtype=np.float64)[..., None] - _in_order(thresholds))
        ends = np.broadcast_to(0.0, (*above.shape[:-1], 1))
        return np.asarray(-np.diff(np.concatenate([1.0 - ends, above, ends], axis=-1), axis=-1))

    def log_likelihood(
        self,
        endog: Floats,
        eta: Floats,
        thresholds: Floats,
        n_trials: Floats | None = None,
        weights: Floats | None = None,
    ) -> Floats:
        """Log probability of each response at each draw of the parameters, times its weight, shape (draws, n).

        Parameters
        ----------
        endog : float array, shape (n,)
            Numbers of categories from 0.
        eta : float array, shape (draws, n)
        thresholds : float array, shape (draws, C - 1)
            They count in increasing order.
        n_trials : float array, optional
            Not looked at: there are none.
        weights : float array, shape (n,), optional
            Ones by default.
        """
        ends = np.full((len(eta), 1), np.inf)
        padded = np.hstack([-ends, _in_order(thresholds), ends])
        category = np.asarray(endog, dtype=np.intp)
        low, high = padded[:, category], padded[:, category + 1]
        found = np.asarray(LOG_BETWEEN[self.link](low - eta, high - eta, high - low))
        return found if weights is None else found * weights

    def draw(
        self,
        eta: npt.ArrayLike,
        thresholds: npt.ArrayLike,
        rng: Any = None,
        n_trials: npt.ArrayLike | None = None,
    ) -> Floats:
        """Draw categories.

        Parameters
        ----------
        eta : array_like
            Linear predictor, any shape.
        thresholds : array_like, shape (..., C - 1)
            As for `probabilities`.
        rng : int or numpy.random.Generator, optional
        n_trials : array_like, optional
            Not looked at: there are none.

        Returns
        -------
        float array, shape of `eta`
            Numbers of categories from 0; NaN where `eta` is.
        """
        predictor, cut = np.asarray(eta, dtype=np.float64), _in_order(thresholds)
        latent = predictor + QUANTILES[self.link](as_generator(rng).random(predictor.shape))
        drawn = np.zeros(predictor.shape)
        for j in range(cut.shape[-1]):
            drawn += latent > cut[..., j]
        return np.where(np.isnan(predictor), np.nan, drawn)

    def mean(self, eta: npt.ArrayLike) -> Floats:
        """Not defined: categories have probabilities (`probabilities`), and no mean.

        Parameters
        ----------
        eta : array_like
            Not looked at.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            "the cumulative family has no mean: probabilities(eta, thresholds) gives that of each category"
        )

    @property
    def shape_names(self) -> tuple[str, ...]:
        """None: thresholds are no hyperparameters."""
        return ()

    def sample(
        self,
        eta: npt.ArrayLike,
        rng: Any = None,
        n_trials: npt.ArrayLike | None = None,
        shape: npt.ArrayLike | None = None,
    ) -> Floats:
        """Not defined without thresholds: see `draw`.

        Parameters
        ----------
        eta, rng, n_trials, shape : object
            Not looked at.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("the cumulative family is drawn from by draw(eta, thresholds, rng)")

    def derivatives(
        self,
        endog: npt.ArrayLike,
        eta: npt.ArrayLike,
        n_trials: npt.ArrayLike | None = None,
        shape: float | None = None,
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Not defined without thresholds: see `log_likelihood`.

        Parameters
        ----------
        endog, eta, n_trials, shape : object
            Not looked at.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            "the cumulative family has thresholds: log_likelihood(endog, eta, thresholds) takes them"
        )

    def _validate_support(self, y: Floats) -> None:
        self._validate_counts(y)
        if self.categories is not None:
            require(
                y < self.categories, y, f"endog must be numbers of categories, 0 to {self.categories - 1}"
            )


def _in_order(thresholds: npt.ArrayLike) -> Floats:
    """Thresholds of a normal approximation may have changed places."""
    return np.sort(np.asarray(thresholds, dtype=np.float64), axis=-1)
