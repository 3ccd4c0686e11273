"""A documented model fitted by us, and how far the result is from R's."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import mixed_glm as mg
from benchmarks.documented.models import Documented

__all__ = ["Outcome", "fit"]

SMALL = 0.02  # a standard deviation that R estimates below this share of ours is on the boundary


@dataclass(frozen=True)
class Outcome:
    """What became of a model.

    Attributes
    ----------
    model : Documented
    method, status : str
        Of the fit; status is the error where there is none.
    seconds : float
        Processor time from the data frame to the fit.
    fixed, sd : float
        Largest distance of R's fixed effects from our means, and of the logarithms of its standard deviations, in posterior
        standard deviations; NaN where there is nothing to compare. Standard deviations that R puts on the boundary are left out.
    boundary : bool
        Whether R puts one there.
    warned : tuple of str
        Kinds of warnings.
    """

    model: Documented
    method: str
    status: str
    seconds: float
    fixed: float = np.nan
    sd: float = np.nan
    boundary: bool = False
    warned: tuple[str, ...] = ()

    @property
    def fitted(self) -> bool:
        return bool(self.method)


def fit(model: Documented, data: pd.DataFrame, estimates: Mapping[str, Any]) -> Outcome:
    """Fit by `from_formula(...).fit()`, with default priors."""
    options = {"n_trials": model.trials} if model.trials else {}
    start = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            made = mg.MixedGLM.from_formula(model.formula, data=data, family=model.family, **options)
            result = made.fit()
        except Exception as error:  # noqa: BLE001 (a failure is what is reported)
            message = f"{type(error).__name__}: {error}"
            return Outcome(model, "", message, time.process_time() - start)
    seconds = time.process_time() - start
    warned = tuple(dict.fromkeys(w.category.__name__ for w in caught))
    fixed = sd = np.nan
    boundary = False
    if "error" not in estimates:
        fixed = _of_fixed(result, estimates)
        sd, boundary = _of_sds(result, estimates)
    return Outcome(model, result.method, result.status, seconds, fixed, sd, boundary, warned)


def _of_fixed(result: Any, estimates: Mapping[str, Any]) -> float:
    """By name, where all of R's have one of ours."""
    ours = {plain(name): j for j, name in enumerate(result.model.fep_names)}
    places = [ours.get(plain(name)) for name in estimates["names"]]
    if None in places or not places:
        return np.nan
    chosen = np.array(places, dtype=int)
    return float(np.max(np.abs(result.fe_mean[chosen] - estimates["fixed"]) / result.fe_sd[chosen]))


def plain(name: str) -> str:
    """A coefficient's name without what R and formulaic write differently."""
    name = re.sub(r"\[(?:T\.)?([^\]]*)\]", r"\1", name.replace("(Intercept)", "Intercept"))
    name = re.sub(r"[\s`]|TRUE$|True$", "", name).replace("**", "^")
    return ":".join(sorted(name.split(":")))


def component(name: str) -> tuple[str, str]:
    """Coefficient and grouping factor of a standard deviation, as `plain` writes them; R turns nested factors round."""
    what, _, group = name.rpartition("|")
    return plain(what or "Intercept"), plain(group)


def _of_sds(result: Any, estimates: Mapping[str, Any]) -> tuple[float, bool]:
    theirs = {component(name): sd for name, sd in zip(estimates["of"], estimates["sd"], strict=True)}
    names = [component(name) for name in result.model.vcp_names]
    if not set(names) <= set(theirs):
        return np.nan, False
    ours, width = result.vcp_mean, result.vcp_sd
    sd = np.array([theirs[name] for name in names])
    inside = sd > SMALL * np.exp(ours)
    if not inside.any():
        return np.nan, True
    return float(np.max(np.abs(np.log(sd[inside]) - ours[inside]) / width[inside])), not inside.all()
