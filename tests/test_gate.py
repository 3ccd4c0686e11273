"""The release gate on a few models; the programme is benchmarks.gate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent
MODELS = (
    "cbpp", "binomial-60x6-sd0.0-1", "binomial-90x30-sd1.0-2", "poisson-crossed-150x15x10-sd0.3-1",
    "poisson-400x20-sd2.5-3", "binomial-slope-300x20-sd0.3-1", "gaussian-crossed-900x30x12-sd0.3-1",
    "negative_binomial-intercepts-400x20-sd0.3-1", "gamma-slope-300x20-sd0.3-1",
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


def test_likelihoods_are_those_of_independent_code() -> None:
    """L and R at some point, of every family with slopes."""
    code = """
import numpy as np
from benchmarks.gate.models import MODELS
from benchmarks.gate.ours import Ours
from benchmarks.hyper import Hyper
from benchmarks.likelihood import laplace_loglik

for family in ("binomial", "poisson", "gaussian", "negative_binomial", "gamma", "cumulative"):
    for shape in ("slopes-900x30", "maximal-800x25x16"):
        problem = MODELS[f"{family}-{shape}-sd0.3-1"]()
        ours = Ours(problem)
        theta = ours.theta + 0.1
        at = Hyper.of(problem, theta)
        assert np.allclose(at.free(), theta, atol=1e-10)
        errors = [ours.likelihood(ours.fe, theta) - laplace_loglik(problem, ours.fe, at)]
        if family != "cumulative":
            errors.append(ours.restricted(theta) - laplace_loglik(problem, ours.fe, at, restricted=True))
        assert np.abs(errors).max() < 1e-4, (family, shape, errors)
print("right")
"""
    done = run("-c", code)
    assert done.stdout.split() == ["right"], done.stdout + done.stderr


def test_defects_are_noticed() -> None:
    code = """
import dataclasses
import numpy as np
from benchmarks.gate.check import check
from benchmarks.gate.models import MODELS
from benchmarks.gate.ours import Ours
from benchmarks.clock import Timing
from benchmarks.peers import Fit

problem = MODELS["binomial-90x30-sd1.0-2"]()
ours = Ours(problem)
best = ours.best_likelihood
sd = np.exp(best.theta)
fit = Fit(Timing(0, 0), None, best.value, best.fe, None, sd)
right = check(problem, "peer", fit, ours)
print(len(right.defects()), len(right.differences()))
print(len(dataclasses.replace(right, ours=right.ours - 0.1).defects()))
print(len(dataclasses.replace(right, arbiter=right.arbiter + 0.1).defects()))
print(len(dataclasses.replace(right, mode=-0.1).defects()))
worse = check(problem, "peer", dataclasses.replace(fit, sd=1.5 * sd), ours)
print(len(worse.defects()), len(worse.differences()))
"""
    done = run("-c", code)
    assert done.stdout.split() == ["0", "0", "1", "1", "1", "0", "2"], done.stdout + done.stderr
