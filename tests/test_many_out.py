"""fit_many(out=...): finished chunks on disk, and going on from them."""

import io
import json
import os
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


@pytest.mark.parametrize("size", [-5, 0, "4", None, 4.0, True, [4], {}, float("nan")])
def test_a_manifest_with_a_senseless_chunk_size(problem, tmp_path, count, size):
    problem.fit(out=tmp_path, chunk_size=4)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"chunk_size": size}))
    for options in ({}, {"chunk_size": 4}):
        with pytest.raises(
            ValueError, match=r"out=.*\(chunk_size: expected a whole number of at least 1, got"
        ):
            problem.fit(out=tmp_path, **options)
    assert count() == 10


@pytest.mark.parametrize("key", ["format", "version", "problem", "responses", "chunk_size"])
@pytest.mark.parametrize("value", ["missing", None, "x", -1, [], {}, {"design": 1}])
def test_a_manifest_with_something_else(problem, tmp_path, count, key, value):
    problem.fit(out=tmp_path, chunk_size=4)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    if value == "missing":
        del manifest[key]
    else:
        manifest[key] = value
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"out=.* holds the chunks of"):
        problem.fit(out=tmp_path)
    assert count() == 10


@pytest.mark.parametrize("text", [b"", b"[]", b"3", b"null", b"\xff\xfe", b"[" * 100_000, b'{"format": 2'])
def test_a_manifest_that_is_none(problem, tmp_path, count, text):
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(ValueError, match=r"out=.* has a manifest that cannot be read"):
        problem.fit(out=tmp_path)
    assert count() == 0
    assert (tmp_path / "manifest.json").read_bytes() == text


def _patched(offset, value):
    """Another whole number of two bytes in the local and in the central header of every member."""

    def patch(data):
        for signature, at in ((b"PK\x03\x04", offset), (b"PK\x01\x02", offset + 2)):
            found = data.find(signature)
            while found >= 0:
                data = data[: found + at] + value + data[found + at + 2 :]
                found = data.find(signature, found + 1)
        return data

    return patch


def _repacked(change):
    """The arrays, changed."""

    def repack(data):
        with np.load(io.BytesIO(data)) as arrays:
            changed = change(dict(arrays))
        file = io.BytesIO()
        np.savez(file, **changed)
        return file.getvalue()

    return repack


DAMAGES = {
    "compressed by an unknown method (NotImplementedError)": _patched(8, b"\x63\x00"),
    "said to be compressed (zlib.error)": _patched(8, b"\x08\x00"),
    "said to be encrypted (RuntimeError)": _patched(6, b"\x01\x00"),
    "of a newer zip (NotImplementedError)": _patched(4, b"\xff\x00"),
    "cut": lambda data: data[:-30],
    "an array alone": lambda _: b"\x93NUMPY\x01\x00",
    "a pickle": lambda _: b"\x80\x04N.",
    "a member less": _repacked(lambda a: {k: v for k, v in a.items() if k != "vcp_sd"}),
    "as it was before it named the problem": _repacked(
        lambda a: {k: v for k, v in a.items() if k != "problem"}
    ),
    "of another shape": _repacked(lambda a: a | {"fe_mean": a["fe_mean"][:1]}),
    "of another width": _repacked(lambda a: a | {"vcp_sd": np.zeros((2, 5))}),
    "of another type": _repacked(lambda a: a | {"status": a["status"].astype(float)}),
    "of text": _repacked(lambda a: a | {"log_evidence": np.array(["a", "b"])}),
    "of another byte order": _repacked(lambda a: a | {"fe_sd": a["fe_sd"].astype(">f8")}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_chunks_are_made_again(problem, tmp_path, count, damage):
    first = problem.fit(out=tmp_path, chunk_size=2)
    path = tmp_path / "responses_0000000002_0000000004.npz"
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert_identical(problem.fit(out=tmp_path), first)
    assert count() == 12
    assert_identical(problem.fit(out=tmp_path), first)
    assert count() == 12


def test_chunks_with_any_byte_changed(problem, tmp_path):
    first = problem.fit(out=tmp_path, chunk_size=5)
    path = tmp_path / "responses_0000000000_0000000005.npz"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(len(whole), size=150):
        changed = bytearray(whole)
        changed[at] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        assert_identical(problem.fit(out=tmp_path), first)


class Wandering:
    """Responses whose reading takes the process to another directory."""

    def __init__(self, y, directory):
        self.y, self.shape, self.directory = y, y.shape, directory

    def __getitem__(self, key):
        os.chdir(self.directory)
        return self.y[key]


def test_a_relative_directory_stays_where_it_is(problem, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    problem.with_responses(Wandering(problem.y, elsewhere)).fit(out="fits", chunk_size=5)
    assert len(files(tmp_path / "fits")) == 3
    assert files(elsewhere) == []


def test_what_is_no_directory(problem, tmp_path, count):
    with pytest.raises(TypeError, match="out must be a path, got int"):
        problem.fit(out=3)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"out=.*file' must be a directory, .* got a file"):
        problem.fit(out=tmp_path / "file")
    assert count() == 0
