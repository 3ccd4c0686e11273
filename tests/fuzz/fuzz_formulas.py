"""Formulas from a grammar, then spoilt, over data frames with columns of every kind and name, missing values included.

A part of the cases are sound and must be right: columns of small types against float64, variables of the caller in another
order, and labels of every kind against Python's own comparison.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import uuid
import warnings
from typing import Any

import numpy as np
import pandas as pd
from judge import Defect, judge
from problems import pick

import mixed_glm as mg

COLUMNS = [
    "y",
    "n",
    "x",
    "z",
    "g",
    "h",
    "day",
    "flag",
    "cat",
    "gap",
    "one",
    "a b",
    "class",
    "x.1",
    "ü",
    "const",
    "text",
    "obj",
    "log",
    "C",
    "a-b",
    "d [mg/kg]",
]
CALLS = [
    "C({})", "np.log({})", "log({})", "exp({})", "I({} ** 2)", "center({})", "scale({})", "poly({}, 2)", "bs({}, df=4)",
    "C({}, contr.sum)", "C({}, levels=['a', 'b'])", "{} + 1", "Q('x')", "lag({})", "np.{}", "{}()", "{}[0]", "lambda {}: 1",
    "hashed({}, 3)", "C({}, Treatment('q'))", "{}.foo", "cr({}, df=3)", "({})", "-{}", "abs({})", "{} / 0", "10 ** 400 * {}",
    # R's
    "I({}^2)", "I({} > 0 & x < 1 | !flag)", "factor({})", "as.factor({})", "as.numeric({})", "as.integer({} > 0)", "ordered({})",
    "factor({}, levels=c('a', 'b', 'c', 'd'))", "factor({}, labels=c('p', 'q'))", "relevel({}, ref='a')", "interaction({}, cat)",
    "cut({}, 3)", "cut({}, c(-Inf, 0, Inf))", "cut({}, breaks=seq(-4, 9, by=1), include.lowest=TRUE)", "ns({}, df=2)", "ns({}, 3)",
    "cos(2*pi*{})", "pmin({}, 0)", "pmax({}, x, z)", "ifelse({} > 0, 1, {})", "I({} %in% c('a', 1))", "I({} %% 2)", "I(x %/% {})",
    "log({}, 2)", "round({}, 1)", "sqrt({})", "is.na({})", "as.logical({})", "paste({}, g)", "I({} - mean({}))", "I({} / {}.max())",
    "np.cumsum({})", "I({} == '1')", "splines::ns({})", "I(1:3)", "c({})", "s({})", "d${}", "seq(1, {})", "quantile({}, .5)",
]  # fmt: skip
JUNK = ["(", ")", "|", "||", "~", "+", "-", "*", "/", ":", "^", "**", "%", "%in%", "`", "'", '"', "0", "1", "-1", " ", "\n", "\x00", "é",
        ".", ",", "[", "]", "{", "}", "#", "\\", "offset(", "cbind(", "trials(", "1e-3", "∞", "\u202e", "\ud800", "__import__('os')",
        "(" * 40, ")" * 40, "x" * 300, "+ x" * 50, "(1 | g) + " * 20]  # fmt: skip
FAMILIES = ["binomial", "poisson", "exponential", mg.families.NegativeBinomial(0.7), "negative_binomial", "gaussian", "gamma", "cumulative",
            mg.families.Cumulative("probit")]  # fmt: skip
PRIORS = ["x", "Intercept", "sd", "cor", "sd(g)", "g", "sd(h)", "cor(g)", "z", "dispersion", "nowhere"]


def case(rng: np.random.Generator) -> str:
    if rng.random() < 0.4:
        return pick(rng, [small_types, shuffled_variables, exotic_labels])(rng)
    data = frame(rng)
    text = formula(rng)
    if rng.random() < 0.25:
        text = spoilt(rng, text)
    options: dict[str, Any] = {"family": pick(rng, FAMILIES)}
    if rng.random() < 0.2:
        name = pick(rng, ["offset", "exposure", "n_trials", "freq_weights", "vcp_names", "vc_names"])
        options[name] = pick(
            rng, [pick(rng, COLUMNS), 1.0, "nowhere", np.ones(len(data)), np.ones(3), None, [], data.get("x")]
        )
    if rng.random() < 0.15:
        options["vc_formulas"] = pick(
            rng, [{"a": "0 + C(g)"}, {"a": spoilt(rng, "0 + C(g):x")}, {"a": "0 + x"}, {}, {"a": ""}, {"a": None}, {1: "0 + g"}, "0 + g", ["0 + g"]]
        )  # fmt: skip
    if rng.random() < 0.1:
        options["priors"] = {
            pick(rng, PRIORS): pick(
                rng, [mg.priors.Normal(0, 1), mg.priors.HalfNormal(1), mg.priors.LKJ(2), 3]
            )
        }
    if rng.random() < 0.05:
        data = pick(
            rng,
            [
                None,
                {},
                {"y": [1, 0]},
                data.to_dict("list"),
                [],
                3,
                "data",
                data.iloc[:0],
                data.to_numpy(),
                data.iloc[:, 0],
            ],
        )
    said = said_by(text, data)
    return judge(lambda: use(rng, text, data, options), said, foreign_warnings=True)


def said_by(text: Any, data: Any) -> list[str]:
    """What an error may quote in place of an argument's name."""
    names = [str(c) for c in data.columns] if isinstance(data, pd.DataFrame) else []
    return [
        "response",
        "random-effects",
        "term",
        "cbind",
        *names,
        *(w for w in str(text).split() if len(w) > 2),
    ]


