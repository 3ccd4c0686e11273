"""The fit at the joint mode of all parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from mixed_glm._console.caller import warn
from mixed_glm._console.progress import shown_progress
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.joint_search import JointMode, find_joint_mode
from mixed_glm._posterior.joint_mode import JointModePosterior
from mixed_glm._spec.correlated import JOINT_MODE, require_independent
from mixed_glm._spec.spec import ModelSpec
from mixed_glm.exceptions import ConvergenceWarning, VarianceCollapseWarning


def fit_map(
    spec: ModelSpec,
    method: str = "newton",
    minim_opts: Mapping[str, Any] | None = None,
    scale_fe: bool = False,
    rng: Any = None,
    start: npt.ArrayLike | None = None,
    *,
    progress: bool = False,
) -> Fit:
    """Mode of the joint density of all parameters, and the inverse Hessian there.

    The search is deterministic: it starts at log standard deviations of 1, with fixed and random
    effects at their conditional mode. The joint density always has a second, degenerate mode where all
    effects of a component are zero; where the search ends there, a warning says so.

    Parameters
    ----------
    method : str, default "newton"
        ``"newton"``, a sparse trust-region method, or any method of `scipy.optimize.minimize`.
    minim_opts : mapping, optional
        Options of the method; for ``"newton"`` ``gtol`` (1e-7) and ``maxiter`` (500).
    scale_fe : bool, default False
        Fit with the columns of `exog` centred and scaled to standard deviation 1, and transform means
        and the full covariance, intercept included, back exactly. **The prior `fe_p` then applies to
        the coefficients of the standardized columns.** Without a constant column, columns are scaled
        but not centred. With default priors, which are in units of the columns, nothing changes.
    rng : int, numpy.random.Generator or RandomState, optional
        Perturbs the start. By default nothing is random.
    start : array_like, shape (p + K + q,), optional
        Start of the search, on the scale of the columns as given.
    progress : bool, default False
        Show a bar with the steps of the search so far; needs tqdm.

    Warns
    -----
    VarianceCollapseWarning
        If a component went to the mode where its effects are zero.
    ConvergenceWarning
        If the optimizer did not converge, or the point is not a maximum.
    """
    require_joint_mode(spec, "fit_map")
    begin = None if start is None else spec.layout.checked(start, "start")
    change = spec.standardization(scale_fe)
    core = spec.core(change)
    if change is not None and begin is not None:
        begin = change.params_to(begin)
    with shown_progress(progress, "map", "log density") as report:
        mode = find_joint_mode(core, method, minim_opts, begin, rng, report)
    _warn(spec, mode, method)
    mean, sd, log_density = mode.params, mode.sd, mode.log_density
    if change is not None:
        mean, sd = change.params_back(mean), change.sd_back(sd, mode.fe_cov)
        log_density -= change.log_determinant
    return Fit(
        spec,
        JointModePosterior(mean, sd, spec, mode.params, change),
        method="map",
        log_density=log_density,
        status=mode.status.label,
        converged=mode.converged,
        n_iter=mode.n_iter,
        optim_retvals=mode.optim,
    )


def require_joint_mode(spec: ModelSpec, what: str) -> None:
    """Refuse models whose joint density has no mode.

    Raises
    ------
    ValueError
        If the family has a parameter that is estimated, effects are correlated, or a prior has mass at zero.
    """
    spec.require_known_family(what)
    require_independent(spec.design.correlated, what, JOINT_MODE)
    for name, prior in zip(spec.layout.vcp_names, spec.design.priors.sd, strict=True):
        if not prior.has_joint_mode:
            raise ValueError(
                f"{what}: the joint density of all parameters is unbounded where the standard deviation of {name!r} is zero, "
                f"because its prior {prior!r} has mass there; use fit(), which integrates the random effects out"
            )


def _warn(spec: ModelSpec, mode: JointMode, method: str) -> None:
    if mode.collapsed:
        names = ", ".join(spec.layout.vcp_names[k] for k in mode.collapsed)
        warn(
            f"the joint mode has collapsed: all random effects of {names} are at zero with a vanishing "
            "standard deviation. The joint density has such a mode whatever the data; use fit() or fit_ep(), "
            "which integrate the random effects out",
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
