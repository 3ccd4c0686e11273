"""Crossed factors with many levels: ``python -m benchmarks.crossed --to results.jsonl --plot FOLDER``.

The mode of the log standard deviations with its curvature and the standard deviations of all effects
(``fit_laplace(integrate="mode")``): of two factors with ever more levels by the exact factor and by probes, and of larger and
real data by what is chosen, beside GPBoost and, where that can run, the exact factor. Processor time of one thread, which
other work on the machine does not lengthen much, each fit in a process of its own, the model made anew.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.clock import timed
from benchmarks.crossed_data import PROBLEMS, ROWS_PER_LEVEL, Problem, ladder
from benchmarks.results import Record, append, of_kind, read

__all__ = ["main"]

LEVELS = (300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000, 20_000)
TIMED_OFTEN = ("automatic", "exact", "iterative")


def measure(problem: Problem, how: str) -> Record:
    """One fit; to be run in a process of its own."""
    data = problem.make()
    record = {
        "kind": "crossed", "problem": problem.name, "how": how, "rows": len(data.y),
        "levels": [len(np.unique(g)) for g in data.groups],
    }  # fmt: skip
    if how == "agreement":
        return record | _agreement(data)
    found = _by_gpboost(data) if how == "gpboost" else _by_mixed_glm(data, how)
    return record | found | {"peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def _fit(data: Any, how: str) -> tuple[Any, Any]:
    import mixed_glm
    from benchmarks.factorization import forced

    with forced(how):
        model = mixed_glm.MixedGLM.from_formula(data.formula, data=data.columns, family="binomial")
        return timed(lambda: model.fit_laplace(integrate="mode"))


def _by_mixed_glm(data: Any, how: str) -> Record:
    timing, result = _fit(data, how)
    report = result.integration
    return {
        "sds": np.exp(result.vcp_mean).tolist(), "probes": report.probes, "psi_error": report.psi_error,
        "sd_error": report.sd_error, "log_density_error": report.log_density_error,
        "log_density": result.log_density,
    } | timing._asdict()  # fmt: skip


def _agreement(data: Any) -> Record:
    """Of probes with the exact factor."""
    exact, probes = (_fit(data, how)[1] for how in ("exact", "iterative"))
    moved = (np.asarray(probes.vcp_mean) - np.asarray(exact.vcp_mean)) / np.asarray(exact.vcp_sd)
    ratio = np.asarray(probes.vc_sd) / np.asarray(exact.vc_sd) - 1.0
    return {
        "psi_off": float(np.abs(moved).max()),
        "sd_off": float(np.sqrt(np.mean(ratio**2))),
        "log_density_off": float(abs(probes.log_density - exact.log_density)),
    }


def _by_gpboost(data: Any) -> Record:
    import gpboost

    def run() -> Any:
        model = gpboost.GPModel(
            group_data=np.column_stack(data.groups), likelihood="bernoulli_logit", num_parallel_threads=1
        )
        return model.fit(y=data.y, X=np.column_stack([np.ones(len(data.y)), data.covariate]))

    timing, model = timed(run)
    variances = np.ravel(model.get_cov_pars(std_err=False, format_pandas=False))
    return {"sds": np.sqrt(variances).tolist()} | timing._asdict()


def _best(records: Iterable[Record]) -> pd.DataFrame:
    """The run of each problem and way that took the least processor time."""
    runs = pd.DataFrame(records)
    if "cpu" not in runs:
        runs["cpu"] = np.nan
    fastest = runs.sort_values("cpu", kind="stable").drop_duplicates(["problem", "how"])
    return fastest.set_index(["problem", "how"])


def ladder_table(records: Sequence[Record]) -> str:
    """Markdown: a row for each number of levels."""
    best = _best(records)["cpu"]
    lines = ["| levels | rows | exact factor | probes |", "|---|---|---|---|"]
    for levels in LEVELS:
        times = [best.get((f"ladder-{levels}", how), np.nan) for how in ("exact", "iterative")]
        if np.isfinite(times).any():
            cells = [f"{time:.2g} s" if np.isfinite(time) else "" for time in times]
            lines.append(f"| {levels:,} x {levels:,} | {ROWS_PER_LEVEL * levels:,} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def problem_table(records: Sequence[Record]) -> str:
    """Markdown: a row for each of the larger and real data."""
    best = _best(records)
    lines = [
        "| data | rows | mixed_glm | by | sds | GPBoost | sds | probes against exact: log sds, sds of effects, log density |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for problem in PROBLEMS:
        if (problem.name, "automatic") not in best.index:
            continue
        ours, cells = best.loc[(problem.name, "automatic")], ["", "", ""]
        if (problem.name, "gpboost") in best.index:
            peer = best.loc[(problem.name, "gpboost")]
            cells[:2] = [_cost(peer), _sds(peer)]
        if (problem.name, "agreement") in best.index:
            off = best.loc[(problem.name, "agreement")]
            cells[2] = f"{off.psi_off:.4f} sd, {100 * off.sd_off:.2f} %, {off.log_density_off:.3f}"
        by = f"{ours.probes:.0f} probes" if ours.probes > 0 else "exact factor"
        lines.append(
            f"| {problem.description} | {ours.rows:,} | {_cost(ours)} | {by} | {_sds(ours)} | {' | '.join(cells)} |"
        )
    return "\n".join(lines) + "\n"


def _cost(run: Any) -> str:
    return f"{run.cpu:.2g} s, {run.peak / 1e9:.2f} GB"


def _sds(run: Any) -> str:
    return ", ".join(f"{sd:.4f}" for sd in run.sds)


def plot(records: Sequence[Record], file: Path) -> None:
    """Processor time against levels, both logarithmic."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "mixed_glm"
    from matplotlib import pyplot as plt

    best = _best(records)["cpu"]
    figure, ax = plt.subplots(figsize=(5.5, 3.5), layout="constrained")
    for how, label, style in (("exact", "exact factor", "o-"), ("iterative", "probes", "s-")):
        names = {levels: (f"ladder-{levels}", how) for levels in LEVELS}
        times = {levels: best[name] for levels, name in names.items() if name in best.index}
        ax.loglog(list(times), list(times.values()), style, label=label)
    ax.set_xlabel("levels of each of two crossed factors, 30 rows a level")
    ax.set_ylabel("processor time, seconds")
    ax.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