def use(rng: np.random.Generator, text: Any, data: Any, options: dict[str, Any]) -> Any:
    model = mg.MixedGLM.from_formula(text, data=data, **options)
    result = model.fit_map() if rng.random() < 0.3 else model.fit_laplace(integrate="mode")
    if isinstance(data, pd.DataFrame) and rng.random() < 0.5:
        np.asarray(result.predict(data.iloc[rng.integers(len(data), size=3)], **offsets_of(rng)))
    return result


def offsets_of(rng: np.random.Generator) -> dict[str, Any]:
    return {} if rng.random() < 0.5 else {"offset": np.zeros(3)}


def frame(rng: np.random.Generator) -> pd.DataFrame:
    """Up to 15 rows; binary y, so that every family but a few options fits."""
    n = int(rng.integers(2, 16))
    labels = np.array(["a", "b", "c", "d"])
    data = pd.DataFrame(
        {
            "y": rng.integers(0, 2, size=n), "n": rng.integers(1, 9, size=n), "x": rng.normal(size=n),
            "z": rng.normal(size=n).astype("f4"), "g": labels[rng.integers(4, size=n)], "h": rng.integers(3, size=n),
            "day": pd.date_range("2020", periods=n), "flag": rng.random(n) < 0.5,
            "cat": pd.Categorical(labels[rng.integers(3, size=n)], categories=list("abcq")),
            "gap": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)), "one": 1.0, "a b": rng.normal(size=n),
            "class": labels[rng.integers(2, size=n)], "x.1": rng.normal(size=n), "ü": rng.normal(size=n), "const": "k",
            "text": pd.array(labels[rng.integers(4, size=n)], dtype="string"),
            "log": rng.uniform(size=n), "C": rng.normal(size=n), "a-b": rng.normal(size=n), "d [mg/kg]": rng.normal(size=n),
            "obj": pd.Series([pick(rng, [1, "a", None, 2.5, (1,)]) for _ in range(n)], dtype=object),
        }
    )  # fmt: skip
    if rng.random() < 0.1:
        data["y"] = pick(
            rng, [labels[rng.integers(2, size=n)], np.nan, np.inf, 1e300, -1, data["day"], data["cat"], None]
        )
    if rng.random() < 0.1:
        data.index = rng.integers(3, size=n)
    if rng.random() < 0.05:
        data = pd.concat([data, data.iloc[:, [rng.integers(len(COLUMNS))]]], axis=1)
    if rng.random() < 0.02:
        data.columns = pd.MultiIndex.from_product([["t"], data.columns])
    if rng.random() < 0.05:
        data = data.convert_dtypes()
    return data


