"""Run peers side by side on the same data: ``python -m benchmarks.run --problems laplace --to results.jsonl``.

Writes what was measured and found; `benchmarks.analyse` compares it.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from benchmarks.hyper import SHAPED
from benchmarks.likelihood import score
from benchmarks.machine import describe_machine, load_average
from benchmarks.peers import PEERS, Absent, Fit, Peer, load
from benchmarks.problem import Problem
from benchmarks.problems import PROBLEMS, SETS
from benchmarks.results import Record, append

__all__ = ["expand", "guarded", "main", "run_problem"]

T = TypeVar("T")

MOST_RUNS = (
    (10.0, 1),
    (1.0, 2),
)  # a peer that takes longer than this many seconds for a fit is run so often at most
WARM_UP = {"map": "tiny-map", "vb": "tiny-vb"}


def run_problem(problem: Problem, peers: Sequence[str], repeats: int) -> Iterator[Record]:
    """Fit one problem by every peer; the peers take turns, so that a busy moment hits all alike."""
    modules = {name: load(name) for name in peers}
    modules = {name: module for name, module in modules.items() if module.applies(problem)}
    yield _description(problem)
    absent: dict[str, str] = {}
    last: dict[str, Fit] = {}
    for turn in range(repeats):
        for name, module in modules.items():
            if name in absent or (name in last and turn >= _most_runs(last[name].cold.wall)):
                continue
            if turn == 0 and (reason := _warm_up(name, _tiny(problem))):
                absent[name] = reason
                continue
            fit, reason = guarded(module, lambda m=module: m.fit(problem))
            if fit is None:
                absent[name] = reason
                continue
            last[name] = fit
            yield from _times(problem, name, turn, fit)
    for name, fit in last.items():
        if name not in absent:
            yield _answer(problem, name, modules[name], fit)
    for name, reason in absent.items():
        yield {"kind": "absent", "problem": problem.name, "peer": name, "reason": reason}


def _tiny(problem: Problem) -> str:
    """Name of a tiny problem of the kind."""
    if problem.family in SHAPED:
        return f"tiny-{problem.family}"
    crossed = "tiny-crossed" if len(problem.levels) > 1 else "tiny"
    return WARM_UP.get(problem.method, crossed)


def _most_runs(seconds: float) -> float:
    return next((runs for slow, runs in MOST_RUNS if seconds > slow), math.inf)


@cache
def _warm_up(peer: str, problem_name: str) -> str:
    """Fit a tiny problem once, so that whatever is loaded late is loaded; empty, or why that cannot be done."""
    module, problem = load(peer), PROBLEMS[problem_name]()
    return guarded(module, lambda: module.fit(problem))[1]


def guarded(module: Peer, work: Callable[[], T]) -> tuple[T | None, str]:
    """The result, or None and why there is none: one failing package must not end the others' run."""
    try:
        return work(), ""
    except (Absent, ModuleNotFoundError) as error:
        return None, f"missing: {error}" if module.version() == "missing" else str(error)
    except Exception as error:  # noqa: BLE001 (packages raise what they like)
        return None, f"failed: {type(error).__name__}: {error}"


def _description(problem: Problem) -> Record:
    return {
        "kind": "problem",
        "problem": problem.name,
        "description": problem.description,
        "family": problem.family,
        "method": problem.method,
        "rows": problem.nobs,
        "p": problem.exog.shape[1],
        "levels": list(problem.levels),
        "load": load_average(),
    }


def _times(problem: Problem, peer: str, turn: int, fit: Fit) -> Iterator[Record]:
    for stage, timing in fit.stages.items():
        if timing is not None:
            where = {"kind": "time", "problem": problem.name, "peer": peer, "turn": turn, "stage": stage}
            yield where | timing._asdict()


def _answer(problem: Problem, peer: str, module: Peer, fit: Fit) -> Record:
    value = score(problem, fit)
    return {
        "kind": "answer",
        "problem": problem.name,
        "peer": peer,
        "version": module.version(),
        "score": value if math.isfinite(value) else None,
        "stated": fit.loglik,
        "fe_mean": fit.fe_mean,
        "fe_sd": fit.fe_sd,
        "sd": fit.sd,
        "log_sd_sd": fit.log_sd_sd,
        "converged": fit.converged,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    options = _parse(arguments)
    append(options.to, [{"kind": "machine"} | describe_machine()])
    append(options.to, ({"kind": "peer", "peer": name, "work": load(name).WORK} for name in options.peers))
    for name in expand(options.problems):
        print(f"{name} ...", flush=True)
        append(options.to, run_problem(PROBLEMS[name](), options.peers, options.repeats))
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "--problems", nargs="+", default=["laplace"], choices=[*SETS, *PROBLEMS], metavar="NAME",
        help=f"sets ({', '.join(SETS)}) or problems ({', '.join(PROBLEMS)}); default laplace",
    )  # fmt: skip
    parser.add_argument(
        "--peers", nargs="+", default=list(PEERS), choices=PEERS, metavar="PEER", help=", ".join(PEERS)
    )
    parser.add_argument("--repeats", type=int, default=5, help="runs of each peer (default 5)")
    parser.add_argument("--to", type=Path, required=True, help="file to append the results to")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    return options


def expand(names: Sequence[str]) -> list[str]:
    """Sets into their problems, each once, in order."""
    return list(dict.fromkeys(problem for name in names for problem in SETS.get(name, (name,))))


if __name__ == "__main__":
    sys.exit(main())
