"""fit_many(out=...): several runs in one directory at the same time."""

import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from many_problems import assert_identical, one_factor
from processes import script

from mixed_glm._many.problem import Problem

# Two of these are started together, with options of their own each, again and again.
RACE = """
import time, warnings
from pathlib import Path
from many_problems import assert_identical, one_factor
directory, who, tries, options = Path({directory!r}), {who}, {tries}, {options!r}
warnings.simplefilter("ignore")
problem = one_factor("poisson", n=40, groups=4, m=30)
expected = problem.fit(**options)
for k in range(tries):
    (directory / f"ready{{k}}_{{who}}").touch()
    until = time.monotonic() + 120
    while not (directory / f"ready{{k}}_{{1 - who}}").exists():
        assert time.monotonic() < until
    try:
        results = problem.fit(out=directory / f"out{{k}}", chunk_size=1, **options)
    except ValueError as error:
        print(error)
    else:
        assert_identical(results, expected)
        print("fitted")
"""
TRIES = 6


@pytest.mark.parametrize(
    ("others", "differs"),
    [
        ({"vcp_p": 0.5}, "priors"),
        pytest.param({"method": "ep"}, "method, option approximation", marks=pytest.mark.slow),
        pytest.param({"integrate": "mode"}, "option integrate", marks=pytest.mark.slow),
        pytest.param({"keep_random_effects": True}, "keep_random_effects", marks=pytest.mark.slow),
        ({}, None),
    ],
)
def test_two_processes_started_together(tmp_path, others, differs):
    processes = [
        subprocess.Popen(
            script(RACE.format(directory=str(tmp_path), who=who, tries=TRIES, options=options)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for who, options in enumerate([{}, others])
    ]
    said = [process.communicate(timeout=300)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    for k, pair in enumerate(zip(*said, strict=True)):
        refused = [line for line in pair if line != "fitted"]
        assert len(refused) == (differs is not None), pair
        for line in refused:
            assert f"holds the chunks of another problem (what differs: {differs})" in line
        assert not list((tmp_path / f"out{k}").glob("*.part"))


def test_two_threads_of_one_problem(tmp_path):
    problem = one_factor("poisson", n=40, groups=4, m=30)
    expected, found = problem.fit(), []
    for k in range(5):
        start = threading.Barrier(4)

        def run(out, start=start):
            start.wait()
            found.append(problem.fit(out=out, chunk_size=1, n_jobs=1))

        threads = [threading.Thread(target=run, args=(tmp_path / str(k),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 20
    for results in found:
        assert_identical(results, expected)


@pytest.fixture
def problem():
    return one_factor("poisson", m=6, seed=3)


def test_a_chunk_of_another_problem_is_not_used(problem, tmp_path):
    expected = problem.fit(out=tmp_path / "ours", chunk_size=2)
    problem.fit(out=tmp_path / "theirs", chunk_size=2, vcp_p=0.5)
    name = "responses_0000000002_0000000004.npz"
    shutil.copy(tmp_path / "theirs" / name, tmp_path / "ours" / name)
    assert_identical(problem.fit(out=tmp_path / "ours"), expected)
    assert_identical(problem.fit(out=tmp_path / "ours"), expected)


def test_responses_that_another_run_has_others_of(problem, tmp_path, monkeypatch):
    """The manifest says nothing about the responses themselves."""
    other, fit = problem.with_responses(problem.y + 1), Problem.fit

    def overtaken(*arguments):
        monkeypatch.setattr(Problem, "fit", fit)
        other.fit(out=tmp_path, chunk_size=2)
        return fit(*arguments)

    monkeypatch.setattr(Problem, "fit", overtaken)
    with pytest.raises(ValueError, match="holds the results of other responses 0 to 1"):
        problem.fit(out=tmp_path, chunk_size=2)
    assert_identical(other.fit(out=tmp_path), other.fit())


@pytest.mark.parametrize("links", [True, False])
def test_a_manifest_that_appears_meanwhile_is_kept(problem, tmp_path, monkeypatch, links):
    """Also where the file system has no links."""
    problem.fit(out=tmp_path / "first", chunk_size=2)
    manifest = (tmp_path / "first" / "manifest.json").read_bytes()
    link, exists, hidden = Path.hardlink_to, Path.exists, [1]

    def late(self, **options):
        return not (self.name == "manifest.json" and hidden and hidden.pop()) and exists(self, **options)

    def name(self, target):
        if not links:
            raise PermissionError(1, "no links here")
        link(self, target)

    monkeypatch.setattr(Path, "exists", late)
    monkeypatch.setattr(Path, "hardlink_to", name)
    out = tmp_path / "second"
    problem.fit(out=out, chunk_size=2)
    assert (out / "manifest.json").read_bytes() == manifest
    hidden.append(1)
    with pytest.raises(ValueError, match=r"another problem .what differs: (design, )?priors"):
        problem.fit(out=out, chunk_size=2, fe_p=0.5)
    assert not hidden
    assert (out / "manifest.json").read_bytes() == manifest


def test_what_killed_processes_left_is_removed(problem, tmp_path):
    problem.fit(out=tmp_path, chunk_size=2)
    old = [
        tmp_path / name
        for name in ("responses_0000000000_0000000002.npz.77.part", "manifest.json.0a1b.part", "mine.part")
    ]
    fresh = tmp_path / "responses_0000000000_0000000002.npz.88.part"  # perhaps of a process that goes on
    for path in (*old, fresh):
        path.write_bytes(b"half of a file")
    for path in old:
        os.utime(path, (time.time() - 7200,) * 2)
    problem.fit(out=tmp_path)
    assert [path.exists() for path in (*old, fresh)] == [False, False, True, True]


def test_what_killed_processes_left_elsewhere_is_not(problem, tmp_path):
    part = tmp_path / "manifest.json.77.part"
    problem.fit(out=tmp_path)
    part.touch()
    os.utime(part, (0, 0))
    with pytest.raises(ValueError, match="another problem"):
        problem.fit(out=tmp_path, fe_p=0.5)
    assert part.exists()


def test_the_manifest_tells_what_the_chunks_belong_to(problem, tmp_path):
    problem.fit(out=tmp_path, chunk_size=4, minim_opts={"tol": np.float64(1e-4)})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["chunk_size"] == 4
    assert manifest["responses"] == 6
    assert manifest["problem"]["family"] == "Poisson()"
    assert manifest["problem"]["option integrate"] == "'auto'"
    problem.fit(out=tmp_path, minim_opts={"tol": 1e-4})  # the same number
