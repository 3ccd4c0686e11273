"""The benchmark programme runs, checks answers, and says what is missing. Nothing here depends on how fast it is."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the source tree; in a process of its own, because benchmarks set the number of threads."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=SOURCE, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("benchmarks") / "results.json"
    done = run("-m", "benchmarks.run", "--problems", "tiny", "--repeats", "2", "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def test_every_peer_is_accounted_for(results: dict[str, Any]) -> None:
    shown = {record["problem"]: {peer["peer"] for peer in record["peers"]} for record in results["problems"]}
    laplace = {"mixed_glm", "gpboost", "glmm"}
    assert shown == {
        "tiny": laplace,
        "tiny-poisson": laplace,
        "tiny-crossed": laplace | {"gpboost_cholesky"},
        "tiny-map": {"mixed_glm", "statsmodels"},
    }


def test_our_fits_are_timed_and_agree(results: dict[str, Any]) -> None:
    for record in results["problems"]:
        ours = next(peer for peer in record["peers"] if peer["peer"] == "mixed_glm")
        assert len(ours["cold"]) == len(ours["prepared"]) == 2
        assert ours["seconds"]["cold"] == min(run["cpu"] for run in ours["cold"]) > 0
        assert ours["converged"]
        assert ours["answer"]["agrees"]
        assert math.isfinite(ours["answer"]["loglik"])
    assert results["machine"]["threads"]["OMP_NUM_THREADS"] == "1"
    assert results["machine"]["versions"]["mixed-glm"] != "missing"


def test_missing_peer_is_reported() -> None:
    code = """
import sys
sys.modules["glmm"] = None
from benchmarks.run import main
sys.exit(main(["--problems", "tiny", "--peers", "mixed_glm", "glmm", "--repeats", "1"]))
"""
    done = run("-c", code)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "missing: cannot be imported" in done.stdout


def test_wrong_answer_is_noticed() -> None:
    code = """
import dataclasses
from benchmarks.compare import agreement
from benchmarks.peers import load
from benchmarks.problems import PROBLEMS

problem = PROBLEMS["tiny"]()
right = load("mixed_glm").fit(problem)
wrong = {
    "fixed": dataclasses.replace(right, fe_mean=right.fe_mean + right.fe_sd),
    "sd": dataclasses.replace(right, sd=1.5 * right.sd),
}
for name, fit in wrong.items():
    answers = agreement(problem, {"right": right, name: fit})
    print(name, answers["right"]["agrees"], answers[name]["agrees"])
"""
    done = run("-c", code)
    assert done.stdout.split() == ["fixed", "True", "False", "sd", "True", "False"], done.stdout + done.stderr


def test_score_is_the_laplace_approximation() -> None:
    """One effect with one row: the integral over it is one-dimensional, its Laplace approximation is written out here."""
    code = """
import numpy as np
from scipy.optimize import minimize_scalar
from benchmarks.likelihood import laplace_loglik
from benchmarks.problem import Problem

for family, y in (("binomial", 1.0), ("poisson", 1.0)):
    exog = np.ones((1, 1))
    problem = Problem("one", "", family, np.array([y]), exog, (np.array([0]),), (1,))
    fe, sd = 0.4, 0.7

    def minus_log(u):
        eta = fe + u
        fit = y * eta - (np.logaddexp(0, eta) if family == "binomial" else np.exp(eta))
        return -(fit - u * u / (2 * sd * sd) - np.log(2 * np.pi * sd * sd) / 2)

    u = minimize_scalar(minus_log, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}).x
    mean = np.exp(fe + u)
    weight = mean / (1 + mean) ** 2 if family == "binomial" else mean
    expected = -minus_log(u) + np.log(2 * np.pi) / 2 - np.log(weight + sd**-2) / 2
    print(abs(laplace_loglik(problem, np.array([fe]), np.array([sd])) - expected) < 1e-9)
"""
    done = run("-c", code)
    assert done.stdout.split() == ["True", "True"], done.stdout + done.stderr
