"""Draws from the posterior itself, and how far they can be relied on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.intervals import as_alpha
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._posterior.psis import GOOD_K

Floats = npt.NDArray[np.float64]

_LEAST_ESS = 100.0  # draws that an interval needs


@dataclass(frozen=True, repr=False)
class RefinedDraws(PosteriorDraws):
    """Draws from the posterior itself, all of the same weight; shown as text that says how far they can be relied on.

    They are what `posterior_sample` gives, corrected: ``np.asarray(draws)`` is `params`, with ``fe``, ``vcp``, ``vc``,
    ``linear_predictor()``, ``log_likelihood()``, ``predictive(rng)`` and ``to_frame()``.

    Attributes
    ----------
    method : {"psis", "metropolis"}
    k : float
        Shape of the generalized Pareto distribution of the largest ratios of the density of the model to that of the fit: up to
        0.7 the draws can be relied on.
    acceptance : float
        Share of accepted proposals; NaN for ``"psis"``.
    proposals : float array, shape (n, d)
        What `log_weights` belong to: the draws before they were drawn again by their weights.
    log_weights : float array, shape (n,)
        Logarithms of weights that sum to one; all equal for ``"metropolis"``.
    """

    method: str = "psis"
    k: float = np.nan
    acceptance: float = np.nan
    proposals: Floats = field(default_factory=lambda: np.empty((0, 0)))
    log_weights: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def ess(self) -> float:
        """Effective number of draws: as many independent ones would be as good; of a chain, the least of all parameters."""
        if self.method == "psis":
            return float(1.0 / (self._weights @ self._weights))
        return float((len(self) / _correlation_times(self.params)).min())

    @property
    def ok(self) -> bool:
        """Whether the draws can be relied on: `k` is at most 0.7, and 100 draws are effective."""
        return bool(self.k <= GOOD_K and self.ess >= _LEAST_ESS)

    @property
    def verdict(self) -> str:
        """What the diagnostics say."""
        if self.k > GOOD_K:
            return (
                f"the fit misses a part of the posterior (Pareto k {self.k:.2f}, above {GOOD_K}): these draws are closer to the posterior than "
                "the fit is, but means and intervals may be off by more than their Monte-Carlo errors say. Refine another fit, fit_laplace(n_quad=25) or fit_ep()"
            )
        if self.ess < _LEAST_ESS:
            return (
                f"only {self.ess:.0f} of {len(self)} draws are effective, too few for intervals: refine(draws={self._enough}) "
                "would give some hundreds"
            )
        return "these are draws from the posterior, up to their Monte-Carlo error"

    def summary(self, alpha: float = 0.05, random: bool = False) -> pd.DataFrame:
        """Estimates with their Monte-Carlo errors.

        Parameters
        ----------
        alpha, random
            As for `MixedGLMResults.to_frame`.

        Returns
        -------
        DataFrame
            Index: names. Columns: ``type``, ``mean``, ``sd``, ``lower``, ``upper`` as in `MixedGLMResults.to_frame`; ``median``;
            ``mcse``, the Monte-Carlo standard error of the mean; and ``ess``, the number of independent draws that would have it.

        Raises
        ------
        ValueError
            If `alpha` is not a probability.
        """
        tail, layout = as_alpha(alpha) / 2, self.spec.layout
        wanted = slice(None) if random else layout.leading
        values, weights = self.proposals[:, wanted], self._weights
        mean = weights @ values
        variance = weights @ (values - mean) ** 2
        of_mean = (weights**2) @ (values - mean) ** 2
        if self.method != "psis":
            of_mean = variance * _correlation_times(values) / len(values)
        lower, median, upper = weighted_quantiles(values, weights, np.array([tail, 0.5, 1.0 - tail]))
        with np.errstate(invalid="ignore", divide="ignore"):
            ess = variance / of_mean
        columns = {
            "type": layout.kinds[wanted], "mean": mean, "sd": np.sqrt(variance), "lower": lower, "median": median,
            "upper": upper, "mcse": np.sqrt(of_mean), "ess": ess,
        }  # fmt: skip
        return pd.DataFrame(columns, index=layout.names[wanted])

    @property
    def _weights(self) -> Floats:
        return np.exp(self.log_weights)

    @property
    def _enough(self) -> int:
        """Draws of which some hundreds would be effective, in round numbers."""
        wanted = len(self) * 4.0 * _LEAST_ESS / max(self.ess, 1.0)
        return int(np.ceil(wanted / 1000.0)) * 1000

    def __str__(self) -> str:
        """Say what the numbers mean."""
        how = (
            "weighted by importance sampling"
            if self.method == "psis"
            else "of an independence Metropolis chain"
        )
        lines = [
            f"{len(self)} draws {how}, with the fit as proposal",
            f"Pareto k of the importance ratios: {self.k:.2f}",
            f"Effective draws: {self.ess:.0f}",
        ]
        if self.method != "psis":
            lines.append(f"Accepted: {100 * self.acceptance:.0f} %")
        return "\n".join([*lines, self.verdict[0].upper() + self.verdict[1:]])

    __repr__ = __str__  # shown at the prompt, too


def weighted_quantiles(values: Floats, weights: Floats, levels: Floats) -> Floats:
    """Quantiles of the columns of `values`, shape (n, d), whose rows have weights that sum to one; shape (levels, d)."""
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    mass = weights[order]
    middle = np.cumsum(mass, axis=0) - 0.5 * mass
    columns = zip(middle.T, ordered.T, strict=True)
    found = [np.interp(levels, probability, column) for probability, column in columns]
    return np.asarray(found).reshape(-1, len(levels)).T


def _correlation_times(chain: Floats) -> Floats:
    """Integrated autocorrelation times of the columns of a chain, by Geyer's initial positive sequence (1992)."""
    n = len(chain)
    off = chain - chain.mean(axis=0)
    spectrum = np.fft.rfft(off, 2 * n, axis=0)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[:n]
    still = covariance[0] <= 0.0
    correlation = covariance / np.where(still, 1.0, covariance[0])
    pairs = correlation[0 : n - n % 2 : 2] + correlation[1 : n - n % 2 : 2]
    positive = np.logical_and.accumulate(pairs > 0.0, axis=0)
    times = 2.0 * np.where(positive, pairs, 0.0).sum(axis=0) - 1.0
    return np.where(still, 1.0, np.maximum(times, 1.0 / np.log10(max(n, 11))))
