"""Crossed factors against the number of their levels: ``python -m benchmarks.crossed --to results.jsonl --plot FOLDER``.

Binary rows, 30 a level, in two factors of equally many levels with sds 1 and 0.5; the mode of the log standard deviations with
its curvature and the standard deviations of all effects (``fit_laplace(integrate="mode")``), by the exact factor and by
probes. Processor time of one thread, the model made anew.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.clock import timed
from benchmarks.results import Record, append, of_kind, read

__all__ = ["main"]

ROWS_PER_LEVEL = 30
EXACT = (300, 500, 700, 1000, 1500, 2000)  # levels; beyond, the exact factor takes too long
LEVELS = (*EXACT, 3000, 5000, 10_000, 20_000)


def make_data(levels: int) -> tuple[str, dict[str, Any]]:
    """Formula and columns."""
    rng = np.random.default_rng(levels)
    rows = ROWS_PER_LEVEL * levels
    g, h, x = rng.integers(levels, size=rows), rng.integers(levels, size=rows), rng.normal(size=rows)
    eta = -0.5 + 0.5 * x + rng.normal(size=levels)[g] + 0.5 * rng.normal(size=levels)[h]
    return "y ~ x + (1 | g) + (1 | h)", {
        "y": 1.0 * (rng.random(rows) < 1 / (1 + np.exp(-eta))),
        "x": x,
        "g": g,
        "h": h,
    }


def measure(levels: int, factorization: str) -> Record:
    """One fit; to be run in a process of its own."""
    import mixed_glm
    from mixed_glm import _core
    from mixed_glm._spec import spec
    from mixed_glm._spec.design import model_arguments

    def make_core(design: Any, family: Any, change: Any = None, *, merge_rows: bool = True) -> Any:
        arguments = model_arguments(design, family, change)
        return _core.Model(merge_rows=merge_rows, factorization=factorization, **arguments)

    spec.make_core = make_core  # type: ignore[assignment]
    formula, data = make_data(levels)
    model = mixed_glm.MixedGLM.from_formula(formula, data=data, family="binomial")
    timing, result = timed(lambda: model.fit_laplace(integrate="mode"))
    report = result.integration
    assert report is not None
    return {
        "kind": "crossed", "levels": levels, "factorization": factorization, "probes": report.probes,
        "sds": np.exp(result.vcp_mean).tolist(), "log_density": result.log_density,
        "log_density_error": report.log_density_error, "sd_error": report.sd_error,
        "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    } | timing._asdict()  # fmt: skip


def table(records: Sequence[Record]) -> str:
    """Markdown: a row for each number of levels."""
    best = pd.DataFrame(records).pivot_table("cpu", "levels", "factorization", "min")
    lines = ["| levels | rows | exact factor | probes |", "|---|---|---|---|"]
    for levels, times in best.iterrows():
        cells = [
            f"{times[name]:.2g} s" if pd.notna(times.get(name)) else "" for name in ("exact", "iterative")
        ]
        lines.append(
            f"| {levels:,} x {levels:,} | {ROWS_PER_LEVEL * int(str(levels)):,} | {' | '.join(cells)} |"
        )
    return "\n".join(lines) + "\n"


def plot(records: Sequence[Record], file: Path) -> None:
    """Processor time against levels, both logarithmic."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "mixed_glm"
    from matplotlib import pyplot as plt

    best = pd.DataFrame(records).groupby(["factorization", "levels"])["cpu"].min()
    figure, ax = plt.subplots(figsize=(5.5, 3.5), layout="constrained")
    for name, label, style in (("exact", "exact factor", "o-"), ("iterative", "probes", "s-")):
        if name in best.index:
            ax.loglog(best[name].index, best[name].to_numpy(), style, label=label)
    ax.set_xlabel("levels of each of two crossed factors, 30 rows a level")
    ax.set_ylabel("processor time, seconds")
    ax.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crossed", description=__doc__)
    parser.add_argument("--levels", nargs="+", type=int, default=list(LEVELS), help="of each factor")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each (default 3)")
    parser.add_argument("--to", type=Path, required=True, help="file to append the results to")
    parser.add_argument("--plot", type=Path, help="folder for crossed.md and crossed.svg")
    parser.add_argument("--one", choices=("exact", "iterative"), help="measure here, in this process")
    options = parser.parse_args(arguments)
    if options.one:
        append(options.to, [measure(options.levels[0], options.one)])
        return 0
    for levels in options.levels:
        for factorization in ("exact", "iterative") if levels <= max(EXACT) else ("iterative",):
            command = [
                sys.executable,
                "-m",
                "benchmarks.crossed",
                "--levels",
                str(levels),
                "--to",
                str(options.to),
            ]
            for _ in range(options.repeats):
                subprocess.run([*command, "--one", factorization], check=True)
    if options.plot:
        records = list(of_kind(read(options.to), "crossed"))
        (options.plot / "crossed.md").write_text(table(records))
        plot(records, options.plot / "crossed.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
