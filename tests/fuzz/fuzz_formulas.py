"""Formulas from a grammar, then spoilt, over data frames with columns of every kind and name, missing values included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from judge import judge
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
]
CALLS = [
    "C({})", "np.log({})", "log({})", "exp({})", "I({} ** 2)", "center({})", "scale({})", "poly({}, 2)", "bs({}, df=4)",
    "C({}, contr.sum)", "C({}, levels=['a', 'b'])", "{} + 1", "Q('{}')", "lag({})", "np.{}", "{}()", "{}[0]", "lambda {}: 1",
    "hashed({}, 3)", "C({}, Treatment('q'))", "{}.foo", "cr({}, df=3)", "({})", "-{}", "abs({})", "{} / 0", "10 ** 400 * {}",
]  # fmt: skip
JUNK = ["(", ")", "|", "||", "~", "+", "-", "*", "/", ":", "^", "**", "%", "%in%", "`", "'", '"', "0", "1", "-1", " ", "\n", "\x00", "é",
        ".", ",", "[", "]", "{", "}", "#", "\\", "offset(", "cbind(", "trials(", "1e-3", "∞", "\u202e", "\ud800", "__import__('os')",
        "(" * 40, ")" * 40, "x" * 300, "+ x" * 50, "(1 | g) + " * 20]  # fmt: skip
FAMILIES = ["binomial", "poisson", "exponential", "negative_binomial"]


def case(rng: np.random.Generator) -> str:
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
    if name.isidentifier() and rng.random() < 0.9:
        return name
    return f"`{name}`"


def term(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.35:
        effects = pick(rng, ["1", "1", "1", "0 + x", "x", "0 + C(g)", "1 + x", variable(rng)])
        bars = pick(rng, ["|", "|", "|", "||"])
        group = pick(rng, ["g", "h", "g:h", "g/h", "cat", "text", variable(rng), "C(h)", "(g)", "g + h"])
        return f"({effects} {bars} {group})"
    if kind < 0.45:
        return f"offset({variable(rng)})"
    if kind < 0.6:
        return pick(rng, CALLS).format(variable(rng).strip("`"))
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
