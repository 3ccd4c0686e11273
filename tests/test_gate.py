"""The release gate on a few models; the programme is benchmarks.gate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent
MODELS = (
    "cbpp", "binomial-60x6-sd0.0-1", "binomial-90x30-sd1.0-2", "poisson-crossed-150x15x10-sd0.3-1",
    "poisson-400x20-sd2.5-3",
)  # fmt: skip


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the source tree; in a process of its own, because benchmarks set the number of threads."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=SOURCE, capture_output=True, text=True, check=False
    )


def test_nothing_beats_us_on_a_few_models(tmp_path: Path) -> None:
    pytest.importorskip("glmm")
    page = tmp_path / "gate.md"
    done = run("-m", "benchmarks.gate", "--models", *MODELS, "--peers", "glmm", "--to", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    assert page.read_text(encoding="utf-8").startswith(
        f"{len(MODELS)} models, {len(MODELS)} comparisons, 0 defects"
    )


def test_defects_are_noticed() -> None:
    code = """
import dataclasses
from benchmarks.gate.check import check
from benchmarks.gate.models import MODELS
from benchmarks.gate.ours import maximum
from benchmarks.clock import Timing
from benchmarks.peers import Fit

problem = MODELS["binomial-90x30-sd1.0-2"]()
ours = maximum(problem)
fit = Fit(Timing(0, 0), None, ours.loglik, ours.fe, None, ours.sd)
right = check(problem, "peer", fit, ours)
print(len(right.defects()), len(right.differences()))
print(len(dataclasses.replace(right, ours=right.ours - 0.1).defects()))
print(len(dataclasses.replace(right, arbiter=right.arbiter + 0.1).defects()))
print(len(dataclasses.replace(right, mode=-0.1).defects()))
worse = check(problem, "peer", dataclasses.replace(fit, sd=1.5 * ours.sd), ours)
print(len(worse.defects()), len(worse.differences()))
"""
    done = run("-c", code)
    assert done.stdout.split() == ["0", "0", "1", "1", "1", "0", "2"], done.stdout + done.stderr
