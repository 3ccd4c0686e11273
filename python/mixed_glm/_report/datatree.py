"""Posterior draws for ArviZ."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._spec.spec import ModelSpec

_RESERVED = ("chain", "draw", "fixed_effect", "component", "correlation", "obs_id")


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
        ``sigma``, where it has one that is estimated, ``u_<term>`` for every random term, and where effects are correlated
        ``cor`` and the matrices ``R_<groups>``, with names of effects, components and groups as coordinates), ``log_likelihood``,
        ``posterior_predictive``, ``observed_data``, and ``sample_stats`` with the log densities ``log_p`` of the
        model and ``log_q`` of the approximation at every draw, for ``loo_approximate_posterior``.

    Raises
    ------
    ImportError
        Without ArviZ.
    """
    generator = as_generator(rng)
    sample = fit.posterior.sample(as_count(draws, "draws"), generator)
    return tree_of_draws(sample, sample.predictive(generator))


def tree_of_draws(draws: PosteriorDraws, predictive: Any) -> Any:
    """`xarray.DataTree`, or InferenceData before ArviZ 1; see `to_datatree`."""
    spec = draws.spec
    layout, design = spec.layout, spec.design
    terms = {name: spec.effects_of(k) for k, name in enumerate(layout.vcp_names)}
    dims = {name: f"{name}_group" if name in _RESERVED else name for name in terms}
    posterior: dict[str, Any] = {}
    if layout.k_fep:
        posterior["beta"] = draws.fe
    if layout.k_vcp:
        posterior["log_sd"] = draws.vcp
        posterior["sd"] = np.exp(draws.vcp)
    if design.correlated:
        posterior["cor"] = draws.cor
        posterior |= {f"R_{term}": matrices for term, matrices in _matrices(draws).items()}
    posterior |= {name: np.exp(draws.family[:, j]) for j, name in enumerate(layout.family_names)}
    posterior |= {f"u_{name}": draws.vc[:, columns] for name, columns in terms.items()}
    groups = {
        "posterior": posterior,
        "log_likelihood": {spec.endog_name: draws.log_likelihood()},
        "posterior_predictive": {spec.endog_name: predictive},
        "sample_stats": {"log_p": draws.log_p, "log_q": draws.log_q},
    }
    chained = {group: {k: np.asarray(v)[None] for k, v in values.items()} for group, values in groups.items()}
    data = chained | {"observed_data": {spec.endog_name: design.endog}}
    coords = {
        "fixed_effect": list(layout.fep_names),
        "component": list(layout.vcp_names),
        "obs_id": np.arange(spec.nobs),
        "correlation": list(layout.cor_names),
    } | {dims[name]: _labels(spec, name, columns) for name, columns in terms.items()}
    named_dims = {"beta": ["fixed_effect"], "log_sd": ["component"], "sd": ["component"]}
    for term in design.correlated:
        ends = [f"{term.name}_effect", f"{term.name}_other"]
        coords |= {end: list(term.coordinates) for end in ends}
        named_dims[f"R_{term.name}"] = ends
    named_dims["cor"] = ["correlation"]
    named_dims |= {f"u_{name}": [dims[name]] for name in terms}
    named_dims[spec.endog_name] = ["obs_id"]
    return _convert(data, coords, named_dims)


def _matrices(draws: PosteriorDraws) -> dict[str, Any]:
    """Correlation matrices of each term, shape (n, m, m)."""
    numbers = iter(draws.cor.T)
    found = {}
    for term in draws.spec.design.correlated:
        matrices = np.repeat(np.eye(term.order)[None], len(draws), axis=0)
        for r, c in term.pairs:
            matrices[:, r, c] = matrices[:, c, r] = next(numbers)
        found[term.name] = matrices
    return found


def _labels(spec: ModelSpec, term: str, columns: Any) -> list[Any]:
    """Names of the groups of a random term: ``b`` of ``g[b]``."""
    if spec.layout.vc_names is None:
        return list(range(len(columns)))
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
    return from_dict(**data, coords=coords, dims=dims)
