"""Responses compared with replications of them that are drawn from a posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST_NUMBERS = 20_000_000  # of replicated responses held at once
_MOST_COPIES = 400_000  # of rows with weights
_MOST_BARS = 50
_TIME_BARS = 30
_MOST_GROUPS, _LEAST_GROUPS = 12, 4  # of rows, by their probability
_TRIALS = 100  # that a group should have


@dataclass(frozen=True)
class Comparison:
    """m groups or bars: what was observed, and what in replications.

    Attributes
    ----------
    edges : float array, shape (m + 1,)
        Of the bars; empty for groups.
    expected, observed, low, high : float array, shape (m,)
        Mean prediction, observation, and ends of the central interval of the replications.
    """

    edges: Floats
    expected: Floats
    observed: Floats
    low: Floats
    high: Floats

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Whether the observation is in the interval."""
        return np.asarray((self.observed >= self.low) & (self.observed <= self.high))


def copies(n: int, weights: Floats | None) -> tuple[npt.NDArray[np.intp], Floats]:
    """Rows, each as often as its weight says, because as many responses of it vary independently.

    Parameters
    ----------
    n : int
        Number of rows.
    weights : float array, shape (n,), or None
        How often each counts.

    Returns
    -------
    rows : int array, shape (m,)
        In order.
    weights : float array, shape (m,)
        What each copy counts: 1, unless weights are not whole, or so large that there would be too many copies.
    """
    if weights is None:
        return np.arange(n), np.ones(n)
    share = min(1.0, _MOST_COPIES / max(weights.sum(), 1.0))
    number = np.maximum(np.rint(weights * share), 1.0).astype(np.intp)
    return np.repeat(np.arange(n), number), np.repeat(weights / number, number)


def calibration(
    successes: Floats, trials: Floats, probability: Floats, replicated: Floats, alpha: float
) -> Comparison:
    """Shares of successes in groups of rows with similar probability and about equally many trials.

    Parameters
    ----------
    successes, trials, probability : float array, shape (n,)
    replicated : float array, shape (draws, n)
        Replicated successes.
    alpha : float
    """
    order = np.argsort(probability, kind="stable")
    groups = int(np.clip(trials.sum() / _TRIALS, _LEAST_GROUPS, _MOST_GROUPS))
    edges = np.linspace(0.0, 1.0, groups + 1)[1:-1]
    share = np.cumsum(trials[order]) / trials.sum()
    cuts = np.unique(np.interp(edges, share, probability[order]))
    group = np.searchsorted(cuts, probability)
    total = np.bincount(group, trials)
    used = total > 0
    sums = _sums_by(group, replicated)[:, used] / total[used]
    low, high = np.quantile(sums, [alpha / 2, 1 - alpha / 2], axis=0)
    return Comparison(
        np.empty(0),
        (np.bincount(group, trials * probability) / np.maximum(total, 1e-300))[used],
        (np.bincount(group, successes) / np.maximum(total, 1e-300))[used],
        low,
        high,
    )


def rootogram(
    response: Floats,
    weights: Floats,
    replicated: Floats,
    continuous: bool,
    alpha: float,
    logarithmic: bool = True,
) -> Comparison:
    """Numbers of rows with each response, or, if they are continuous, with responses in equal intervals.

    Parameters
    ----------
    response, weights : float array, shape (n,)
    replicated : float array, shape (draws, n)
    continuous : bool
    alpha : float
    logarithmic : bool
        Whether continuous responses have intervals equal in their logarithm.
    """
    if not continuous:
        edges = _count_edges(response, replicated)
    else:
        edges = (_time_edges if logarithmic else _real_edges)(response, replicated)
    counts = np.array([_histogram(draw, weights, edges) for draw in replicated])
    low, high = np.quantile(counts, [alpha / 2, 1 - alpha / 2], axis=0)
    return Comparison(edges, counts.mean(axis=0), _histogram(response, weights, edges), low, high)


def _count_edges(response: Floats, replicated: Floats) -> Floats:
    """Of unit intervals around whole numbers, or of wider ones where there are too many."""
    largest = max(response.max(), np.quantile(replicated, 0.999))
    width = int(np.ceil((largest + 1) / _MOST_BARS))
    bars = int(np.ceil((largest + 1) / width))
    return np.asarray(np.arange(bars + 1) * width - 0.5)


def _time_edges(response: Floats, replicated: Floats) -> Floats:
    positive = response[response > 0]
    low = min([*positive, np.quantile(replicated, 0.001)])
    high = max(response.max(), np.quantile(replicated, 0.999))
    return np.geomspace(low, high, _TIME_BARS + 1)


def _real_edges(response: Floats, replicated: Floats) -> Floats:
    low = min(response.min(), np.quantile(replicated, 0.001))
    high = max(response.max(), np.quantile(replicated, 0.999))
    return np.linspace(low, high, _TIME_BARS + 1)


def _histogram(values: Floats, weights: Floats, edges: Floats) -> Floats:
    """What lies beyond the edges counts for the first and the last interval."""
    inside = np.clip(values, (edges[0] + edges[1]) / 2, (edges[-2] + edges[-1]) / 2)
    return np.asarray(np.histogram(inside, edges, weights=weights)[0])


def _sums_by(group: npt.NDArray[np.intp], rows: Floats) -> Floats:
    """Sums over groups in every row, shape (draws, groups)."""
    return np.array([np.bincount(group, row) for row in rows])
