"""Whether the peers found the same answer, and how their times compare."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.problem import Floats
from benchmarks.results import Record

__all__ = ["OURS", "agreement", "ratios"]

OURS = "mixed_glm"

MOST_GAP = 0.5  # in the log-likelihood, below the best: where two packages differ by less, neither failed
MOST_FE = 0.5  # difference of a fixed effect, in standard errors
MOST_SD = 0.5  # difference of a log standard deviation of random effects, in standard errors


def agreement(answers: Mapping[str, Record]) -> dict[str, dict[str, Any]]:
    """Each answer against the one with the highest score; nothing is an answer "right", but all should be one.

    Parameters
    ----------
    answers : mapping of peer to its record of kind "answer"

    Returns
    -------
    mapping of peer to dict
        ``gap``: in the score, below the best. ``fe``, ``sd``: largest difference from the best one's fixed effects
        and log standard deviations, in standard errors; None where no package has those. ``agrees``.
    """
    scores = {name: -math.inf if a["score"] is None else a["score"] for name, a in answers.items()}
    best = answers[max(scores, key=scores.__getitem__)]
    ordered = [best, *answers.values()]
    fe_unit = _first_finite(answer["fe_sd"] for answer in ordered)
    sd_unit = _first_finite(answer["log_sd_sd"] for answer in ordered)
    return {
        name: _verdict(
            max(scores.values()) - scores[name],
            _distance(_floats(answer["fe_mean"]), _floats(best["fe_mean"]), fe_unit),
            _distance(_log(answer["sd"]), _log(best["sd"]), sd_unit),
        )
        for name, answer in answers.items()
    }


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values])


def _log(sd: Iterable[float | None]) -> Floats:
    return np.log(np.maximum(_floats(sd), 1e-10))


def _first_finite(candidates: Iterable[list[float | None] | None]) -> Floats | None:
    """At a degenerate mode there are no standard errors, or infinite ones."""
    arrays = (_floats(values) for values in candidates if values is not None)
    return next((array for array in arrays if np.isfinite(array).all()), None)


def _distance(a: Floats, b: Floats, unit: Floats | None) -> float | None:
    return None if unit is None else float(np.max(np.abs(a - b) / unit))


def _verdict(gap: float, fe: float | None, sd: float | None) -> dict[str, Any]:
    agrees = gap <= MOST_GAP and (fe is None or fe <= MOST_FE) and (sd is None or sd <= MOST_SD)
    return {"gap": gap, "fe": fe, "sd": sd, "agrees": agrees}


def ratios(times: Mapping[str, Mapping[str, float | None]]) -> dict[str, Any] | None:
    """How many times as long the fastest other package takes.

    Parameters
    ----------
    times : mapping of peer to ``{"cold": seconds, "prepared": seconds or None}``

    Returns
    -------
    dict, or None if there is nothing to compare
        ``"cold"``: cold against cold. ``"prepared"``: ours prepared against the best of cold and prepared. ``"fit()"``: our
        `fit()` against the others, cold; NaN where it was not timed.
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
        "fit()": cold[fastest] / float(ours.get("fit() cold") or np.nan),
        "fastest prepared": fastest_prepared,
        "prepared": best[fastest_prepared] / float(ours["prepared"] or np.nan),
    }
