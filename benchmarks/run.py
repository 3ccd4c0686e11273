"""Run peers side by side: ``python -m benchmarks.run --problems laplace --repeats 10 --json results.json``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare import agreement, ratios, seconds
from benchmarks.machine import describe_machine, load_average, version
from benchmarks.peers import PEERS, Fit, Peer, load
from benchmarks.problem import Problem
from benchmarks.problems import PROBLEMS, SETS
from benchmarks.report import problem_table, summary_table

__all__ = ["main", "run_problem"]

SLOW = 10.0  # a peer that takes longer than this many seconds for one fit is not repeated
WARM_UP = {("laplace", 1): "tiny", ("laplace", 2): "tiny-crossed", ("map", 1): "tiny-map"}


def run_problem(
    problem: Problem, peers: Sequence[str], repeats: int, clock: str, statistic: str
) -> dict[str, Any]:
    """Fit one problem by every peer and compare; the peers take turns, so that a busy moment hits all alike."""
    modules = {name: load(name) for name in peers}
    modules = {name: module for name, module in modules.items() if module.applies(problem)}
    failures: dict[str, str] = {}
    fits: dict[str, list[Fit]] = {name: [] for name in modules}
    load_before = load_average()
    warm_up = PROBLEMS[WARM_UP[problem.method, len(problem.levels)]]()
    for turn in range(repeats):
        for name, module in modules.items():
            if name in failures or (fits[name] and fits[name][-1].cold.wall > SLOW):
                continue
            try:
                if turn == 0:
                    module.fit(warm_up)
                fits[name].append(module.fit(problem))
            except Exception as error:  # noqa: BLE001 (one failing package must not end the others' run)
                failures[name] = _failure(module, error)
    done = {name: runs for name, runs in fits.items() if runs and name not in failures}
    answers = agreement(problem, {name: runs[-1] for name, runs in done.items()})
    records = [_record(name, modules[name], done[name], answers[name], clock, statistic) for name in done]
    missing = [_missing(name, modules[name], reason) for name, reason in failures.items()]
    return {
        "problem": problem.name,
        "description": problem.description,
        "load": [load_before, load_average()],
        "peers": records + missing,
        "ratios": ratios({record["peer"]: record["seconds"] for record in records}),
    }


def _failure(module: Peer, error: Exception) -> str:
    package = module.PACKAGE.replace("-", "_")
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package:
        return "missing: cannot be imported"
    return f"failed: {type(error).__name__}: {error}"


def _record(
    name: str, module: Peer, runs: list[Fit], answer: dict[str, Any], clock: str, statistic: str
) -> dict[str, Any]:
    cold = [run.cold for run in runs]
    prepared = [run.prepared for run in runs if run.prepared is not None]
    last = dataclasses.asdict(runs[-1])
    last.pop("vc_mean")
    return last | {
        "peer": name,
        "version": version(module.PACKAGE),
        "work": module.WORK,
        "cold": [timing._asdict() for timing in cold],
        "prepared": [timing._asdict() for timing in prepared],
        "seconds": {
            "cold": seconds(cold, clock, statistic),
            "prepared": seconds(prepared, clock, statistic) if prepared else None,
        },
        "wall/cpu": sum(timing.wall for timing in cold) / max(sum(timing.cpu for timing in cold), 1e-9),
        "answer": answer,
    }


def _missing(name: str, module: Peer, reason: str) -> dict[str, Any]:
    return {"peer": name, "version": version(module.PACKAGE), "problem": reason}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 1 if answers differ, 0 otherwise."""
    options = _parse(arguments)
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} cores, load {load_average():.2f}; one thread")
    print(
        f"Seconds: {options.statistic} of {options.clock} time over the runs. gap: log-likelihood below the best;"
    )
    print(
        "fe, sd: fixed effects, log standard deviations: largest difference from the best, in standard errors.\n"
    )
    records = []
    for name in _expand(options.problems):
        problem = PROBLEMS[name]()
        record = run_problem(problem, options.peers, options.repeats, options.clock, options.statistic)
        record["clock"], record["statistic"] = options.clock, options.statistic
        records.append(record)
        print(problem_table(record), end="\n\n", flush=True)
    print(summary_table(records))
    print(f"\nLoad at the end: {load_average():.2f}")
    for name in options.peers:
        print(f"{name}: {load(name).WORK}")
    if options.json is not None:
        text = json.dumps({"machine": machine, "problems": records}, indent=1, default=_plain)
        options.json.write_text(text + "\n", encoding="utf-8")
    answers = [peer["answer"] for record in records for peer in record["peers"] if "answer" in peer]
    return 0 if all(answer["agrees"] for answer in answers) else 1


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
    parser.add_argument(
        "--clock", choices=("cpu", "wall"), default="cpu", help="default cpu: summed over threads"
    )
    parser.add_argument("--statistic", choices=("min", "median"), default="min")
    parser.add_argument("--json", type=Path, help="file to write everything to")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    return options


def _expand(names: Sequence[str]) -> list[str]:
    """Sets into their problems, each once, in order."""
    return list(dict.fromkeys(problem for name in names for problem in SETS.get(name, (name,))))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"not JSON: {type(value).__name__}")


if __name__ == "__main__":
    sys.exit(main())
