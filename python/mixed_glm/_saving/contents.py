"""What is in a saved file: the arguments of a model, and the posterior of a result."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from scipy.optimize import OptimizeResult

from mixed_glm import families
from mixed_glm._fit.marginal import Approximation
from mixed_glm._fit.variational import FullVariationalPosterior
from mixed_glm._formula.encoding import Encoding
from mixed_glm._formula.groups import Component, Grouping
from mixed_glm._formula.text import FormulaText, GroupTerm
from mixed_glm._formula.vc_formulas import VcFormula
from mixed_glm._posterior.mixture import MarginalPosterior
from mixed_glm._posterior.posterior import JointModePosterior, Posterior, StandardizedPosterior
from mixed_glm._saving.archive import read_archive, reading, write_archive
from mixed_glm._saving.formulas import MODEL_SPEC
from mixed_glm._saving.values import Kind, NotPlainError, Reader, Writer
from mixed_glm._spec.design import Design, checked_design
from mixed_glm._spec.standardization import Standardization
from mixed_glm.results import MixedGLMResults

if TYPE_CHECKING:
    from mixed_glm.model import MixedGLM

ModelT = TypeVar("ModelT", bound="MixedGLM")

RECORDS: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        families.Binomial, families.Poisson, families.NegativeBinomial, families.Exponential,
        Encoding, FormulaText, GroupTerm, Component, Grouping, VcFormula, Standardization,
        Posterior, StandardizedPosterior, JointModePosterior, FullVariationalPosterior, MarginalPosterior, Approximation,
    )
}  # fmt: skip
ARGUMENTS = tuple(f.name for f in dataclasses.fields(Design) if f.name != "response_levels")
RESULT_FIELDS = (
    "method", "log_density", "log_evidence", "status", "converged", "n_iter", "optim_retvals"
)  # fmt: skip


def save_model(model: MixedGLM, path: str | os.PathLike[str]) -> None:
    """Write a model; see `MixedGLM.save`."""
    _write(model, None, path)


def save_result(result: MixedGLMResults, path: str | os.PathLike[str]) -> None:
    """Write a result with its model; see `MixedGLMResults.save`."""
    _write(result.model, result, path)


def load_model(cls: type[ModelT], path: str | os.PathLike[str], context: Mapping[str, Any] | None) -> ModelT:
    """Read the model of a saved model or result, which must be of class `cls` or one derived from it."""
    header, arrays = read_archive(path)
    with reading(path):
        return _read_model(cls, header["model"], arrays, context)


def load_result(path: str | os.PathLike[str], context: Mapping[str, Any] | None) -> MixedGLMResults:
    """Read a saved result."""
    from mixed_glm.model import MixedGLM

    header, arrays = read_archive(path)
    if header.get("result") is None:
        raise ValueError(f"{os.fspath(path)!r} holds a model without a result; read it with MixedGLM.load")
    with reading(path):
        model = _read_model(MixedGLM, header["model"], arrays, context)
        return _read_result(header["result"], arrays, model)


def _write(model: MixedGLM, result: MixedGLMResults | None, path: str | os.PathLike[str]) -> None:
    from mixed_glm import __version__

    writer = Writer(RECORDS, (MODEL_SPEC, _model_reference(model), _OPTIM))
    header = {"package": __version__, "model": writer.write(_model_state(model), "model")}
    if result is not None:
        state = {name: getattr(result, name) for name in RESULT_FIELDS}
        header["result"] = writer.write(state | {"posterior": result.posterior}, "result")
    write_archive(path, header, writer.arrays)


def _model_state(model: MixedGLM) -> dict[str, Any]:
    return {
        "class": type(model).__name__,
        "family": model.family,
        "arguments": {name: getattr(model._design, name) for name in ARGUMENTS},
        "response_levels": model.response_levels,
        "endog_names": model.endog_names,
        "encoding": None if model._encoding is None else model._encoding.keeping(_is_plain),
    }


def _is_plain(value: Any) -> bool:
    try:
        Writer({}).write(value, "context")
    except NotPlainError:
        return False
    return True


def _read_model(
    base: type[ModelT], tree: Any, arrays: Mapping[str, Any], context: Mapping[str, Any] | None
) -> ModelT:
    state = Reader(RECORDS, arrays, (MODEL_SPEC,)).read(tree)
    cls = _class_named(state["class"], base)
    family, encoding = families.as_family(state["family"]), state["encoding"]
    design = checked_design(family=family, shared=False, **state["arguments"])
    if encoding is not None:
        encoding.context.update(context or {})
    model = cls.__new__(cls)
    model._set_up(design, family, state["endog_names"], encoding, state["response_levels"])
    return model


def _class_named(name: str, base: type[ModelT]) -> type[ModelT]:
    """`base`, or one of the classes derived from it."""
    known = [base]
    for cls in known:
        if cls.__name__ == name:
            return cls
        known += cls.__subclasses__()
    raise ValueError(f"its model is a {name!r}, expected a {base.__name__}")


def _read_result(tree: Any, arrays: Mapping[str, Any], model: MixedGLM) -> MixedGLMResults:
    state = Reader(RECORDS, arrays, (MODEL_SPEC, _model_reference(model), _OPTIM)).read(tree)
    posterior = state.pop("posterior")
    size = model.k_fep + model.k_vcp + model.k_vc
    if not isinstance(posterior, Posterior) or not posterior.mean.shape == posterior.sd.shape == (size,):
        raise ValueError(f"its posterior is not one of {size} parameters")
    return MixedGLMResults(model, posterior, **{name: state[name] for name in RESULT_FIELDS})


def _model_reference(model: MixedGLM) -> Kind:
    """Posteriors refer to their model, of which there is one in the file."""
    return Kind("model", type(model), lambda _: None, lambda _: model)


def _optim_parts(optim: OptimizeResult) -> dict[str, Any]:
    """Numbers, texts and arrays of what the optimizer returned; operators and the like are left out."""
    return {k: v for k, v in optim.items() if _is_plain(v)}


def _optim_whole(parts: dict[str, Any]) -> OptimizeResult:
    optim = OptimizeResult()
    optim.update(parts)
    return optim


_OPTIM = Kind("optimize_result", OptimizeResult, _optim_parts, _optim_whole)
