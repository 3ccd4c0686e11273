"""From a formula and a data frame to the arguments of a model.

Two habits are understood, and may be mixed:

* lme4: ``"y ~ x + (1 | g) + (0 + x | g)"``, nested ``(1 | a/b)``, interactions ``(1 | a:b)``, ``(x || g)``;
* statsmodels: ``vc_formulas={"a": "0 + C(village)", "b": "0 + C(village):year"}``.

The fixed part is evaluated by formulaic. Rows in which anything that the model uses is missing are dropped
from all parts together, before anything is evaluated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from formulaic import Formula, ModelSpec
from scipy import sparse

from mixed_glm._formula.columns import is_missing, plain_columns, some_columns
from mixed_glm._formula.correlated import CorrelatedComponents
from mixed_glm._formula.data import (
    Environment,
    caller_context,
    functions_in,
    names_of_factor,
    needs_all,
    resolve_names,
)
from mixed_glm._formula.encoding import Encoding, model_columns, offset_of
from mixed_glm._formula.frames import as_frame, known_columns, require_once
from mixed_glm._formula.groups import Component, assemble, group_components
from mixed_glm._formula.origins import mixing
from mixed_glm._formula.other_rows import on_other_rows
from mixed_glm._formula.r_syntax import as_python
from mixed_glm._formula.response import evaluate_response
from mixed_glm._formula.scope import aligned, own
from mixed_glm._formula.spaces import warn_of_spaces
from mixed_glm._formula.terms import expression_of, expressions_of, parsed
from mixed_glm._formula.text import FormulaText, parse_formula
from mixed_glm._formula.unused import without_unused
from mixed_glm._formula.vc_formulas import VcFormula, learn_vc_formula, parse_terms, statsmodels_order
from mixed_glm._input.arrays import as_vector, require_same_index

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FormulaDesign:
    """Arguments of a model as a formula and a data frame give them; arrays as in `Design`."""

    arguments: dict[str, Any]
    encoding: Encoding
    frame: pd.DataFrame
    kept: npt.NDArray[np.bool_]
    response_name: str


def build(
    formula: str,
    vc_formulas: Mapping[str, str] | None,
    data: Any,
    *,
    binomial: bool,
    ordinal: bool = False,
    in_units: bool = False,
    by_row: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
) -> FormulaDesign:
    """Evaluate a mixed-model formula.

    Parameters
    ----------
    formula : str
        Response, fixed effects, offsets and ``( | )`` terms.
    vc_formulas : mapping of str to str, or None
        statsmodels' one-sided formulas, one for each variance component.
    data : DataFrame, or mapping of columns
        The caller's object is not changed.
    binomial : bool
        Whether the response may be labels, two columns or have trials.
    ordinal : bool, default False
        Whether the response has categories in an order. Its thresholds are in the place of the constant: factors are coded as
        beside one, whether the formula has it or not, and it is left out.
    in_units : bool, default False
        Whether priors that do not depend on origins may be asked for: look for covariates whose origins are free.
    by_row : mapping, optional
        ``offset``, ``exposure``, ``n_trials``, ``freq_weights``: None, the name of a column, or one value
        for each row of `data`.
    context : mapping, optional
        Where names are looked up that are not columns; default the variables visible to the caller.

    Raises
    ------
    ValueError, TypeError
        For an unknown column, a formula that cannot be understood, and everything `Design` refuses.
    """
    text = parse_formula(formula)
    vc = _check_vc_formulas(vc_formulas)
    frame = as_frame(data)
    context = caller_context() if context is None else context
    vc = {name: as_python(one, frame.columns, context) for name, one in vc.items()}
    of_r, formula = formula, as_python(formula, frame.columns, context)
    if formula != of_r:
        text = parse_formula(formula)
    if ordinal and not _has_constant(text):
        formula += " + 1"
        text = parse_formula(formula)
    fixed_terms = parse_terms(text.fixed)
    rows = {k: _row_values(v, k, frame) for k, v in (by_row or {}).items() if v is not None}
    expressions = _expressions(text, fixed_terms, vc)
    variables = set().union(*(names_of_factor(e) for e in expressions))
    used = own(resolve_names(variables, frame.columns, context, functions_in(expressions)))
    needed = set().union(*(names_of_factor(e) for e in expressions if needs_all(e)))
    part, kept = _complete_rows(frame, variables, needed, rows)
    beside = aligned(used, expressions, frame.index, kept, "data")
    env = Environment(*_with_used_levels(part, beside, text, fixed_terms))
    y, trials, levels = evaluate_response(text, env, binomial, ordinal)
    if trials is not None and "n_trials" in rows:
        raise ValueError("n_trials must not be given with a response that has its own trials")
    x, spec = _fixed_columns(text, fixed_terms, env, in_order=not vc)
    everything = dataclasses.replace(env, frame=part, context=beside)  # statsmodels keeps levels without rows
    components, z, correlated = _random_columns(text, vc, env, everything)
    widths = [c.width for c in components]
    names = [str(c) for c in spec.column_names]
    arguments = {k: _rows_kept(v, kept) for k, v in rows.items()}
    offset = offset_of(text.offsets, env)
    if offset is not None:
        arguments["offset"] = offset + as_vector(arguments.get("offset", 0.0), "offset", len(y), scalar=True)
    if trials is not None:
        arguments["n_trials"] = trials
    arguments |= {
        "endog": y,
        "response_levels": levels,
        "exog": x,
        "exog_vc": z,
        "ident": np.repeat(np.arange(len(widths), dtype=np.int32), widths),
        "fep_names": names,
        "vcp_names": [c.name for c in components],
        "vc_names": [label for c in components for label in c.labels()],
        "correlated": correlated,
    }
    if in_units:
        weights = np.asarray(arguments.get("freq_weights", 1.0), dtype=np.float64)
        arguments["mixing"] = mixing(
            x, fixed_terms, env, None if weights.ndim == 0 else weights,
            lambda moved: _fixed_columns(text, fixed_terms, moved, in_order=not vc)[0],
        )  # fmt: skip
    if ordinal:
        _leave_out_constant(arguments, names.index("Intercept"))
    specs = [spec, *(c.spec for c in components if c.spec is not None)]
    learnt = env.state | {k: v for s in specs for k, v in s.transform_state.items()}
    evaluated = [*expressions_of(spec), *text.offsets, *(e for c in components for e in c.expressions)]
    encoding = Encoding(
        formula, text, spec, components, used, env.state, int((~kept).sum()), "offset" in rows,
        by_other_rows=on_other_rows(evaluated, env, learnt), has_constant=not ordinal,
    )  # fmt: skip
    return FormulaDesign(arguments, encoding, frame, kept, text.response[0])


def _leave_out_constant(arguments: dict[str, Any], place: int) -> None:
    """Take a column out of the fixed effects; what it would take up the thresholds do."""
    arguments["exog"] = np.asfortranarray(np.delete(arguments["exog"], place, axis=1))
    arguments["fep_names"] = [name for j, name in enumerate(arguments["fep_names"]) if j != place]
    if arguments.get("mixing") is not None:
        arguments["mixing"] = np.delete(np.delete(arguments["mixing"], place, axis=0), place, axis=1)


def _check_vc_formulas(vc_formulas: Any) -> dict[str, str]:
    if vc_formulas is None:
        return {}
    if not isinstance(vc_formulas, Mapping):
        hint = "; give the data as data=" if isinstance(vc_formulas, pd.DataFrame) else ""
        raise TypeError(
            f"vc_formulas must be a mapping of names to formulas, got {type(vc_formulas).__name__}{hint}"
        )
    return {str(k): str(v) for k, v in vc_formulas.items()}


def _row_values(value: Any, name: str, frame: pd.DataFrame) -> Any:
    """A column by name, or the values themselves once their length is right."""
    if isinstance(value, str):
        if value not in frame.columns:
            raise ValueError(f"{name}: data has no column {value!r}; {known_columns(value, frame.columns)}")
        value = frame[value]
    if np.ndim(value) == 0:
        return value
    if len(value) != len(frame):
        raise ValueError(
            f"{name} must have one value for each of the {len(frame)} rows of data, got {len(value)}"
        )
    require_same_index(data=frame, **{name: value})
    if isinstance(value, (pd.Series, np.ma.MaskedArray)):  # what is masked is missing
        return pd.Series(value).reset_index(drop=True)
    return pd.Series(np.asarray(value))


def _expressions(text: FormulaText, fixed: list[list[str]], vc: Mapping[str, str]) -> list[str]:
    """All Python expressions of a formula."""
    expressions = [*text.response, *text.offsets, *(f for term in fixed for f in term)]
    for group in text.groups:
        expressions += [*group.factors, *(f for term in parse_terms(group.effects) for f in term)]
    for formula in vc.values():
        expressions += [f for term in parse_terms(formula) for f in term]
    return expressions


def _complete_rows(
    frame: pd.DataFrame, names: set[str], needed: set[str], rows: Mapping[str, Any]
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """Columns that are used, without the rows in which one of them or another value that is used is missing."""
    part = require_once(some_columns(frame, names))
    kept = np.ones(len(frame), dtype=bool)
    for column in (*(part[c] for c in part.columns if c in needed), *rows.values()):
        if np.ndim(column):
            kept &= ~is_missing(column)
    if not kept.any():
        absent = [repr(c) for c in part.columns if c in needed and part[c].isna().all()]
        absent += [repr(k) for k, v in rows.items() if np.ndim(v) and pd.isna(v).all()]
        which = (
            f": {', '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing in all of them"
            if absent
            else ""
        )
        raise ValueError(
            f"data has no complete row: something is missing in each of the {len(frame)} rows{which}"
        )
    part = part.reset_index(drop=True) if kept.all() else part[kept].reset_index(drop=True)
    return plain_columns(part), kept


def _with_used_levels(
    part: pd.DataFrame, beside: dict[str, Any], text: FormulaText, fixed_terms: list[list[str]]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Columns and variables without unused levels; those of the response are failure and success even if unused."""
    response = set().union(*(names_of_factor(e) for e in text.response))
    terms = [*fixed_terms, *(t for g in text.groups for t in parse_terms(g.effects))]
    fixed = set().union(*(names_of_factor(f) for term in terms for f in term))
    used, variables = without_unused(part, beside, fixed, response)
    warn_of_spaces(used, response)
    return used, variables


