"""Random-effects columns from integer codes: no dummy matrix is ever formed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from formulaic import ModelSpec
from scipy import sparse

from mixed_glm._console.plain import plain_message
from mixed_glm._formula.correlated import CorrelatedComponents
from mixed_glm._formula.data import Environment
from mixed_glm._formula.labels import find_levels, number_groups
from mixed_glm._formula.rows import columns_of_new_rows, columns_of_rows
from mixed_glm._formula.terms import expressions_of, parsed, unquoted
from mixed_glm._formula.text import GroupTerm

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Columns of Z of which every row touches at most one.

    Attributes
    ----------
    columns : int array, shape (n,)
        Column that the row touches, from 0; -1 for none.
    values : float array, shape (n,), or None
        Its entry; None for ones.
    width : int
        Number of columns.
    """

    columns: npt.NDArray[np.integer]
    values: Floats | None
    width: int


@dataclass(frozen=True)
class Grouping:
    """The groups of one grouping factor or interaction, as met in the data.

    Attributes
    ----------
    factors : tuple of str
        Expressions, one for each factor of the interaction.
    levels : tuple of Index
        All levels of each factor, in order.
    members : int array, shape (n_groups, n_factors)
        Level of each factor for each group.
    """

    factors: tuple[str, ...]
    levels: tuple[pd.Index, ...]
    members: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.members)

    @property
    def name(self) -> str:
        """``a:b``; ``C(a)`` counts as ``a``."""
        return ":".join(_bare_name(f) for f in self.factors)

    def codes(self, env: Environment) -> npt.NDArray[np.int32]:
        """Group of every row of other data, -1 where it is missing or was not met; looked up once."""
        if self.factors not in env.groups:
            env.groups[self.factors] = self._find(env)
        return env.groups[self.factors]

    def _find(self, env: Environment) -> npt.NDArray[np.int32]:
        sizes = [len(level) for level in self.levels]
        joint, known = np.zeros(len(env.frame), dtype=np.int64), np.ones(len(env.frame), dtype=bool)
        for expression, level, size in zip(self.factors, self.levels, sizes, strict=True):
            code = find_levels(env.evaluate(expression, labels=True).values, level, _bare_name(expression))
            known &= code >= 0
            joint = joint * size + code
        met = np.ravel_multi_index(tuple(self.members.T), sizes)  # in order, as `members` are
        position = np.minimum(np.searchsorted(met, joint), len(met) - 1)
        return np.where(known & (met[position] == joint), position, -1).astype(np.int32)

    def new_groups(self, env: Environment, everything: bool) -> tuple[npt.NDArray[np.intp], int]:
        """Number of each row's group among those that are missing or were not met, -1 for others; and how many there are."""
        rows = (self.codes(env) < 0) | everything
        return number_groups([env.evaluate(f, labels=True).values for f in self.factors], rows)

    def labels_of(self, factor: int) -> pd.Index:
        """Level of a factor in each group; whole numbers where missing values had made them floats."""
        return _whole(self.levels[factor]).take(self.members[:, factor])

    def labels(self) -> list[str]:
        """One label a group, ``a1:b1``."""
        parts = [_written(self.labels_of(j)) for j in range(len(self.factors))]
        return parts[0] if len(parts) == 1 else [":".join(row) for row in zip(*parts, strict=True)]