def formula(rng: np.random.Generator) -> str:
    response = pick(
        rng, ["y", "y", "y", "y", "y | trials(n)", "cbind(y, n)", "y + n", "n", "g", "flag", variable(rng)]
    )
    terms = [term(rng) for _ in range(int(rng.integers(0, 4)))]
    text = " + ".join(terms) if terms else pick(rng, ["1", "0", "-1", ""])
    return f"{response} ~ {text}"


def variable(rng: np.random.Generator) -> str:
    name = pick(rng, COLUMNS)
    if (name.isidentifier() or name == "x.1") and rng.random() < 0.9:
        return name
    return f"`{name}`"


def term(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.35:
        effects = pick(
            rng, ["1", "1", "1", "0 + x", "x", "0 + C(g)", "1 + x", "x + z", "x * flag", variable(rng)]
        )
        bars = pick(rng, ["|", "|", "|", "||"])
        group = pick(
            rng, ["g", "h", "g:h", "g/h", "h/g/cat", "cat", "text", variable(rng), "C(h)", "(g)", "g + h"]
        )
        return f"({effects} {bars} {group})"
    if kind < 0.45:
        return f"offset({variable(rng)})"
    if kind < 0.6:
        return pick(rng, CALLS).replace("{}", variable(rng))
    if kind < 0.75:
        return variable(rng) + pick(rng, [":", "*", "^", "/", "**", "-", "%in%"]) + variable(rng)
    return variable(rng)


def spoilt(rng: np.random.Generator, text: str) -> str:
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(text) + 1))
        how = rng.random()
        if how < 0.5:
            text = text[:at] + pick(rng, JUNK) + text[at:]
        elif how < 0.7:
            text = text[:at] + text[at + int(rng.integers(1, 5)) :]
        elif how < 0.85:
            end = int(rng.integers(len(text) + 1))
            text = text[:at] + text[min(at, end) : max(at, end)] + text[at:]
        elif how < 0.95:
            text = text[::-1] if rng.random() < 0.3 else text[:at]
        else:
            text = text[:at] + chr(int(rng.integers(0, 0x2FFF))) + text[at:]
    return text


WHOLE = [
    "i1",
    "i2",
    "i4",
    "i8",
    "u1",
    "u2",
    "u4",
    "u8",
    "f2",
    "f4",
    "Int8",
    "Int64",
    "UInt8",
    "UInt64",
    "Float32",
    "O",
]
ATOMS = ["a", "b", "c", "V", "2", "(a > b)", "flag", "abs(a)", "np.abs(b)", "day.dt.year", "H['v']"]
OPERATORS = [" + ", " - ", " * ", " // ", " % ", " ** ", " / "]
V = H = None  # variables that the formulas below refer to


