"""One model on several threads: ``python -m benchmarks.threads --to results.jsonl``. Time on the clock, on a quiet machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock import timed
from benchmarks.machine import load_average
from benchmarks.peers import load
from benchmarks.problems import PROBLEMS
from benchmarks.results import Record, append

__all__ = ["main"]

DEFAULT = ("binomial-200k", "insteval", "memory-1m")


def run_threads(problem_name: str, jobs: Sequence[int], repeats: int) -> Iterator[Record]:
    """Fits of a prepared model; the numbers of threads take turns, and must give the same bits."""
    mixed_glm: Any = load("mixed_glm")
    problem = PROBLEMS[problem_name]()
    model = mixed_glm.make(problem)
    reference = model.fit_laplace(integrate="mode").params
    for turn in range(repeats):
        for n_jobs in jobs:
            timing, result = timed(lambda n=n_jobs: model.fit_laplace(integrate="mode", n_jobs=n))
            same = bool(np.array_equal(result.params, reference))
            yield {
                "kind": "threads", "problem": problem_name, "rows": problem.nobs, "jobs": n_jobs, "turn": turn,
                "same": same, "load": load_average(),
            } | timing._asdict()  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 1 if results differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.threads", description=__doc__)
    parser.add_argument(
        "--problems", nargs="+", default=list(DEFAULT), choices=PROBLEMS, metavar="NAME",
        help=f"default {' '.join(DEFAULT)}",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", nargs="+", type=int, default=[1, 2], help="numbers of threads (default 1 2)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (default 5)")
    parser.add_argument("--to", type=Path, required=True, help="file to append the results to")
    options = parser.parse_args(arguments)
    records = [
        record for name in options.problems for record in run_threads(name, options.jobs, options.repeats)
    ]
    append(options.to, records)
    return 0 if all(record["same"] for record in records) else 1


if __name__ == "__main__":
    sys.exit(main())