def _rows_kept(values: Any, kept: npt.NDArray[np.bool_]) -> Any:
    return values if np.ndim(values) == 0 or kept.all() else values[kept].reset_index(drop=True)


def _has_constant(text: FormulaText) -> bool:
    return any(not term.factors or str(term) == "1" for term in parsed(text.fixed))


def _fixed_columns(
    text: FormulaText, terms: list[list[str]], env: Environment, in_order: bool
) -> tuple[Floats, ModelSpec]:
    """Evaluate the fixed part: as written, or (`in_order` False) in the order that statsmodels has."""
    formula = parsed(text.fixed)
    if not in_order:
        factors = {f: env.evaluate(f).categorical for f in dict.fromkeys(f for term in terms for f in term)}
        ordered = statsmodels_order(terms, factors)
        by_factors = {
            frozenset(expression_of(f) for f in term.factors if f.expr != "1"): term for term in formula
        }
        formula = Formula([by_factors[frozenset(term)] for term in ordered], _ordering="none")
    spec = ModelSpec.from_spec(formula, output="pandas", na_action="ignore")
    return model_columns(spec, env, text.fixed)


def _random_columns(
    text: FormulaText, vc: Mapping[str, str], env: Environment, everything: Environment
) -> tuple[tuple[Component | VcFormula, ...], sparse.csr_array, list[CorrelatedComponents]]:
    """All variance components, their columns side by side, and which of them are correlated."""
    components, blocks, correlated = group_components(text.groups, env)
    formulas = [learn_vc_formula(name, formula, everything) for name, formula in vc.items()]
    parts = [assemble(blocks, len(env.frame))] if blocks or not vc else []
    parts += [formula.encode(everything) for formula in formulas]
    z = parts[0] if len(parts) == 1 else sparse.csr_array(sparse.hstack(parts, format="csr"))
    return (*components, *formulas), z, correlated
