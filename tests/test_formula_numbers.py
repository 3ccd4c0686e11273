"""What a formula computes: in float64 whatever the types of its columns, while labels stay exact."""

from __future__ import annotations

import warnings
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm._formula.arithmetic import PlainKeys, guarded
from mixed_glm._formula.uses import Expression

RNG = np.random.default_rng(0)
N = 40
FLOATS = pd.DataFrame(
    {
        "y": RNG.integers(0, 2, N), "a": RNG.integers(50, 127, N), "b": RNG.integers(1, 127, N), "g": np.arange(N) % 5,
        "on": RNG.random(N) < 0.5, "off": RNG.random(N) < 0.5, "day": pd.date_range("2020", periods=N),
    }
).astype({"a": "f8", "b": "f8"})  # fmt: skip
TYPES = [
    "i1",
    "u1",
    "i2",
    "u4",
    "i8",
    "u8",
    "f2",
    "f4",
    "Int8",
    "UInt8",
    "Int64",
    "UInt64",
    "Float32",
    "int64[pyarrow]",
    "decimal",
]
EXPRESSIONS = [
    "a:b", "a*b", "I(b - a)", "I(a ** 5)", "I(a ** -1)", "I(a // 7)", "I(a % 7)", "I(a * b * 1000)", "I(-b)", "np.multiply(a, b)", "a.mul(b)",
    "poly(a, 2)", "center(a * b)", "scale(a)", "log(a * b)", "C(g):a:b", "bs(a, df=4)", "np.where(a > 80, a * b, b)",
]  # fmt: skip


def frame_of(dtype: str) -> pd.DataFrame:
    if dtype.endswith("[pyarrow]"):
        pytest.importorskip("pyarrow")
    if dtype == "decimal":
        return FLOATS.assign(**{c: [Decimal(int(v)) for v in FLOATS[c]] for c in "ab"})
    return FLOATS.astype({"a": dtype, "b": dtype})


def model(
    formula: str, data: Any = FLOATS, vc: Any = None, family: str = "poisson", **options: Any
) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(formula, vc, data, family=family, **options)


BYTES = {c: FLOATS[c].to_numpy().astype("i1") for c in "ab"}
FRAME = FLOATS[["a", "b"]].astype("i1")
SERIES = FRAME["a"]
K = np.int8(100)
TABLE = np.arange(5) * 10.0


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("dtype", TYPES)
def test_one_design_whatever_the_type(expression: str, dtype: str) -> None:
    expected, came = model(f"y ~ 0 + {expression}"), model(f"y ~ 0 + {expression}", frame_of(dtype))
    np.testing.assert_allclose(came.exog, expected.exog, rtol=1e-12)
    assert came.fep_names == expected.fep_names
    for fitted in (expected, came):  # rows of either type, where the model is of one
        new = fitted._encoding.encode_fixed(frame_of(dtype))
        np.testing.assert_allclose(new, expected.exog, rtol=1e-12)


@pytest.mark.parametrize("dtype", TYPES)
def test_random_effects_offsets_and_trials(dtype: str) -> None:
    data = frame_of(dtype)
    for formula, vc in [("y ~ offset(a * b) + (0 + a:b | g)", None), ("y ~ 1", {"w": "0 + C(g):a:b"})]:
        expected, came = model(formula, vc=vc), model(formula, data, vc)
        np.testing.assert_array_equal(came.exog_vc.toarray(), expected.exog_vc.toarray())
        new = came._encoding.encode_random(data).toarray()
        np.testing.assert_array_equal(new, expected.exog_vc.toarray())
        if expected.offset is not None:
            np.testing.assert_array_equal(came.offset, expected.offset)
            np.testing.assert_array_equal(came._encoding.encode_offset(data), expected.offset)
    for formula in ("cbind(a, b) ~ 1", "a | trials(a + b) ~ 1"):
        expected, came = (model(formula, d, family="binomial") for d in (FLOATS, data))
        np.testing.assert_array_equal(came.n_trials, expected.n_trials)
    weights = model("y ~ 1", data, freq_weights="a").freq_weights
    np.testing.assert_array_equal(weights, FLOATS["a"])