def runs(problem: Problem, gpboost: Path | None) -> list[tuple[str, Path]]:
    """How a problem is measured, and by which interpreter."""
    on_ladder = problem not in PROBLEMS
    hows = ["iterative"] if on_ladder else ["automatic"]
    if problem.with_exact:
        hows.append("exact" if on_ladder else "agreement")
    found = [(how, Path(sys.executable)) for how in hows]
    return found + ([("gpboost", gpboost)] if gpboost is not None and problem.with_gpboost else [])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crossed", description=__doc__)
    parser.add_argument("--levels", nargs="*", type=int, default=list(LEVELS), help="of each factor")
    names = [problem.name for problem in PROBLEMS]
    parser.add_argument("--problems", nargs="*", default=names, choices=names, help="larger and real data")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each by mixed_glm (default 3)")
    parser.add_argument("--gpboost", type=Path, help="interpreter that has GPBoost (once; default: without)")
    parser.add_argument("--to", type=Path, required=True, help="file to append the results to")
    parser.add_argument("--plot", type=Path, help="folder for the tables and crossed.svg")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "HOW"), help="measure here, in this process")
    options = parser.parse_args(arguments)
    ladders = [ladder(levels) for levels in options.levels]
    if options.one:
        name, how = options.one
        level = name.removeprefix("ladder-")
        chosen = ladder(int(level)) if level != name else PROBLEMS[names.index(name)]
        append(options.to, [measure(chosen, how)])
        return 0
    for problem in [*ladders, *(p for p in PROBLEMS if p.name in options.problems)]:
        for how, python in runs(problem, options.gpboost):
            command = [
                str(python),
                "-m",
                "benchmarks.crossed",
                "--to",
                str(options.to),
                "--one",
                problem.name,
                how,
            ]
            for _ in range(options.repeats if how in TIMED_OFTEN else 1):
                subprocess.run(command, check=True)
    if options.plot:
        records = list(of_kind(read(options.to), "crossed"))
        (options.plot / "crossed.md").write_text(ladder_table(records))
        (options.plot / "crossed_peers.md").write_text(problem_table(records))
        plot(records, options.plot / "crossed.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
