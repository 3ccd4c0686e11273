"""Posterior draws for ArviZ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mixed_glm._posterior.draws import PosteriorDraws
    from mixed_glm.model import MixedGLM

_RESERVED = ("chain", "draw", "fixed_effect", "component", "obs_id")


def to_datatree(draws: PosteriorDraws, predictive: Any) -> Any:
    """`xarray.DataTree`, or InferenceData before ArviZ 1; see `MixedGLMResults.to_datatree`."""
    model = draws.model
    terms = {name: np.flatnonzero(model.ident == k) for k, name in enumerate(model.vcp_names)}
    dims = {name: f"{name}_group" if name in _RESERVED else name for name in terms}
    posterior: dict[str, Any] = {}
    if model.k_fep:
        posterior["beta"] = draws.fe
    if model.k_vcp:
        posterior["log_sd"] = draws.vcp
        posterior["sd"] = np.exp(draws.vcp)
    posterior |= {f"u_{name}": draws.vc[:, columns] for name, columns in terms.items()}
    groups = {
        "posterior": posterior,
        "log_likelihood": {model.endog_names: draws.log_likelihood()},
        "posterior_predictive": {model.endog_names: predictive},
        "sample_stats": {"log_p": draws.log_p, "log_q": draws.log_q},
    }
    chained = {group: {k: np.asarray(v)[None] for k, v in values.items()} for group, values in groups.items()}
    data = chained | {"observed_data": {model.endog_names: model.endog}}
    coords = {
        "fixed_effect": model.fep_names,
        "component": model.vcp_names,
        "obs_id": np.arange(model.nobs),
    } | {dims[name]: _labels(model, name, columns) for name, columns in terms.items()}
    named_dims = {"beta": ["fixed_effect"], "log_sd": ["component"], "sd": ["component"]}
    named_dims |= {f"u_{name}": [dims[name]] for name in terms}
    named_dims[model.endog_names] = ["obs_id"]
    return _convert(data, coords, named_dims)


def _labels(model: MixedGLM, term: str, columns: Any) -> list[Any]:
    """Names of the groups of a random term: ``b`` of ``g[b]``."""
    if model.vc_names is None:
        return list(range(len(columns)))
    names = [model.vc_names[j] for j in columns]
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
    return from_dict(**data, coords=coords, dims=dims)
