"""Peak memory of a fit beyond its input: ``python -m benchmarks.memory --to results.jsonl``. Linux only (/proc).

The input is y, X and the CSR arrays of Z. It exists before; the peak of resident memory from then to the end of the
fit, less what was resident before, is stated as a multiple of it. The result of the fit is part of that.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.clock import timed
from benchmarks.problems import PROBLEMS
from benchmarks.results import Record, append

__all__ = ["main", "settle", "status"]

FITS = ("construct", "fit_map", "fit_laplace")


def measure(problem_name: str, method: str) -> Record:
    """Sizes in bytes; to be run in a process of its own."""
    import mixed_glm

    problem = PROBLEMS[problem_name]()
    z, ident = problem.exog_vc(), problem.ident
    arrays = (problem.endog, problem.exog, z.data, z.indices, z.indptr)
    size = sum(array.nbytes for array in arrays)
    np.ones(problem.exog.shape[1]) @ problem.exog.T  # BLAS sets its buffers up here, not in the fit
    before = settle()

    def work() -> object:
        model = mixed_glm.MixedGLM(
            problem.endog, problem.exog, z, ident, problem.family, vcp_p=problem.vcp_p, fe_p=problem.fe_p
        )
        if method == "construct":
            return model, model.core()
        return model.fit_map() if method == "fit_map" else model.fit_laplace(integrate="mode")

    timing, result = timed(work)
    peak, after = status("VmHWM") - before, status("VmRSS") - before
    del result
    return {
        "kind": "memory", "problem": problem_name, "work": method, "input": size, "peak": peak, "kept": after,
    } | timing._asdict()  # fmt: skip


def settle() -> int:
    """Give freed memory back to the system, restart its record of the peak, and return what is resident, in bytes."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def status(field: str) -> int:
    """A size that the system tells of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument(
        "--problem", default="memory-1m", choices=PROBLEMS, metavar="NAME", help="default memory-1m"
    )
    parser.add_argument("--fit", choices=FITS, help="only this one, in this process")
    parser.add_argument("--to", type=Path, required=True, help="file to append the results to")
    options = parser.parse_args(arguments)
    if options.fit is not None:
        append(options.to, [measure(options.problem, options.fit)])
        return 0
    command = [
        sys.executable,
        "-m",
        "benchmarks.memory",
        "--problem",
        options.problem,
        "--to",
        str(options.to),
    ]
    return max(subprocess.run([*command, "--fit", fit], check=False).returncode for fit in FITS)


if __name__ == "__main__":
    sys.exit(main())
