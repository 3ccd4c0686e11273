"""Variables of the caller in a formula: aligned with the rows of the data by their index, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg

RNG = np.random.default_rng(0)
N = 40
DATA = pd.DataFrame({"x": RNG.normal(size=N), "g": np.arange(N) % 5, "y": RNG.integers(0, 2, N)}).sort_values(
    "x"
)
V = pd.Series(RNG.normal(size=N), name="v").loc[DATA.index]

USES = [
    "v",
    "I(x * v)",
    "np.exp(v)",
    "center(v)",
    "np.where(v > 0, 1, 2)",
    "x.mul(v)",
    "v.abs()",
    "I(v.to_numpy() * 0 + v)",
    "own(v)",
]


def own(values: Any) -> Any:
    return 2 * values


def columns(formula: str, v: Any, data: pd.DataFrame = DATA) -> np.ndarray:
    return mg.MixedGLM.from_formula(formula, data=data, family="binomial").exog[:, 0]


@pytest.mark.parametrize("use", USES)
def test_the_same_rows_in_another_order_are_refused(use: str) -> None:
    expected = columns(f"y ~ 0 + {use.replace('own(v)', 'I(2 * v)')}", None, DATA.assign(v=V))
    np.testing.assert_allclose(columns(f"y ~ 0 + {use}", V), expected)
    for other in (V.sort_index(), V.reset_index(drop=True)):
        with pytest.raises(
            ValueError, match=r"v must have the same index as data, got .* at row 0; .*v\.to_numpy\(\)"
        ):
            columns(f"y ~ 0 + {use}", other)


@pytest.mark.parametrize("use", USES[:-1])
def test_other_lengths_are_refused(use: str) -> None:
    with pytest.raises(ValueError, match="v must have one value for each of the 40 rows of data, got 39"):
        columns(f"y ~ 0 + {use}", V.iloc[:-1])


def test_arrays_are_taken_by_position() -> None:
    np.testing.assert_array_equal(columns("y ~ 0 + v", V.to_numpy()), V)
    np.testing.assert_array_equal(columns("y ~ 0 + I(x * v)", V.to_numpy()), V * DATA["x"])


@pytest.mark.parametrize(
    "formula", ["y ~ C(v)", "y ~ v", "y ~ (1 | v)", "y ~ (0 + x:v | g)", "v ~ x", "y ~ offset(v.cat.codes)"]
)
def test_categories(formula: str) -> None:
    v = pd.Series(pd.Categorical(np.where(V > 0, "a", "b")), index=V.index)
    formula = formula if "x:v" not in formula else "y ~ (0 + x:v || g)"
    given = mg.MixedGLM.from_formula(formula, data=DATA, family="binomial")
    column = mg.MixedGLM.from_formula(formula, data=DATA.assign(v=v), family="binomial")
    np.testing.assert_array_equal(given.exog, column.exog)
    np.testing.assert_array_equal(given.exog_vc.toarray(), column.exog_vc.toarray())
    np.testing.assert_array_equal(given.endog, column.endog)
    v = v.sort_index()
    with pytest.raises(ValueError, match="v must have the same index as data"):
        mg.MixedGLM.from_formula(formula, data=DATA, family="binomial")


@pytest.mark.parametrize(
    "use", ["I(x * v.a)", "I(x * v['a'])", "np.exp(v.a)", "v.loc[:, 'a']", "I(v.sum(axis=1))"]
)
def test_columns_of_data_frames(use: str) -> None:
    frame = pd.DataFrame({"a": V})
    expected = (
        np.exp(V) if "exp" in use else V if "x" not in use or "axis" in use or "loc" in use else V * DATA["x"]
    )
    np.testing.assert_allclose(columns(f"y ~ 0 + {use}", frame), expected)
    np.testing.assert_allclose(columns("y ~ 0 + I(x * v['a'])", {"a": V}), V * DATA["x"])
    for other in (frame.sort_index(), frame.reset_index(drop=True)):
        with pytest.raises(ValueError, match="v must have the same index as data"):
            columns(f"y ~ 0 + {use}", other)
    with pytest.raises(ValueError, match=r"v\['a'\] must have the same index as data"):
        columns("y ~ 0 + I(x * v['a'])", {"a": V.sort_index()})


def test_rows_that_are_dropped() -> None:
    data = DATA.copy()
    data.iloc[3, 0] = np.nan
    expected = np.delete((data["x"] * V).to_numpy(), 3)
    np.testing.assert_array_equal(columns("y ~ 0 + I(x * v)", V, data), expected)


@pytest.mark.parametrize(
    ("use", "v", "expected"),
    [
        ("g.map(v)", pd.Series([5.0, 6, 7, 8, 9]), DATA["g"] + 5.0),
        ("I(x - v.mean())", pd.Series([1.0, 3.0]), DATA["x"] - 2),
        ("I(x - np.mean(v))", pd.Series([1.0, 3.0]), DATA["x"] - 2),
        ("I(v.to_numpy()[g])", pd.Series([5.0, 6, 7, 8, 9]), DATA["g"] + 5.0),
        ("I(x * v['k'])", pd.Series({"k": 3.0}), DATA["x"] * 3),
    ],
)
def test_tables_and_summaries_need_no_rows(use: str, v: pd.Series, expected: Any) -> None:
    np.testing.assert_allclose(columns(f"y ~ 0 + {use}", v), expected)


def test_new_rows() -> None:
    v = V
    result = mg.MixedGLM.from_formula("y ~ x:v", data=DATA, family="binomial").fit_map()
    own_rows = result.predict()
    np.testing.assert_array_equal(result.predict(DATA), own_rows)
    with pytest.raises(ValueError, match="v must have the same index as exog"):
        result.predict(DATA.sort_index())
    with pytest.raises(
        ValueError, match="v must have one value for each of the 5 rows of exog, got 40; make it a column"
    ):
        result.predict(DATA.head(5))
    np.testing.assert_array_equal(result.predict(DATA.assign(v=v).head(5)), own_rows[:5])
    incomplete = DATA.copy()
    incomplete.iloc[3, 0] = np.nan
    np.testing.assert_array_equal(np.delete(result.predict(incomplete), 3), np.delete(own_rows, 3))


def test_variables_that_change_later() -> None:
    v, table, held = (
        V.to_numpy().copy(),
        V.groupby(DATA["g"]).mean(),
        {0: 1.0, 1: 2.0, 2: 0.0, 3: 1.0, 4: 5.0},
    )
    result = mg.MixedGLM.from_formula(
        "y ~ v + g.map(table) + g.map(held)", data=DATA, family="binomial"
    ).fit_map()
    before = result.predict(DATA)
    v[:] = 0
    table[:] = 0
    held.clear()
    np.testing.assert_array_equal(result.predict(DATA), before)


def test_a_variable_called_data() -> None:
    data = V.sort_index()
    with pytest.raises(ValueError, match="the variable data must have the same index as data"):
        mg.MixedGLM.from_formula("y ~ data", data=DATA, family="binomial")
    assert len(data) == N


def test_masked_variables() -> None:
    v = np.ma.masked_array(V.to_numpy(), np.arange(N) == 2)
    with pytest.raises(ValueError, match="exog must be finite, got nan at row 2"):
        mg.MixedGLM.from_formula("y ~ v", data=DATA, family="binomial")
    groups = np.ma.masked_array(np.arange(N) % 4, np.arange(N) == 2)
    with pytest.raises(ValueError, match="grouping factor 'groups' is missing"):
        mg.MixedGLM.from_formula("y ~ (1 | groups)", data=DATA, family="binomial")
    assert (len(v), len(groups)) == (N, N)
