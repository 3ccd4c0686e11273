"""Where the installed package keeps what C++ and Cython users need."""

from __future__ import annotations

import sys
from pathlib import Path

_SHIPPED = "share/cmake/mixed_glm/mixed_glmConfig.cmake"


def _prefix() -> Path:
    """Directory that holds ``include`` and ``share``.

    In an editable install the Python files lie in the source tree and the installed headers elsewhere, so
    every directory of the package is tried.
    """
    entries = list(sys.modules[__name__.partition(".")[0]].__path__)
    for entry in entries:
        if (Path(entry) / _SHIPPED).is_file():
            return Path(entry)
    raise FileNotFoundError(
        f"the C++ headers of mixed_glm are not installed (no {_SHIPPED} in {', '.join(entries)}); "
        "install the package without --editable to use them"
    )


def get_include() -> str:
    """Directory to give to the C++ compiler: it holds ``mixed_glm/`` and ``Eigen/``.

    Returns
    -------
    str
        Absolute path.
    """
    return str(_prefix() / "include")


def get_cmake_dir() -> str:
    """Directory with ``mixed_glmConfig.cmake``, for ``-Dmixed_glm_DIR=``.

    Returns
    -------
    str
        Absolute path.
    """
    return str(_prefix() / "share" / "cmake" / "mixed_glm")


def get_pkgconfig_dir() -> str:
    """Directory with ``mixed_glm.pc``, for ``PKG_CONFIG_PATH``.

    Returns
    -------
    str
        Absolute path.
    """
    return str(_prefix() / "share" / "pkgconfig")
