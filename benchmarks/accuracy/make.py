"""Write NAME.npz and NAME.ref.npz of the problems that have none yet.

python -m benchmarks.accuracy.make --to DIR [--draws 3000] [NAME ...]
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np

from .problems import ALL
from .reference import reference


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=", ".join(ALL))
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=3000, help="of each of four chains")
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or ALL:
        target = arguments.to / f"{name}.ref.npz"
        if target.exists():
            continue
        problem = ALL[name]()
        problem.save(arguments.to / f"{name}.npz")
        began = time.perf_counter()
        found = reference(problem, draws=arguments.draws)
        seconds = time.perf_counter() - began
        np.savez(target, sec=seconds, **found)
        top = slice(0, found["p"] + found["k"])
        error = found["mcse_mean"] / found["sd"]
        print(
            f"{name:18s} n {len(problem.y):5d} q {found['q']:5d}  mcse/sd {error[top].max():.4f} (effects "
            f"{error[found['p'] + found['k'] :].max():.4f})  rhat {found['rhat'].max():.4f}  divergences "
            f"{found['divergences']}  steps {found['steps']:.0f}  {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
