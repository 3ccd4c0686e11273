"""Responses as numbers, labels and two columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mixed_glm._input.response import as_response


@pytest.mark.parametrize(
    ("endog", "y", "levels"),
    [
        ([0, 1, 1], [0, 1, 1], None),
        ([True, False, True], [1, 0, 1], None),
        (["no", "yes", "no"], [0, 1, 0], ("no", "yes")),
        (pd.Series(["b", "a", "b"], index=[2, 2, 5]), [1, 0, 1], ("a", "b")),
        (pd.Categorical(["b", "a", "b"], categories=["b", "a"]), [0, 1, 0], ("b", "a")),
        (pd.Categorical(["b", "b", "b"], categories=["a", "b"]), [1, 1, 1], ("a", "b")),
        (np.array([0, 1, 1], dtype=object), [0, 1, 1], None),
        (pd.DataFrame({"y": [0.0, 1, 1]}), [0, 1, 1], None),
        (np.array([[0], [1], [1]]), [0, 1, 1], None),
        (sparse.csr_array(np.array([[0.0], [1], [1]])), [0, 1, 1], None),
    ],
)
def test_one_column(endog: object, y: list[float], levels: tuple[str, str] | None) -> None:
    found, trials, labels = as_response(endog, binomial=True)
    np.testing.assert_array_equal(found, y)
    assert found.dtype == np.float64
    assert trials is None
    assert labels == levels


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame])
def test_two_columns_are_successes_and_failures(kind: type) -> None:
    y, trials, _ = as_response(kind([[1, 4], [0, 3]]), binomial=True)
    np.testing.assert_array_equal(y, [1, 0])
    np.testing.assert_array_equal(trials, [5, 3])


@pytest.mark.parametrize(
    ("endog", "binomial", "error", "message"),
    [
        ([], True, ValueError, "at least one observation"),
        (np.empty((0, 2)), True, ValueError, "at least one observation"),
        (["a", "b", "c"], True, ValueError, "two levels, failure and success, got 3: 'a', 'b', 'c'"),
        (["a", "a"], True, ValueError, "two levels, failure and success, got 1"),
        (pd.Series(["a", None, "b"]), True, ValueError, "missing labels, got one at row 1"),
        (["a", "b"], False, TypeError, "only understood for the binomial family"),
        ([[1, 2], [3, 4]], False, ValueError, "only for the binomial family"),
        (np.ones((2, 3)), True, ValueError, r"got shape \(2, 3\)"),
        ([0, np.nan], True, ValueError, "endog must be finite, got nan at row 1"),
        ([[1, 2], [3, np.inf]], True, ValueError, "got inf at row 1, column failures"),
        ([[1, 2], [3, -4]], True, ValueError, "must not be negative, got -4 at row 1"),
        (3, True, ValueError, "one-dimensional"),
    ],
)
def test_bad_responses(endog: object, binomial: bool, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_response(endog, binomial)


def test_booleans_are_counts_for_other_families() -> None:
    np.testing.assert_array_equal(as_response(np.array([True, False]), binomial=False)[0], [1, 0])
