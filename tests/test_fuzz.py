"""Some hundred cases of each fuzzer, every time; tests/fuzz/run.py runs them by the hundred thousand."""

import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import mixed_glm as mg

RUN = Path(__file__).parent / "fuzz" / "run.py"
CASES = {"commands": 60, "models": 150, "results": 150}  # those that fit or draw; of others 300
TARGETS = sorted(p.stem.removeprefix("fuzz_") for p in RUN.parent.glob("fuzz_*.py"))

_spec = importlib.util.spec_from_file_location("judge", RUN.parent / "judge.py")
_judging = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_judging)
judge = _judging.judge


def run(target, cases, *options):
    return subprocess.run(
        [sys.executable, RUN, target, "--cases", str(cases), *options],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", TARGETS)
def test_no_defect(target):
    done = run(target, CASES.get(target, 300))
    assert done.returncode == 0, done.stderr[-5000:]
    outcomes = done.stdout.splitlines()
    assert len(outcomes) > 5, "the cases reach next to nothing"
    assert any(word in done.stdout for word in ("converged", "TypeError", "fit: 0")), done.stdout


@pytest.mark.parametrize(
    "body", ["crash: import os; os.abort()", "hang: import time; time.sleep(60)", "KeyError: {}['x']"]
)
def test_the_harness_finds_what_misbehaves(tmp_path, body):
    """The third of five cases does, and is told with its seed."""
    for file in RUN.parent.glob("*.py"):
        (tmp_path / file.name).write_text(file.read_text())
    what, statement = body.split(": ", 1)
    (tmp_path / "fuzz_broken.py").write_text(
        "def case(rng):\n"
        f"    if rng.integers(1 << 30) == {np.random.default_rng(9).integers(1 << 30)}:\n        {statement}\n"
        "    return 'fine'\n"
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "run.py", "broken", "--cases", "5", "--seed", "7", "--limit", "2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "1  defects, seeds 9" in done.stdout
    assert "seed 9" in done.stderr
    assert what in done.stderr


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: float("nan"), "NaN"),
        (lambda: int("x"), "names no argument"),
        (lambda: warnings.warn("w", RuntimeWarning, stacklevel=1) or 1.0, "RuntimeWarning"),
        (lambda: np.linalg.inv(np.zeros((2, 2))), "LinAlgError"),
    ],
)
def test_the_judge_is_strict(call, what):
    with pytest.raises(AssertionError, match=what):
        judge(call)


def test_the_judge_accepts():
    assert judge(lambda: 1.0) == "number"
    assert judge(lambda: mg.MixedGLM([0, 2], None, family="binomial")) == "ValueError"
