"""``python -m mixed_glm``: where the headers are, for build scripts; anything else goes to the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mixed_glm import _core
from mixed_glm._native.paths import get_cmake_dir, get_include, get_pkgconfig_dir

_COMPILE_DEFINITION = "-DEIGEN_MPL2_ONLY"


def main(argv: Sequence[str] | None = None) -> int:
    """Print what was asked for, one item a line; without any question, run the command line of ``mixed-glm``.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; default those of the process.

    Returns
    -------
    int
        Exit status.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or not arguments[0].startswith("--"):
        from mixed_glm.cli import main as command_line

        return command_line(arguments)

    parser = argparse.ArgumentParser(
        prog="python -m mixed_glm",
        description="Paths and flags for compiling against the headers of mixed_glm. "
        "Without an option, the same as the command mixed-glm.",
    )
    parser.add_argument("--version", action="store_true", help="version of the package")
    parser.add_argument("--includes", action="store_true", help="include flags for the C++ compiler")
    parser.add_argument("--cflags", action="store_true", help="all flags for the C++ compiler")
    parser.add_argument("--cmakedir", action="store_true", help="directory for -Dmixed_glm_DIR=")
    parser.add_argument("--pkgconfigdir", action="store_true", help="directory for PKG_CONFIG_PATH")
    asked = parser.parse_args(arguments)

    if asked.version:
        print(_core.__version__)
    if asked.includes:
        print(f"-I{get_include()}")
    if asked.cflags:
        print(f"-std=c++17 -I{get_include()} {_COMPILE_DEFINITION} -pthread")
    if asked.cmakedir:
        print(get_cmake_dir())
    if asked.pkgconfigdir:
        print(get_pkgconfig_dir())
    return 0


if __name__ == "__main__":
    sys.exit(main())
