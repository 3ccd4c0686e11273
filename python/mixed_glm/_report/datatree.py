"""Posterior draws for ArviZ."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._posterior.log_prior import log_priors
from mixed_glm._posterior.parameter_draws import ParameterDraws
from mixed_glm._posterior.prior_draws import prior_sample
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

_RESERVED = ("chain", "draw", "fixed_effect", "component", "correlation", "cut", "obs_id")


def to_datatree(fit: Fit, draws: int = 1000, rng: Any = 0) -> Any:
    """Draws for ArviZ; needs it (``pip install 'mixed-glm[arviz]'``).

    Parameters
    ----------
    draws : int, default 1000
    rng : int or numpy.random.Generator, default 0

    Returns
    -------
    xarray.DataTree
        Before ArviZ 1, InferenceData. Groups ``posterior`` (``beta``, ``log_sd``, ``sd``, the family's own parameter, as
        ``sigma``, where it has one that is estimated, ``threshold`` of an ordinal response, ``u_<term>`` for every random term, and where effects are correlated
        ``cor`` and the matrices ``R_<groups>``, with names of effects, components and groups as coordinates), ``log_likelihood``,
        ``posterior_predictive``, ``observed_data``, ``constant_data`` (columns of the fixed effects, numbers of groups, offset, trials and
        weights), ``sample_stats`` with the log densities ``log_p`` of the model and ``log_q`` of the approximation at every
        draw, for ``loo_approximate_posterior``; ``log_prior`` of fixed effects, standard deviations and so on, for ``psense``;
        and ``prior`` and ``prior_predictive`` with as many draws from the prior. Responses that are counts, successes or categories, and coordinates of groups that are whole numbers are whole numbers.

    Raises
    ------
    ImportError
        Without ArviZ.
    """
    generator = as_generator(rng)
    sample = fit.posterior.sample(as_count(draws, "draws"), generator)
    predictive = sample.predictive(generator)
    before = prior_sample(fit.spec, len(sample), generator)
    groups = {
        "posterior": _parameters(sample),
        "log_likelihood": {fit.spec.endog_name: sample.log_likelihood()},
        "posterior_predictive": {fit.spec.endog_name: predictive},
        "sample_stats": {"log_p": sample.log_p, "log_q": sample.log_q},
        "log_prior": log_priors(sample),
        "prior": _parameters(before),
        "prior_predictive": {fit.spec.endog_name: before.predictive(generator)},
    }
    name, discrete = fit.spec.endog_name, not fit.spec.family.is_continuous
    for group in ("posterior_predictive", "prior_predictive") if discrete else ():
        groups[group] = {name: _whole_numbers(groups[group][name])}
    endog = fit.spec.design.endog
    chained = {group: {k: np.asarray(v)[None] for k, v in values.items()} for group, values in groups.items()}
    data = {
        "observed_data": {name: _whole_numbers(endog) if discrete else endog},
        "constant_data": _constants(fit.spec),
    }
    return _convert(chained | data, *_coordinates(fit.spec))


def _whole_numbers(values: Floats) -> npt.NDArray[Any]:
    """As whole numbers, by which ArviZ knows what is discrete; as they are where one is beyond those."""
    exact = np.abs(values) < 2.0**53
    return values.astype(np.int64) if exact.all() and (values == np.floor(values)).all() else values


def _parameters(draws: ParameterDraws) -> dict[str, Floats]:
    """All parameters by the names that ArviZ gets."""
    spec, layout = draws.spec, draws.spec.layout
    found: dict[str, Floats] = {}
    if layout.k_fep:
        found["beta"] = draws.fe
    if layout.k_vcp:
        found["log_sd"] = draws.vcp
        found["sd"] = np.exp(draws.vcp)
    if layout.has_thresholds:
        found["threshold"] = draws.family
    if spec.design.correlated:
        found["cor"] = draws.cor
        found |= {f"R_{term}": matrices for term, matrices in _matrices(draws).items()}
    found |= {name: np.exp(draws.family[:, j]) for j, name in enumerate(layout.shape_names)}
    return found | {f"u_{name}": draws.vc[:, spec.effects_of(k)] for k, name in enumerate(layout.vcp_names)}


def _constants(spec: ModelSpec) -> dict[str, Any]:
    """What is given of each row beside its response; of a grouping factor the number of its group."""
    design = spec.design
    found: dict[str, Any] = {"X": design.exog} if spec.layout.k_fep else {}
    for k, name in enumerate(spec.layout.vcp_names):
        columns = design.exog_vc[:, spec.effects_of(k)]
        if columns.nnz == spec.nobs and (np.diff(columns.indptr) == 1).all():
            found[f"index_{name}"] = columns.indices.astype(np.int64)
    shift = design.total_offset()
    known = {"offset": shift, "n_trials": design.n_trials, "weights": design.freq_weights}
    return found | {name: values for name, values in known.items() if values is not None}


def _coordinates(spec: ModelSpec) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Coordinates, and the dimensions of each variable."""
    layout = spec.layout
    terms = {name: spec.effects_of(k) for k, name in enumerate(layout.vcp_names)}
    dims = {name: f"{name}_group" if name in _RESERVED else name for name in terms}
    coords: dict[str, Any] = {
        "fixed_effect": list(layout.fep_names),
        "component": list(layout.vcp_names),
        **({"cut": list(layout.family_names)} if layout.has_thresholds else {}),
        "obs_id": np.arange(spec.nobs),
        "correlation": list(layout.cor_names),
    } | {dims[name]: _labels(spec, k) for k, name in enumerate(terms)}
    named_dims = {"beta": ["fixed_effect"], "log_sd": ["component"], "sd": ["component"]}
    if layout.has_thresholds:
        named_dims["threshold"] = ["cut"]
    for term in spec.design.correlated:
        ends = [f"{term.name}_effect", f"{term.name}_other"]
        coords |= {end: list(term.coordinates) for end in ends}
        named_dims[f"R_{term.name}"] = ends
    named_dims["cor"] = ["correlation"]
    named_dims |= {f"u_{name}": [dims[name]] for name in terms}
    named_dims |= {"X": ["obs_id", "fixed_effect"]} if layout.k_fep else {}
    of_rows = [*(f"index_{name}" for name in terms), "offset", "n_trials", "weights", spec.endog_name]
    return coords, named_dims | {name: ["obs_id"] for name in of_rows}


