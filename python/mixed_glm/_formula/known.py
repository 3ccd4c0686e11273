"""The closed list of functions that formulas of files from elsewhere may call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gives = Literal["numbers", "same", "where", "labels", "columns", "contrast"]


@dataclass(frozen=True)
class Known:
    """A function that computes from its arguments and does nothing else.

    Attributes
    ----------
    takes : tuple of str
        Parameters in their order; others, such as ``out=`` or formulaic's ``_state=``, are refused.
    gives : str
        ``"numbers"``; ``"same"``, the kind of its first argument; ``"where"``, that of its last ones; ``"labels"``;
        ``"columns"``, several of them; ``"contrast"``, a way of coding a factor.
    takes_texts : bool
        Whether its first argument may be texts.
    named : bool
        Whether arguments may be given by name.
    """

    takes: tuple[str, ...]
    gives: Gives = "numbers"
    takes_texts: bool = False
    named: bool = True


_SPLINE = ("x", "df", "knots", "lower_bound", "upper_bound", "constraints", "cyclic", "extrapolation")


def _numeric(n: int, names: str) -> dict[str, Known]:
    """Functions of `n` arguments, which have no names: numpy's have others that write into arrays."""
    return {name: Known(("a", "b", "c")[:n], named=False) for name in names.split()}


# Attributes of numpy.
NUMPY: dict[str, Known] = {
    **_numeric(1, """
        abs absolute fabs sqrt cbrt square exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh
        tanh arcsinh arccosh arctanh degrees radians deg2rad rad2deg sign floor ceil rint trunc reciprocal negative
        positive isnan isfinite isinf logical_not nan_to_num mean median std var min max sum nanmean nanmedian nanstd
        nanvar nanmin nanmax nansum float64"""),
    **_numeric(2, """
        round around add subtract multiply divide true_divide floor_divide power float_power mod remainder fmod minimum
        maximum fmin fmax hypot arctan2 copysign logaddexp logical_and logical_or logical_xor"""),
    **_numeric(3, "clip"),
    "where": Known(("condition", "x", "y"), "where", named=False),
    "isin": Known(("element", "among"), takes_texts=True, named=False),
    "digitize": Known(("x", "bins"), named=False),
}  # fmt: skip

NUMPY_CONSTANTS = frozenset({"pi", "e", "euler_gamma", "inf", "nan"})

# Attributes of formulaic's `contr`.
CONTRASTS: dict[str, Known] = {
    "treatment": Known(("base",), "contrast", takes_texts=True),
    "SAS": Known(("base",), "contrast", takes_texts=True),
    "sum": Known((), "contrast"),
    "helmert": Known(("reverse", "scale"), "contrast"),
    "diff": Known(("backward",), "contrast"),
    "poly": Known(("scores",), "contrast"),
    "custom": Known(("contrasts", "names"), "contrast"),
}

SUMMARIES = frozenset({"mean", "median", "std", "var", "min", "max", "sum"})  # methods of columns of numbers

_MANY = tuple("abcdefgh")


def _texts(*takes: str, gives: Gives = "labels") -> Known:
    return Known(takes, gives, takes_texts=True)


# Names that formulaic knows, and R's functions.
FUNCTIONS: dict[str, Known] = {
    **_numeric(
        1,
        """log10 log2 exp exp10 exp2 sin cos tan asin acos atan sinh cosh tanh sqrt log1p expm1 sign floor ceiling trunc
        plogis qlogis pnorm qnorm lgamma""",
    ),
    **_numeric(2, "atan2 xor"),
    "log": Known(("x", "base")),
    **dict.fromkeys(("round", "signif"), Known(("x", "digits"))),
    **dict.fromkeys(("pmin", "pmax", "min", "max", "sum"), Known((*_MANY, "na_rm"))),
    **dict.fromkeys(("mean", "median", "sd", "var", "both_ends"), Known(("x", "na_rm"))),
    "quantile": Known(("x", "probs", "na_rm", "names")),
    "ifelse": Known(("test", "yes", "no"), "where"),
    "is_in": Known(("x", "table"), takes_texts=True),
    **dict.fromkeys(("is_na", "as_numeric", "as_integer", "as_logical"), Known(("x",), takes_texts=True)),
    "factor": _texts("x", "levels", "labels", "exclude", "ordered"),
    "droplevels": _texts("x"),
    "ordered": _texts("x", "levels", "labels", gives="columns"),
    "relevel": _texts("x", "ref"),
    "interaction": _texts(*_MANY, "sep", "drop", "lex_order"),
    "as_character": _texts("x"),
    "paste": _texts(*_MANY, "sep"),
    "paste0": _texts(*_MANY),
    "cut": Known(("x", "breaks", "labels", "include_lowest", "right", "dig_lab", "ordered_result"), "labels"),
    "ns": Known(("x", "df", "knots", "intercept", "Boundary_knots"), "columns"),
    "abs": Known(("data",), "same", named=False),
    "I": Known(("data",), "same", takes_texts=True),
    "lag": Known(("data", "offset"), "same", takes_texts=True),
    "center": Known(("data",)),
    "scale": Known(("data", "center", "scale", "ddof")),
    "standardize": Known(("x", "center", "rescale", "ddof")),
    "poly": Known(("x", "degree", "raw"), "columns"),
    "bs": Known(
        (
            "x",
            "df",
            "knots",
            "degree",
            "include_intercept",
            "lower_bound",
            "upper_bound",
            "extrapolation",
            "intercept",
            "Boundary_knots",
        ),
        "columns",
    ),
    **dict.fromkeys(("cr", "cs", "cc"), Known(_SPLINE, "columns")),
    "C": Known(("data", "contrasts", "levels", "spans_intercept"), "columns", takes_texts=True),
    "hashed": Known(("data", "levels", "contrasts", "spans_intercept"), "columns", takes_texts=True),
    "Treatment": Known(("reference",), "contrast", takes_texts=True),
    "Poly": CONTRASTS["poly"],
    "Sum": CONTRASTS["sum"],
    "Helmert": CONTRASTS["helmert"],
    "Diff": CONTRASTS["diff"],
}

# Parameters that say how many columns to make, and those that list them.
COUNTS = frozenset({"df", "degree"})
LISTS = frozenset({
    "knots", "levels", "contrasts", "constraints", "scores", "names", "among", "bins", "labels", "breaks", "table", "probs",
    "Boundary_knots",
})  # fmt: skip
MOST_LEVELS = 4096
