"""R's functions of numbers, with R's names and arguments."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from mixed_glm._formula.columns import as_values, is_categorical


def log(x: Any, base: Any = None) -> Any:
    """Natural logarithm, or that of another base."""
    return _log(x) if base is None else _log(x) / _log(base)


def _log(x: Any) -> Any:
    return np.log(x)


def pmin(*values: Any, na_rm: Any = False) -> Any:
    """The smallest of several values in each row."""
    return functools.reduce(np.fmin if na_rm else np.minimum, map(_numeric, values))


def pmax(*values: Any, na_rm: Any = False) -> Any:
    """The largest of several values in each row."""
    return functools.reduce(np.fmax if na_rm else np.maximum, map(_numeric, values))


def ifelse(test: Any, yes: Any, no: Any) -> Any:
    """`yes` where `test` holds, else `no`; missing where it is missing."""
    for value in (yes, no):
        if is_categorical(value):
            raise ValueError(
                "ifelse() of a factor gives its codes in R: write as.character(f) for its labels, as.numeric(f) for codes"
            )
    test, yes, no = as_values(test), as_values(yes), as_values(no)
    chosen = np.where(as_logical(test), yes, no)
    if np.asarray(chosen).dtype.kind in "US" or any(_is_text(v) for v in (yes, no)):
        chosen = np.where(as_logical(test), np.asarray(yes, dtype=object), np.asarray(no, dtype=object))
        return pd.Series(chosen, index=getattr(test, "index", None))
    missing = pd.isna(test)
    if np.any(missing):
        chosen = np.where(missing, np.nan, chosen)
    return pd.Series(chosen, index=test.index) if isinstance(test, pd.Series) else chosen


def as_logical(x: Any) -> Any:
    """Truth values of numbers (not 0), truth values, and the texts that R takes for them."""
    x = as_values(x)
    if _is_text(x):
        known = {
            "TRUE": True,
            "True": True,
            "true": True,
            "T": True,
            "FALSE": False,
            "False": False,
            "false": False,
            "F": False,
        }
        texts = pd.Series(x).astype(object)
        unknown = texts[~texts.isin(list(known))]
        if len(unknown):
            raise ValueError(f"as.logical() takes TRUE, FALSE, T or F, got {unknown.iloc[0]!r}")
        return texts.map(known).astype(bool)
    if np.ndim(x) == 0:
        return bool(x)
    return x if getattr(x, "dtype", None) == np.bool_ else np.not_equal(x, 0)


def is_na(x: Any) -> Any:
    """Whether values are missing."""
    return pd.isna(as_values(x))


def is_in(x: Any, table: Any) -> Any:
    """``x %in% table``: numbers and texts are compared by what is written, as R does."""
    x = as_values(x)
    entries = list(table) if np.ndim(table) or isinstance(table, (list, tuple, set)) else [table]
    entries = [v for part in entries for v in (part if isinstance(part, (list, tuple)) else [part])]
    series = pd.Series(x, index=getattr(x, "index", None))
    numbers = pd.api.types.is_numeric_dtype(series.dtype)
    if any(isinstance(v, str) for v in entries) == numbers:
        entries = [written(v) for v in entries]
        series = series.map(written)
    return series.isin(entries)


def same(x: Any, y: Any) -> Any:
    """``x == y``, a number and a text compared by what is written."""
    one: Any
    other: Any
    for one, other in ((x, y), (y, x)):
        if isinstance(other, str) and (_is_number(one) or getattr(one, "dtype", None) == np.bool_):
            return pd.Series(one).map(written).to_numpy() == other
        if isinstance(other, (int, float)) and not isinstance(other, bool) and _is_label(one):
            return pd.Series(as_values(one)).map(written).to_numpy() == written(other)
    return x == y


def different(x: Any, y: Any) -> Any:
    """``x != y``, as `same`."""
    equal = same(x, y)
    return not equal if isinstance(equal, bool) else ~equal


def written(value: Any) -> str:
    """A label as R writes it: whole numbers without a point, truth values in capitals."""
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else f"{number:.15g}"
    return str(value)


def rounded(x: Any, digits: Any = 0) -> Any:
    """Numbers rounded to so many places, halves to even."""
    return np.round(_numeric(x), int(digits))


def signif(x: Any, digits: Any = 6) -> Any:
    """Numbers rounded to so many digits."""
    values = np.asarray(_numeric(x), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = int(digits) - 1 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(places), places, 0.0)
    return np.round(values * scale) / scale


def xor(x: Any, y: Any) -> Any:
    """Whether one of the two holds."""
    return np.logical_xor(as_logical(x), as_logical(y))


def smallest(*values: Any, na_rm: Any = False) -> Any:
    """The smallest of all values."""
    return np.min([np.min(np.asarray(v)) for v in values])


def largest(*values: Any, na_rm: Any = False) -> Any:
    """The largest of all values."""
    return np.max([np.max(np.asarray(v)) for v in values])


def total(*values: Any, na_rm: Any = False) -> Any:
    """The sum of all values."""
    return np.sum([np.sum(np.asarray(v, dtype=np.float64)) for v in values])


def both_ends(x: Any, na_rm: Any = False) -> Any:
    """The smallest and the largest value."""
    return np.array([smallest(x), largest(x)])


def mean(x: Any, na_rm: Any = False) -> Any:
    """Arithmetic mean."""
    return np.mean(np.asarray(x, dtype=np.float64))


def median(x: Any, na_rm: Any = False) -> Any:
    """Median."""
    return np.median(np.asarray(x, dtype=np.float64))


def var(x: Any, na_rm: Any = False) -> Any:
    """Variance, with n - 1 in the denominator."""
    return np.var(np.asarray(x, dtype=np.float64), ddof=1)


def sd(x: Any, na_rm: Any = False) -> Any:
    """Standard deviation, with n - 1 in the denominator."""
    return np.sqrt(var(x))


def quantile(x: Any, probs: Any = (0.0, 0.25, 0.5, 0.75, 1.0), na_rm: Any = False, names: Any = False) -> Any:
    """Quantiles, by linear interpolation as in R's type 7."""
    return np.quantile(np.asarray(x, dtype=np.float64), probs)


def plogis(x: Any) -> Any:
    """Logistic distribution function."""
    return special.expit(x)


def qlogis(x: Any) -> Any:
    """Log odds."""
    return special.logit(x)


def pnorm(x: Any) -> Any:
    """Standard normal distribution function."""
    return special.ndtr(x)


def qnorm(x: Any) -> Any:
    """Standard normal quantiles."""
    return special.ndtri(x)


def lgamma(x: Any) -> Any:
    """Logarithm of the gamma function."""
    return special.gammaln(x)


def exp10(x: Any) -> Any:
    """Powers of ten."""
    return np.power(10.0, x)


def _numeric(value: Any) -> Any:
    value = as_values(value)
    if is_categorical(value) or _is_text(value):
        raise ValueError("computes with numbers, got labels: write as.numeric(...)")
    return value


def _is_text(value: Any) -> bool:
    if isinstance(value, str):
        return True
    dtype = getattr(value, "dtype", None)
    return (
        dtype is not None
        and (dtype == object or pd.api.types.is_string_dtype(dtype))
        and not _is_number(value)
    )


def _is_number(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return (
        dtype is not None
        and np.ndim(value) == 1
        and pd.api.types.is_numeric_dtype(dtype)
        and dtype != np.bool_
    )


def _is_label(value: Any) -> bool:
    value = as_values(value)
    return is_categorical(value) or (np.ndim(value) == 1 and _is_text(value))
