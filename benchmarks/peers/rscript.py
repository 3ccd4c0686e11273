"""Packages of R, run by Rscript in a process of its own; see fit.R."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.clock import Timing
from benchmarks.hyper import Hyper
from benchmarks.peers import Absent, Fit
from benchmarks.peers.frame import factors, formula, frame
from benchmarks.problem import Problem

__all__ = ["fit", "fit_all", "version"]

SCRIPT = Path(__file__).with_name("fit.R")
PATIENCE = "BENCHMARKS_PATIENCE"  # environment variable: seconds after which a run of R is stopped
DEFAULT_PATIENCE = 60.0
RESTRICTED = "-reml"


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


def fit(problem: Problem, engine: str) -> Fit:
    """Fit one problem in a new R process, which warms up on its first rows."""
    found = fit_all([problem], engine, float(os.environ.get(PATIENCE, DEFAULT_PATIENCE)))[problem.name]
    if isinstance(found, str):
        raise RuntimeError(found)
    return found


def fit_all(
    problems: Sequence[Problem], engine: str, patience: float | None = None, keep: Path | None = None
) -> dict[str, Fit | str]:
    """Fit problems one after the other in one R process; an error message in place of a fit that failed.

    `engine` is "lme4", "glmmTMB" or "ordinal", with "-reml" behind it for the restricted likelihood. Answers are written to the
    folder `keep`, and what is there is not fitted again.

    Raises
    ------
    Absent
        If the package is not there, or R took longer than `patience` seconds.
    """
    if version(engine.removesuffix(RESTRICTED)) == "missing":
        raise Absent("Rscript finds no such package")
    if not problems:
        return {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) if keep is None else keep / engine
        folder.mkdir(parents=True, exist_ok=True)
        manifest = pd.DataFrame([(p.name, formula(p), p.family) for p in problems])
        manifest.to_csv(folder / "manifest.csv", index=False, header=["name", "formula", "family"])
        for problem in problems:
            frame(problem).to_csv(folder / f"{problem.name}.csv", index=False)
        _run_script(engine, folder, patience)
        return {problem.name: _answer(problem, folder, engine.endswith(RESTRICTED)) for problem in problems}


def _run_script(engine: str, folder: Path, patience: float | None) -> None:
    command = ["Rscript", str(SCRIPT), engine, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired:
        raise Absent(f"stopped after {patience:.0f} s") from None
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])


def _answer(problem: Problem, folder: Path, restricted: bool) -> Fit | str:
    found = json.loads((folder / f"{problem.name}.json").read_text(encoding="utf-8"))
    if "error" in found:
        return str(found["error"])
    covariances = tuple(
        np.array(found["covariances"][factor], dtype=float).reshape(len(columns), -1)
        for factor, columns in zip(factors(problem), problem.effects, strict=True)
    )
    hyper = Hyper(covariances, found["shape"])
    return Fit(
        Timing(found["wall"], found["cpu"]),
        None,
        found["loglik"],
        np.array(found["fe_mean"], dtype=float),
        np.array(found["fe_sd"], dtype=float),
        hyper.sd,
        hyper=hyper,
        restricted=restricted,
    )
