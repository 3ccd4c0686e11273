"""Columns of new rows: found by their names, or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg

RNG = np.random.default_rng(0)
G = np.arange(100) % 4
X = pd.DataFrame({"const": 1.0, "x": RNG.normal(size=100)})
Z = pd.DataFrame(np.eye(4)[G], columns=list("abcd"))
Y = RNG.binomial(1, [0.1, 0.4, 0.6, 0.9], (25, 4)).ravel()


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults:
    return mg.MixedGLM(Y, X, Z, np.zeros(4, int), "binomial").fit_laplace(integrate="mode")


def predict(result: mg.MixedGLMResults, exog: object, exog_vc: object) -> np.ndarray:
    return result.predict(exog, exog_vc=exog_vc, random="conditional")


def test_the_order_does_not_matter(result: mg.MixedGLMResults) -> None:
    expected = predict(result, X, Z)
    for x, z in (
        (X, Z[list("dcba")]),
        (X[["x", "const"]], Z),
        (X.assign(more=1.0), Z.astype(pd.SparseDtype(float, 0.0))[list("bdac")]),
        (X.to_numpy(), Z.to_numpy()),
        (X.set_axis(range(2), axis=1), Z.set_axis(range(4), axis=1)),  # only numbered
    ):
        np.testing.assert_array_equal(predict(result, x, z), expected)


@pytest.mark.parametrize(
    ("x", "z", "message"),
    [
        (X, Z.rename(columns={"a": "e"}), "exog_vc .* it lacks 'a'; the model has no 'e'"),
        (X, Z[list("abc")], "exog_vc .* it lacks 'd'"),
        (X, Z.assign(e=0.0), "exog_vc .* the model has no 'e'"),
        (X, Z[list("abca")], "exog_vc .* it lacks 'd'; there is more than one 'a'"),
        (X, Z[list("abcda")], "exog_vc .* there is more than one 'a'"),
        (X.rename(columns={"const": "one"}), Z, "exog .* it lacks 'const'; the model has no 'one'"),
        (X[["x"]], Z, "exog .* it lacks 'const'"),
        (X[["x", "const", "x"]], Z, "exog .* there is more than one 'x'"),
        (X, Z.iloc[::-1], "exog_vc must have the same index as exog"),
    ],
)  # fmt: skip
def test_other_names_are_refused(result: mg.MixedGLMResults, x: object, z: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        predict(result, x, z)


def test_models_without_names() -> None:
    plain = mg.MixedGLM(Y, X.to_numpy(), Z.to_numpy(), np.zeros(4, int), "binomial").fit_map()
    np.testing.assert_array_equal(predict(plain, X, Z), predict(plain, X.to_numpy(), Z.to_numpy()))


def test_models_from_a_formula() -> None:
    data = pd.DataFrame({"y": Y, "x": X["x"], "g": G})
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="binomial").fit_map()
    x = X.rename(columns={"const": "Intercept"})
    z = Z.set_axis([f"g[{k}]" for k in range(4)], axis=1)
    expected = predict(result, data, None)
    np.testing.assert_allclose(predict(result, x, z), expected)
    np.testing.assert_allclose(predict(result, x[["x", "Intercept"]], z.iloc[:, ::-1]), expected)
    with pytest.raises(ValueError, match=r"exog_vc .* it lacks 'g\[0\]'"):
        predict(result, x, Z)
    with pytest.raises(ValueError, match="'x' more than once"):
        result.predict(pd.concat([data, data[["x"]]], axis=1))


def test_labels_of_components_come_by_name() -> None:
    ident = pd.Series({"a": 0, "b": 0, "c": 1, "d": 1})
    model = mg.MixedGLM(Y, X, Z, ident.iloc[::-1], "binomial")
    assert model.ident.tolist() == [0, 0, 1, 1]


def test_masked_columns_for_offsets_are_missing() -> None:
    result = mg.MixedGLM(Y, X, None, None, "binomial", offset=np.zeros(100)).fit_map()
    new = {"const": np.ones(2), "x": np.zeros(2), "o": np.ma.masked_array([0.0, 5.0], [False, True])}
    frame = pd.DataFrame(new)
    assert np.isnan(result.predict(frame, offset="o")).tolist() == [False, True]