@dataclass(frozen=True)
class Component:
    """A set of random effects with one standard deviation, and what encodes it for new rows.

    Attributes
    ----------
    name : str
        ``g`` for ``(1 | g)``, ``x|g`` for a slope.
    effect : str or None
        Name of the column that varies by group; None for the constant.
    grouping : Grouping
    spec : formulaic.ModelSpec or None
        How the columns that vary by group are made; None for the constant.
    """

    name: str
    effect: str | None
    grouping: Grouping
    spec: ModelSpec | None = None

    @property
    def width(self) -> int:
        """Number of random effects."""
        return len(self.grouping)

    @property
    def expressions(self) -> list[str]:
        """What is evaluated to encode rows."""
        return [*self.grouping.factors, *(expressions_of(self.spec) if self.spec is not None else ())]

    def encode(self, env: Environment) -> sparse.csr_array:
        """Columns of Z for other rows; a row is empty where its group is missing or was not met."""
        return assemble([Block(self.grouping.codes(env), self._values(env), self.width)], len(env.frame))

    def new_effects(self, env: Environment, everything: bool) -> sparse.csr_array:
        """Columns of effects of groups that are missing or were not met, or of all groups; one for each such group."""
        groups, width = self.grouping.new_groups(env, everything)
        return assemble([Block(groups, self._values(env), width)], len(env.frame))

    def _values(self, env: Environment) -> Floats | None:
        if self.spec is None:
            return None
        matrix = columns_of_new_rows(self.spec, env)
        return np.asarray(matrix[self.effect], dtype=np.float64)

    def labels(self) -> list[str]:
        """Names of the random effects, ``g[1]``."""
        return [f"{self.name}[{label}]" for label in self.grouping.labels()]


def group_components(
    terms: Sequence[GroupTerm], env: Environment
) -> tuple[list[Component], list[Block], list[CorrelatedComponents]]:
    """Evaluate ``(effects | group)`` terms.

    Raises
    ------
    ValueError
        For effects or groups that cannot be evaluated, and terms of which there are two.
    """
    components: list[Component] = []
    blocks: list[Block] = []
    correlated: list[CorrelatedComponents] = []
    groupings: dict[tuple[str, ...], tuple[Grouping, npt.NDArray[np.int32]]] = {}
    for term in terms:
        if term.factors not in groupings:
            groupings[term.factors] = _group(term.factors, env)
        grouping, codes = groupings[term.factors]
        effects, spec = _effects(term, env)
        if len(effects) > 1 and not term.independent:
            coordinates = tuple("Intercept" if effect is None else effect for effect, _ in effects)
            correlated.append(CorrelatedComponents(grouping.name, len(components), coordinates, term.text))
        for effect, values in effects:
            name = grouping.name if effect is None else f"{effect}|{grouping.name}"
            if any(name == c.name for c in components):
                raise ValueError(f"formula has the random-effects term {name!r} twice (in {term.text})")
            components.append(Component(name, effect, grouping, None if effect is None else spec))
            blocks.append(Block(codes, values, len(grouping)))
    return components, blocks, correlated


def assemble(blocks: Sequence[Block], n: int) -> sparse.csr_array:
    """Put blocks side by side into one CSR matrix with sorted rows and no stored zeros."""
    width = sum(b.width for b in blocks)
    if not blocks or width == 0:
        return sparse.csr_array((n, width), dtype=np.float64)
    index_type = np.int32 if max(width, n * len(blocks)) < 2**31 else np.int64
    indices: npt.NDArray[Any] = np.empty((n, len(blocks)), dtype=index_type)
    data = np.ones((n, len(blocks)))
    kept = np.ones((n, len(blocks)), dtype=bool)
    start = 0
    for j, block in enumerate(blocks):
        indices[:, j] = block.columns
        indices[:, j] += start
        kept[:, j] = block.columns >= 0
        if block.values is not None:
            data[:, j] = block.values
            kept[:, j] &= block.values != 0
        start += block.width
    indptr: npt.NDArray[Any] = np.zeros(n + 1, dtype=index_type)
    np.cumsum(kept.sum(axis=1), out=indptr[1:])
    flat = slice(None) if kept.all() else kept.ravel()
    z = sparse.csr_array((n, width), dtype=np.float64)
    z.data, z.indices, z.indptr = data.ravel()[flat], indices.ravel()[flat], indptr
    return z


