"""Many responses, one design: ``python -m benchmarks.many --to results.jsonl``. Fits a second and core.

Packages without such a function fit one response after the other, in a loop, as their users do. Responses are drawn
anew from the model of the problem.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import Fits, load
from benchmarks.problem import Floats, Problem
from benchmarks.problems import PROBLEMS
from benchmarks.results import Record, append
from benchmarks.run import guarded

__all__ = ["main", "responses", "run_many"]

BETA, SD = (0.3, -0.4), 0.8


@dataclass(frozen=True)
class Case:
    """One row of the table: who fits, how, and which share of the responses."""

    peer: str
    work: str
    options: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0


CASES = (
    Case("mixed_glm", "Laplace, psi at its mode", {"integrate": "mode"}),
    Case("mixed_glm", "Laplace, psi at its mode", {"integrate": "mode", "jobs": 2}),
    Case("mixed_glm", "Laplace, psi on a grid", {}, 0.2),
    Case("mixed_glm", "expectation propagation, psi on a grid", {"method": "ep"}, 0.02),
    Case("mixed_glm", "mean-field variational Bayes", {"method": "vb"}, 0.2),
    Case("mixed_glm", "joint mode", {"method": "map"}, 0.2),
    Case("gpboost", "maximum likelihood, Laplace", {}, 0.05),
    Case("glmm", "maximum likelihood, Laplace", {}, 0.05),
    Case("statsmodels", "joint mode", {}, 0.0005),
)


def responses(problem: Problem, count: int, seed: int = 20_262) -> Floats:
    """Responses of the problem's design, shape (n, count)."""
    rng = np.random.default_rng(seed)
    effects = SD * rng.standard_normal((problem.levels[0], count))
    eta = (problem.exog @ np.array(BETA))[:, None] + effects[problem.groups[0]]
    return np.asfortranarray((rng.random(eta.shape) < 1 / (1 + np.exp(-eta))).astype(float))


def run_many(count: int, repeats: int) -> Iterator[Record]:
    """All cases; the first is the one that estimates are compared with."""
    problem = PROBLEMS["many"]()
    endogs = responses(problem, count)
    reference: Floats | None = None
    for case in CASES:
        module: Any = load(case.peer)
        some = endogs[:, : max(2, int(case.share * count))]
        for turn in range(-1, repeats):
            data = some[:, :2] if turn < 0 else some  # the first turn loads what is loaded late
            found, reason = guarded(
                module, lambda m=module, c=case, d=data: m.fit_each(problem, d, **c.options)
            )
            if found is None:
                yield {"kind": "absent", "problem": problem.name, "peer": case.peer, "reason": reason}
                break
            if turn < 0:
                continue
            if reference is None:
                reference = found.fe_mean
            yield _record(case, module, found, reference) | {"turn": turn}


def _record(case: Case, module: Any, found: Fits, reference: Floats) -> Record:
    count = len(found.fe_mean)
    difference = np.nanmedian(np.abs(found.fe_mean - reference[:count]))
    return {
        "kind": "many",
        "peer": case.peer,
        "version": module.version(),
        "work": case.work,
        "jobs": case.options.get("jobs", 1),
        "responses": count,
        "fits_per_second": count / found.time.wall,
        "fits_per_core_second": count / found.time.cpu,
        "difference": float(difference),
    } | found.time._asdict()


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
