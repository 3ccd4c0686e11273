"""Bayesian generalized linear mixed models with a fast C++ core."""

from mixed_glm import _core
from mixed_glm._paths import get_cmake_dir, get_include

__version__ = _core.__version__
__isa__ = _core.__isa__

__all__ = ["__isa__", "__version__", "get_cmake_dir", "get_include"]