def small_types(rng: np.random.Generator) -> str:
    """The design of columns of small types must be that of the same columns as float64, in a fit and for new rows."""
    n = int(rng.integers(2, 12))
    floats = pd.DataFrame({c: rng.integers(0, 100, n).astype(float) for c in "abcv"}).assign(
        y=1.0, flag=rng.random(n) < 0.5, day=pd.date_range("2020", periods=n), g=rng.integers(3, size=n)
    )
    expression = arithmetic(rng, int(rng.integers(1, 5)))
    terms = [
        f"I({expression})",
        f"I({expression}):g",
        f"a:b:{pick(rng, 'abc')}",
        "C(g):a:c",
        f"center({expression})",
        f"C(g) + I({expression})",
    ]
    formula = f"y ~ 0 + {pick(rng, terms)} + offset(a * b) + (0 + a:b | g)"
    typed = floats.astype({c: pick(rng, WHOLE) for c in "abc"} | {"g": pick(rng, WHOLE[:8])})

    def design(data: pd.DataFrame, dtype: str) -> Any:
        global V, H
        V, H = data["v"].astype(dtype).to_numpy(), {"v": data["v"].astype(dtype)}
        model = mg.MixedGLM.from_formula(formula, data=data, family="poisson")
        return model, [model.exog, model.offset, model.exog_vc.toarray()]

    def known(data: pd.DataFrame, dtype: str) -> Any:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return design(data, dtype)
            except ValueError as error:
                if "at most 1e+50" in str(error) or "finite" in str(error):
                    return None
                raise Defect(f"{formula}: {error}") from error

    expected, came = known(floats, "f8"), known(typed, pick(rng, WHOLE[:8]))
    if (expected is None) != (came is None):
        raise Defect(f"{formula} {typed.dtypes.to_dict()}: refused with one type only")
    if came is None or expected is None:
        return "types: refused with both"
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        new = [
            came[0]._encoding.encode_fixed(floats),
            came[0]._encoding.encode_offset(typed),
            came[0]._encoding.encode_random(floats).toarray(),
        ]
    for right, fitted, encoded in zip(expected[1], came[1], new, strict=True):
        if not np.allclose(fitted, right, rtol=1e-9) or not np.allclose(encoded, right, rtol=1e-9):
            raise Defect(f"{formula} {typed.dtypes.to_dict()}: {fitted} instead of {right}")
    return "types: the same"


def arithmetic(rng: np.random.Generator, depth: int) -> str:
    if depth == 0:
        return pick(rng, ["a", "b", "c", "V"])  # of constants alone there would be no rows
    return f"({arithmetic(rng, depth - 1)}{pick(rng, OPERATORS)}{pick(rng, ATOMS)})"


def shuffled_variables(rng: np.random.Generator) -> str:
    """A variable with an index: right if it is that of the data, refused if it is another."""
    global V
    n = int(rng.integers(3, 12))
    data = pd.DataFrame(
        {"y": rng.integers(0, 2, n), "x": rng.normal(size=n), "g": rng.integers(3, size=n)},
        index=rng.permutation(n),
    )
    if rng.random() < 0.3:
        data.loc[data.index[0], "x"] = np.nan
    right = pd.Series(rng.normal(size=n), index=data.index)
    if rng.random() < 0.3:
        right = pd.Series(
            pd.Categorical(np.where(right > 0, "p", "q"), categories=["p", "q"]), index=data.index
        )
    numeric = right.dtype == float
    terms = ["V", "C(V)", "(1 | V)", "x:V"] + (
        ["I(x * V)", "np.exp(V)", "(0 + V | g)", "offset(V)", "x.mul(V)", "center(V)"] if numeric else []
    )
    formula = f"y ~ 0 + {pick(rng, terms)}"
    V = pick(
        rng,
        [
            right,
            right,
            right.sort_index(),
            right.iloc[::-1],
            right.reset_index(drop=True),
            right.iloc[:-1],
            right.to_numpy(),
        ],
    )
    same = not isinstance(V, pd.Series) or V.index.equals(data.index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            came = mg.MixedGLM.from_formula(formula, data=data, family="binomial")
        except ValueError as error:
            if not same and "V must have" in str(error):
                return "variable: refused"
            if isinstance(V, np.ndarray) and (not numeric or data["x"].isna().any()):
                return "variable: array of texts or of another length"
            raise
        if not same:
            raise Defect(f"{formula}: taken by position")
        expected = mg.MixedGLM.from_formula(formula, data=data.assign(V=right), family="binomial")
    if isinstance(V, np.ndarray) and not numeric:
        return "variable: array of texts"
    parts = [(m.exog, m.exog_vc.toarray(), 0 if m.offset is None else m.offset) for m in (came, expected)]
    if not all(np.array_equal(a, b) for a, b in zip(*parts, strict=True)):
        raise Defect(f"{formula}: {parts}")
    return "variable: right"


def exotic_labels(rng: np.random.Generator) -> str:
    """Groups and new rows must agree with Python's own equality, or be refused."""
    kind = pick(rng, [whole_numbers, whole_numbers, texts, times, decimal_numbers, objects])
    levels = list(dict.fromkeys(kind(rng) for _ in range(int(rng.integers(1, 6)))))
    rows = [*levels, *(pick(rng, levels) for _ in range(4))]
    data = pd.DataFrame({"y": [0.0, 1.0] * len(rows), "g": column(rng, rows * 2)})
    try:
        model = mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=data, family="poisson")
    except (ValueError, TypeError) as error:
        if "g" not in str(error):
            raise Defect(f"{levels}: {error}") from error
        return f"labels: {type(error).__name__}"
    groups = np.asarray(model.exog_vc.argmax(axis=1)).ravel()[: len(rows)]
    if model.k_vc != len(levels) or any(
        (a == b) != (i == j)
        for a, i in zip(rows, groups, strict=True)
        for b, j in zip(rows, groups, strict=True)
    ):
        raise Defect(f"{levels}: groups {groups}")
    new = [
        pick(rng, [lambda: pick(rng, levels), lambda: kind(rng), lambda: str(pick(rng, levels))])()
        for _ in range(4)
    ]
    try:
        found = model._encoding.encode_random(pd.DataFrame({"g": column(rng, new)})).toarray()
    except (ValueError, TypeError) as error:
        if "g" not in str(error) or all(label in levels for label in new):
            raise Defect(f"{levels}, new rows {new}: {error}") from error
        return "labels: new ones refused"
    for label, row in zip(new, found, strict=True):
        place = groups[rows.index(label)] if label in levels else None
        if place is None and isinstance(label, str) and row.any():  # a text that writes one of the numbers
            spelt = [groups[rows.index(v)] for v in levels if str(v) == label]
            place = spelt[0] if spelt else None
        if row.any() != (place is not None) or (place is not None and row[place] != 1):
            raise Defect(f"{levels}, new rows {new}: {found}")
    return "labels: right"


