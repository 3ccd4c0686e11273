"""What is in a saved file: the arguments of a model, and the posterior of a fit."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import OptimizeResult

from mixed_glm import _core, families, priors
from mixed_glm._fit.fit import Fit
from mixed_glm._fit.integration import Integration
from mixed_glm._formula.encoding import Encoding
from mixed_glm._formula.groups import Component, Grouping
from mixed_glm._formula.guard import Guard
from mixed_glm._formula.text import FormulaText, GroupTerm
from mixed_glm._formula.vc_formulas import VcFormula
from mixed_glm._posterior.joint_mode import JointModePosterior
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.ridge_density import RidgeShape
from mixed_glm._posterior.standardized import StandardizedPosterior
from mixed_glm._posterior.variational import FullVariationalPosterior
from mixed_glm._saving.agreement import require_agreement, require_shapes
from mixed_glm._saving.archive import read_archive, write_archive
from mixed_glm._saving.formulas import MODEL_SPEC
from mixed_glm._saving.members import Members
from mixed_glm._saving.values import Kind, NotPlainError, Reader, Writer
from mixed_glm._spec.approximation import Approximation
from mixed_glm._spec.design import Design, checked_design
from mixed_glm._spec.priors import ModelPriors
from mixed_glm._spec.spec import ModelSpec
from mixed_glm._spec.standardization import Standardization
from mixed_glm._spec.terms import CorrelatedTerm

RECORDS: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        families.Binomial, families.Poisson, families.NegativeBinomial, families.Gaussian,
        Encoding, FormulaText, GroupTerm, Component, Grouping, VcFormula, Standardization,
        ModelPriors, priors.Normal, priors.LogNormal, priors.HalfNormal, priors.HalfT, priors.HalfCauchy, priors.Exponential,
        priors.PC, priors.Gamma, priors.InverseGamma, priors.LKJ, CorrelatedTerm,
        Posterior, StandardizedPosterior, JointModePosterior, FullVariationalPosterior, MarginalPosterior, Approximation,
        RidgeShape, Integration,
    )
}  # fmt: skip
# Families that have the names of priors.
FAMILY_RECORDS = {f"families.{cls.__name__}": cls for cls in (families.Exponential, families.Gamma)}
RECORDS |= FAMILY_RECORDS
ARGUMENTS = tuple(f.name for f in dataclasses.fields(Design) if f.name not in ("response_levels", "priors"))
RESULT_FIELDS = (
    "method", "log_density", "log_evidence", "status", "converged", "n_iter", "optim_retvals", "integration"
)  # fmt: skip


@dataclass(frozen=True)
class Saved:
    """What a file holds.

    Attributes
    ----------
    class_name : str
        Name of the class of the model.
    spec : ModelSpec
    fit : Fit or None
        None for a model without a result.
    """

    class_name: str
    spec: ModelSpec
    fit: Fit | None


def save(saved: Saved, path: str | os.PathLike[str]) -> None:
    """Write a model, with its fit if it has one; see `MixedGLMResults.save`."""
    writer = Writer(RECORDS, (MODEL_SPEC, _spec_reference(saved.spec), _OPTIM))
    header = {"package": _core.__version__, "model": writer.write(_model_state(saved), "model")}
    if saved.fit is not None:
        state = {name: getattr(saved.fit, name) for name in RESULT_FIELDS}
        header["result"] = writer.write(state | {"posterior": saved.fit.posterior}, "result")
    write_archive(path, header, writer.arrays)


def load(
    path: str | os.PathLike[str],
    context: Mapping[str, Any] | None,
    trusted: bool,
    with_fit: bool = True,
) -> Saved:
    """Read what `save` wrote; without `with_fit` a fit is not looked at.

    Raises
    ------
    ValueError
        If it is no saved model, is damaged, or was written by a newer version of the format.
    """
    with read_archive(path) as (header, members):
        class_name, spec = _read_model(header["model"], members, context, trusted)
        tree = header.get("result") if with_fit else None
        return Saved(class_name, spec, None if tree is None else _read_fit(tree, members, spec))


def _model_state(saved: Saved) -> dict[str, Any]:
    spec = saved.spec
    return {
        "class": saved.class_name,
        "family": spec.family,
        "arguments": {name: getattr(spec.design, name) for name in ARGUMENTS},
        "priors": spec.design.priors,
        "response_levels": spec.design.response_levels,
        "endog_names": spec.endog_name,
        "index": _labels_worth_keeping(spec.index),
        "encoding": None if spec.encoding is None else spec.encoding.keeping(_is_plain),
    }


def _labels_worth_keeping(index: pd.Index[Any] | None) -> pd.Index[Any] | None:
    """Labels of rows, unless they are their numbers, or of a type that the format cannot hold."""
    if index is None or index.equals(pd.RangeIndex(len(index))) or not _is_plain(index):
        return None
    return index


def _is_plain(value: Any) -> bool:
    try:
        Writer({}).write(value, "context")
    except NotPlainError:
        return False
    return True


def _read_model(
    tree: Any, members: Members, context: Mapping[str, Any] | None, trusted: bool
) -> tuple[str, ModelSpec]:
    state = Reader(RECORDS, members.array, (MODEL_SPEC,)).read(_with_family_named(tree))
    family, encoding = families.as_family(state["family"]), state["encoding"]
    require_shapes(state["arguments"])
    levels = state["response_levels"]
    given = state.get("priors")
    if given is not None and not _are_priors(given, state["arguments"], family):
        raise ValueError("its priors are not those of a model")
    design = checked_design(
        family=family, shared=False, response_levels=levels, priors=given, **state["arguments"]
    )
    if encoding is not None:
        require_agreement(encoding, design)
        encoding.context.update(context or {})
        if not trusted:
            encoding = dataclasses.replace(encoding, guard=_guard(encoding, context or {}))
    index = state.get("index")
    if index is not None and not (isinstance(index, pd.Index) and len(index) == len(design.endog)):
        raise ValueError("the labels of its rows are not one for each")
    return state["class"], ModelSpec(design, family, state["endog_names"], encoding, index)


def _with_family_named(tree: Any) -> Any:
    """The tree of a model whose family has its present name: older versions had no priors of the same name."""
    match tree:
        case {"dict": {"family": {"record": [str(name), dict(content)]}} as fields}:
            name = f"families.{name}" if f"families.{name}" in FAMILY_RECORDS else name
            return {"dict": fields | {"family": {"record": [name, content]}}}
    return tree


def _are_priors(given: Any, arguments: Mapping[str, Any], family: families.Family) -> bool:
    """Whether a file has a prior for each fixed effect, each component and each parameter of the family."""
    if not isinstance(given, ModelPriors) or not isinstance(given.constant, int):
        return False
    p, k = len(arguments["fep_names"]), len(arguments["vcp_names"])
    fixed = [isinstance(prior, priors.Normal) for prior in given.fe]
    sds = [getattr(prior, "of", None) == priors.SD for prior in (*given.sd, *given.family)]
    k += len(family.shape_names)
    if given.mixing is not None and np.shape(given.mixing) != (p, p):
        return False
    cor = [isinstance(prior, priors.LKJ) for prior in given.cor]
    if len(cor) != len(arguments.get("correlated") or ()) or not all(cor):
        return False
    return len(fixed) == p and len(sds) == k and all(fixed) and all(sds) and -1 <= given.constant < p


def _guard(encoding: Encoding, context: Mapping[str, Any]) -> Guard:
    specs = [encoding.fixed, *(c.spec for c in encoding.components if c.spec is not None)]
    return Guard(frozenset(context), 8 + max(len(spec.column_names) for spec in specs))


def _read_fit(tree: Any, members: Members, spec: ModelSpec) -> Fit:
    reader = Reader(RECORDS, members.array, (MODEL_SPEC, _spec_reference(spec), _OPTIM), {"spec": spec})
    state = reader.read(tree)
    posterior = state.pop("posterior")
    size = spec.layout.size
    if not isinstance(posterior, Posterior) or not posterior.mean.shape == posterior.sd.shape == (size,):
        raise ValueError(f"its posterior is not one of {size} parameters")
    state.setdefault("integration", None)  # unknown to older versions
    return Fit(spec, posterior, **{name: state[name] for name in RESULT_FIELDS})


def _spec_reference(spec: ModelSpec) -> Kind:
    """Posteriors refer to their model, of which there is one in the file."""
    return Kind("model", ModelSpec, lambda _: None, lambda _: spec)


def _optim_parts(optim: OptimizeResult) -> dict[str, Any]:
    """Numbers, texts and arrays of what the optimizer returned; operators and the like are left out."""
    return {k: v for k, v in optim.items() if _is_plain(v)}


def _optim_whole(parts: dict[str, Any]) -> OptimizeResult:
    optim = OptimizeResult()
    optim.update(parts)
    return optim


_OPTIM = Kind("optimize_result", OptimizeResult, _optim_parts, _optim_whole)
