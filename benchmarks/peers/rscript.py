"""Packages of R, run by Rscript in a process of its own; see fit.R."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.clock import Timing
from benchmarks.peers import Absent, Fit
from benchmarks.peers.frame import formula, frame
from benchmarks.problem import Problem

__all__ = ["fit", "version"]

SCRIPT = Path(__file__).with_name("fit.R")
PATIENCE = "BENCHMARKS_PATIENCE"  # environment variable: seconds after which a run of R is stopped
DEFAULT_PATIENCE = 60.0


@cache
def version(package: str) -> str:
    """Installed version of an R package; "missing" if it or R is not there."""
    program = shutil.which("Rscript")
    if program is None:
        return "missing"
    command = [
        program,
        "-e",
        f"cat(as.character(packageVersion('{package}')), R.version$major, R.version$minor)",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return "missing"
    number, major, minor = done.stdout.split()
    return f"{number} (R {major}.{minor})"


def fit(problem: Problem, package: str) -> Fit:
    """Fit one problem in a new R process, which warms up on its first rows."""
    if version(package) == "missing":
        raise Absent("missing: Rscript finds no such package")
    seconds = float(os.environ.get(PATIENCE, DEFAULT_PATIENCE))
    with tempfile.TemporaryDirectory() as folder:
        data, answer = Path(folder) / "data.csv", Path(folder) / "answer.json"
        frame(problem).to_csv(data, index=False)
        command = ["Rscript", str(SCRIPT), package, formula(problem), problem.family, str(data), str(answer)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Absent(f"stopped after {seconds:.0f} s") from None
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        found = json.loads(answer.read_text(encoding="utf-8"))
    sd = np.array([found["sd"][f"g{k}"] for k in range(len(problem.levels))])
    return Fit(
        Timing(found["wall"], found["cpu"]),
        None,
        found["loglik"],
        np.array(found["fe_mean"]),
        np.array(found["fe_sd"], dtype=float),
        sd,
    )
