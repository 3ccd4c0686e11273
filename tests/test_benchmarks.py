"""The benchmark programme runs, checks answers, and says what is missing. Nothing here depends on how fast it is."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PYTHON = ("mixed_glm", "gpboost", "gpboost_cholesky", "glmm", "mixedlm", "statsmodels")
SOURCE = Path(__file__).resolve().parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the source tree; in a process of its own, because benchmarks set the number of threads."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=SOURCE, capture_output=True, text=True, check=False
    )


def analysed(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("-m", "benchmarks.analyse", str(file), *arguments)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("benchmarks") / "results.jsonl"
    done = run(
        "-m", "benchmarks.run", "--problems", "tiny", "--repeats", "2", "--to", str(file), "--peers", *PYTHON
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return file


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_every_peer_is_accounted_for(results: Path) -> None:
    shown: dict[str, set[str]] = {}
    for record in lines(results):
        if record["kind"] in ("answer", "absent"):
            shown.setdefault(record["problem"], set()).add(record["peer"])
    laplace = {"mixed_glm", "gpboost", "glmm", "mixedlm"}
    assert shown == {
        "tiny": laplace,
        "tiny-poisson": laplace,
        "tiny-crossed": laplace | {"gpboost_cholesky"},
        "tiny-map": {"mixed_glm", "statsmodels"},
        "tiny-vb": {"mixed_glm", "statsmodels"},
    }


def test_our_fits_are_timed_and_found(results: Path) -> None:
    records = lines(results)
    times = [r for r in records if r["kind"] == "time" and r["peer"] == "mixed_glm"]
    assert (
        len(times) == 5 * 2 * 2 + 3 * 2 * 2
    )  # problems, turns, cold and prepared; those where fit() is timed, too
    assert all(r["cpu"] > 0 and r["wall"] > 0 for r in times)
    answers = [r for r in records if r["kind"] == "answer" and r["peer"] == "mixed_glm"]
    assert all(r["converged"] and math.isfinite(r["score"]) for r in answers)
    machine = next(r for r in records if r["kind"] == "machine")
    assert machine["threads"]["OMP_NUM_THREADS"] == "1"
    assert machine["versions"]["mixed-glm"] != "missing"


def test_tables_and_plots(results: Path, tmp_path: Path) -> None:
    done = analysed(results, "--to", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DIFFER" not in done.stdout
    page = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert "binomial, 300 rows, 20 groups, p = 2, sd = 2.0; vb" in page
    pytest.importorskip("matplotlib")
    done = run("-m", "benchmarks.plot", str(results), "--to", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mixed_glm" in (tmp_path / "speed.svg").read_text(encoding="utf-8")


def test_missing_peers_are_reported(tmp_path: Path) -> None:
    code = """
import os, sys
sys.modules["glmm"] = None
os.environ["PATH"] = ""
from benchmarks.run import main
main(["--problems", "tiny", "--peers", "mixed_glm", "glmm", "lme4", "--repeats", "1", "--to", sys.argv[1]])
"""
    file = tmp_path / "results.jsonl"
    done = run("-c", code, str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    absent = {r["peer"]: r["reason"] for r in lines(file) if r["kind"] == "absent"}
    assert set(absent) == {"glmm", "lme4"}
    assert "lme4" in analysed(file).stdout
    assert absent["lme4"] in analysed(file).stdout


def test_table_between_marks(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- speed -->\nold\n<!-- end of speed -->\nafter\n", encoding="utf-8")
    for _ in range(2):
        assert run("-m", "benchmarks.insert", str(results), str(page)).returncode == 0
        text = page.read_text(encoding="utf-8")
        assert text.startswith("before\n<!-- speed -->\n| problem |")
        assert text.endswith("<!-- end of speed -->\nafter\n")
        assert "old" not in text
        assert text.count("binomial, 300 rows, 20 groups, p = 2, sd = 2.0; map") == 1
    page.write_text("no marks", encoding="utf-8")
    assert "must have the lines" in run("-m", "benchmarks.insert", str(results), str(page)).stderr


@pytest.mark.slow
@pytest.mark.parametrize("package", ["lme4", "glmmtmb"])
def test_packages_of_r_agree(package: str, tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    peers = ("mixed_glm", package)
    done = run(
        "-m",
        "benchmarks.run",
        "--problems",
        "tiny-crossed",
        "--peers",
        *peers,
        "--repeats",
        "1",
        "--to",
        str(file),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if any(r["kind"] == "absent" for r in lines(file)):
        pytest.skip(f"no {package}")
    answer = next(r for r in lines(file) if r["kind"] == "answer" and r["peer"] == package)
    assert answer["score"] == pytest.approx(answer["stated"], abs=1e-3)
    assert analysed(file).returncode == 0


@pytest.mark.slow
def test_kernels_beside_their_limits(tmp_path: Path) -> None:
    pytest.importorskip("pytest_benchmark")
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler")
    file = tmp_path / "results.jsonl"
    done = run("-m", "benchmarks.kernels", "--quick", "--to", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    found = lines(file)
    assert {r["kernel"] for r in found} == {
        "pass over the rows", "factorization", "selected inverse", "mean-field bound, gradient", "EP sweep",
        "leaf quadrature, 5 nodes",
    }  # fmt: skip
    assert all(r["kind"] == "kernel" and r["seconds"] > 0 and r["bound_seconds"] > 0 for r in found)


def test_wrong_answer_is_noticed(results: Path) -> None:
    records = [r for r in lines(results) if r["kind"] == "answer" and r["problem"] == "tiny"]
    right = next(r for r in records if r["peer"] == "mixed_glm")
    wrong = {
        "fixed": right | {"fe_mean": [b + s for b, s in zip(right["fe_mean"], right["fe_sd"], strict=True)]},
        "sd": right | {"sd": [1.5 * s for s in right["sd"]]},
        "score": right | {"score": right["score"] - 1},
        "none": right | {"score": None},
    }
    code = """
