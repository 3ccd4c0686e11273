"""Checks of single arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mixed_glm._input import arrays as check

DENSE = np.array([[1.0, 0, 2], [0, 0, 3], [0, 4, 0], [0, 0, 0]])
FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]


@pytest.mark.parametrize("container", ["array", "matrix"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_sparse_format(name: str, container: str) -> None:
    given = getattr(sparse, f"{name}_{container}")(DENSE)
    z, names = check.as_sparse_design(given, "exog_vc", 4)
    np.testing.assert_array_equal(z.toarray(), DENSE)
    assert z.has_canonical_format
    assert isinstance(z, sparse.csr_array)
    assert names is None


@pytest.mark.parametrize("dtype", [bool, np.int8, np.float32])
def test_every_real_dtype(dtype: type) -> None:
    z, _ = check.as_sparse_design(sparse.coo_array(DENSE.astype(dtype)), "exog_vc", 4)
    assert z.dtype == np.float64
    np.testing.assert_array_equal(z.toarray(), DENSE.astype(dtype))


def test_unsorted_duplicates_are_summed_and_the_callers_arrays_kept() -> None:
    given = sparse.csr_array(
        (np.array([1.0, 2, 5, 0, 3, -3]), np.array([2, 0, 2, 1, 0, 0]), np.array([0, 3, 4, 6])), shape=(3, 3)
    )
    before = given.data.copy(), given.indices.copy(), given.indptr.copy()
    z, _ = check.as_sparse_design(given, "exog_vc", 3)
    np.testing.assert_array_equal(z.toarray(), [[2, 0, 6], [0, 0, 0], [0, 0, 0]])
    assert z.nnz == 2
    for now, then in zip((given.data, given.indices, given.indptr), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_clean_csr_is_not_copied() -> None:
    given = sparse.csr_array(DENSE)
    assert np.shares_memory(check.as_sparse_design(given, "exog_vc", 4)[0].data, given.data)


@pytest.mark.parametrize("sparse_columns", [False, True])
def test_frames_keep_names(sparse_columns: bool) -> None:
    frame = pd.DataFrame(DENSE, columns=list("abc"))
    z, names = check.as_sparse_design(
        frame.astype(pd.SparseDtype(float, 0.0)) if sparse_columns else frame, "exog_vc", 4
    )
    np.testing.assert_array_equal(z.toarray(), DENSE)
    assert names == ["a", "b", "c"]


def test_design_is_not_copied_where_it_fits() -> None:
    fortran = np.asfortranarray(DENSE)
    assert np.shares_memory(check.as_design(fortran, "exog", 4)[0], fortran)
    x, _ = check.as_design(DENSE, "exog", 4)
    assert x.flags.f_contiguous
    np.testing.assert_array_equal(x, DENSE)


def test_design_forms() -> None:
    assert check.as_design(None, "exog", 4)[0].shape == (4, 0)
    x, names = check.as_design(pd.Series([1, 2], name="a"), "exog", 2)
    assert (x.shape, names) == ((2, 1), ["a"])
    x, names = check.as_design(pd.DataFrame({"a": [1, 2], "b": [True, False]}), "exog", 2)
    np.testing.assert_array_equal(x, [[1, 1], [2, 0]])
    assert names == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.ones(3), ValueError, "must have 4 rows, one for each observation, got 3"),
        (np.ones((4, 2, 2)), ValueError, "must have one or two dimensions"),
        (np.array([1, np.nan, 1, 1]), ValueError, "must be finite, got nan at row 1, column 0"),
        (
            pd.DataFrame({"a": [1.0] * 4, "b": [0, 0, np.inf, 0]}),
            ValueError,
            "must be finite, got inf at row 2, column b",
        ),
        (np.ma.array(np.ones(4), mask=[0, 0, 1, 0]), ValueError, "must be finite, got nan at row 2"),
        (list("abcd"), TypeError, "must be numeric"),
        (pd.DataFrame({"a": list("abcd")}), TypeError, "must be numeric, got column 'a'"),
        (np.ones(4, dtype=complex), TypeError, "must be numeric"),
    ],
)
def test_bad_designs(value: object, error: type[Exception], message: str) -> None:
    for convert, name in ((check.as_design, "exog"), (check.as_sparse_design, "exog_vc")):
        with pytest.raises(error, match=f"^{name} {message}"):
            convert(value, name, 4)


def test_bad_sparse_values() -> None:
    bad = sparse.coo_array(DENSE)
    bad.data[1] = np.inf
    with pytest.raises(ValueError, match="exog_vc must be finite, got inf at row 0, column 2"):
        check.as_sparse_design(bad, "exog_vc", 4)
    with pytest.raises(TypeError, match="exog_vc must be numeric"):
        check.as_sparse_design(sparse.csr_array(DENSE.astype(complex)), "exog_vc", 4)


@pytest.mark.parametrize(
    ("ident", "codes", "names"),
    [
        ([0, 0, 1, 2], [0, 0, 1, 2], None),
        ([1, 0, 1, 2], [1, 0, 1, 2], None),
        ([7, 7, -2, 30], [1, 1, 0, 2], None),
        ([True, False, False, True], [1, 0, 0, 1], None),
        (["v", "v", "a", "b"], [0, 0, 1, 2], ["v", "a", "b"]),
        (pd.Categorical(["v", "v", "a", "b"]), [0, 0, 1, 2], ["v", "a", "b"]),
        (pd.Series(["v", "v", "a", "b"], index=[3, 1, 2, 9]), [0, 0, 1, 2], ["v", "a", "b"]),
        (np.array([3, 1, 3, 9], dtype=object), [1, 0, 1, 2], None),
        (np.array([3, 3, 5, 9], dtype=np.uint8), [0, 0, 1, 2], None),
    ],
)
def test_ident(ident: object, codes: list[int], names: list[str] | None) -> None:
    found, labels, k = check.as_ident(ident, 4)
    np.testing.assert_array_equal(found, codes)
    assert found.dtype == np.int32
    assert (labels, k) == (names, max(codes) + 1)


@pytest.mark.parametrize(
    ("ident", "error", "message"),
    [
        (None, ValueError, "got None"),
        ([0, 1], ValueError, "one label for each of the 4 columns of exog_vc, got 2"),
        ([[0, 1, 2, 3]], ValueError, "one-dimensional"),
        ([0.0, 1.0, 1.0, 1.0], TypeError, "integer or string labels, got floating of dtype float64"),
        (pd.Series(["a", None, "b", "c"]), ValueError, "missing labels"),
    ],
)
def test_bad_ident(ident: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check.as_ident(ident, 4)


def test_priors() -> None:
    np.testing.assert_array_equal(check.as_prior_sd(2, "fe_p", 3, "fixed effects"), [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(check.as_prior_sd([1, 2, 3], "fe_p", 3, "fixed effects"), [1, 2, 3])
    for bad in (0, -1, np.nan, np.inf, [1, 1, 0]):
        with pytest.raises(ValueError, match="fe_p must be a positive, finite standard deviation"):
            check.as_prior_sd(bad, "fe_p", 3, "fixed effects")
    with pytest.raises(ValueError, match=r"one for each of the 3 fixed effects, got shape \(2,\)"):
        check.as_prior_sd([1, 2], "fe_p", 3, "fixed effects")


def test_names() -> None:
    assert check.as_names(("a", 3), "fep_names", 2, "fixed effects") == ["a", "3"]
    with pytest.raises(TypeError, match="a list of names, got the string 'ab'"):
        check.as_names("ab", "fep_names", 2, "fixed effects")
    with pytest.raises(ValueError, match="one name for each of the 2 fixed effects, got 1"):
        check.as_names(["a"], "fep_names", 2, "fixed effects")
    with pytest.raises(ValueError, match="must be distinct, got 'a' twice"):
        check.as_names(["a", "b", "a"], "vcp_names", 3, "variance components", unique=True)


def test_vectors() -> None:
    np.testing.assert_array_equal(check.as_vector(3, "n_trials", 2, scalar=True), [3, 3])
    np.testing.assert_array_equal(check.as_vector(np.ones((2, 1)), "offset", 2), [1, 1])
    with pytest.raises(ValueError, match="offset must have one value for each of the 3 observations, got 2"):
        check.as_vector([1, 2], "offset", 3)
    with pytest.raises(ValueError, match="offset must be one-dimensional"):
        check.as_vector(np.ones((2, 2)), "offset", 2)


@pytest.mark.parametrize(("rng", "error"), [("a", TypeError), (-1, ValueError), (1.5, TypeError)])
def test_sources_of_random_numbers_are_named(rng: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"rng must be a whole number from 0, .* got {rng!r}"):
        check.as_generator(rng)
    generator = np.random.default_rng(3)
    assert check.as_generator(generator) is generator
    assert check.as_generator(3).random() == np.random.default_rng(3).random()
