"""Run fuzz cases by the hundred thousand, in processes that may crash or hang without ending the run.

    python tests/fuzz/run.py arrays --cases 100000 --seed 1

A case is a function of one seed: ``case(rng)`` of the module ``fuzz_<target>`` makes hostile input and calls the package.
It returns a word for the outcome, and raises `Defect`, or anything else, where the package misbehaved. Workers note
the seed of every case before it runs, so that a crash (any signal), a hang (longer than --limit seconds, ended with a
traceback) or an exception names its seed, which this repeats alone:

    python tests/fuzz/run.py arrays --cases 1 --seed 4711
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

BATCH = 2000  # cases of one process
HERE = Path(__file__).resolve().parent
EXIT_OF_A_HANG = 1  # of faulthandler


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "target", choices=sorted(p.stem.removeprefix("fuzz_") for p in HERE.glob("fuzz_*.py"))
    )
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first case; each next case has the next")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds that a case may take")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(options.target, range(options.seed, options.seed + options.cases), options)))
        return 0
    return report(*run(options.target, options.seed, options.cases, options.limit))


def run(target: str, seed: int, cases: int, limit: float) -> tuple[collections.Counter, dict[int, str]]:
    """Outcomes counted, and what went wrong by seed."""
    outcomes: collections.Counter = collections.Counter()
    defects: dict[int, str] = {}
    last = seed + cases
    started = time.monotonic()
    while seed < last:
        count = min(BATCH, last - seed)
        done, found, seed = batch(target, seed, count, limit)
        outcomes.update(done)
        defects.update(found)
        for where, what in found.items():
            print(f"seed {where}: {what}\n", file=sys.stderr, flush=True)
    outcomes["seconds"] = round(time.monotonic() - started)
    return outcomes, defects


def batch(target: str, seed: int, count: int, limit: float) -> tuple[dict[str, int], dict[int, str], int]:
    """One process: outcomes, defects, and the seed at which to go on."""
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder, "notes")
        arguments = [target, "--seed", seed, "--cases", count, "--limit", limit, "--worker", notes]
        process = subprocess.run(
            [sys.executable, __file__, *map(str, arguments)], capture_output=True, text=True, check=False
        )
        if process.returncode == 0:
            result = json.loads(process.stdout.splitlines()[-1])
            return result["outcomes"], {int(k): v for k, v in result["defects"].items()}, seed + count
        if not notes.exists():
            raise RuntimeError(f"the worker did not start:\n{process.stderr}")
        noted = json.loads(notes.read_text().splitlines()[-1])
        stopped = noted["seed"]
        kind = "hang" if process.returncode == EXIT_OF_A_HANG else f"crash, exit {process.returncode}"
        found = {int(k): v for k, v in noted["defects"].items()}
        found[stopped] = f"{kind}\n{process.stderr[-3000:]}"
        return {kind: 1, "before it": stopped - seed}, found, stopped + 1


def work(target: str, seeds: range, options: argparse.Namespace) -> dict[str, object]:
    """Run cases in this process."""
    import numpy as np

    faulthandler.enable()
    case = importlib.import_module(f"fuzz_{target}").case
    outcomes: collections.Counter = collections.Counter()
    defects: dict[int, str] = {}
    notes = os.open(options.worker, os.O_WRONLY | os.O_CREAT)
    for seed in seeds:
        os.pwrite(notes, (json.dumps({"seed": seed, "defects": defects}) + "\n").encode(), 0)
        faulthandler.dump_traceback_later(options.limit, exit=True)
        try:
            outcomes[case(np.random.default_rng(seed))] += 1
        except Exception:  # noqa: BLE001
            defects[seed] = traceback.format_exc()[-3000:]
            outcomes["defect"] += 1
        faulthandler.cancel_dump_traceback_later()
    os.close(notes)
    return {"outcomes": outcomes, "defects": defects}


def report(outcomes: collections.Counter, defects: dict[int, str]) -> int:
    for name, count in outcomes.most_common():
        print(f"{count:9,d}  {name}")
    print(
        f"{len(defects):9,d}  defects"
        + (f", seeds {', '.join(map(str, list(defects)[:20]))}" if defects else "")
    )
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
