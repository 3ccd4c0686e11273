"""The C++ behind the benchmarks, compiled against the headers of this source tree."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import mixed_glm as mg

__all__ = ["library"]

SOURCE = Path(__file__).with_name("kernels.cpp")
HEADERS = Path(__file__).resolve().parents[2] / "cpp" / "include"
# As the package's own cores are compiled: CMakeLists.txt.
FLAGS = (
    "-std=c++17",
    "-O3",
    "-DNDEBUG",
    "-DEIGEN_MPL2_ONLY",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-shared",
    "-fPIC",
)


def library() -> Path:
    """A shared library in the system's folder for temporary files; compiled anew only if something changed."""
    isa = () if mg.__isa__ == "portable" else (f"-march=x86-64-{mg.__isa__}",)
    command = [os.environ.get("CXX", "c++"), *FLAGS, *isa, f"-I{HEADERS}", f"-isystem{_eigen()}", str(SOURCE)]
    digest = hashlib.sha256("\n".join([*command, *map(_text, _sources())]).encode()).hexdigest()[:16]
    file = (
        Path(tempfile.gettempdir()) / f"mixed_glm_kernels_{digest}{sysconfig.get_config_var('SHLIB_SUFFIX')}"
    )
    if not file.exists():
        unfinished = file.with_suffix(f".{os.getpid()}")
        subprocess.run([*command, "-o", str(unfinished)], check=True)
        unfinished.replace(file)
    return file


def _eigen() -> Path:
    """The headers that the package was compiled with: of the cmeel-eigen wheel, or of the system."""
    wheel = Path(sysconfig.get_path("purelib")) / "cmeel.prefix" / "include" / "eigen3"
    found = [Path(entry) / "cmeel.prefix" / "include" / "eigen3" for entry in sys.path]
    for folder in (wheel, *found, Path("/usr/include/eigen3"), Path("/usr/local/include/eigen3")):
        if (folder / "Eigen" / "Cholesky").exists():
            return folder
    raise FileNotFoundError("Eigen's headers: pip install cmeel-eigen")


def _sources() -> list[Path]:
    return [SOURCE, *sorted(HEADERS.glob("mixed_glm/**/*.hpp"))]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
