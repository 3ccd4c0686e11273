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


SEVERAL = pd.MultiIndex.from_product([range(8), list("edcba")], names=["u", None])


@pytest.mark.parametrize("index", [FRAME.index, SEVERAL, pd.date_range("2020-01-01", periods=N, tz="UTC")])
@pytest.mark.parametrize("saved", [False, True])
def test_own_rows_keep_their_labels(index, saved, tmp_path):
    """Whatever the order of the rows, and after rows were dropped because something was missing in them."""
    frame = FRAME.set_axis(index).sort_values("x")
    frame.iloc[[3, 11], 1] = np.nan
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="binomial").fit_laplace()
    if saved:
        result.save(tmp_path / "r.mglm")
        result = mg.load(tmp_path / "r.mglm")
    used = frame.index[frame["x"].notna()]
    pd.testing.assert_index_equal(result.model.index, used)
    for options in ({}, {"random": "conditional"}, {"random": "marginal"}, {"predictive": True}):
        own, new = (result.predict(rows, interval=0.9, **options) for rows in (None, frame))
        pd.testing.assert_index_equal(own.index, used)
        pd.testing.assert_index_equal(new.index, frame.index)
        if "predictive" not in options:
            frame["own"], frame["new"] = own["mean"], new["mean"]
            assert frame["own"].isna().sum() == 2
            np.testing.assert_allclose(frame["own"], frame["new"])
    for found in (result.loo(100), result.waic(100)):
        pd.testing.assert_index_equal(found.index, used)
        assert len(found.index) == len(found.pointwise)
    assert result.posterior_predictive(5).shape == (5, len(used))


@pytest.mark.parametrize("labelled", ["endog", "exog", "exog_vc", "offset", "n_trials", "freq_weights"])
def test_arrays_take_labels_from_any_series(labelled):
    arrays = {
        "endog": FRAME["y"].to_numpy(),
        "exog": FRAME[["one", "x"]].to_numpy(),
        "exog_vc": GROUPS,
        "offset": np.zeros(N),
        "n_trials": np.ones(N),
        "freq_weights": np.ones(N),
    }
    value = arrays[labelled]
    arrays[labelled] = (pd.Series if value.ndim == 1 else pd.DataFrame)(value, index=FRAME.index)
    result = mg.MixedGLM(**arrays, ident=[0] * 5, family="binomial").fit_laplace(integrate="mode")
    pd.testing.assert_index_equal(result.predict(interval=0.9).index, FRAME.index)
    assert model().index is not None
    assert mg.MixedGLM([0.0, 1.0], np.ones((2, 1)), family="binomial").index is None


def test_new_rows_of_arrays_take_labels_from_any_series():
    result = model(n_trials=np.ones(N)).fit_laplace(integrate="mode")
    x, z, three = FRAME[["one", "x"]].to_numpy()[:3], GROUPS[:3], pd.Index(list("abc"))
    series = pd.Series(5, index=three)
    for options in (
        {"exog_vc": pd.DataFrame(z, index=three), "random": "conditional"},
        {"offset": series * 0.0},
        {"n_trials": series, "predictive": True},
    ):
        fitted = model(offset=np.zeros(N)).fit_laplace(integrate="mode") if "offset" in options else result
        options = {"n_trials": series.to_numpy()} | options if "predictive" in options else options
        pd.testing.assert_index_equal(fitted.predict(x, interval=0.9, **options).index, three)
    by_columns = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=FRAME, family="binomial").fit_laplace()
    mapping = {"x": pd.Series([0.0, 1.0, 2.0], index=three), "g": [0, 1, 2]}
    pd.testing.assert_index_equal(by_columns.predict(mapping, interval=0.9).index, three)
