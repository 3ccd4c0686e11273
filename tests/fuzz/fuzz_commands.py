"""The command line: fits of a small table, and what is asked of the files that they leave, with options that are sound or not.

A command ends with status 0, or with status 2 and one line; never with a traceback.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_results import rows
from judge import Defect
from problems import pick

import mixed_glm as mg
from mixed_glm.cli import main

FORMULAS = [
    "y ~ x + (1 | g)", "won ~ x + f + (x | g)", "count ~ x + (1 | g) + (1 | h)", "count ~ x + (x || g)", "real ~ x + (1 | g/h)",
    "time ~ x + (1 | g)", "grade ~ x + (1 | g)", "y ~ 1", "y ~ nowhere", "y ~", "~ x", "y ~ x + (1 | f)", "y ~ offset(x) + (1 | g)", "(", "",
]  # fmt: skip
FAMILIES = ["binomial", "poisson", "gaussian", "gamma", "negative_binomial", "exponential", "cumulative", "cumulativ", "", "lognormal"]  # fmt: skip
SOUND = {
    "y": "binomial", "won": "binomial", "count": "poisson", "real": "gaussian", "time": "gamma", "grade": "cumulative",
}  # fmt: skip
FIT = {
    "--link": ["logit", "probit", "cloglog", "log", ""], "--alpha": ["0.5", "-1", "x"], "--levels": ["low,mid,top", "low,top", ",", "0,1"],
    "--n-trials": ["n", "x", "nowhere"], "--offset": ["real", "nowhere", "g"], "--exposure": ["n", "x"], "--weights": ["n", "x", "nowhere"],
    "--vcp-p": ["1", "1,2", "-1", "x", ""], "--fe-p": ["1", "2,3", "1e400"], "--prior": ["sd(g)=halfnormal(1)", "sd=exponential(2)", "x=normal(0,1)",
    "cor=lkj(2)", "sigma=halft(3,1)", "x", "=", "x=normal(0", "nowhere=halfnormal(1)", "sd=normal(0,1)", "x=t(3)"], "--method": ["laplace", "ep", "vb", "map", "auto", "x"],
    "--n-quad": ["3", "0", "x"], "--leaf": ["g", "nowhere"], "--integrate": ["mode", "line", "grid", "x"], "--covariance": ["full", "x"], "--scale-fe": [None],
    "--sep": [";", "tab", ",", "xx"], "--na": ["", "0"], "--picture": ["coefficients"],
}  # fmt: skip
ASKED = {
    "predict": {"--random": ["population", "conditional", "marginal", "x"], "--interval": ["0.9", "2", "x"], "--predictive": [None], "--linear": [None],
                "--include": ["g", "nowhere"], "--offset": ["real", "nowhere"], "--exposure": ["n"], "--n-trials": ["n", "nowhere"], "--seed": ["3", "-1"]},
    "effects": {"--comparison": ["ratio", "lnor", "x"], "--slopes": [None], "--predictions": [None], "--variables": ["x", "f", "nowhere"], "--by": ["f", "x", "nowhere"],
                "--weights": ["n", "nowhere"], "--random": ["population", "marginal"], "--level": ["0.9", "9"], "--exposure": ["n"], "--offset": ["real"]},
    "loo": {"--exact": [None], "--exact-unreliable": [None], "--group": ["g", "nowhere"], "--seed": ["2", "x"]},
    "compare": {"--criterion": ["waic", "x"], "--exact": [None]},
    "report": {"--title": ["é", ""], "--seed": ["1"], "--data": ["TABLE", "nowhere.csv"], "--n-trials": ["n"], "--exposure": ["n"]},
}  # fmt: skip
ENDINGS = ["csv", "json", "parquet", "html", "txt", "", "png"]


@functools.cache
def files() -> dict[str, bytes]:
    """A table, and fits of it."""
    found = {
        "table.csv": rows().to_csv(index=False).encode(),
        "empty.csv": b"",
        "junk.csv": b"\x00\xff,\n1,2,3\n",
    }
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        for k, formula in enumerate(FORMULAS[:7]):
            family = SOUND[formula.split()[0]]
            path = Path(folder, "fit")
            mg.MixedGLM.from_formula(formula, data=rows(), family=family).fit_laplace(integrate="mode").save(
                path
            )
            found[f"{k}.mglm"] = path.read_bytes()
    return found


def case(rng: np.random.Generator) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files().items():
            Path(folder, name).write_bytes(content)
        arguments = command(rng, folder)
        status, out, err = run(arguments)
        told = " ".join(arguments).replace(folder + os.sep, "")
        if status not in (0, 2) or "Traceback" in err:
            raise Defect(f"{told}: status {status}: {err}")
        lines = err.splitlines()
        if status == 2 and not (lines and lines[-1].startswith("mixed-glm: error: ") and len(lines[-1]) > 30):
            raise Defect(f"{told}: no error in one line: {err}")
        if not all(line.startswith("mixed-glm: ") for line in lines):
            raise Defect(f"{told}: {err}")
        for path in Path(folder).glob("out.json") if "--output" in arguments else ():
            json.loads(path.read_text(encoding="utf-8"))
        if status == 0 and not out and not any(Path(folder).glob("out.*")):
            raise Defect(f"{told}: nothing was told")
    known = arguments and arguments[0] in ("fit", *ASKED)
    return f"{arguments[0] if known else 'no command'}: {status}"


def run(arguments: list[str]) -> tuple[Any, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("default", mg.MixedGLMWarning)
        try:
            status: Any = main(arguments)
        except SystemExit as stopped:
            status = stopped.code
    return status, out.getvalue(), err.getvalue()


def command(rng: np.random.Generator, folder: str) -> list[str]:
    def path(name: str) -> str:
        return str(Path(folder, name))

    table = path(pick(rng, ["table.csv"] * 12 + ["empty.csv", "junk.csv", "nowhere.csv", "0.mglm"]))
    saved = path(pick(rng, [*(f"{k}.mglm" for k in range(7))] * 3 + ["table.csv", "nowhere.mglm"]))
    name = pick(rng, ["fit", "fit", *ASKED])
    while name == "report" and rng.random() < 0.9:  # draws pictures, which takes as long as ten of the others
        name = pick(rng, ["fit", "fit", *ASKED])
    if name == "fit":
        formula = pick(rng, FORMULAS[:7] * 3 + FORMULAS[7:])
        sound = SOUND.get(formula.split()[0] if formula else "", "binomial")
        family = sound if rng.random() < 0.8 else pick(rng, FAMILIES)
        arguments = ["fit", table, formula, "--family", family]
        options = FIT
        if rng.random() < 0.3:
            arguments += [pick(rng, ["--save", "--output"]), path("out." + pick(rng, [*ENDINGS, "mglm"]))]
        if rng.random() < 0.8:
            arguments += ["--integrate", "mode"]
    else:
        arguments = [name, saved]
        options = ASKED[name]
        arguments += [table] if name in ("predict", "effects") else []
        arguments += [path(f"{rng.integers(7)}.mglm")] if name == "compare" and rng.random() < 0.5 else []
        if name == "report":
            arguments += ["-o", path("out." + pick(rng, ["html", "html", "txt"]))]
        elif rng.random() < 0.4:
            arguments += ["--output", path("out." + pick(rng, ENDINGS))]
        arguments += ["--draws", pick(rng, ["30", "30", "30", "0", "x"])]
    for _ in range(int(rng.integers(0, 3))):
        option = pick(rng, list(options))
        value = pick(rng, options[option])
        value = path("table.csv") if value == "TABLE" else value
        arguments += [option] if value is None else [option, value]
    if rng.random() < 0.05:
        del arguments[int(rng.integers(len(arguments)))]
    return arguments
