"""Simulation-based calibration of all methods: ``python -m benchmarks.calibration --to FOLDER``.

Writes ``calibration.npz`` (every posterior probability), ``calibration.md``, ``coverage.md``, ``tails.md`` and a picture
for each design. With `--from FILE` only tables and pictures are made anew.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.calibration.catalogue import DESIGNS
from benchmarks.calibration.methods import METHODS
from benchmarks.calibration.plot import plot
from benchmarks.calibration.run import Calibration, calibrate, read, write
from benchmarks.calibration.tables import calibration_table, coverage_table
from benchmarks.calibration.tails import tails_table

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--replicates", type=int, default=2000, help="data sets of each design (default 2000)"
    )
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), choices=DESIGNS, metavar="NAME")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS, metavar="NAME")
    parser.add_argument("--jobs", type=int, default=1, help="processes; the results are the same")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--from", type=Path, dest="source", metavar="FILE", help="calibration.npz of a run before"
    )
    parser.add_argument("--to", type=Path, default=Path("calibration-results"))
    options = parser.parse_args(arguments)
    if options.source is not None:
        results = read(options.source)
    else:
        results = []
        for name in options.designs:
            results += _timed(name, options)
            write(options.to / "calibration.npz", results)
    options.to.mkdir(parents=True, exist_ok=True)
    pages = {"calibration": calibration_table, "coverage": coverage_table, "tails": tails_table}
    for name, table in pages.items():
        page = table(results)
        (options.to / f"{name}.md").write_text(page, encoding="utf-8")
        print(page)
    plot(results, options.to)
    return 0


def _timed(name: str, options: argparse.Namespace) -> list[Calibration]:
    began = time.perf_counter()
    results = calibrate(DESIGNS[name], options.methods, options.replicates, options.seed, options.jobs)
    print(f"{name}: {options.replicates} data sets, {time.perf_counter() - began:.0f} s", flush=True)
    return results


if __name__ == "__main__":
    sys.exit(main())
