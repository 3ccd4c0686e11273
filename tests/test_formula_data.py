"""Names in formulas, data frames, and evaluated expressions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm._formula.columns import plain_columns
from mixed_glm._formula.data import Environment, names_in, resolve_names
from mixed_glm._formula.frames import as_frame, known_columns


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("x", {"x"}),
        ("np.log(x + a.b)", {"x", "a"}),
        ("`my col` * 2", {"my col"}),
        ("`a:b` + `c-d`", {"a:b", "c-d"}),
        ("Q('my col')", {"my col"}),
        ("poly(x, degree=k)", {"x", "k"}),
        ("np + np.log(C) + C(x)", {"np", "C", "x"}),
        ("[z for z in x]", {"x"}),
        ("f(x, key=lambda u: u + w)", {"x", "w"}),
    ],
)
def test_names(expression: str, names: set[str]) -> None:
    assert names_in(expression) == names


def test_names_of_nonsense() -> None:
    with pytest.raises(ValueError, match=r"'x \+' is not a valid expression"):
        names_in("x +")


def test_columns_and_transforms_come_before_the_callers_names() -> None:
    context = {"x": 1, "C": 2, "log": 3, "k": 4}
    assert resolve_names({"x", "C", "log", "k", "len"}, ["x"], context) == {"k": 4}


class Convertible:
    def to_pandas(self) -> pd.DataFrame:
        return pd.DataFrame({"x": [1]})


@pytest.mark.parametrize(
    "data", [{"x": [1]}, Convertible(), np.array([(1,)], dtype=[("x", int)]), pd.DataFrame({"x": [1]})]
)
def test_what_counts_as_a_frame(data: object) -> None:
    assert as_frame(data)["x"].tolist() == [1]


def test_a_frame_is_not_copied() -> None:
    frame = pd.DataFrame({"x": [1]})
    assert as_frame(frame) is frame


def test_columns_are_listed_up_to_a_point() -> None:
    assert known_columns("agee", ["age", "sex"]) == "did you mean 'age'? columns: 'age', 'sex'"
    wide = known_columns("z", [f"gene {i}" for i in range(1000)])
    assert wide.startswith("columns: 'gene 0', ")
    assert wide.endswith("'gene 19' and 980 more")


def test_columns_become_plain() -> None:
    frame = pd.DataFrame({
        "i": pd.array([1, 2], dtype="Int64"), "na": pd.array([1, None], dtype="Int64"),
        "b": pd.array([True, False], dtype="boolean"), "s": pd.array(["a", None], dtype="string"),
        "c": pd.Categorical([1, 2]), "o": np.array([1, 2.5], dtype=object),
        "oi": np.array([3, 4], dtype=object), "d": [Decimal("0.5"), None],
        "ob": np.array([True, False], dtype=object), "mixed": np.array([1, "a"], dtype=object), "f": [0.5, 1.5],
    })  # fmt: skip
    plain = plain_columns(frame)
    kinds = {"i": "i", "na": "f", "b": "b", "s": "O", "o": "f", "oi": "i", "d": "f", "ob": "b", "mixed": "O"}
    assert {name: plain[name].dtype.kind for name in kinds} == kinds
    assert plain["c"].dtype == frame["c"].dtype
    assert plain.isna().equals(frame.isna())
    pd.testing.assert_frame_equal(plain_columns(frame[["c", "f"]]), frame[["c", "f"]])


@pytest.mark.parametrize(
    "convert",
    [
        lambda frame: frame.convert_dtypes(),
        lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
        lambda frame: frame.astype(object),
        lambda frame: frame.astype({"f": "string", "g": "string"}),
        lambda frame: frame.astype({"f": "string", "g": "string"}).astype({"f": "category", "g": "category"}),
    ],
)
def test_one_model_from_columns_of_any_type(convert: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    n = 80
    frame = pd.DataFrame({
        "y": rng.poisson(1.5, n), "x": rng.normal(size=n), "b": rng.integers(0, 2, n).astype(bool),
        "f": rng.choice(["u", "v"], n), "g": rng.choice(["s1", "s2", "s3"], n), "o": rng.normal(size=n),
    })  # fmt: skip
    formula = "y ~ x + b + f + offset(o) + (x || g)"
    expected = mg.MixedGLM.from_formula(formula, data=frame, family="poisson").fit_laplace(integrate="mode")
    other = convert(frame)
    result = mg.MixedGLM.from_formula(formula, data=other, family="poisson").fit_laplace(integrate="mode")
    assert result.model.names == expected.model.names
    np.testing.assert_array_equal(result.params, expected.params)
    new = frame.head(5)
    np.testing.assert_array_equal(
        expected.predict(convert(new), random="conditional"), result.predict(new, random="conditional")
    )
    lost = convert(new).copy()
    lost.loc[1, "x"], lost.loc[3, "f"] = None, None
    assert np.isnan(result.predict(lost, random="conditional")).tolist() == [False, True, False, True, False]


@pytest.fixture
def env() -> Environment:
    frame = pd.DataFrame({"x": [1.0, 4.0], "s": ["b", "a"], "my col": [1, 2]})
    return Environment(frame, {"k": 2.0})


def test_kinds(env: Environment) -> None:
    for expression, categorical, standard in [
        ("x", False, True),
        ("np.sqrt(x) * k", False, True),
        ("`my col`", False, True),
        ("k", False, True),
        ("s", True, True),
        ("C(x)", True, True),
        ("C(s, levels=['b', 'a'])", True, False),
        ("bs(x, df=4)", False, False),
        ("np.stack([x, x], axis=1)", False, False),
    ]:
        factor = env.evaluate(expression)
        assert (factor.categorical, factor.standard) == (categorical, standard), expression


def test_codes(env: Environment) -> None:
    codes, levels = env.evaluate("s").codes("s")
    np.testing.assert_array_equal(codes, [1, 0])
    assert list(levels) == ["a", "b"]
    ordered = Environment(pd.DataFrame({"c": pd.Categorical(["u", "v"], categories=["v", "z", "u"])}), {})
    codes, levels = ordered.evaluate("c").codes("c")
    np.testing.assert_array_equal(codes, [2, 0])
    assert list(levels) == ["v", "z", "u"]


def test_numbers(env: Environment) -> None:
    np.testing.assert_array_equal(env.numbers("x * k"), [2.0, 8.0])
    for bad in ("s", "bs(x, df=4)"):
        with pytest.raises(ValueError, match="must be numeric, with one value a row"):
            env.numbers(bad)
    with pytest.raises(ValueError, match="cannot evaluate 'log\\(s\\)'"):
        env.numbers("log(s)")
