"""Whether the peers found the same answer, and how their times compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.clock import Timing
from benchmarks.likelihood import joint_log_density, laplace_loglik
from benchmarks.peers import Fit
from benchmarks.problem import Floats, Problem

__all__ = ["OURS", "agreement", "ratios", "score", "seconds"]

OURS = "mixed_glm"

MOST_GAP = 0.5  # in the log-likelihood, below the best: where two packages differ by less, neither failed
MOST_FE = 0.5  # difference of a fixed effect, in standard errors
MOST_SD = 0.5  # difference of a log standard deviation of random effects, in standard errors


def score(problem: Problem, fit: Fit) -> float:
    """Log-likelihood (``"map"``: log joint density) of a fit, by the same code for all."""
    if problem.method == "map":
        assert fit.vc_mean is not None
        return joint_log_density(problem, fit.fe_mean, fit.sd, fit.vc_mean)
    return laplace_loglik(problem, fit.fe_mean, fit.sd)


def agreement(problem: Problem, fits: Mapping[str, Fit]) -> dict[str, dict[str, Any]]:
    """Each fit against the one with the highest score; nothing is an answer "right", but all should be one answer."""
    scores = {name: score(problem, fit) for name, fit in fits.items()}
    best = max(scores, key=scores.__getitem__)
    fe_unit = _first([fits[best].fe_sd, *(fit.fe_sd for fit in fits.values())])
    sd_unit = _first([fits[best].log_sd_sd, *(fit.log_sd_sd for fit in fits.values())])
    return {
        name: _answer(
            scores[name],
            scores[best] - scores[name],
            _distance(fit.fe_mean, fits[best].fe_mean, fe_unit),
            _distance(np.log(fit.sd), np.log(fits[best].sd), sd_unit),
        )
        for name, fit in fits.items()
    }


def _first(values: Sequence[Floats | None]) -> Floats | None:
    """The first that is there and finite: at a degenerate mode there are no standard errors."""
    return next((value for value in values if value is not None and np.isfinite(value).all()), None)


def _distance(a: Floats, b: Floats, unit: Floats | None) -> float | None:
    """Largest difference in standard errors; None where no package has those."""
    return None if unit is None else float(np.max(np.abs(a - b) / unit))


def _answer(loglik: float, gap: float, fe: float | None, sd: float | None) -> dict[str, Any]:
    agrees = gap <= MOST_GAP and (fe is None or fe <= MOST_FE) and (sd is None or sd <= MOST_SD)
    return {"loglik": loglik, "gap": gap, "fe": fe, "sd": sd, "agrees": agrees}


def seconds(timings: Sequence[Timing], clock: str, statistic: str) -> float:
    """One number for the repeats: the least (or the median) of wall or processor time."""
    values = [getattr(timing, clock) for timing in timings]
    return float(np.median(values) if statistic == "median" else min(values))


def ratios(times: Mapping[str, Mapping[str, float | None]]) -> dict[str, Any] | None:
    """How many times as long the fastest other package takes.

    Parameters
    ----------
    times : mapping of peer to ``{"cold": seconds, "prepared": seconds or None}``

    Returns
    -------
    dict, or None if there is nothing to compare
        ``"cold"``: cold against cold. ``"prepared"``: ours prepared against the best of cold and prepared.
    """
    others = {name: time for name, time in times.items() if name != OURS}
    if OURS not in times or not others:
        return None
    ours = times[OURS]
    cold = {name: float(time["cold"] or np.nan) for name, time in others.items()}
    best = {name: min(float(s) for s in time.values() if s is not None) for name, time in others.items()}
    fastest, fastest_prepared = min(cold, key=cold.__getitem__), min(best, key=best.__getitem__)
    return {
        "fastest": fastest,
        "cold": cold[fastest] / float(ours["cold"] or np.nan),
        "fastest prepared": fastest_prepared,
        "prepared": best[fastest_prepared] / float(ours["prepared"] or np.nan),
    }
