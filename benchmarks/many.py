"""Many responses, one design: ``python -m benchmarks.many --to results.jsonl``. Fits a second and core.

Packages without such a function fit one response after the other, in a loop, as their users do. Responses are drawn
anew from the model of the problem.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock import Timing
from benchmarks.peers import load
from benchmarks.problem import Floats, Problem
from benchmarks.problems import PROBLEMS
from benchmarks.results import Record, append
from benchmarks.run import guarded

__all__ = ["main", "responses", "run_many"]

BETA, SD = (0.3, -0.4), 0.8
SHARE = {"gpboost": 0.05, "glmm": 0.05}  # of the responses that the slower packages are given


def responses(problem: Problem, count: int, seed: int = 20_262) -> Floats:
    """Responses of the problem's design, shape (n, count)."""
    rng = np.random.default_rng(seed)
    effects = SD * rng.standard_normal((problem.levels[0], count))
    eta = (problem.exog @ np.array(BETA))[:, None] + effects[problem.groups[0]]
    return np.asfortranarray((rng.random(eta.shape) < 1 / (1 + np.exp(-eta))).astype(float))


def run_many(count: int, repeats: int, jobs: Sequence[int] = (1, 2)) -> Iterator[Record]:
    """Ours with each number of jobs, then the others on a share of the responses."""
    problem = PROBLEMS["many"]()
    endogs = responses(problem, count)
    cases = [("mixed_glm", {"jobs": n}, endogs) for n in jobs]
    cases += [(peer, {}, endogs[:, : max(2, int(share * count))]) for peer, share in SHARE.items()]
    reference = None
    for peer, options, some in cases:
        module: Any = load(peer)
        jobs_here = options.get("jobs", 1)
        where = {"kind": "many", "peer": peer, "jobs": jobs_here, "responses": some.shape[1]}
        guarded(module, lambda m=module, o=options, s=some: m.fit_each(problem, s[:, :2], **o))
        for turn in range(repeats):
            found, reason = guarded(module, lambda m=module, o=options, s=some: m.fit_each(problem, s, **o))
            if found is None:
                yield {"kind": "absent", "problem": problem.name, "peer": peer, "reason": reason}
                break
            if reference is None:
                reference = found.fe_mean
            difference = np.nanmedian(np.abs(found.fe_mean - reference[: len(found.fe_mean)]))
            yield where | _rate(found.time, some.shape[1]) | {
                "turn": turn, "version": module.version(), "difference": float(difference),
            }  # fmt: skip


def _rate(time: Timing, count: int) -> Record:
    return time._asdict() | {"fits_per_second": count / time.wall, "fits_per_core_second": count / time.cpu}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("--responses", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--to", type=Path, required=True, help="file to append the results to")
    options = parser.parse_args(arguments)
    append(options.to, run_many(options.responses, options.repeats))
    return 0


if __name__ == "__main__":
    sys.exit(main())