def _matrices(draws: ParameterDraws) -> dict[str, Any]:
    """Correlation matrices of each term, shape (n, m, m)."""
    numbers = iter(draws.cor.T)
    found = {}
    for term in draws.spec.design.correlated:
        matrices = np.repeat(np.eye(term.order)[None], len(draws), axis=0)
        for r, c in term.pairs:
            matrices[:, r, c] = matrices[:, c, r] = next(numbers)
        found[term.name] = matrices
    return found


def _labels(spec: ModelSpec, component: int) -> list[Any]:
    """Names of the groups of a random term: ``b`` of ``g[b]``, whole numbers where the groups are."""
    columns, term = spec.effects_of(component), spec.layout.vcp_names[component]
    if spec.layout.vc_names is None:
        return list(range(len(columns)))
    encoded = spec.grouped(component)
    if encoded is not None and len(encoded.grouping.levels) == 1:
        level = encoded.grouping.labels_of(0)
        if pd.api.types.is_integer_dtype(level.dtype) and len(level) == len(columns):
            return list(level.tolist())
    names = [spec.layout.vc_names[j] for j in columns]
    inner = [n[len(term) + 1 : -1] for n in names if n.startswith(f"{term}[") and n.endswith("]")]
    return inner if len(inner) == len(names) and len(set(inner)) == len(inner) else names


def _convert(data: dict[str, Any], coords: dict[str, Any], dims: dict[str, list[str]]) -> Any:
    try:
        from arviz_base import from_dict
    except ImportError:
        return _convert_to_inference_data(data, coords, dims)
    return from_dict(data, coords=coords, dims=dims)


def _convert_to_inference_data(
    data: dict[str, Any], coords: dict[str, Any], dims: dict[str, list[str]]
) -> Any:
    try:
        from arviz import from_dict
    except ImportError:
        raise ImportError("to_datatree needs ArviZ: pip install 'mixed-glm[arviz]'") from None
    log_prior = data.pop("log_prior")
    tree = from_dict(**data, coords=coords, dims=dims)
    if log_prior:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "The group log_prior is not defined"
            )  # psens looks for it by this name
            tree.add_groups({"log_prior": log_prior}, coords=coords, dims=dims)
    return tree
