"""fit_many(out=...): finished chunks on disk, and going on from them."""

import json
import subprocess
import sys

import numpy as np
import pytest
from many_problems import assert_identical, one_factor

import mixed_glm as mg
from mixed_glm._many import store
from mixed_glm._many.problem import Problem


@pytest.fixture
def problem():
    return one_factor("poisson", m=10, seed=3)


@pytest.fixture
def count(monkeypatch):
    """How many responses were really fitted."""
    fitted = []
    fit = Problem.fit

    def counted(self, fitter, chunk, n_jobs):
        fitted.append(chunk.stop - chunk.start)
        return fit(self, fitter, chunk, n_jobs)

    monkeypatch.setattr(Problem, "fit", counted)
    return lambda: sum(fitted)


def files(path):
    return sorted(p.name for p in path.iterdir())


def test_finished_chunks_are_not_fitted_again(problem, tmp_path, count):
    out = tmp_path / "new" / "directory"
    first = problem.fit(out=out, chunk_size=4, keep_random_effects=True)
    assert count() == 10
    assert files(out) == [
        "manifest.json",
        "responses_0000000000_0000000004.npz",
        "responses_0000000004_0000000008.npz",
        "responses_0000000008_0000000010.npz",
    ]
    again = problem.fit(out=out, keep_random_effects=True)  # takes the chunk size from there
    assert count() == 10
    assert_identical(again, first)
    assert_identical(again, problem.fit(keep_random_effects=True))
    assert count() == 20


def test_what_is_missing_or_damaged_is_fitted_again(problem, tmp_path, count):
    first = problem.fit(out=tmp_path, chunk_size=2)
    names = files(tmp_path)[1:]
    (tmp_path / names[0]).unlink()
    whole = (tmp_path / names[1]).read_bytes()
    (tmp_path / names[1]).write_bytes(whole[: len(whole) // 2])
    (tmp_path / names[3]).write_bytes(b"")
    (tmp_path / "responses_0000000008_0000000010.npz.77.part").write_bytes(b"left by a killed process")
    assert_identical(problem.fit(out=tmp_path), first)
    assert count() == 16


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fe_p": 1.0}, "another problem"),
        ({"method": "ep"}, "another problem"),
        ({"integrate": "mode"}, "another problem"),
        ({"offset": 0.5}, "another problem"),
        ({"freq_weights": 2}, "another problem"),
        ({"keep_random_effects": True}, "another problem"),
        ({"chunk_size": 3}, "another chunk_size"),
    ],
)
def test_a_directory_of_another_problem_is_refused(problem, tmp_path, count, change, reason):
    problem.fit(out=tmp_path, chunk_size=4)
    with pytest.raises(ValueError, match=f"out=.* holds the chunks of {reason}"):
        problem.fit(out=tmp_path, **change)
    assert count() == 10


def test_other_responses_are_refused(problem, tmp_path):
    problem.fit(out=tmp_path, chunk_size=4)
    y = problem.y.copy()
    y[0, 9] += 1
    with pytest.raises(ValueError, match="holds the results of other responses 8 to 9"):
        problem.with_responses(y).fit(out=tmp_path)
    with pytest.raises(ValueError, match="another number of responses"):
        problem.with_responses(y[:, :8]).fit(out=tmp_path)
    offset = np.zeros(y.shape)
    problem.fit(out=tmp_path / "offsets", chunk_size=4, offset=offset)
    offset[3, 5] = 1.0
    with pytest.raises(ValueError, match="holds the results of other responses 4 to 7"):
        problem.fit(out=tmp_path / "offsets", offset=offset)


def test_another_version_is_refused(problem, tmp_path):
    problem.fit(out=tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"version": "0.0.1"}))
    with pytest.raises(ValueError, match="another version of mixed_glm"):
        problem.fit(out=tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="manifest that cannot be read"):
        problem.fit(out=tmp_path)


def test_a_directory_of_something_else_is_refused(problem, tmp_path):
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(ValueError, match=r"must be empty or hold chunks of fit_many, got 'thesis.tex'"):
        problem.fit(out=tmp_path)
    assert files(tmp_path) == ["thesis.tex"]


def test_a_failed_write_leaves_nothing_half_done(problem, tmp_path, monkeypatch, count):
    save = np.savez
    calls = []

    def full(file, **arrays):
        calls.append(1)
        if len(calls) == 3:
            file.write(b"something")
            raise OSError(28, "No space left on device")
        save(file, **arrays)

    monkeypatch.setattr(store.np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        problem.fit(out=tmp_path, chunk_size=2)
    monkeypatch.setattr(store.np, "savez", save)
    assert len(files(tmp_path)) == 3
    assert not any(name.endswith(".part") for name in files(tmp_path))
    before = count()
    assert_identical(problem.fit(out=tmp_path), problem.fit())
    assert count() - before == 6 + 10


_FULL_DISK = """
import resource, sys
import numpy as np
import mixed_glm as mg
y = (np.arange(400 * 400).reshape(400, 400) % 3 == 0) * 1.0
arguments = y, np.ones((400, 1)), np.eye(40)[np.arange(400) % 40], np.zeros(40, int), "binomial"
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))  # a chunk of 100 has 32 kB, one of 150 48 kB
try:
    mg.fit_many(*arguments, out=sys.argv[1], chunk_size=int(sys.argv[2]), keep_random_effects=True, integrate="mode")
except OSError as error:
    print(type(error).__name__, error.errno)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
@pytest.mark.parametrize(("size", "finished"), [(50, 8), (150, 0)])
def test_no_room(tmp_path, size, finished):
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path), str(size)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("OSError" in done.stdout) == (finished == 0), done.stderr
    assert len(files(tmp_path)) == 1 + finished


def test_with_an_executor(problem, tmp_path, count):
    from concurrent.futures import ThreadPoolExecutor

    problem.fit(out=tmp_path, chunk_size=2)
    (tmp_path / "responses_0000000004_0000000006.npz").unlink()
    with ThreadPoolExecutor(2) as executor:
        results = problem.fit(out=tmp_path, executor=executor)
    assert count() == 12
    assert_identical(results, problem.fit())


def test_invalid_responses_are_kept_too(problem, tmp_path):
    y = problem.y.copy()
    y[0, 3] = np.nan
    for _ in range(2):
        with pytest.warns(mg.ConvergenceWarning, match="1 of 10 .* 1 invalid response"):
            results = problem.with_responses(y).fit(out=tmp_path, chunk_size=4)
        assert np.isnan(results.fe_mean[3]).all()
