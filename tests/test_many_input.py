"""fit_many: forms of input, per-response offsets and trials, checks, memory."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from many_problems import assert_identical, crossed, one_factor
from numpy.testing import assert_allclose

import mixed_glm as mg
from mixed_glm import ResponseStatus


@pytest.fixture(scope="module")
def problem():
    return one_factor("poisson", m=7, seed=3)


@pytest.fixture(scope="module")
def reference(problem):
    return problem.fit()


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "coo_matrix", "csr_matrix", "csc_matrix"])
def test_sparse(problem, reference, kind):
    sparse = getattr(scipy.sparse, kind)(problem.y)
    assert_identical(problem.with_responses(sparse).fit(chunk_size=3), reference)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_types_and_orders(problem, reference, dtype, order):
    y = np.asarray(problem.y, dtype=dtype, order=order)
    before = y.copy()
    assert_identical(problem.with_responses(y).fit(chunk_size=3), reference)
    np.testing.assert_array_equal(y, before)


def test_booleans():
    problem = one_factor(m=3)
    assert_identical(problem.with_responses(problem.y == 1).fit(), problem.fit())


def test_data_frames(problem, reference):
    frame = pd.DataFrame(problem.y.astype(int), columns=list("abcdefg"))
    results = problem.with_responses(frame).fit(chunk_size=2)
    assert_identical(results, reference)
    assert results.names == list("abcdefg")
    nullable = frame.astype("Int64")
    nullable.iloc[3, 1] = pd.NA
    with pytest.warns(mg.ConvergenceWarning, match="1 invalid"):
        results = problem.with_responses(nullable).fit()
    assert results.status[1] == ResponseStatus.INVALID_RESPONSE
    np.testing.assert_array_equal(results.fe_mean[2:], reference.fe_mean[2:])


def test_masked_values_are_missing(problem):
    masked = np.ma.masked_array(problem.y, mask=np.zeros(problem.y.shape, bool))
    masked[5, 2] = np.ma.masked
    with pytest.warns(mg.ConvergenceWarning, match="1 invalid"):
        results = problem.with_responses(masked).fit()
    assert results.status[2] == ResponseStatus.INVALID_RESPONSE


def test_memory_map(problem, reference, tmp_path):
    for order in "CF":
        on_disk = np.memmap(tmp_path / order, "int16", "w+", shape=problem.y.shape, order=order)
        on_disk[:] = problem.y
        on_disk.flush()
        assert_identical(problem.with_responses(on_disk).fit(chunk_size=4), reference)


def test_hdf5(problem, reference, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "y.h5", "w") as file:
        y = file.create_dataset("y", data=problem.y.astype("uint8"), chunks=(40, 2))
        assert_identical(problem.with_responses(y).fit(chunk_size=3), reference)


def test_zarr(problem, reference, tmp_path):
    zarr = pytest.importorskip("zarr")
    y = zarr.open(str(tmp_path / "y.zarr"), mode="w", shape=problem.y.shape, chunks=(50, 3), dtype="f4")
    y[:] = problem.y
    assert_identical(problem.with_responses(y).fit(chunk_size=3), reference)


class Columnwise:
    """Gives columns, and counts how many at most at a time."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.most = 0

    def __getitem__(self, key):
        rows, columns = key
        assert rows == slice(None)
        self.most = max(self.most, columns.stop - columns.start)
        return self.values[key]


def test_anything_that_can_be_sliced_is_read_in_pieces(problem, reference):
    y = Columnwise(problem.y)
    assert_identical(problem.with_responses(y).fit(chunk_size=3), reference)
    assert y.most == 3


def test_a_matrix_that_gives_another_shape_than_it_says(problem):
    y = Columnwise(problem.y)
    y.values = problem.y[:-1]
    with pytest.raises(ValueError, match=r"endogs must give shape \(120, 7\)"):
        problem.with_responses(y).fit()


def test_offsets_and_exposures_of_each_response(problem):
    rng = np.random.default_rng(2)
    offset, exposure = rng.normal(size=problem.y.shape), rng.uniform(0.5, 2.0, problem.y.shape)
    options = {"offset": offset, "exposure": exposure}
    results = problem.fit(chunk_size=3, **options)
    mixed = problem.fit(offset=offset[:, 0], exposure=pd.DataFrame(exposure))
    for j in range(problem.y.shape[1]):
        one = problem.model(j, **options).fit_laplace()
        assert_allclose(results.fe_mean[j], one.fe_mean, rtol=1e-8)
        assert_allclose(results.vcp_sd[j], one.vcp_sd, rtol=1e-8)
        one = problem.model(j, offset=offset[:, 0], exposure=exposure).fit_laplace()
        assert_allclose(mixed.fe_mean[j], one.fe_mean, rtol=1e-8)