def test_variables_of_the_caller() -> None:
    for expression in (
        "BYTES['a'] * BYTES['b']",
        "SERIES * SERIES * BYTES['b'] / SERIES",
        "FRAME.a * FRAME['b']",
    ):
        came = model(f"y ~ 0 + I({expression})", FLOATS[["y"]]).exog[:, 0]
        np.testing.assert_allclose(came, FLOATS["a"] * FLOATS["b"], err_msg=expression)
    assert model("y ~ 0 + I(K * K * y)").exog.max() == 10_000


def test_what_expressions_compute_on_the_way() -> None:
    """Not columns, but types as small."""
    assert model("y ~ 0 + I(day.dt.year ** 3)").exog[0, 0] == 2020.0**3
    data = FLOATS.assign(f=pd.Categorical(FLOATS["g"]))
    assert model("y ~ 0 + I(f.cat.codes * 100)", data).exog.max() == 400
    expected = FLOATS["on"].astype(int) + FLOATS["off"].astype(int)
    np.testing.assert_array_equal(model("y ~ 0 + I(on + off)").exog[:, 0], expected)
    np.testing.assert_array_equal(model("y ~ 0 + I((a > 80) + (b > 80))").exog.max(), 2)


def test_truth_values_and_indices_stay_what_they_are() -> None:
    assert model("y ~ on").fep_names == ["Intercept", "on"]
    np.testing.assert_array_equal(model("y ~ 0 + I(on & ~off)").exog[:, 0], FLOATS["on"] & ~FLOATS["off"])
    assert model("y ~ (1 | on)").vc_names == ["on[False]", "on[True]"]
    np.testing.assert_array_equal(model("y ~ 0 + I(TABLE[g])").exog[:, 0], TABLE[FLOATS["g"]])


@pytest.mark.parametrize("dtype", ["i1", "u2", "i8", "u8", "Int16", "UInt64", "O"])
def test_labels_stay_whole(dtype: str) -> None:
    data = FLOATS.assign(g=FLOATS["g"].astype(dtype))
    expected = [f"g[{k}]" for k in range(5)]
    for formula in ("y ~ b + C(g) + (1 | g)", "y ~ g:C(g) + (1 | C(g))"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mg.RankDeficiencyWarning)  # g is 0 in one of its groups
            came = model(formula, data)
        assert came.vc_names == expected
        assert [n for n in came.fep_names if "C(g)" in n][-1].endswith("4]")
        np.testing.assert_array_equal(came._encoding.encode_fixed(data), came.exog)
    assert model("y ~ C(g * 100)", data).fep_names[-1] == "C(g * 100)[T.400]"
    assert model("y ~ 1", data, {"w": "0 + C(g)"}).vc_names == [f"C(g)[{k}]" for k in range(5)]


def test_a_covariate_beyond_signed_integers() -> None:
    for dtype in ("u8", "UInt64", "O"):
        data = FLOATS.assign(x=pd.Series([2**63 + 2**20 * k for k in range(N)], dtype=dtype))
        came = model("y ~ 0 + x", data)
        np.testing.assert_array_equal(came.exog[:, 0], 2.0**63 + 2.0**20 * np.arange(N))
        np.testing.assert_array_equal(came._encoding.encode_fixed(data), came.exog)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "x"),
        ("x + 1", "_operand_of_arithmetic(x) + 1"),
        ("`a b` ** 2", "_operand_of_arithmetic(a_b) ** 2"),
        ("(x > 1) + -z", "_operand_of_arithmetic(x > 1) + -_operand_of_arithmetic(z)"),
        ("f(lambda u: u * 2)", "f(lambda u: u * 2)"),
        ("no python", "_quoted_0"),
        ("(a > 1) & ~b", "_operand_of_logic(a > 1) & _operand_of_logic(~_operand_of_logic(b))"),
        (
            "x - x.mean()",
            "_operand_of_arithmetic(x) - _operand_of_arithmetic(_remembered('x.mean()', x.mean()))",
        ),
        ("log(log)", "log(log_1)"),
    ],
)
def test_operands_are_converted(text: str, expected: str) -> None:
    assert guarded(Expression.of(text)) == expected


def test_transforms_are_remembered_by_their_text() -> None:
    state: dict[str, Any] = {}
    keys = PlainKeys(state)
    keys[guarded(Expression.of("center((x > 1) + z * 2)"))] = 1
    assert state == {"center((x > 1) + z * 2)": 1}
    assert guarded(Expression.of("center((x > 1) + z * 2)")) in keys
