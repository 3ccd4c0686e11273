"""The joint mode of a model, as results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mixed_glm._console.caller import warn
from mixed_glm._console.progress import shown_progress
from mixed_glm._fit.optimize import JointMode, find_joint_mode
from mixed_glm._posterior.posterior import JointModePosterior
from mixed_glm._spec.standardization import Standardization
from mixed_glm.exceptions import ConvergenceWarning, VarianceCollapseWarning
from mixed_glm.results import MixedGLMResults

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

Floats = npt.NDArray[np.float64]


def fit_map(
    model: MixedGLM,
    method: str,
    minim_opts: Mapping[str, Any] | None,
    scale_fe: bool,
    rng: Any,
    start: Floats | None,
    progress: bool = False,
) -> MixedGLMResults:
    """Find the joint mode; see `MixedGLM.fit_map` for the arguments."""
    standardization = Standardization.of(model.exog, model.freq_weights) if scale_fe else None
    core = model.core(standardization)
    if standardization is not None and start is not None:
        start = standardization.params_to(start)
    with shown_progress(progress, "map", "log density") as report:
        mode = find_joint_mode(core, method, minim_opts, start, rng, report)
    _warn(model, mode, method)
    mean, sd = mode.params, mode.sd
    if standardization is not None:
        mean, sd = standardization.params_back(mean), standardization.sd_back(sd, mode.fe_cov)
    return MixedGLMResults(
        model,
        JointModePosterior(mean, sd, model, mode.params, standardization),
        method="map",
        log_density=mode.log_density,
        status=mode.status.label,
        converged=mode.converged,
        n_iter=mode.n_iter,
        optim_retvals=mode.optim,
    )


def _warn(model: MixedGLM, mode: JointMode, method: str) -> None:
    if mode.collapsed:
        names = ", ".join(model.vcp_names[k] for k in mode.collapsed)
        better = next((m for m in ("ep", "laplace") if hasattr(model, f"fit_{m}")), None)
        advice = (
            f"use fit() or fit_{better}(), which integrate the random effects out"
            if better
            else "a smaller vcp_p makes it less likely to be the highest"
        )
        warn(
            f"the joint mode has collapsed: all random effects of {names} are at zero with a vanishing "
            f"standard deviation. The joint density has such a mode whatever the data; {advice}",
            VarianceCollapseWarning,
        )
    if not mode.converged:
        warn(
            f"fit_map(method={method!r}) did not converge ({mode.message}); largest entry of the gradient "
            f"{mode.gradient_norm:.3g}",
            ConvergenceWarning,
        )
    elif not mode.valid:
        warn(
            "fit_map ended at a point that is not a maximum; standard deviations are NaN", ConvergenceWarning
        )
