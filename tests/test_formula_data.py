"""Names in formulas, data frames, and evaluated expressions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mixed_glm._formula_data import Environment, as_frame, names_in, plain_numbers, resolve_names


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("x", {"x"}),
        ("np.log(x + a.b)", {"np", "x", "a"}),
        ("`my col` * 2", {"my col"}),
        ("`a:b` + `c-d`", {"a:b", "c-d"}),
        ("Q('my col')", {"Q", "my col"}),
        ("poly(x, degree=k)", {"poly", "x", "k"}),
        ("[z for z in x]", {"x"}),
        ("f(x, key=lambda u: u + w)", {"f", "x", "w"}),
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


def test_nullable_numbers_become_plain() -> None:
    frame = pd.DataFrame({"i": pd.array([1, 2], dtype="Int64"), "b": pd.array([True, False], dtype="boolean"),
                          "s": pd.array(["a", "b"], dtype="string"), "c": pd.Categorical([1, 2])})  # fmt: skip
    plain = plain_numbers(frame)
    assert plain["i"].dtype == np.float64
    assert plain["b"].dtype == np.bool_
    assert plain["s"].dtype == frame["s"].dtype
    assert plain["c"].dtype == frame["c"].dtype


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
    codes, levels = env.evaluate("s").codes()
    np.testing.assert_array_equal(codes, [1, 0])
    assert list(levels) == ["a", "b"]
    ordered = Environment(pd.DataFrame({"c": pd.Categorical(["u", "v"], categories=["v", "z", "u"])}), {})
    codes, levels = ordered.evaluate("c").codes()
    np.testing.assert_array_equal(codes, [2, 0])
    assert list(levels) == ["v", "z", "u"]


def test_numbers(env: Environment) -> None:
    np.testing.assert_array_equal(env.numbers("x * k"), [2.0, 8.0])
    for bad in ("s", "bs(x, df=4)"):
        with pytest.raises(ValueError, match="must be numeric, with one value a row"):
            env.numbers(bad)
    with pytest.raises(ValueError, match="cannot evaluate 'log\\(s\\)'"):
        env.numbers("log(s)")
