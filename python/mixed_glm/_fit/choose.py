"""The fit by the method that is best for the model at hand: the core finds out which."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixed_glm import _core
from mixed_glm._console.progress import shown_progress
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.joint_mode import fit_map
from mixed_glm._fit.marginal import fit_ep, fit_laplace, sound_fit
from mixed_glm._fit.variational import fit_vb
from mixed_glm._input.arrays import as_n_jobs
from mixed_glm._input.options import as_choice
from mixed_glm._spec.approximation import Approximation, core_method, core_options
from mixed_glm._spec.spec import ModelSpec

METHODS: dict[str, Callable[..., Fit]] = {"laplace": fit_laplace, "ep": fit_ep, "vb": fit_vb, "map": fit_map}


@dataclass(frozen=True)
class Choice:
    """An approximation, and the core's choice, which the fit goes on from.

    Attributes
    ----------
    approximation : Approximation
    core : _core.Choice
        Good for one fit.
    """

    approximation: Approximation
    core: _core.Choice


def choose(spec: ModelSpec, progress: bool = False, n_jobs: int = 1) -> Choice:
    """Choose among Laplace, leaf quadrature and expectation propagation, with a bar for `progress`."""
    with shown_progress(progress, "choice of a method", "log density") as report:
        found = _core.choose(spec.core(), n_jobs=n_jobs, report=report)
    return Choice(Approximation(found.approximation.name, tuple(found.approximation.leaf)), found)


def fit_auto(spec: ModelSpec, integrate: str = "auto", progress: bool = False, n_jobs: int = 1) -> Fit:
    """Fit by the method that `choose` finds."""
    jobs = as_n_jobs(n_jobs)
    core_options(spec, Approximation("laplace"), integrate, None)  # what is wrong is said before the choice
    chosen = choose(spec, progress, jobs)
    method = core_method(start=np.empty(0), **core_options(spec, chosen.approximation, integrate, None))
    with shown_progress(progress, chosen.approximation.name, "log density") as report:
        fit = _core.fit_chosen(spec.core(), chosen.core, method, report=report)
    return sound_fit(spec, chosen.approximation, fit, integrate, jobs)


def fit(spec: ModelSpec, /, method: str = "auto", **options: Any) -> Fit:
    """Fit by the method that is best for this model, or by the one named.

    Parameters
    ----------
    method : str, default "auto"
        ``"auto"``: Laplace, leaf quadrature (``fit_laplace(n_quad=15)``) or expectation propagation, whichever
        the gradients at Laplace's mode of the log standard deviations show to be the most accurate; Laplace
        where all agree within 0.02 posterior standard deviations, above 500,000 rows, and for a Gaussian response, for
        which it is exact; leaf quadrature only with up to 2,500 crossed levels beside the leaf. Where one variance component is all there is, each row touching one of its effects, leaf
        quadrature at once, whatever the number of rows. The result's
        ``method`` tells which. Or the end of the name of a ``fit_`` method: ``"laplace"``, ``"ep"``, ``"vb"``,
        ``"map"``.
    **options
        Passed on to that method; for ``"auto"`` only ``integrate``, ``progress`` and ``n_jobs``, as in
        `fit_laplace`.

    Returns
    -------
    MixedGLMResults

    Raises
    ------
    ValueError
        If `method` is none of these.
    TypeError
        If the method has no such option.

    Warns
    -----
    ConvergenceWarning
        If something went wrong; the result's ``status`` tells what.
    """
    method = as_choice(method, "method", ("auto", *METHODS))
    _check_options(method, options)
    return METHODS[method](spec, **options) if method != "auto" else fit_auto(spec, **options)


def _check_options(method: str, options: Mapping[str, Any]) -> None:
    """Refuse options that the method does not have, naming those that it has and the methods that have them."""
    known = {name: _options_of(function) for name, function in METHODS.items()}
    own = known.get(method, _options_of(fit_auto))
    for name in options:
        if name not in own:
            others = [m for m in METHODS if name in known[m]]
            hint = f"; method={' or '.join(map(repr, others))} has it" if others else ""
            raise TypeError(f"fit(method={method!r}) takes {', '.join(own)}, got {name!r}{hint}")


@functools.cache
def _options_of(function: Callable[..., Fit]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)[1:]