import json, sys
from benchmarks.compare import agreement
for name, answers in json.loads(sys.argv[1]).items():
    found = agreement(answers)
    print(name, found["right"]["agrees"], found["other"]["agrees"])
"""
    done = run("-c", code, json.dumps({k: {"right": right, "other": v} for k, v in wrong.items()}))
    expected = [f"{name} True False" for name in wrong]
    assert done.stdout.splitlines() == expected, done.stdout + done.stderr


def test_bound_of_mean_field_is_the_models_own() -> None:
    code = """
import numpy as np
from benchmarks.likelihood import mean_field_bound
from benchmarks.peers import load
from benchmarks.problems import PROBLEMS
problem = PROBLEMS["tiny-vb"]()
model = load("mixed_glm").make(problem)
rng = np.random.default_rng(1)
size = model.k_fep + model.k_vcp + model.k_vc
mean, sd = 0.3 * rng.normal(size=size), rng.uniform(0.1, 0.5, size)
ours = model.vb_elbo(mean, sd)
print(abs(mean_field_bound(problem, model.spec.layout.unpack(mean), model.spec.layout.unpack(sd)) - ours) < 1e-6)
"""
    done = run("-c", code)
    assert done.stdout.split() == ["True"], done.stdout + done.stderr


def test_score_is_the_laplace_approximation() -> None:
    """One effect with one row: the integral over it is one-dimensional, its Laplace approximation is written out here."""
    code = """
import numpy as np
from scipy.optimize import minimize_scalar
from benchmarks.hyper import Hyper
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
    print(abs(laplace_loglik(problem, np.array([fe]), Hyper((np.array([[sd**2]]),))) - expected) < 1e-9)
"""
    done = run("-c", code)
    assert done.stdout.split() == ["True", "True"], done.stdout + done.stderr


def test_crossed_factors_are_measured_by_both_engines(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from benchmarks import crossed
from benchmarks.crossed_data import PROBLEMS, ladder
from benchmarks.results import read

file = Path({str(tmp_path / "crossed.jsonl")!r})
for how in ("exact", "iterative"):
    crossed.main(["--to", str(file), "--one", "ladder-300", how])
print([record["probes"] for record in read(file)])
print(crossed.ladder_table(read(file)).splitlines()[-1].count(" s |"))
small = crossed.measure(ladder(300), "agreement")
print(small["psi_off"] < 0.01, small["sd_off"] < 0.01)
records = [record | {{"problem": "2000", "how": "automatic"}} for record in read(file)[1:]]
records.append(small | {{"problem": "2000"}})
print(crossed.problem_table(records).splitlines()[-1].count("16 probes"))
"""
    done = run("-c", code)
    expected = ["[0, 16]", "2", "True True", "1"]
    assert done.stdout.splitlines() == expected, done.stdout + done.stderr
