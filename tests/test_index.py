"""Rows of pandas objects: the same index, or an error; columns by their names."""

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg

RNG = np.random.default_rng(0)
N = 40
FRAME = pd.DataFrame(
    {"one": 1.0, "x": RNG.normal(size=N), "y": RNG.integers(0, 2, N), "g": np.arange(N) % 5},
    index=pd.Index([f"row {i}" for i in range(N)]),
)
GROUPS = np.eye(5)[FRAME["g"]]


def model(**changed):
    arguments = {"endog": FRAME["y"], "exog": FRAME[["one", "x"]], "exog_vc": GROUPS, "ident": [0] * 5}
    return mg.MixedGLM(**{**arguments, "family": "binomial", **changed})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exog", FRAME[["one", "x"]].iloc[::-1]),
        ("exog", FRAME[["one", "x"]].reset_index(drop=True)),
        ("exog_vc", pd.DataFrame(GROUPS)),
        ("offset", FRAME["x"].iloc[::-1]),
        ("n_trials", FRAME["one"].iloc[::-1]),
        ("freq_weights", FRAME["one"].iloc[::-1]),
    ],
)
def test_indices_that_differ_are_refused(name, value):
    with pytest.raises(
        ValueError, match=rf"{name} must have the same index as endog, got .* at row 0.*to_numpy"
    ):
        model(**{name: value})
    bare = model(**{name: value.to_numpy()})
    assert bare.nobs == N


def test_the_same_index_in_another_object_is_accepted():
    assert model(offset=pd.Series(0.0, index=FRAME.index.copy())).nobs == N
    plain = FRAME.reset_index(drop=True)
    assert model(endog=plain["y"].set_axis(np.arange(N)), exog=plain[["one", "x"]]).nobs == N


def test_values_beside_a_formula():
    with pytest.raises(
        ValueError, match="offset must have the same index as data, got 'row 39' instead of 'row 0'"
    ):
        mg.MixedGLM.from_formula("y ~ x", data=FRAME, family="binomial", offset=FRAME["x"].iloc[::-1])


def test_fit_many():
    responses = pd.DataFrame({"a": FRAME["y"], "b": 1 - FRAME["y"]})
    with pytest.raises(ValueError, match="exog must have the same index as endogs"):
        mg.fit_many(responses, FRAME[["one", "x"]].iloc[::-1], GROUPS, [0] * 5, family="binomial")


def test_new_rows():
    result = model(offset=FRAME["x"]).fit_laplace(integrate="mode")
    new = FRAME[["one", "x"]].iloc[:3]
    expected = result.predict(new, offset=[0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match="offset must have the same index as exog"):
        result.predict(new, offset=pd.Series([0.0, 1.0, 2.0]))
    np.testing.assert_array_equal(result.predict(new[["x", "one"]], offset=[0.0, 1.0, 2.0]), expected)
    np.testing.assert_array_equal(result.predict(FRAME.iloc[:3], offset=[0.0, 1.0, 2.0]), expected)
    with pytest.raises(ValueError, match="offset: exog has no column 'z'"):
        result.predict(new, offset="z")


@pytest.mark.parametrize("random", ["population", "conditional", "marginal"])
def test_no_rows_give_no_predictions(random):
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=FRAME, family="binomial").fit_laplace()
    assert result.predict(FRAME.iloc[:0]).shape == (0,)
    assert result.predict(FRAME.iloc[:0], random=random, interval=0.9).shape == (0, 4)
