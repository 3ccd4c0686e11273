"""Everything: ``python -m benchmarks [--quick]``. Runs, analyses and plots into one folder.

The folder then holds ``results.jsonl`` (all that was measured), tables in markdown and plots. `--quick` takes a minute
or two and shows that all works; its figures mean little.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import after, analyse, many, memory, plot, run, threads
from benchmarks.accuracy import score
from benchmarks.kernels.__main__ import main as time_kernels
from benchmarks.peers.rscript import PATIENCE

QUICK = ("binomial-10k", "tiny-crossed", "tiny-poisson", "tiny-map", "tiny-vb")
FULL = ("laplace", "map")
ACCURACY = ("auto", "laplace", "leaf", "ep", "vb_full", "vb", "map")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 1 if answers differ."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--to", type=Path, default=Path("benchmark-results"), help="default %(default)s")
    parser.add_argument("--patience", type=float, help="seconds after which a run of R is stopped")
    parser.add_argument(
        "--accuracy", type=Path, metavar="FOLDER", help="references made by benchmarks.accuracy.make"
    )
    parser.add_argument(
        "--no-kernels", action="store_true", help="they need a C++ compiler and half a minute of it"
    )
    options = parser.parse_args(arguments)
    results = options.to / "results.jsonl"
    results.unlink(missing_ok=True)
    os.environ[PATIENCE] = str(options.patience or (15 if options.quick else 60))
    to = ["--to", str(results)]
    run.main(
        ["--problems", *(QUICK if options.quick else FULL), "--repeats", "2" if options.quick else "7", *to]
    )
    many.main(
        ["--responses", "400" if options.quick else "20000", "--repeats", "1" if options.quick else "3", *to]
    )
    if options.quick:
        threads.main(["--problems", "binomial-10k", "--repeats", "1", *to])
    else:
        threads.main(to)
    if options.accuracy is not None:
        methods = ACCURACY[0] if options.quick else ",".join(ACCURACY)
        score.main(["--data", str(options.accuracy), "--methods", methods, *to])
    if not options.quick:
        memory.main(to)
        after.main(to)
    if not options.no_kernels:
        time_kernels([*(["--quick"] if options.quick else []), *to])
    status = analyse.main([str(results), "--to", str(options.to)])
    plot.main([str(results), "--to", str(options.to)])
    print(f"\nTables and plots are in {options.to}/.")
    return status


if __name__ == "__main__":
    sys.exit(main())
