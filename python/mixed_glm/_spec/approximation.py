"""How fixed and random effects are integrated out given the log standard deviations, and how these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mixed_glm import _core
from mixed_glm._input.options import as_choice, as_flag, is_several
from mixed_glm._spec.correlated import WHOLE_TERM, require_independent
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

# A component by name or number, with all others of the same groups, or exactly these; or "auto".
Leaf: TypeAlias = str | int | Sequence[str | int]

EP_N_QUAD = _core.EP_N_QUAD
INTEGRATE = ("auto", "line", "grid", "ridge", "ccd", "mode")


@dataclass(frozen=True)
class Approximation:
    """How fixed and random effects are integrated out given psi.

    Attributes
    ----------
    name : {"laplace", "leaf", "ep", "vb"}
    leaf : tuple of int
        Components that "leaf" integrates by quadrature. Given as one number, as files of older releases have it:
        that component, or none for -1.
    n_quad : int
        Nodes for each coordinate of the leaf; nodes for each tilted density of "ep"; nodes of "vb". 0: the core's
        default, 15 (9 and 7 for a leaf of two and three components; as many as are needed in a fit of one component
        alone), 11 and as many as each row needs.
    mean_correction : bool
        Whether the means of "laplace" and "leaf" are corrected to second order.
    """

    name: str
    leaf: tuple[int, ...] = ()
    n_quad: int = 0
    mean_correction: bool = True

    def __post_init__(self) -> None:
        given: Any = self.leaf
        if isinstance(given, int):
            object.__setattr__(self, "leaf", (given,) if given >= 0 else ())

    @classmethod
    def laplace(cls, spec: ModelSpec, n_quad: int, leaf: Leaf, mean_correction: bool = True) -> Approximation:
        """Laplace for all effects with ``n_quad == 1``, otherwise quadrature over the leaf."""
        mean_correction = as_flag(mean_correction, "mean_correction")
        if n_quad == 1:
            return cls("laplace", mean_correction=mean_correction)
        return cls("leaf", find_leaf(spec, leaf), n_quad, mean_correction)

    @classmethod
    def named(cls, spec: ModelSpec, name: str, n_quad: int | None, leaf: Leaf) -> Approximation:
        """By the name that `MixedGLM.log_marginal` takes."""
        if name == "leaf":
            return cls(name, find_leaf(spec, leaf), n_quad or 0)
        if name in ("laplace", "ep", "vb"):
            return cls(name, n_quad=n_quad or 0)
        raise ValueError(f"approx must be 'laplace', 'leaf', 'ep' or 'vb', got {name!r}")

    def log_marginal(self, core: _core.Model, vcp: Floats, n_jobs: int = 1) -> tuple[float, Floats]:
        """log p(y, psi) and its gradient, shape (K,)."""
        return _core.log_marginal(core, self.core, vcp, n_jobs=n_jobs)

    @property
    def core(self) -> _core.Approximation:
        """The approximation in the compiled core."""
        return _core.Approximation(**vars(self))


def find_leaf(spec: ModelSpec, leaf: Leaf) -> tuple[int, ...]:
    """Numbers of the components to integrate by quadrature.

    Raises
    ------
    ValueError
        If there is no such component, a row touches more than one of its effects, or several do not belong to the
        same groups. With correlated effects, if these are not one term of up to three coordinates, all named.
    """
    core, names = spec.core(), spec.layout.vcp_names
    candidates = np.flatnonzero(_core.leaf_candidates(core))
    if not len(candidates):
        require_independent(spec.design.correlated, "leaf quadrature (n_quad > 1)", WHOLE_TERM)
    possible = ", ".join(repr(names[k]) for k in candidates) or "none here"
    rule = f"a component of which each row touches at most one effect ({possible})"
    if isinstance(leaf, str) and leaf == "auto":
        if not len(candidates):
            raise ValueError(f"n_quad > 1 needs {rule}; use n_quad=1 or fit_ep()")
        return tuple(_core.default_leaf(core))
    given: list[Any] = list(leaf) if is_several(leaf) else [leaf]
    numbers = [names.index(k) if k in names else k for k in given]
    if not numbers or any(not isinstance(k, (int, np.integer)) or k not in candidates for k in numbers):
        or_list = ", or a list of up to three such components of the same groups"
        raise ValueError(f"leaf must be 'auto' or {rule}{or_list}, got {leaf!r}")
    if not is_several(leaf):
        return tuple(_core.leaf_around(core, numbers[0]))
    if not _core.is_leaf(core, numbers):
        of_same_groups = (
            "up to three different components whose effects belong to the same groups, as random intercepts and "
            "slopes of the same persons do"
        )
        expected = f"the whole correlated term ({possible})" if spec.design.correlated else of_same_groups
        raise ValueError(f"leaf: expected {expected}, got {leaf!r}")
    return tuple(map(int, numbers))


def core_options(
    spec: ModelSpec, approximation: Approximation, integrate: str, minim_opts: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Arguments of `core_method` beside the start."""
    integrate = as_choice(integrate, "integrate", INTEGRATE)
    if integrate == "line" and spec.layout.k_hyper > 1:
        raise ValueError(
            f"integrate: 'line' is for one variance component, got {spec.layout.k_hyper}; use 'auto' or 'grid'"
        )
    return {"approximation": approximation, "integrate": integrate, **newton_options(minim_opts)}


def core_method(*, start: Floats, **options: Any) -> _core.MarginalMethod:
    """The fit through the marginal posterior in the compiled core; an empty `start`: where the core begins."""
    return _method(start=start, **options) if len(start) else _method_without_start(**options)


def _method(*, approximation: Approximation, **arguments: Any) -> _core.MarginalMethod:
    return _core.MarginalMethod(approximation=approximation.core, **arguments)


_method_without_start = lru_cache(maxsize=32, typed=True)(
    _method
)  # immutable: one for all fits with the same options


def newton_options(
    minim_opts: Mapping[str, Any] | None, method: str = "method 'newton'", tolerance: str = "tol"
) -> dict[str, Any]:
    """Options of the core's own searches, by the names that it knows them by.

    Parameters
    ----------
    minim_opts : mapping, or None
        What the user gave.
    method : str
        Whose options they are, for the message.
    tolerance : str
        The user's name of the tolerance.
    """
    if not minim_opts:
        return {}
    names = {tolerance: "tolerance", "maxiter": "max_iterations"}
    options = dict(minim_opts)
    unknown = ", ".join(sorted(set(options) - set(names)))
    if unknown:
        raise ValueError(f"minim_opts for {method} may have {tolerance!r} and 'maxiter', got {unknown}")
    for name, value in options.items():
        if not isinstance(value, Real):
            raise TypeError(f"minim_opts for {method}: {name!r} must be a number, got {value!r}")
    return {names[name]: value for name, value in options.items()}