def whole_numbers(rng: np.random.Generator) -> int:
    return int(rng.choice([-1, 1])) * 2 ** int(rng.choice([0, 3, 31, 52, 53, 62, 63, 64, 70])) + int(
        rng.integers(-2, 3)
    )


def texts(rng: np.random.Generator) -> str:
    return pick(
        rng,
        [
            "12_1",
            "121",
            "1e2",
            "a",
            "b",
            "A",
            "a ",
            "nan",
            "True",
            "0x10",
            "é",
            "e\u0301",
            "1.0x",
            "+5",
            "-",
            "inf",
        ],
    )


def times(rng: np.random.Generator) -> Any:
    moment = dt.datetime(2020, 1, 1) + dt.timedelta(days=int(rng.integers(4)))
    return moment.date() if rng.random() < 0.0 else pd.Timestamp(moment)


def decimal_numbers(rng: np.random.Generator) -> Any:
    return decimal.Decimal(int(rng.integers(-3, 4))) / decimal.Decimal(int(rng.choice([1, 2, 4]))) + 2 ** int(
        rng.choice([0, 52, 60])
    )


def objects(rng: np.random.Generator) -> Any:
    number = int(rng.integers(3))
    return pick(
        rng,
        [
            (number, "a"),
            uuid.UUID(int=number),
            fractions.Fraction(number, 3),
            f"{number}x",
            frozenset([number]),
            (number,),
        ],
    )


def column(rng: np.random.Generator, labels: list[Any]) -> Any:
    """The labels in one of the types that hold them exactly."""
    forms = [lambda: pd.Series(labels, dtype=object)]
    if all(isinstance(v, int) for v in labels):
        for dtype, low, high in (
            ("i8", -(2**63), 2**63),
            ("u8", 0, 2**64),
            ("UInt64", 0, 2**64),
            ("Int64", -(2**63), 2**63),
        ):
            if all(low <= v < high for v in labels):
                exact = np.array(labels, dtype=dtype.lower())
                forms.append(lambda exact=exact, dtype=dtype: pd.Series(pd.array(exact, dtype=dtype)))
    if all(isinstance(v, str) for v in labels):
        forms += [lambda: pd.Series(labels, dtype="string"), lambda: pd.Series(labels, dtype="category")]
    return pick(rng, forms)()
