"""Formulas as R has them: operators, names, functions and what they remember. Values are R's."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm._formula.r_syntax import as_python

RNG = np.random.default_rng(8)
N = 48
DATA = pd.DataFrame(
    {
        "y": RNG.integers(0, 2, N), "x": np.arange(N) % 8, "z": RNG.normal(size=N), "t": RNG.uniform(1, 9, N),
        "g": np.arange(N) % 5, "f": pd.Categorical(np.array(list("abc"))[np.arange(N) % 3]), "w": np.arange(N) % 4 + 1,
        "on": RNG.random(N) < 0.5, "a": RNG.integers(0, 2, N), "s": np.array(list("uv"))[np.arange(N) % 2],
        "day": pd.date_range("2020-01-30", periods=N),
        "my.var": RNG.normal(size=N), "dose [mg/kg]": RNG.normal(size=N), "a-b": RNG.normal(size=N), "2nd": RNG.normal(size=N),
        "a)b": RNG.normal(size=N), "it's": RNG.normal(size=N), "class": np.array(list("pqr"))[RNG.integers(0, 3, N)],
        "grp.id": np.array(list("klmn"))[RNG.integers(0, 4, N)], "total.fruits": RNG.integers(0, 9, N),
        "log": RNG.uniform(1, 2, N), "C": RNG.normal(size=N), "I": RNG.normal(size=N), "np": RNG.normal(size=N),
        "scale": RNG.normal(size=N), "factor": RNG.normal(size=N),
    }
)  # fmt: skip
X, Z, T, W = (DATA[c].to_numpy(dtype=float) for c in "xztw")


def model(formula: str, data: pd.DataFrame = DATA, family: Any = "binomial", **options: Any) -> mg.MixedGLM:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.RankDeficiencyWarning)
        return mg.MixedGLM.from_formula(formula, data=data, family=family, **options)


def column(expression: str, data: pd.DataFrame = DATA) -> np.ndarray:
    """The last column of a design."""
    return model(f"y ~ {expression}", data).exog[:, -1]


NUMBERS = {
    "I(x^2)": X**2,
    "I(-x^2)": -(X**2),
    "I(2*x^2 + 1)": 2 * X**2 + 1,
    "I(x^2^1)": X**2,
    "I((x - 3)^3 / t^-1)": (X - 3) ** 3 * T,
    "log(t^2)": 2 * np.log(T),
    "poly(x^2, 1, raw=TRUE)": X**2,
    "cos(2*pi*t)": np.cos(2 * np.pi * T),
    "sin(pi * t)": np.sin(np.pi * T),
    "tan(z)": np.tan(Z),
    "atan(z)": np.arctan(Z),
    "sqrt(t)": np.sqrt(T),
    "exp(z)": np.exp(Z),
    "log(t)": np.log(T),
    "log(t, 2)": np.log2(T),
    "log(t, base = 10)": np.log10(T),
    "log2(t)": np.log2(T),
    "log10(t)": np.log10(T),
    "log1p(t)": np.log1p(T),
    "expm1(z)": np.expm1(Z),
    "exp10(z)": 10**Z,
    "abs(z)": np.abs(Z),
    "sign(z)": np.sign(Z),
    "pmin(z, 0)": np.minimum(Z, 0),
    "pmax(z, 0, t - 5)": np.maximum(np.maximum(Z, 0), T - 5),
    "ifelse(z > 0, z, 0)": np.where(Z > 0, Z, 0),
    "ifelse(a, 1, -1)": np.where(DATA["a"] == 1, 1, -1),
    "round(t)": np.round(T),
    "round(t, 1)": np.round(T, 1),
    "signif(t, 2)": np.array([float(f"{v:.1e}") for v in T]),
    "floor(t)": np.floor(T),
    "ceiling(t)": np.ceil(T),
    "trunc(z)": np.trunc(Z),
    "as.numeric(z > 0)": Z > 0,
    "as.numeric(on)": DATA["on"],
    "as.numeric(f)": DATA["f"].cat.codes + 1,
    "as.numeric(factor(w))": W,
    "as.integer(t)": np.floor(T),
    "as.integer(z > 0)": Z > 0,
    "as.logical(x)": X != 0,
    "as.numeric(as.character(w))": W,
    "I(x %% 3)": X % 3,
    "I(x %/% 3)": X // 3,
    "I(2 * x %% 3)": 2 * (X % 3),
    "I(-x %/% 3)": (-X) // 3,
    "I(w %in% c(1, 4))": np.isin(W, [1, 4]),
    "I(w %in% 2:3)": np.isin(W, [2, 3]),
    "I(w %in% c('1', '4'))": np.isin(W, [1, 4]),
    "I(2 * w %in% c(1, 4))": 2 * np.isin(W, [1, 4]),
    "I(f %in% c('a', 'c'))": DATA["f"].isin(["a", "c"]),
    "I(!(w %in% c(1, 4)))": ~np.isin(W, [1, 4]),
    "I(z > 0 & t < 5)": (Z > 0) & (T < 5),
    "I(z > 0 && t < 5 || x == 3)": ((Z > 0) & (T < 5)) | (X == 3),
    "I(a & x)": (DATA["a"] != 0) & (X != 0),
    "I(a | x)": (DATA["a"] != 0) | (X != 0),
    "I(!a)": DATA["a"] == 0,
    "I(!z > 0)": ~(Z > 0),
    "I(!on & x > 2)": ~DATA["on"] & (X > 2),
    "I(f == 'b')": DATA["f"] == "b",
    "I(f != 'b')": DATA["f"] != "b",
    "I(w == '1')": W == 1,
    "I(xor(on, x > 3))": DATA["on"] ^ (X > 3),
    "I(TRUE * z)": Z,
    "I(z - F)": Z,
    "I(x == 5L)": X == 5,
    "I(z - mean(z))": Z - Z.mean(),
    "I(z / sd(z))": Z / Z.std(ddof=1),
    "I(t / max(t))": T / T.max(),
    "I(t - quantile(t, 0.25))": T - np.quantile(T, 0.25),
    "scale(t)": (T - T.mean()) / T.std(ddof=1),
    "scale(t)[, 1]": (T - T.mean()) / T.std(ddof=1),
    "c(scale(t))": (T - T.mean()) / T.std(ddof=1),
    "as.vector(scale(t))": (T - T.mean()) / T.std(ddof=1),
    "as.numeric(scale(t))": (T - T.mean()) / T.std(ddof=1),
    "I(scale(t) * scale(t))": (T - T.mean()) ** 2 / T.var(ddof=1),
    "poly(x, 2)[, 1]": (X - X.mean()) / np.sqrt(((X - X.mean()) ** 2).sum()),
    "scale(t, center = FALSE)": T / np.sqrt((T**2).sum() / (N - 1)),
    "scale(t, scale = FALSE)": T - T.mean(),
    "stats::poly(x, 1)": (X - X.mean()) / np.sqrt(((X - X.mean()) ** 2).sum()),
    "plogis(z)": 1 / (1 + np.exp(-Z)),
    "qlogis(plogis(z))": Z,
    "pnorm(0 * z)": np.full(N, 0.5),
    "is.na(z)": np.zeros(N),
    "my.var": DATA["my.var"],
    "I(my.var^2)": DATA["my.var"] ** 2,
    "`dose [mg/kg]`": DATA["dose [mg/kg]"],
    "I(`dose [mg/kg]` * 2)": DATA["dose [mg/kg]"] * 2,
    "`a-b`": DATA["a-b"],
    "exp(`a)b`)": np.exp(DATA["a)b"]),
    "`it's`": DATA["it's"],
    "`2nd`": DATA["2nd"],
    "Q('a-b')": DATA["a-b"],
    "I(Q('a)b') + 1)": DATA["a)b"] + 1,
    "I(`class` == 'p')": DATA["class"] == "p",
    "log(log)": np.log(DATA["log"]),
    "I(C * 2)": DATA["C"] * 2,
    "I(I)": DATA["I"],
    "np.exp(np)": np.exp(DATA["np"]),
    "scale(scale)": (DATA["scale"] - DATA["scale"].mean()) / DATA["scale"].std(),
    "C": DATA["C"],
    "day.dt.year": np.full(N, 2020),
    "I(day.dt.month + total.fruits)": DATA["day"].dt.month + DATA["total.fruits"],
    "total.fruits": DATA["total.fruits"],
    "I(total.fruits.clip(0, 3))": DATA["total.fruits"].clip(0, 3),
}  # fmt: skip


@pytest.mark.parametrize("expression", NUMBERS)
def test_numbers(expression: str, tmp_path: Path) -> None:
    """The same in a fit, for new rows, and after the model was saved."""
    came = model(f"y ~ {expression} + (1 | g)")
    expected = np.asarray(NUMBERS[expression], dtype=float)
    np.testing.assert_allclose(came.exog[:, -1], expected, rtol=1e-12, atol=1e-12)
    came.fit_laplace(integrate="mode").save(tmp_path / "fit.mglm")
    for kept in (came, mg.load(tmp_path / "fit.mglm", trusted=True).model):
        np.testing.assert_allclose(
            kept._encoding.encode_fixed(DATA.iloc[5:7])[:, -1], expected[5:7], atol=1e-12
        )


FACTORS = {
    "factor(w)": ["factor(w)[T.2]", "factor(w)[T.3]", "factor(w)[T.4]"],
    "as.factor(w)": ["factor(w)[T.2]", "factor(w)[T.3]", "factor(w)[T.4]"],
    "factor(w, levels = c(3, 1, 2, 4))": ["[T.1]", "[T.2]", "[T.4]"],
    "factor(w, labels = c('p', 'q', 'r', 's'))": ["[T.q]", "[T.r]", "[T.s]"],
    "factor(w, levels = 4:1, labels = c('d', 'c', 'b', 'a'))": ["[T.c]", "[T.b]", "[T.a]"],
    "relevel(f, ref = 'b')": ["[T.a]", "[T.c]"],
    "relevel(factor(w), ref = '3')": ["[T.1]", "[T.2]", "[T.4]"],
    "interaction(f, s)": ["[T.b.u]", "[T.c.u]", "[T.a.v]", "[T.b.v]", "[T.c.v]"],
    "interaction(f, s, lex.order = TRUE)": ["[T.a.v]", "[T.b.u]", "[T.b.v]", "[T.c.u]", "[T.c.v]"],
    "cut(t, c(0, 3, 6, 9))": ["[T.(3,6]]", "[T.(6,9]]"],
    "cut(t, c(0, 3, 6, 9), right = FALSE)": ["[T.[3,6)]", "[T.[6,9)]"],
    "cut(z, c(-Inf, 0, Inf))": ["[T.(0,Inf]]"],
    "cut(t, breaks = seq(0, 9, by = 4.5), labels = c('low', 'high'))": ["[T.high]"],
    "cut(x, c(0, 3, 7), include.lowest = TRUE)": ["[T.(3,7]]"],
    "ordered(f)": ["ordered(f)[.L]", "ordered(f)[.Q]"],
    "paste(f, s, sep = '-')": ["[T.a-v]", "[T.b-u]", "[T.b-v]", "[T.c-u]", "[T.c-v]"],
    "ifelse(z > 0, 'up', 'down')": ["[T.up]"],
    "`class`": ["class[T.q]", "class[T.r]"],
    "C(Q('grp.id'))": ["[T.l]", "[T.m]", "[T.n]"],
    "C(`class`, Treatment('q'))": ["[T.p]", "[T.r]"],
}


@pytest.mark.parametrize("expression", FACTORS)
def test_factors(expression: str, tmp_path: Path) -> None:
    came = model(f"y ~ {expression} + (1 | g)")
    names = came.fep_names[1:]
    assert len(names) == len(FACTORS[expression])
    assert all(name.endswith(end) for name, end in zip(names, FACTORS[expression], strict=True)), names
    came.fit_laplace(integrate="mode").save(tmp_path / "fit.mglm")
    for kept in (came, mg.load(tmp_path / "fit.mglm").model):
        for rows in ([0], [5, 4], list(range(9))):  # of which none has all levels
            np.testing.assert_allclose(kept._encoding.encode_fixed(DATA.iloc[rows]), came.exog[rows])


def test_levels_of_a_cut_into_five() -> None:
    """``levels(cut(0:10, 5))``."""
    data = pd.DataFrame({"y": [0, 1] * 5 + [0], "v": range(11)})
    names = model("y ~ 0 + cut(v, 5)", data).fep_names
    assert [n.removeprefix("cut(v, 5)") for n in names] == [
        "[(-0.01,2]]",
        "[(2,4]]",
        "[(4,6]]",
        "[(6,8]]",
        "[(8,10]]",
    ]
    np.testing.assert_array_equal(
        column("cut(v, 5, labels = FALSE)", data), [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    )


def test_orthonormal_polynomials() -> None:
    """``poly(1:5, 2)``, and ``contr.poly(3)`` of ordered factors."""
    data = pd.DataFrame({"y": [0, 1, 0, 1, 0], "v": range(1, 6), "o": [1, 2, 3, 1, 2]})
    came = model("y ~ poly(v, 2)", data).exog[:, 1:]
    np.testing.assert_allclose(came[:, 0], np.array([-2, -1, 0, 1, 2]) / np.sqrt(10))
    np.testing.assert_allclose(came[:, 1], np.array([2, -1, -2, -1, 2]) / np.sqrt(14))
    contrasts = model("y ~ ordered(o)", data).exog[:3, 1:]
    expected = np.array([[-1, 0, 1] / np.sqrt(2), [1, -2, 1] / np.sqrt(6)]).T
    np.testing.assert_allclose(contrasts, expected, atol=1e-12)


NATURAL = [  # ns(women$height, df = 5), as R's manual prints it
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [7.592323e-03, 0.0, -8.670223e-02, 2.601067e-01, -1.734045e-01],
    [6.073858e-02, 0.0, -1.503044e-01, 4.509132e-01, -3.006088e-01],
    [2.047498e-01, 6.073858e-05, -1.677834e-01, 5.033503e-01, -3.355669e-01],
    [4.334305e-01, 1.311953e-02, -1.324404e-01, 3.973211e-01, -2.648807e-01],
    [6.256681e-01, 8.084305e-02, -7.399720e-02, 2.219916e-01, -1.479944e-01],
]


def test_natural_splines() -> None:
    data = pd.DataFrame({"y": [0, 1, 1] * 5, "height": np.arange(58.0, 73.0)})
    came = model("y ~ splines::ns(height, df = 5)", data)
    np.testing.assert_allclose(came.exog[:6, 1:], NATURAL, atol=1e-7)
    new = came._encoding.encode_fixed(pd.DataFrame({"height": [70.0, 75.0, 76.0, 77.0, 50.0, 51.0, 52.0]}))
    np.testing.assert_allclose(new[0], came.exog[12])
    np.testing.assert_allclose(
        np.diff(new[1:4], axis=0)[0], np.diff(new[1:4], axis=0)[1]
    )  # straight lines outside
    np.testing.assert_allclose(np.diff(new[4:], axis=0)[0], np.diff(new[4:], axis=0)[1])
    with pytest.raises(ValueError, match="df must be at least 1"):
        model("y ~ ns(height, df = 0)", data)


def test_b_splines_with_names_of_either() -> None:
    ours, theirs = (
        model("y ~ 0 + bs(t, df=6, intercept=TRUE)"),
        model("y ~ 0 + bs(t, df=6, include_intercept=True)"),
    )
    np.testing.assert_array_equal(ours.exog, theirs.exog)
    np.testing.assert_allclose(ours.exog.sum(axis=1), 1.0)
    by_range = model("y ~ bs(t, df=5, Boundary.knots=range(t))")
    np.testing.assert_allclose(by_range.exog, model("y ~ bs(t, df=5)").exog)
    bounded = model("y ~ bs(t, knots=c(4, 6), Boundary.knots=c(0, 10))")
    assert bounded.exog.shape == (N, 6)


def test_crossing_is_no_power() -> None:
    names = ["Intercept", "z", "t", "z:t"]
    assert model("y ~ (z + t)^2").fep_names == model("y ~ (z + t)**2").fep_names == names
    assert model("y ~ z^2").fep_names == ["Intercept", "z"]


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("y ~ z + (1 | grp.id)", "grp.id"),
        ("y ~ z + (1 | `grp.id`)", "grp.id"),
        ("y ~ z + (1 | Q('grp.id'))", "grp.id"),
        ("y ~ z + (1 | factor(grp.id))", "grp.id"),
        ("y ~ z + (1 | as.factor(`class`))", "class"),
        ("y ~ z + (0 + my.var | grp.id)", "my.var|grp.id"),
        ("y ~ z + (0 + `a-b` | class)", "a-b|class"),
        ("y ~ z + (0 + I(my.var^2) | g)", "I(`my.var` ** 2)|g"),
        ("y ~ z + (1 | class:grp.id)", "class:grp.id"),
        ("y ~ z + (1 | interaction(f, s))", "interaction(f, s)"),
        ("y ~ z + offset(`a-b` + my.var) + (1 | g)", "g"),
        ("on ~ z + (1 | g)", "g"),
        ("as.numeric(total.fruits > 3) ~ z + (1 | g)", "g"),
        ("Q('a') ~ z + (1 | g)", "g"),
    ],
)
def test_names_everywhere(formula: str, name: str, tmp_path: Path) -> None:
    came = model(formula)
    assert came.vcp_names == [name]
    result = came.fit_laplace(integrate="mode")
    result.save(tmp_path / "fit.mglm")
    own = np.asarray(result.predict(random="conditional"))
    for kept in (result, mg.load(tmp_path / "fit.mglm")):
        np.testing.assert_allclose(kept.predict(DATA[3:7], random="conditional"), own[3:7])


def test_names_in_formulas_of_statsmodels() -> None:
    for formula in ("0 + C(Q('grp.id'))", "0 + grp.id", "0 + `grp.id`", "0 + factor(`grp.id`)"):
        came = model("y ~ `a-b`", vc_formulas={"v": formula})
        groups = DATA["grp.id"].to_numpy()[:, None] == np.array(list("klmn"))
        np.testing.assert_array_equal(came.exog_vc.toarray(), groups)
        np.testing.assert_array_equal(came._encoding.encode_random(DATA[3:5]).toarray(), groups[3:5])
    slopes = model("y ~ 1", vc_formulas={"v": "0 + grp.id:`a-b`"})
    np.testing.assert_allclose(slopes.exog_vc.sum(axis=1), DATA["a-b"])


def test_a_column_is_found_before_the_attribute() -> None:
    data = DATA.assign(**{"day.dt": Z, "t.mean": T})
    np.testing.assert_array_equal(column("day.dt", data), Z)
    np.testing.assert_array_equal(column("I(t.mean)", data), T)
    np.testing.assert_allclose(column("I(t - t.mean())", data), T - T.mean())  # which is called


def test_unused_columns_called_like_functions_do_no_harm() -> None:
    data = DATA.assign(
        **dict.fromkeys(("exp", "center", "poly", "Treatment", "mean", "pi", "c", "contr"), 1.0)
    )
    np.testing.assert_allclose(column("exp(z)", data), np.exp(Z))
    np.testing.assert_allclose(column("I(z - mean(z))", data), Z - Z.mean())
    assert model("y ~ C(w, contr.sum) + I(w %in% c(1, 2)) + center(z)", data).exog.shape == (N, 6)
    data.loc[0, "exp"] = np.nan
    assert model("y ~ exp(z)", data).n_missing == 0


def test_functions_of_the_caller_come_before_those_of_r() -> None:
    def signif(v: Any) -> Any:
        return v + 1.0

    np.testing.assert_allclose(column_with("signif(z)", signif=signif), Z + 1)


def column_with(expression: str, **context: Any) -> np.ndarray:
    locals().update(context)
    signif = context["signif"]  # found by the formula
    assert callable(signif)
    return mg.MixedGLM.from_formula(f"y ~ {expression}", data=DATA, family="binomial").exog[:, -1]


def test_rows_that_are_missing_are_told_by_is_na() -> None:
    """In R, ``ifelse(is.na(v), 0, v)`` keeps the rows."""
    data = DATA.assign(v=np.where(Z > 1, np.nan, Z))
    came = model("y ~ ifelse(is.na(v), 0, v) + is.na(v)", data)
    assert came.n_missing == 0
    np.testing.assert_array_equal(came.exog[:, 1], np.where(Z > 1, 0, Z))
    np.testing.assert_array_equal(came.exog[:, 2], Z > 1)
    np.testing.assert_array_equal(came._encoding.encode_fixed(data), came.exog)
    assert model("y ~ is.na(v) + v", data).n_missing == (Z > 1).sum()


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ .", r"'\.' for all other columns must be written out, .* the others are x \+ z \+ .*`my\.var`"),
        ("y ~ s(z)", r"write ns\(x, df=4\) or bs"),
        ("y ~ mo(w)", r"write factor\(x\)"),
        ("y ~ d$z", r"write z in the place of d\$z"),
        ("y ~ z %in% c(1, 2)", r"write I\(x %in% c\(1, 2\)\)"),
        ("y ~ weights(w)", "freq_weights"),
        ("y | weights(w) ~ z", "freq_weights"),
        ("y ~ z * offset(t)", "only be added at the top level"),
        ("y ~ offset(z, t)", "an offset is one expression"),
        ("y ~ offset()", "an offset is one expression"),
        ("y ~ z + offset", r"write offset\(log\(t\)\)"),
        ("y ~ my.vra", "'my.vra', which is not a column of data; did you mean 'my.var'"),
        ("y ~ as.facter(w)", "did you mean 'as.factor'"),
        ("y ~ cut(t, c(2, 9))", r"cut: \d+ of 48 values are in none of the intervals from 2 to 9.*include.lowest"),
        ("y ~ cut(t, 1)", "at least 2 intervals"),
        ("y ~ factor(f, levels = c('a', 'b'))", r"16 of 48 values are none of the levels \(a, b\), such as 'c'"),
        ("y ~ factor(w, labels = c('p', 'q'))", "one for each of the 4 levels, got 2"),
        ("y ~ relevel(f, ref = 'q')", r"ref must be one of the levels \(a, b, c\), got 'q'"),
        ("y ~ as.numeric(s)", r"'u' is no number; as.numeric\(factor"),
        ("y ~ as.numeric(day)", "as.numeric of times"),
        ("y ~ as.logical(s)", "TRUE, FALSE, T or F, got 'u'"),
        ("y ~ ifelse(on, f, s)", r"as\.character\(f\)"),
        ("y ~ pmax(s, 0)", r"as\.numeric"),
        ("y ~ cut(t, seq(0, t))", "plain numbers"),
        ("y ~ I(w %in% 1:99999)", "more than 1000 numbers"),
        ("y ~ day", r"holds times.*day - day.min\(\)\).dt.days"),
        ("y ~ z + (0 + day | g)", "holds times"),
    ],
)  # fmt: skip
def test_errors_name_the_remedy(formula: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        model(formula)
    assert "\x1b" not in str(caught.value)
    assert "__" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("y ~ x", "y ~ x"),
        ("y~x+(1|g)", "y~x+(1|g)"),
        ("y ~ I(x^2)", "y ~ I(x**2)"),
        ("y ~ (a + b)^2 - a:b", "y ~ (a + b)^2 - a:b"),
        ("y ~ I(a == 1 & b)", "y ~ I((a == 1) & b)"),
        ("y ~ I((a == 1) & (b == 2))", "y ~ I((a == 1) & (b == 2))"),
        ("y ~ I(!a == 1)", "y ~ I(~(a == 1))"),
        ("y ~ I(f(lambda u: u ^ 2, k=[i for i in x]))", "y ~ I(f(lambda u: u ** 2, k=[i for i in x]))"),
        ("y ~ I(t['a'][1:3] * {'k': 2}['k'])", "y ~ I(t['a'][1:3] * {'k': 2}['k'])"),
        ("won | trials(n) ~ x", "won | trials(n) ~ x"),
        ("cbind(k, n - k) ~ p.q", "cbind(k, n - k) ~ `p.q`"),
        ("y ~ {x | z} + 1e-3:x", "y ~ {x | z} + 1e-3:x"),
        ("y ~ u.v.mean()", "y ~ {`u.v`.mean()}"),
        ("y ~ f(c(1, -Inf), NULL, na.rm=T)", "y ~ f([1, -np.inf], None, na_rm=True)"),
        ("y ~ .x + I(.x)", "y ~ `.x` + I(`.x`)"),
        ("y ~ I(x", "y ~ I(x"),
    ],
)
def test_what_is_python_stays(written: str, expected: str) -> None:
    assert as_python(written, ["y", "p.q", "u.v", ".x"], {}).replace(" ** ", "**") == expected.replace(
        " ** ", "**"
    )
