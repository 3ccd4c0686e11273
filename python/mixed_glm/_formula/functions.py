"""The functions that formulas know: formulaic's, and R's common ones with what they mean in R."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from formulaic.transforms import TRANSFORMS as _FORMULAIC

from mixed_glm._formula import r_factors, r_math, r_splines

_NUMBERS: dict[str, Callable[..., Any]] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "sqrt": np.sqrt, "log1p": np.log1p, "expm1": np.expm1, "abs": np.abs,
    "sign": np.sign, "floor": np.floor, "ceiling": np.ceil, "trunc": np.trunc, "log": r_math.log, "exp10": r_math.exp10,
    "plogis": r_math.plogis, "qlogis": r_math.qlogis, "pnorm": r_math.pnorm, "qnorm": r_math.qnorm, "lgamma": r_math.lgamma,
    "round": r_math.rounded, "signif": r_math.signif, "pmin": r_math.pmin, "pmax": r_math.pmax, "ifelse": r_math.ifelse,
    "as_logical": r_math.as_logical, "is_na": r_math.is_na, "is_in": r_math.is_in, "xor": r_math.xor,
}  # fmt: skip

_OF_LABELS: dict[str, Callable[..., Any]] = {
    "factor": r_factors.factor, "ordered": r_factors.ordered, "relevel": r_factors.relevel,
    "interaction": r_factors.interaction, "droplevels": r_factors.factor, "as_character": r_factors.as_character,
    "paste": r_factors.paste, "paste0": r_factors.paste0,
}  # fmt: skip

_LEARNT: dict[str, Callable[..., Any]] = {
    "as_numeric": r_factors.as_numeric, "as_integer": r_factors.as_integer, "cut": r_factors.cut, "ns": r_splines.ns,
    "bs": r_splines.bs,
}  # fmt: skip

_OF_ALL_ROWS: dict[str, Callable[..., Any]] = {
    "mean": r_math.mean, "median": r_math.median, "sd": r_math.sd, "var": r_math.var, "min": r_math.smallest,
    "max": r_math.largest, "sum": r_math.total, "quantile": r_math.quantile,
    "both_ends": r_math.both_ends,
}  # fmt: skip

# What each name stands for where it is called. Names that formulaic knows hide the caller's; R's are hidden by them.
TRANSFORMS: Mapping[str, Any] = {**_FORMULAIC, **_NUMBERS, **_OF_LABELS, **_LEARNT, **_OF_ALL_ROWS}
ALWAYS = frozenset(_FORMULAIC)

LABELS = frozenset(_OF_LABELS)  # take labels as they are, not as numbers
ROWWISE = frozenset({*_NUMBERS, *_OF_LABELS, *_LEARNT})  # all arguments without a name have one value a row
SUMMARIES = frozenset(_OF_ALL_ROWS)