def test_an_invalid_offset_spoils_its_response_only(problem, reference):
    exposure = np.ones(problem.y.shape)
    clean = problem.fit(exposure=exposure)
    np.testing.assert_allclose(clean.fe_mean, reference.fe_mean, rtol=1e-12)
    exposure[3, 1], exposure[4, 2], exposure[0, 5] = 0.0, -1.0, np.nan
    with pytest.warns(mg.ConvergenceWarning, match="3 invalid"):
        results = problem.fit(exposure=exposure)
    np.testing.assert_array_equal(np.flatnonzero(results.status), [1, 2, 5])
    np.testing.assert_array_equal(results.fe_mean[[0, 3, 4, 6]], clean.fe_mean[[0, 3, 4, 6]])


def test_trials_of_each_response():
    problem = crossed(m=4, trials=5)
    rng = np.random.default_rng(4)
    trials = problem.y + rng.integers(0, 4, problem.y.shape)
    results = problem.fit(n_trials=scipy.sparse.csr_array(trials), method="ep", chunk_size=3)
    for j in range(4):
        one = problem.model(j, n_trials=trials).fit_ep()
        assert_allclose(results.fe_mean[j], one.fe_mean, rtol=1e-8)
    trials[2, 1] = problem.y[2, 1] - 1
    with pytest.warns(mg.ConvergenceWarning, match="1 invalid"):
        results = problem.fit(n_trials=trials, method="ep")
    assert results.status[1] == ResponseStatus.INVALID_RESPONSE


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "mcmc"}, ValueError, "method must be one of 'laplace', 'ep', 'vb', 'map', got 'mcmc'"),
        ({"integrat": "mode"}, TypeError, "has no option 'integrat'; it has 'n_quad', 'leaf', 'integrate'"),
        ({"method": "map", "n_quad": 3}, TypeError, "has no option 'n_quad'"),
        ({"method": "vb", "covariance": "some"}, ValueError, "covariance must be one of"),
        ({"integrate": "all"}, ValueError, "integrate must be one of"),
        ({"minim_opts": {"gtol": 1}}, ValueError, "minim_opts"),
        ({"method": "map", "minim_opts": {"tol": 1}}, ValueError, "minim_opts .* 'gtol'"),
        ({"start": [0.0, 1.0]}, ValueError, "start must have"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be"),
        ({"n_jobs": 1.5}, TypeError, "n_jobs must be"),
        ({"chunk_size": 0}, ValueError, "chunk_size must be"),
        ({"executor": 3}, TypeError, "executor must be"),
        ({"offset": np.zeros((120, 3))}, ValueError, r"offset must have shape \(120,\) or \(120, 7\)"),
        ({"offset": np.zeros(3)}, ValueError, "offset must have"),
        ({"offset": np.full(120, np.nan)}, ValueError, "offset must be finite"),
        ({"exposure": np.zeros(120)}, ValueError, "exposure must be positive"),
        ({"n_trials": 3}, ValueError, "n_trials is only for the binomial family"),
        ({"n_trials": np.ones((120, 7))}, ValueError, "n_trials is only for the binomial family"),
    ],
)
def test_arguments_are_checked_before_anything_is_read(problem, options, error, message):
    y = Columnwise(problem.y)
    with pytest.raises(error, match=message):
        problem.with_responses(y).fit(**options)
    assert y.most == 0


@pytest.mark.parametrize(
    ("endogs", "error", "message"),
    [
        (np.zeros(120), ValueError, "endogs must be a two-dimensional array"),
        (np.zeros((3, 4, 5)), ValueError, "endogs must be a two-dimensional array"),
        (np.zeros((100, 7)), ValueError, "exog must have 100 rows"),
        (np.full((120, 2), "a"), TypeError, "endogs must be numeric"),
        (np.full((120, 2), "a", dtype=object), TypeError, "endogs must be numeric"),
        (np.zeros((120, 2), complex), TypeError, "endogs must be numeric"),
        (pd.DataFrame({"a": ["x"] * 120}), TypeError, "endogs must be numeric, got column 'a'"),
        (None, ValueError, "endogs must be a two-dimensional array"),
    ],
)
def test_responses_are_checked(problem, endogs, error, message):
    with pytest.raises(error, match=message):
        problem.with_responses(endogs).fit()


_BOUNDED = """
import resource, warnings
import numpy as np
import mixed_glm as mg

class Responses:  # 400 MB in all; of every hundred one is not missing
    shape, dtype = (500, 100_000), np.dtype(float)
    def __getitem__(self, key):
        columns = np.arange(key[1].start, key[1].stop)
        rows = np.arange(500)[:, None] % 3 == 0
        return np.where(columns % 100 == 0, rows, np.nan)

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

warnings.simplefilter("ignore")
design = np.ones((500, 1)), np.eye(4)[np.arange(500) % 4], np.zeros(4, int), "binomial"
mg.fit_many(Responses()[:, slice(0, 100)], *design, integrate="mode")
before = memory()
out = mg.fit_many(Responses(), *design, integrate="mode")
assert out.converged.sum() == 1000
print(memory() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no resource usage there")
def test_memory_is_bounded():
    done = subprocess.run([sys.executable, "-c", _BOUNDED], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200  # MB
