"""scipy's optimizers, as the fits use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from mixed_glm._input.arrays import as_generator

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

Floats = npt.NDArray[np.float64]

# What the methods of scipy.optimize.minimize take, in lower case.
DENSE_HESSIAN = {"dogleg", "trust-exact"}
SPARSE_HESSIAN = {"trust-constr"}
HESSIAN_PRODUCT = {"newton-cg", "trust-ncg", "trust-krylov"}
NO_GRADIENT = {"nelder-mead", "powell", "cobyla", "cobyqa"}


def scipy_minimize(fun: Callable[[Floats], Any], x0: Floats, **options: Any) -> OptimizeResult:
    """`scipy.optimize.minimize`, whose typed overloads leave out much of what it takes."""
    from scipy.optimize import minimize  # slow to import

    try:
        result: OptimizeResult = cast(Any, minimize)(fun, x0, **options)
    except ValueError as error:
        if not str(error).startswith("Unknown solver"):
            raise
        raise ValueError(
            f"method must be 'newton' or one of scipy.optimize.minimize, such as 'BFGS', got {options['method']!r}"
        ) from None
    return result


def is_newton(method: Any, name: str = "method") -> bool:
    """Whether the core's own search is asked for.

    Raises
    ------
    TypeError
        If `method` is no name.
    """
    if not isinstance(method, str):
        raise TypeError(f"{name} must be a string, got {type(method).__name__}")
    return method.lower() == "newton"


def normal_noise(rng: object, size: int) -> Floats:
    """Standard normal numbers, shape (size,), from what `numpy.random.default_rng` takes, or a RandomState."""
    if isinstance(rng, np.random.RandomState):  # as statsmodels accepts it; default_rng does not
        return rng.normal(size=size)
    return as_generator(rng).normal(size=size)
