"""Successes in trials."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from mixed_glm._input.arrays import as_vector
from mixed_glm.families._support import Floats, first_bad, require
from mixed_glm.families.base import Family


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
        require(trials >= 0, trials, "n_trials must not be negative")
        require(trials == np.floor(trials), trials, "n_trials must be whole numbers")
        _require_no_proportions(y, trials)
        self._validate_counts(y)
        row = first_bad(y <= trials)
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


def _require_binary(y: Floats) -> None:
    row = first_bad((y == 0) | (y == 1))
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
