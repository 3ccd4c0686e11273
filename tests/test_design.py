"""The rank of X, and the parts of a design."""

from __future__ import annotations

import numpy as np
import pytest

from mixed_glm import families
from mixed_glm._spec.design import make_design, numerical_rank

RNG = np.random.default_rng(0)
X = np.c_[np.ones(300), RNG.normal(size=(300, 4))]


@pytest.mark.parametrize(
    ("exog", "rank"),
    [
        (X, 5),
        (np.empty((300, 0)), 0),
        (np.zeros((300, 2)), 0),
        (np.c_[X, np.zeros(300)], 5),
        (np.c_[X, X[:, 1] + X[:, 2]], 5),
        (np.c_[X, X[:, 1] + X[:, 2] + 1e-14 * RNG.normal(size=300)], 5),
        (np.c_[X, X[:, 1] + 1e-6 * RNG.normal(size=300)], 6),  # nearly collinear, but the data can tell
        (X * [1e-150, 1, 1e150, 1, 1], 5),
        (np.c_[np.ones(300), 2000 + np.arange(300) / 100], 2),
        (np.vander(np.linspace(0, 1, 300), 8), 8),
        (X[:3], 3),
    ],
)
def test_numerical_rank(exog: np.ndarray, rank: int) -> None:
    assert numerical_rank(exog) == rank


def test_total_offset() -> None:
    y, t = np.ones(3), np.array([1.0, 2.0, 3.0])
    poisson = families.Poisson()
    assert make_design(y, None, None, None, poisson).total_offset() is None
    np.testing.assert_array_equal(make_design(y, None, None, None, poisson, offset=t).total_offset(), t)
    both = make_design(y, None, None, None, poisson, offset=t, exposure=t).total_offset()
    np.testing.assert_allclose(both, t + np.log(t))
