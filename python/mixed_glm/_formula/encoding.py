"""What is kept of a formula, so that new rows are encoded as the rows of the model were."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from formulaic import ModelSpec
from scipy import sparse

from mixed_glm._console.plain import plain_message
from mixed_glm._formula.columns import is_missing, plain_columns, some_columns
from mixed_glm._formula.data import (
    Environment,
    functions_in,
    names_of_factor,
    needs_all,
    resolve_names,
)
from mixed_glm._formula.frames import as_frame, require_once
from mixed_glm._formula.groups import Component
from mixed_glm._formula.guard import Guard
from mixed_glm._formula.labels import require_exact, spelt
from mixed_glm._formula.other_rows import refused
from mixed_glm._formula.response import response_of_new_rows
from mixed_glm._formula.rows import columns_of_new_rows, columns_of_rows
from mixed_glm._formula.scope import aligned
from mixed_glm._formula.terms import expressions_of
from mixed_glm._formula.text import FormulaText
from mixed_glm._formula.vc_formulas import VcFormula, parse_terms

Floats = npt.NDArray[np.float64]
Counted = list[tuple[Component | VcFormula, bool]]  # and whether it counts


@dataclass(frozen=True)
class Encoding:
    """What is kept of a formula to encode new rows in the same way. Picklable.

    Attributes
    ----------
    formula : str
    text : FormulaText
        The parts of the formula.
    fixed : formulaic.ModelSpec
        Levels, contrasts and state of the transforms of the fixed part.
    components : tuple of Component or VcFormula
        The variance components with their groups, in the order of the columns of Z.
    context : dict
        Values of names in the formula that are not columns.
    state : dict
        What transforms outside of the fixed part have learnt from the data.
    n_missing : int
        Rows dropped because something was missing.
    extra_offset : bool
        Whether an offset was given beside those in the formula.
    by_other_rows : tuple of str
        Expressions that have no value for new rows, as it depends on the other rows.
    lost : tuple of str
        Names whose values could not be kept when the model was saved or pickled: functions, modules.
    has_constant : bool
        False if the constant of the formula is left out, as beside thresholds.
    guard : Guard, optional
        Of a model that was loaded from a file which is not trusted. It is not saved.
    """

    formula: str
    text: FormulaText
    fixed: ModelSpec
    components: tuple[Component | VcFormula, ...]
    context: dict[str, Any] = field(repr=False)
    state: dict[str, Any] = field(repr=False)
    n_missing: int = 0
    extra_offset: bool = False
    lost: tuple[str, ...] = ()
    by_other_rows: tuple[str, ...] = ()
    has_constant: bool = True
    guard: Guard | None = field(default=None, metadata={"saved": False})

    def encode_fixed(self, data: Any) -> Floats:
        """Fixed-effects columns for new rows, shape (n, p); NaN in rows where something is missing.

        Raises
        ------
        ValueError
            If a column is missing or a categorical has a level that was not met when the model was made.
        """
        data = as_frame(data, empty=True)
        expressions = expressions_of(self.fixed)
        part = self._columns(data, expressions)
        missing = np.zeros(len(part), dtype=bool)
        for column in set().union(*(names_of_factor(e) for e in expressions if needs_all(e))) & set(
            part.columns
        ):
            missing |= is_missing(part[column])
        out = np.full((len(missing), len(self.fixed.column_names)), np.nan, order="F")
        if not missing.all():
            env = self._environment_of(part, data.index, expressions, ~missing)
            self._check_levels(env)
            with _named(self.formula):
                matrix = columns_of_new_rows(self.fixed, env)
            out[~missing] = _as_fortran(matrix, len(env.frame))
        if self.has_constant:
            return out
        return np.asfortranarray(np.delete(out, self.fixed.column_names.index("Intercept"), axis=1))

    def grouped(self, component: int) -> Component | None:
        """The term ``(x | g)`` that a variance component is of; None for one of `vc_formulas`."""
        found = self.components[component]
        return found if isinstance(found, Component) else None

    @property
    def width(self) -> int:
        """Number of fixed-effects columns."""
        return len(self.fixed.column_names) - (not self.has_constant)

    @property
    def covariates(self) -> list[str]:
        """Names in the fixed part, and in what varies by group, in the order of the formula; grouping factors are none."""
        terms = [
            *parse_terms(self.text.fixed),
            *(t for g in self.text.groups for t in parse_terms(g.effects)),
        ]
        numbers = [
            e for c in self.components if isinstance(c, VcFormula) for e, v in c.levels.items() if v is None
        ]
        expressions = [*(factor for term in terms for factor in term), *numbers]
        return list(dict.fromkeys(name for e in expressions for name in sorted(names_of_factor(e))))

    @property
    def offsets(self) -> list[str]:
        """Names in the offsets of the formula."""
        return list(dict.fromkeys(name for e in self.text.offsets for name in sorted(names_of_factor(e))))

    def levels_of(self, name: str, labels: Iterable[Any]) -> list[Any] | None:
        """Levels of the fixed factor which a column is, the reference first; None if it is none that has these labels."""
        for expression, (kind, state) in self.fixed.encoder_state.items():
            if kind.value == "categorical" and names_of_factor(expression) == {name}:
                levels = list(state.get("categories", ()))
                if set(labels) <= set(levels):
                    return levels
        return None

    def encode_offset(self, data: Any) -> Floats | None:
        """Sum of the formula's ``offset(...)`` terms for new rows; None if it has none."""
        if not self.text.offsets:
            return None
        return offset_of(self.text.offsets, self._environment(data, self.text.offsets))

    def encode_random(self, data: Any) -> sparse.csr_array:
        """Random-effects columns for new rows, shape (n, q); see `encode_effects`."""
        return self.encode_effects(data)[0]

    def encode_effects(
        self, data: Any, used: npt.NDArray[np.bool_] | None = None
    ) -> tuple[sparse.csr_array, list[sparse.csr_array]]:
        """Random effects of new rows: those of the model, and those that are not.

        Parameters
        ----------
        used : bool array, shape (K,), optional
            Which components count; of others there are no effects.

        Returns
        -------
        known : csr_array, shape (n, q)
            Columns of the model's effects. A row has no entry in a component where its group is missing or was not met when
            the model was made, and NaN where the effect is missing.
        new : list of csr_array, shape (n, number of new groups)
            For each component, columns of the effects of groups that are missing or were not met: rows of one such group
            share a column. Components that vary by the same groups have them in the same order.
        """
        counted = self._counted(used)
        env = self._environment(data, self._random_expressions(counted))
        parts = [c.encode(env) if counts else _none(env, c.width) for c, counts in counted]
        known = sparse.csr_array(sparse.hstack([_none(env, 0), *parts], format="csr"))
        return known, _new_effects(env, counted, everything=False)

    def all_new_effects(self, data: Any, used: npt.NDArray[np.bool_] | None = None) -> list[sparse.csr_array]:
        """As `new` of `encode_effects` if all groups were new; grouping factors need not be columns of `data`."""
        counted = self._counted(used)
        frame = self._with_groups(as_frame(data, empty=True))
        env = self._environment(frame, self._random_expressions(counted))
        return _new_effects(env, counted, everything=True)

    def encode_response(
        self, data: Any, levels: tuple[str, ...] | None, ordinal: bool = False
    ) -> tuple[Floats, Floats | None]:
        """Responses of new rows, and trials where the formula has them; NaN where they are missing.

        Parameters
        ----------
        levels : (failure, success), or None
            Of a response that is labels; the categories of an ordinal one.
        """
        env = self._environment(data, self.text.response)
        return response_of_new_rows(self.text, env, levels, ordinal)

    def _counted(self, used: npt.NDArray[np.bool_] | None) -> Counted:
        counts = [True] * len(self.components) if used is None else used.tolist()
        return list(zip(self.components, counts, strict=True))

    @staticmethod
    def _random_expressions(counted: Counted) -> list[str]:
        return [f for c, counts in counted if counts for f in c.expressions]

    def _with_groups(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give missing groups to all rows where a column that only groups is not there."""
        groups = {
            name
            for c in self.components
            if isinstance(c, Component)
            for f in c.grouping.factors
            for name in names_of_factor(f)
        }
        absent = [g for g in sorted(groups) if g not in frame.columns and g not in self.context]
        return frame.assign(**{str(g): np.nan for g in absent}) if absent else frame

    def _environment(self, data: Any, expressions: Iterable[str]) -> Environment:
        """What `expressions` are evaluated in for new rows: the columns that they use, no others."""
        frame, expressions = as_frame(data, empty=True), list(expressions)
        part = self._columns(frame, expressions)
        return self._environment_of(part, frame.index, expressions, np.ones(len(part), dtype=bool))

    def _environment_of(
        self, part: pd.DataFrame, index: pd.Index, expressions: list[str], kept: npt.NDArray[np.bool_]
    ) -> Environment:
        """The same of those columns, for the rows `kept`."""
        part = (part if kept.all() else part[kept]).reset_index(drop=True)
        beside = {name: value for name, value in self.context.items() if name not in part.columns}
        context = aligned(beside, expressions, index, kept, "exog")
        return Environment(plain_columns(part), context, copy.deepcopy(self.state), self.guard)

    def _columns(self, frame: pd.DataFrame, expressions: Iterable[str]) -> pd.DataFrame:
        """The columns that `expressions` use."""
        expressions = list(expressions)
        names, functions = set().union(*(names_of_factor(e) for e in expressions)), functions_in(expressions)
        reason = refused(expressions, self.by_other_rows)
        if reason is not None:
            raise ValueError(reason)
        self._check_lost((names - set(frame.columns)) | functions)
        resolve_names(names, frame.columns, self.context, functions)
        return require_once(some_columns(frame, names))

    def _check_levels(self, env: Environment) -> None:
        env = dataclasses.replace(env, state=copy.deepcopy(self.fixed.transform_state))
        for expression, (kind, state) in self.fixed.encoder_state.items():
            if kind.value != "categorical" or "categories" not in state:
                continue
            categories = set(state["categories"])
            met = pd.unique(pd.Series(env.evaluate(expression, labels=True).values)).tolist()
            for label in met:
                require_exact(label, expression)
            unseen = [v for v in met if v not in categories]
            if unseen:
                raise ValueError(
                    f"{expression} has levels that were not in the data of the model: {spelt(unseen, 5)}; "
                    f"known are {spelt(state['categories'], 8)}"
                )

    def _check_lost(self, names: set[str]) -> None:
        lost = [name for name in self.lost if name in names and name not in self.context]
        if lost:
            raise ValueError(
                f"formula: the value of {', '.join(map(repr, lost))} was not kept with the model, because only numbers, "
                f"texts, arrays and the like are; give it back by mixed_glm.load(path, context={{{lost[0]!r}: ...}})"
            )

    def keeping(self, keep: Callable[[Any], bool]) -> Encoding:
        """Copy with those values of names in the formula for which `keep` holds."""
        kept = {name: value for name, value in self.context.items() if keep(value)}
        lost = (*self.lost, *(name for name in self.context if name not in kept))
        return dataclasses.replace(self, context=kept, lost=lost)

    def __getstate__(self) -> dict[str, Any]:
        return self.keeping(_picklable).__dict__


def _new_effects(env: Environment, counted: Counted, everything: bool) -> list[sparse.csr_array]:
    return [c.new_effects(env, everything) if counts else _none(env, 0) for c, counts in counted]


def _none(env: Environment, width: int) -> sparse.csr_array:
    return sparse.csr_array((len(env.frame), width), dtype=np.float64)


def model_columns(spec: ModelSpec, env: Environment, shown: str) -> tuple[Floats, ModelSpec]:
    """Evaluate a fixed part: columns, shape (n, p), and the specification with its state filled in."""
    with _named(shown):
        matrix = columns_of_rows(spec, env)
    return _as_fortran(matrix, len(env.frame)), matrix.model_spec


@contextmanager
def _named(formula: str) -> Iterator[None]:
    """Errors of formulaic, and whatever the formula's own expressions raise, name the formula."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error.__cause__, MemoryError):  # formulaic wraps it
            raise error.__cause__ from None
        if isinstance(error, ValueError) and str(error).startswith("formula: "):
            raise
        raise ValueError(f"formula: cannot evaluate {formula!r}: {plain_message(error)}") from error


def offset_of(expressions: tuple[str, ...], env: Environment) -> Floats | None:
    """Sum of the arguments of ``offset(...)`` terms, shape (n,); None if there are none."""
    if not expressions:
        return None
    return np.asarray(np.sum([env.numbers(e) for e in expressions], axis=0))


def _as_fortran(matrix: pd.DataFrame, n: int) -> Floats:
    """Copy a frame column by column: the only dense copy of X that is made."""
    out = np.empty((n, matrix.shape[1]), order="F")
    for j, (name, column) in enumerate(matrix.items()):
        if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)):
            raise ValueError(f"formula: {str(name)!r} must be numeric or a factor, got {column.dtype}")
        out[:, j] = column.to_numpy()
    return out


def _picklable(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001  (whatever a foreign __reduce__ may raise)
        return False
    return True
