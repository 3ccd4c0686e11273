"""What names in formulas stand for: columns, whose names may have dots, constants and functions of R."""

from __future__ import annotations

import ast
import difflib
import keyword
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from mixed_glm._formula.functions import TRANSFORMS

# Names of R that Python spells otherwise, in calls and as arguments.
CALLED = {
    "as.factor": "factor", "as.ordered": "ordered", "as.numeric": "as_numeric", "as.double": "as_numeric",
    "as.integer": "as_integer", "as.logical": "as_logical", "as.character": "as_character", "is.na": "is_na",
    "as.vector": "I", "range": "both_ends",
}  # fmt: skip
ARGUMENTS = {"include.lowest": "include_lowest", "from": "from_"}
RESERVED = {
    "TRUE": "True", "FALSE": "False", "NULL": "None", "NA": "np.nan", "NaN": "np.nan", "Inf": "np.inf", "NA_real_": "np.nan",
    "NA_integer_": "np.nan",
}  # fmt: skip
CONSTANTS = {"pi": "np.pi", "T": "True", "F": "False"}  # of R, unless the data or the caller have the name
MODULES = frozenset({"np", "contr"})
MOST_ENTRIES = 1000  # of 1:1000, written out

_SPLINE = "write ns(x, df=4) or bs(x, df=5), or cr(x, df=5), for a curve of x"
_REMEDIES = {
    **dict.fromkeys(("s", "t2", "te", "ti", "lo", "gp", "rcs", "lsp", "pspline"), _SPLINE),
    "mo": "write factor(x) for a step of its own at each level, or ordered(x) for polynomial contrasts",
    "weights": "give freq_weights=... as an argument for weights, n_trials=... for numbers of trials",
    "gr": "write (1 | g)",
    "mm": "make a column of random effects for each membership by exog_vc=",
    "ar": "correlated errors are not part of the model; write (1 | time) for an effect of each time",
    "rate": "give exposure=... as an argument, or write offset(log(t))",
    "strata": "write (1 | g), or C(g)",
    "cluster": "write (1 | g)",
    "frailty": "write (1 | g)",
    "Surv": "write one row for each interval at risk, with offset(log(t)) and family='poisson'",
    "diag": "write (x || g)",
    "zi": "zero inflation is not part of the model",
}

_TERMS = {
    "offset": "it can only be added at the top level, as in y ~ x + offset(log(t)) + (1 | g)",
    "cbind": "it makes a response of successes and failures, cbind(won, lost) ~ x",
    "trials": "it follows a response, won | trials(n) ~ x",
}


