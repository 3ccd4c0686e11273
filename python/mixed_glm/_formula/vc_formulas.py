"""Random effects from statsmodels' ``vc_formulas``, evaluated sparsely.

Each formula gives the columns, in the order and with the names, that statsmodels gets for it: terms without
numeric factors come first, and a categorical factor loses its first level where the terms before it already
span that column. Indicator columns and their products with numbers are built from integer codes; factors that
make several numeric columns or use contrasts of their own go through formulaic's sparse encoding.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec
from scipy import sparse

from mixed_glm._console.plain import plain_message
from mixed_glm._formula.data import Environment, Factor
from mixed_glm._formula.groups import Block, assemble
from mixed_glm._formula.labels import find_levels, number_groups
from mixed_glm._formula.rows import columns_of_new_rows, columns_of_rows
from mixed_glm._formula.terms import expression_of, expressions_of, parsed, unquoted

Product = tuple[tuple[str, bool], ...]  # factors, and for each whether its first level is left out


@dataclass(frozen=True)
class VcFormula:
    """One entry of ``vc_formulas``, with what encodes it for other rows.

    Attributes
    ----------
    name, formula : str
    products : tuple of Product
        What the columns are products of, in their order.
    levels : dict of str to Index or None
        Levels of each categorical factor; None for numbers.
    spec : formulaic.ModelSpec or None
        In the place of `products`, where formulaic encodes the formula.
    """

    name: str
    formula: str
    products: tuple[Product, ...]
    levels: dict[str, pd.Index | None]
    spec: ModelSpec | None = None

    @property
    def width(self) -> int:
        """Number of random effects."""
        return len(self.labels())

    @property
    def expressions(self) -> list[str]:
        """What is evaluated to encode rows."""
        return list(self.levels) if self.spec is None else expressions_of(self.spec)

    def labels(self) -> list[str]:
        """Names of the random effects, as statsmodels has them."""
        if self.spec is not None:
            return [str(c) for c in self.spec.column_names]
        return [
            label
            for product in self.products
            for label in _product_names([self._factor_names(f, reduced) for f, reduced in product])
        ]

    def encode(self, env: Environment) -> sparse.csr_array:
        """Columns of Z; a product has no entry where one of its factors is missing or was not met."""
        if self.spec is not None:
            return sparse.csr_array(columns_of_new_rows(self.spec, env))
        factors = {f: self._factor_block(f, env) for f in self.levels}
        blocks = [
            functools.reduce(_product, (_reduced(factors[f], r) for f, r in product), _ones(len(env.frame)))
            for product in self.products
        ]
        return assemble(blocks, len(env.frame))

    def new_effects(self, env: Environment, everything: bool) -> sparse.csr_array:
        """Columns of effects of which a factor is missing or was not met, or of all effects."""
        n = len(env.frame)
        if self.spec is not None:
            return self.encode(env) if everything else sparse.csr_array((n, 0), dtype=np.float64)
        factors = {f: self._factor_block(f, env) for f in self.levels}
        return assemble([self._new_block(p, factors, env, everything) for p in self.products], n)

    def _new_block(
        self, product: Product, factors: dict[str, Block], env: Environment, everything: bool
    ) -> Block:
        values, is_new = np.ones(len(env.frame)), np.full(len(env.frame), everything)
        for name, reduced in product:
            block = factors[name]
            values = values if block.values is None else values * block.values
            values = np.where((block.columns == 0) & reduced, 0.0, values)
            is_new |= block.columns < 0
        labels = [env.evaluate(name).values for name, _ in product if self.levels[name] is not None]
        groups, width = number_groups(labels, is_new)
        return Block(groups, values, width)

    def _factor_block(self, name: str, env: Environment) -> Block:
        values, levels = env.evaluate(name).values, self.levels[name]
        if levels is None:
            return Block(np.zeros(len(values), dtype=np.int64), np.asarray(values, dtype=np.float64), 1)
        codes = find_levels(values, levels, name)
        return Block(codes.astype(np.int64), None, len(levels))

    def _factor_names(self, name: str, reduced: bool) -> list[str]:
        levels, written = self.levels[name], unquoted(name)
        if levels is None:
            return [written]
        shown = levels.tolist()
        return [f"{written}[T.{v}]" for v in shown[1:]] if reduced else [f"{written}[{v}]" for v in shown]


def learn_vc_formula(name: str, formula: str, env: Environment) -> VcFormula:
    """Find out levels and columns of one entry of ``vc_formulas``."""
    terms = parse_terms(formula)
    factors = {f: env.evaluate(f) for f in dict.fromkeys(f for term in terms for f in term)}
    ordered = statsmodels_order(terms, {f: v.categorical for f, v in factors.items()})
    if not ordered:
        raise ValueError(f"vc_formulas: {formula!r} has no columns")
    if not all(f.standard for f in factors.values()):
        return VcFormula(name, formula, (), {}, _spec(formula, ordered, env))
    levels = {f: v.codes(f)[1] if v.categorical else None for f, v in factors.items()}
    return VcFormula(name, formula, _products(ordered, factors), levels)


def parse_terms(formula: str) -> list[list[str]]:
    """Terms of a one-sided formula in the order written, each a list of factors; the intercept is []."""
    text = formula.strip().removeprefix("~")
    return [[expression_of(f) for f in term.factors if f.expr != "1"] for term in parsed(text, in_order=True)]


def statsmodels_order(terms: Iterable[list[str]], categorical: dict[str, bool]) -> list[list[str]]:
    """Order terms as patsy does: no numeric factors first, then by numeric factors; by degree within each."""
    buckets: dict[frozenset[str], list[list[str]]] = {frozenset(): []}
    for term in terms:
        buckets.setdefault(frozenset(f for f in term if not categorical[f]), []).append(term)
    return [term for bucket in buckets.values() for term in sorted(bucket, key=len)]


def _products(terms: Sequence[list[str]], factors: dict[str, Factor]) -> tuple[Product, ...]:
    """Which products of full or reduced factors are the columns: asked of formulaic on a stand-in."""
    alias = {f: f"f{i}" for i, f in enumerate(factors)}
    stand_in = pd.DataFrame(
        {alias[f]: ["a", "b"] if v.categorical else [0.0, 1.0] for f, v in factors.items()}, index=[0, 1]
    )
    spec = [":".join(alias[f] for f in term) or "1" for term in terms]
    matrix = Formula(spec, _ordering="none").get_model_matrix(stand_in)
    original = {a: f for f, a in alias.items()}
    return tuple(
        tuple((original[s.factor.expr], s.reduced) for s in scoped.factors)
        for encoded in matrix.model_spec.structure
        for scoped in encoded.scoped_terms
    )


def _reduced(block: Block, reduced: bool) -> Block:
    """A factor's columns, without the first level if `reduced`."""
    return Block(block.columns - 1, block.values, block.width - 1) if reduced else block


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


def _spec(formula: str, terms: Sequence[list[str]], env: Environment) -> ModelSpec:
    text = [":".join(term) or "1" for term in terms]
    spec = ModelSpec.from_spec(
        parsed(" + ".join(["0", *text]), in_order=True), output="sparse", na_action="ignore"
    )
    try:
        return columns_of_rows(spec, env).model_spec
    except Exception as error:  # formulaic's own, and anything a user's expression may raise
        raise ValueError(f"vc_formulas: cannot evaluate {formula!r}: {plain_message(error)}") from error
