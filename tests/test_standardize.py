"""Standardized columns and the way back: exact, intercept and cross-covariances included."""

from __future__ import annotations

import numpy as np
import pytest

from mixed_glm._spec.standardization import Standardization


@pytest.fixture
def exog() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.c_[rng.normal(3, 2, 50), np.full(50, 2.0), rng.uniform(-9, 100, 50), rng.integers(0, 2, 50)]


def test_columns_have_mean_zero_and_sd_one(exog: np.ndarray) -> None:
    scaled = Standardization.of(exog).apply(exog)
    np.testing.assert_allclose(scaled[:, [0, 2, 3]].mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(scaled[:, [0, 2, 3]].std(axis=0), 1)
    np.testing.assert_array_equal(scaled[:, 1], 2.0)
    assert scaled.flags.f_contiguous


def test_linear_predictor_is_the_same_after_the_way_back(exog: np.ndarray) -> None:
    standard = Standardization.of(exog)
    b = np.array([0.3, -1.0, 2.0, 0.7, 0.5, 9.0])  # two more parameters, which must stay as they are
    beta = standard.params_back(b)
    np.testing.assert_allclose(exog @ beta[:4], standard.apply(exog) @ b[:4])
    np.testing.assert_array_equal(beta[4:], b[4:])
    np.testing.assert_allclose(standard.params_to(beta), b)


def test_without_a_constant_column_nothing_is_centred(exog: np.ndarray) -> None:
    x = exog[:, [0, 2]]
    standard = Standardization.of(x)
    np.testing.assert_array_equal(standard.center, 0)
    np.testing.assert_allclose(standard.apply(x), x / x.std(axis=0))


def test_covariance_goes_back_with_its_cross_terms(exog: np.ndarray) -> None:
    standard = Standardization.of(exog)
    rng = np.random.default_rng(1)
    root = rng.normal(size=(6, 6))
    covariance = root @ root.T
    whole = np.eye(6)
    whole[:4, :4] = standard.matrix
    back = standard.covariance_back(covariance)
    np.testing.assert_allclose(back, whole @ covariance @ whole.T)
    sd = standard.sd_back(np.sqrt(covariance.diagonal()), covariance[:4, :4])
    np.testing.assert_allclose(sd, np.sqrt(back.diagonal()))


def test_weights_count_rows(exog: np.ndarray) -> None:
    counts = np.arange(50) % 3
    weighted = Standardization.of(exog, counts.astype(float))
    repeated = Standardization.of(np.repeat(exog, counts, axis=0))
    np.testing.assert_allclose(weighted.matrix, repeated.matrix)


def test_zero_columns_and_large_offsets() -> None:
    x = np.c_[np.zeros(5), np.full(5, 1e9) * (1 + 1e-12 * np.arange(5)), np.arange(5.0)]
    standard = Standardization.of(x)
    np.testing.assert_array_equal(standard.scale[:2], 1)
    assert np.isfinite(standard.matrix).all()
    b = np.array([1.0, 1e-9, 0.5])
    np.testing.assert_allclose(x @ standard.params_back(b), standard.apply(x) @ b, rtol=1e-9)


def test_no_columns() -> None:
    standard = Standardization.of(np.empty((4, 0)))
    np.testing.assert_array_equal(standard.params_back(np.array([1.0, 2.0])), [1.0, 2.0])