class Names:
    """Meaning of the names in one formula.

    Parameters
    ----------
    columns : collection
        Of the data.
    context : mapping
        Variables of the caller.
    formula : str
        For messages.
    """

    def __init__(self, columns: Collection[Any], context: Mapping[str, Any], formula: str) -> None:
        self._columns = {c: None for c in columns if isinstance(c, str)}
        self._context = context
        self._formula = formula

    def value(self, name: str) -> str:
        """What is written for a name that is not called."""
        if name in self._columns:
            return name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`"
        if name in RESERVED or (name in CONSTANTS and name not in self._context):
            return RESERVED.get(name) or CONSTANTS[name]
        if "." not in name:
            return name
        owner, rest = self._owner(name)
        if owner in self._columns:
            return f"{self.value(owner)}.{rest}"
        known = owner in self._context or owner in MODULES
        return name if known else f"`{name}`"

    def factor(self, text: str) -> str:
        """What is written for `value` where formulaic takes a name with dots for one column."""
        return "{" + text + "}" if "." in text and not text.startswith("`") else text

    def call(self, name: str, space: str, inside: str, closing: str) -> str:
        """What is written for the call of a function with these arguments."""
        if name == "c":  # of one vector, it is that vector
            whole = re.match(r"\s*[A-Za-z_`][\w.]*\s*[(`]", inside) is not None and "," not in _outside(
                inside
            )
            return f"({inside}{closing}" if whole else f"[{inside}]"
        if name == "Q":
            return self._quoted(inside, closing)
        if name == "seq":
            return _sequence(inside, self._formula)
        if name in CALLED:
            return f"{CALLED[name]}({inside}{closing}"
        if "." in name:
            owner, rest = self._owner(name)
            if owner in self._columns:
                name = f"{self.value(owner)}.{rest}"
            elif owner not in self._context and owner not in MODULES:
                raise ValueError(unknown_function(name))
        return f"{name}({inside}{closing}"

    def require_known(self, name: str) -> None:
        """Refuse functions that have no counterpart here, with what to write instead."""
        if name in _REMEDIES and name not in self._context:
            raise ValueError(f"formula: {name}() is not known here: {_REMEDIES[name]} (in {self._formula!r})")

    def column(self, text: str, number: str) -> str:
        """``scale(x)[, 1]``, or a column of several."""
        return text if text.startswith("scale(") else f"{text}[:, {int(number) - 1}]"

    def refuse_dot(self) -> NoReturn:
        """``.`` for all other columns: which they are depends on the data, and groups would be among them."""
        used = set(re.findall(r"[\w.]+", self._formula)) | set(re.findall(r"`([^`]*)`", self._formula))
        others = [c if c.isidentifier() else f"`{c}`" for c in self._columns if c not in used]
        listed = " + ".join(others) if others else "1"
        raise ValueError(
            f"formula: '.' for all other columns must be written out, in {self._formula!r}: the others are {listed}"
        )

    def refuse_list(self) -> NoReturn:
        """``x %in% c(1, 2)`` outside of I()."""
        raise ValueError(
            f"formula: c(...) is no term, in {self._formula!r}: write I(x %in% c(1, 2)) for whether x is one of them"
        )

    def refuse_dollar(self, owner: str, name: str) -> NoReturn:
        """``d$x`` of R."""
        raise ValueError(
            f"formula: write {name} in the place of {owner.strip()}${name}: columns are found by their names in data"
        )

    def range(self, first: str, last: str) -> str:
        """``1:3`` as a list; anything else as it is written."""
        if not (re.fullmatch(r"-?\d+", first) and re.fullmatch(r"-?\d+", last)):
            return f"{first}:{last}"
        start, end = int(first), int(last)
        step = 1 if end >= start else -1
        return _listed(
            [start + step * k for k in range(abs(end - start) + 1)][: MOST_ENTRIES + 1], self._formula
        )

    def _owner(self, name: str) -> tuple[str, str]:
        """The column that a name with dots begins with, the longest, or its first part; and the rest."""
        parts = name.split(".")
        for n in range(len(parts) - 1, 0, -1):
            if ".".join(parts[:n]) in self._columns:
                return ".".join(parts[:n]), ".".join(parts[n:])
        return parts[0], ".".join(parts[1:])

    def _quoted(self, inside: str, closing: str) -> str:
        """``Q("name")`` of patsy."""
        try:
            name = ast.literal_eval(inside.strip())
        except (ValueError, SyntaxError):
            name = None
        if isinstance(name, str) and "`" not in name and name.strip():
            return f"`{name}`"
        return f"Q({inside}{closing}"


def unknown_function(name: str) -> str:
    """What to tell of a function that nobody knows."""
    if name in _TERMS:
        return f"formula: {name}() is no function: {_TERMS[name]}"
    close = difflib.get_close_matches(name, [*TRANSFORMS, *CALLED], 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"formula calls {name!r}, which is not a function that is known here{hint}"


def _outside(text: str) -> str:
    """Text without what stands in brackets."""
    depth, kept = 0, []
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        kept.append(char if depth == 0 else "")
    return "".join(kept)


def _sequence(inside: str, formula: str) -> str:
    """``seq(0, 1, by=0.1)`` or ``seq(0, 1, length_out=11)`` of plain numbers, written out."""
    try:
        call = ast.parse(f"f({inside})", mode="eval").body
        assert isinstance(call, ast.Call)
        named = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
        values = dict(
            zip(("from_", "to", "by", "length_out"), map(ast.literal_eval, call.args), strict=False)
        )
        values |= {"length_out" if k in ("length", "len") else str(k): v for k, v in named.items()}
        start, end = float(values.get("from_", 1)), float(values["to"])
        if "length_out" in values:
            count, step = int(values["length_out"]), 0.0
            step = (end - start) / (count - 1) if count > 1 else 0.0
        else:
            step = float(values.get("by", 1 if end >= start else -1))
            count = math.floor((end - start) / step + 1e-10) + 1
        exact = all(float(v).is_integer() for v in (start, step))
        entries: list[Any] = [start + k * step for k in range(min(count, MOST_ENTRIES + 1))]
        return _listed([int(v) for v in entries] if exact else entries, formula)
    except (
        SyntaxError,
        AssertionError,
        TypeError,
        KeyError,
        ZeroDivisionError,
        OverflowError,
        ValueError,
    ) as error:
        if str(error).startswith("formula"):
            raise
        raise ValueError(
            f"formula: seq({inside}) must have plain numbers, as seq(0, 10, by=2), in {formula!r}; or give the numbers as c(...)"
        ) from None


def _listed(values: list[Any], formula: str) -> str:
    if len(values) > MOST_ENTRIES:
        raise ValueError(f"formula writes out more than {MOST_ENTRIES} numbers: {formula!r}")
    return repr(values)
