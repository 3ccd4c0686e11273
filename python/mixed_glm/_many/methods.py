"""The methods of `fit_many` and their options: what the fit of a single response would make of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mixed_glm import _core
from mixed_glm._fit.densities import variational_nodes
from mixed_glm._fit.joint_mode import require_joint_mode
from mixed_glm._fit.marginal import marginal_start
from mixed_glm._fit.ordinal import refuse_joint_rows
from mixed_glm._fit.variational import is_full, require_normal
from mixed_glm._input.arrays import as_count
from mixed_glm._input.options import as_choice
from mixed_glm._spec.approximation import (
    EP_N_QUAD,
    Approximation,
    Leaf,
    core_method,
    core_options,
    newton_options,
)
from mixed_glm._spec.spec import ModelSpec


@dataclass(frozen=True)
class Method:
    """A method with all that the core needs to know.

    Attributes
    ----------
    name : str
        As in `MixedGLMResults.method`.
    kind : {"map", "variational", "marginal"}
        Class of the core that takes the arguments.
    arguments : dict
    """

    name: str
    kind: str
    arguments: dict[str, Any]

    def core(self) -> _core.MapMethod | _core.VariationalMethod | _core.MarginalMethod:
        """The method in the compiled core."""
        kinds: dict[str, Callable[..., _core.MapMethod | _core.VariationalMethod | _core.MarginalMethod]] = {
            "map": _core.MapMethod,
            "variational": _core.VariationalMethod,
            "marginal": core_method,
        }
        return kinds[self.kind](**self.arguments)


def make_method(spec: ModelSpec, method: str, options: Mapping[str, Any]) -> Method:
    """Check a method's name and options.

    Raises
    ------
    ValueError, TypeError
        If there is no such method, or it has no such option, or its value does not fit.
    """
    maker = METHODS[as_choice(method, "method", METHODS)]
    known = list(inspect.signature(maker).parameters)[1:]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(
            f"fit_many(method={method!r}) has no option {', '.join(map(repr, unknown))}; it has "
            + ", ".join(map(repr, known))
        )
    return maker(spec, **options)


def _map(spec: ModelSpec, minim_opts: Mapping[str, Any] | None = None) -> Method:
    require_joint_mode(spec, "fit_many(method='map')")
    return Method("map", "map", newton_options(minim_opts, "method 'map'", tolerance="gtol"))


def _vb(
    spec: ModelSpec,
    covariance: str = "mean_field",
    n_quad: int | None = None,
    minim_opts: Mapping[str, Any] | None = None,
) -> Method:
    require_normal(spec, "fit_many(method='vb')")
    full = is_full(covariance, "newton")
    options = newton_options(minim_opts, "method 'vb'")
    arguments = {"full": full, "n_quad": variational_nodes(n_quad), **options}
    return Method("vb_full" if full else "vb", "variational", arguments)


def _laplace(
    spec: ModelSpec,
    n_quad: int = 1,
    leaf: Leaf = "auto",
    integrate: str = "auto",
    mean_correction: bool = True,
    minim_opts: Mapping[str, Any] | None = None,
    start: Any = None,
) -> Method:
    approximation = Approximation.laplace(spec, as_count(n_quad, "n_quad"), leaf, mean_correction)
    return _marginal(spec, approximation, integrate, minim_opts, start)


def _ep(
    spec: ModelSpec,
    integrate: str = "auto",
    n_quad: int = EP_N_QUAD,
    minim_opts: Mapping[str, Any] | None = None,
    start: Any = None,
) -> Method:
    refuse_joint_rows(spec, "method='ep'")
    approximation = Approximation("ep", n_quad=as_count(n_quad, "n_quad"))
    return _marginal(spec, approximation, integrate, minim_opts, start)


def _marginal(
    spec: ModelSpec,
    approximation: Approximation,
    integrate: str,
    minim_opts: Mapping[str, Any] | None,
    start: Any,
) -> Method:
    options = core_options(spec, approximation, integrate, minim_opts)
    return Method(approximation.name, "marginal", {"start": marginal_start(spec, start), **options})


METHODS: dict[str, Callable[..., Method]] = {"laplace": _laplace, "ep": _ep, "vb": _vb, "map": _map}
