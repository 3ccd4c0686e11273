"""formulaic's specifications as plain values.

A `ModelSpec` is its terms, what its transforms and encoders have learnt (numbers, lists, levels), and the structure of
its columns. Contrasts kept in the encoder's state are for introspection only: formulaic makes them again from the
formula.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from formulaic import Formula, ModelSpec
from formulaic.materializers.base import EncodedTermStructure
from formulaic.materializers.types import EvaluatedFactor, ScopedFactor, ScopedTerm
from formulaic.parser.types import Factor, Term
from formulaic.transforms.contrasts import ContrastsState

from mixed_glm._saving.values import Kind

_PLAIN_FIELDS = ("materializer", "materializer_params", "ensure_full_rank", "output", "transform_state")


def _spec_parts(spec: ModelSpec) -> dict[str, Any]:
    return {
        **{name: getattr(spec, name) for name in _PLAIN_FIELDS},
        "na_action": spec.na_action.value,
        "cluster_by": spec.cluster_by.value,
        "terms": [_term_parts(term) for term in spec.formula],
        "encoder_state": {
            expression: [kind.value, _without_contrasts(state)]
            for expression, (kind, state) in spec.encoder_state.items()
        },
        "structure": [
            [_term_parts(row.term), [_scoped_parts(s) for s in row.scoped_terms], list(row.columns)]
            for row in spec.structure or ()
        ],
    }


def _spec_whole(parts: dict[str, Any]) -> ModelSpec:
    return ModelSpec(
        **{name: parts[name] for name in _PLAIN_FIELDS},
        na_action=parts["na_action"],
        cluster_by=parts["cluster_by"],
        formula=Formula([_term(term) for term in parts["terms"]], _ordering="none"),
        encoder_state={
            expression: (Factor.Kind(kind), state)
            for expression, (kind, state) in parts["encoder_state"].items()
        },
        structure=[
            EncodedTermStructure(_term(term), [_scoped_term(*s) for s in scoped], columns)
            for term, scoped, columns in parts["structure"]
        ],
    )


def _factor_parts(factor: Factor) -> list[str]:
    return [factor.expr, factor.eval_method.value, factor.kind.value]


def _factor(parts: list[str]) -> Factor:
    expression, eval_method, kind = parts
    return Factor(expression, eval_method=eval_method, kind=kind)


def _term_parts(term: Term) -> list[list[str]]:
    return [_factor_parts(factor) for factor in term.factors]


def _term(factors: Iterable[list[str]]) -> Term:
    return Term([_factor(factor) for factor in factors])


def _scoped_parts(term: ScopedTerm) -> list[Any]:
    return [[[_factor_parts(f.factor.factor), f.reduced] for f in term.factors], term.scale]


def _scoped_term(factors: list[Any], scale: float) -> ScopedTerm:
    """The factors of a structure have no values: formulaic looks them up by their expressions."""
    return ScopedTerm(
        [ScopedFactor(EvaluatedFactor(_factor(f), values=None), reduced=r) for f, r in factors], scale=scale
    )


def _without_contrasts(state: Any) -> Any:
    if not isinstance(state, dict):
        return state
    return {k: _without_contrasts(v) for k, v in state.items() if not isinstance(v, ContrastsState)}


MODEL_SPEC = Kind("model_spec", ModelSpec, _spec_parts, _spec_whole)