def _group(factors: tuple[str, ...], env: Environment) -> tuple[Grouping, npt.NDArray[np.int32]]:
    """Groups that occur in the data, in the order of their levels, and the group of every row."""
    coded = []
    for expression in factors:
        factor = env.evaluate(expression, labels=True)
        if getattr(factor.values, "shape", ())[:1] != (len(env.frame),) or factor.values.ndim != 1:
            raise ValueError(f"formula: grouping factor {expression!r} must give one label a row")
        codes, levels = factor.codes(_bare_name(expression))
        if (codes < 0).any():
            raise ValueError(f"formula: grouping factor {expression!r} is missing where its columns are not")
        coded.append((codes, levels))
    joint, sizes = coded[0][0].astype(np.int64), [len(levels) for _, levels in coded]
    if np.prod([float(s) for s in sizes]) >= 2.0**62:
        raise ValueError(f"formula: the interaction {':'.join(factors)!r} has too many combinations")
    for (codes, _), size in zip(coded[1:], sizes[1:], strict=True):
        joint = joint * size + codes
    present, group = _compress(joint, int(np.prod(sizes)))
    members = np.stack(np.unravel_index(present, sizes), axis=1)
    return Grouping(factors, tuple(levels for _, levels in coded), members), group


def _compress(codes: npt.NDArray[np.int64], size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """Distinct codes in order, and each row's position among them; linear where the code range is modest."""
    if size <= 4 * len(codes) + 1024:
        seen = np.zeros(size, dtype=bool)
        seen[codes] = True
        position = np.cumsum(seen, dtype=np.int32)
        position -= 1
        return np.flatnonzero(seen), position[codes]
    present, inverse = np.unique(codes, return_inverse=True)
    return present.astype(np.intp), inverse.astype(np.int32)


def _effects(
    term: GroupTerm, env: Environment
) -> tuple[list[tuple[str | None, Floats | None]], ModelSpec | None]:
    """Columns before the bar: name and values, (None, None) for the constant; and how they are made."""
    if term.effects.strip() == "1":
        return [(None, None)], None
    try:
        spec = ModelSpec.from_spec(parsed(term.effects), output="pandas", na_action="ignore")
        matrix = columns_of_rows(spec, env)
    except Exception as error:  # formulaic's own, and anything a user's expression may raise
        raise ValueError(
            f"formula: cannot evaluate {term.effects!r} of {term.text}: {plain_message(error)}"
        ) from error
    names = [str(c) for c in matrix.columns]
    if not names:
        raise ValueError(f"formula: {term.text} has no effect before the bar")
    constants = _constants(matrix.model_spec)
    columns: list[tuple[str | None, Floats | None]] = [
        (None, None) if constants[j] else (name, matrix.iloc[:, j].to_numpy(dtype=np.float64))
        for j, name in enumerate(names)
    ]
    return columns, matrix.model_spec


def _constants(spec: ModelSpec) -> list[bool]:
    """Whether each column is the constant, and not one of data that is called like it."""
    return [all(f.expr == "1" for f in row.term.factors) for row in spec.structure for _ in row.columns]


def _whole(levels: pd.Index) -> pd.Index:
    """Whole numbers that missing values had made floats, as integers again."""
    if not pd.api.types.is_float_dtype(levels.dtype):
        return levels
    values = levels.to_numpy(dtype=np.float64)
    all_whole = (values == np.round(values)).all() and (np.abs(values) < 2.0**53).all()
    return levels.astype(np.int64) if all_whole else levels


def _written(labels: pd.Index) -> list[str]:
    """As pandas writes them, which takes its time where they are whole numbers."""
    if pd.api.types.is_integer_dtype(labels.dtype):
        return [str(label) for label in labels.tolist()]
    return labels.astype(str).tolist()


def _bare_name(expression: str) -> str:
    """``C(g)`` -> ``g``, ``factor(g)`` -> ``g``, `` `a b` `` -> ``a b``."""
    inner = expression.strip()
    for marked in ("C(", "factor("):
        if inner.startswith(marked) and inner.endswith(")") and "," not in inner:
            inner = inner[len(marked) : -1].strip()
    return unquoted(inner)
