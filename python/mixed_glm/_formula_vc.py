"""Random effects from statsmodels' ``vc_formulas``, evaluated sparsely.

Each formula gives the columns, in the order and with the names, that statsmodels gets for it: terms without
numeric factors come first, and a categorical factor loses its first level where the terms before it already
span that column. Indicator columns and their products with numbers are built from integer codes; factors that
make several numeric columns or use contrasts of their own go through formulaic's sparse encoding.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from formulaic import Formula
from formulaic.errors import FormulaicError
from scipy import sparse

from mixed_glm._formula_data import Environment, Factor
from mixed_glm._formula_groups import Block, assemble

Scoped = list[
    tuple[str, bool]
]  # factors of a product of columns: expression, and whether its first level goes


def parse_terms(formula: str) -> list[list[str]]:
    """Terms of a one-sided formula in the order written, each a list of factors; the intercept is []."""
    text = formula.strip().removeprefix("~")
    try:
        parsed = Formula(text, _ordering="none")
        return [[f.expr for f in term.factors if f.expr != "1"] for term in parsed]
    except (FormulaicError, AttributeError, TypeError, SyntaxError) as error:
        raise ValueError(f"formula: cannot understand {formula!r}: {error}") from error


def statsmodels_order(terms: Iterable[list[str]], categorical: dict[str, bool]) -> list[list[str]]:
    """Order terms as patsy does: no numeric factors first, then by numeric factors; by degree within each."""
    buckets: dict[frozenset[str], list[list[str]]] = {frozenset(): []}
    for term in terms:
        buckets.setdefault(frozenset(f for f in term if not categorical[f]), []).append(term)
    return [term for bucket in buckets.values() for term in sorted(bucket, key=len)]


def vc_columns(formula: str, env: Environment) -> tuple[sparse.csr_array, list[str]]:
    """Evaluate one entry of ``vc_formulas``.

    Returns
    -------
    z : csr_array, shape (n, columns)
    names : list of str
    """
    terms = parse_terms(formula)
    factors = {f: env.evaluate(f) for f in dict.fromkeys(f for term in terms for f in term)}
    ordered = statsmodels_order(terms, {f: v.categorical for f, v in factors.items()})
    if not ordered:
        raise ValueError(f"vc_formulas: {formula!r} has no columns")
    if not all(f.standard for f in factors.values()):
        return _by_formulaic(formula, ordered, env)
    coded = {f: _coded(f, v) for f, v in factors.items()}
    blocks: list[Block] = []
    names: list[str] = []
    for scoped in _structure(ordered, factors):
        pieces = [_piece(coded[f], f, reduced) for f, reduced in scoped]
        blocks.append(functools.reduce(_product, (p[0] for p in pieces), _ones(len(env.frame))))
        names.extend(_product_names([p[1] for p in pieces]))
    return assemble(blocks, len(env.frame)), names


def _structure(terms: Sequence[list[str]], factors: dict[str, Factor]) -> list[Scoped]:
    """Which products of full or reduced factors are the columns: asked of formulaic on a stand-in."""
    alias = {f: f"f{i}" for i, f in enumerate(factors)}
    stand_in = pd.DataFrame(
        {alias[f]: ["a", "b"] if v.categorical else [0.0, 1.0] for f, v in factors.items()}, index=[0, 1]
    )
    spec = [":".join(alias[f] for f in term) or "1" for term in terms]
    matrix = Formula(spec, _ordering="none").get_model_matrix(stand_in)
    original = {a: f for f, a in alias.items()}
    return [
        [(original[s.factor.expr], s.reduced) for s in scoped.factors]
        for encoded in matrix.model_spec.structure
        for scoped in encoded.scoped_terms
    ]


def _coded(name: str, factor: Factor) -> tuple[Block, list[str]]:
    if not factor.categorical:
        values = np.asarray(factor.values, dtype=np.float64)
        return Block(np.zeros(len(values), dtype=np.int64), values, 1), [name]
    codes, levels = factor.codes()
    labels = [f"{name}[{level}]" for level in levels.tolist()]
    return Block(codes.astype(np.int64), None, len(labels)), labels


def _piece(coded: tuple[Block, list[str]], name: str, reduced: bool) -> tuple[Block, list[str]]:
    """A factor's columns, without the first level if `reduced`."""
    block, labels = coded
    if not reduced:
        return block, labels
    shortened = [f"{name}[T.{label[len(name) + 1 :]}" for label in labels[1:]]
    return Block(block.columns - 1, block.values, block.width - 1), shortened


def _ones(n: int) -> Block:
    return Block(np.zeros(n, dtype=np.int64), None, 1)


def _product(left: Block, right: Block) -> Block:
    """Columns of an interaction: every pair, the left factor running fastest."""
    columns = np.where(
        (left.columns >= 0) & (right.columns >= 0), left.columns + left.width * right.columns, -1
    )
    if left.values is None or right.values is None:
        values = right.values if left.values is None else left.values
    else:
        values = left.values * right.values
    return Block(columns, values, left.width * right.width)


def _product_names(parts: list[list[str]]) -> list[str]:
    if not parts:
        return ["Intercept"]
    return functools.reduce(lambda left, right: [f"{a}:{b}" for b in right for a in left], parts)


def _by_formulaic(
    formula: str, terms: Sequence[list[str]], env: Environment
) -> tuple[sparse.csr_array, list[str]]:
    text = [":".join(term) or "1" for term in terms]
    try:
        matrix = Formula(text, _ordering="none").get_model_matrix(
            env.frame, context=env.context, na_action="ignore", output="sparse"
        )
    except FormulaicError as error:
        raise ValueError(f"vc_formulas: cannot evaluate {formula!r}: {error}") from error
    return sparse.csr_array(matrix), [str(c) for c in matrix.model_spec.column_names]
