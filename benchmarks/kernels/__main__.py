"""Time the kernels by pytest-benchmark: ``python -m benchmarks.kernels --to results.jsonl [--quick]``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.results import append

__all__ = ["main"]

QUICK = ("--benchmark-max-time=0.05", "--benchmark-min-rounds=2", "-k", "10k")
FULL = ("--benchmark-max-time=0.5", "--benchmark-min-rounds=5")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the status of pytest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small problems, few repeats")
    parser.add_argument("--to", type=Path, required=True, help="file to append the results to")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernels.json"
        how = QUICK if options.quick else FULL
        tests = str(Path(__file__).with_name("test_kernels.py"))
        fixed = (
            "-q",
            "-p",
            "no:cacheprovider",
            "--benchmark-disable-gc",
            "--benchmark-columns=min,median,rounds",
        )
        status = int(pytest.main([tests, *fixed, f"--benchmark-json={file}", *how]))
        if status == 0:
            found = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
            append(
                options.to,
                (b["extra_info"] | {"kind": "kernel", "seconds": b["stats"]["min"]} for b in found),
            )
    return status


if __name__ == "__main__":
    sys.exit(main())
