"""Random-effects columns from codes, against dense arithmetic."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from mixed_glm._formula.data import Environment
from mixed_glm._formula.groups import Block, assemble, group_components
from mixed_glm._formula.text import parse_formula


@st.composite
def blocks(draw: st.DrawFn) -> tuple[list[Block], int]:
    n = draw(st.integers(1, 12))
    made = []
    for _ in range(draw(st.integers(0, 4))):
        width = draw(st.integers(0, 5))
        columns = draw(st.lists(st.integers(-1, width - 1), min_size=n, max_size=n))
        values = draw(st.none() | st.lists(st.sampled_from([-1.5, 0.0, 2.0]), min_size=n, max_size=n))
        made.append(Block(np.array(columns), None if values is None else np.array(values), width))
    return made, n


@given(blocks())
def test_assembled_blocks_are_the_dense_ones(given_blocks: tuple[list[Block], int]) -> None:
    made, n = given_blocks
    dense = []
    for block in made:
        part = np.zeros((n, block.width))
        for row, column in enumerate(block.columns):
            if column >= 0:
                part[row, column] = 1.0 if block.values is None else block.values[row]
        dense.append(part)
    z = assemble(made, n)
    np.testing.assert_array_equal(z.toarray(), np.hstack(dense) if dense else np.zeros((n, 0)))
    assert z.has_canonical_format
    assert z.data.all()
    assert z.indices.dtype == z.indptr.dtype


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-2, 2), st.booleans()), min_size=1, max_size=30)
)
def test_interactions_are_the_groups_of_pandas(rows: list[tuple[str, int, bool]]) -> None:
    frame = pd.DataFrame(rows, columns=["s", "k", "b"])
    components, made, _ = group_components(parse_formula("y ~ (1 | s:k:b)").groups, Environment(frame, {}))
    groups = frame.groupby(["s", "k", "b"])
    np.testing.assert_array_equal(made[0].columns, groups.ngroup())
    assert made[0].width == len(groups)
    assert components[0].labels() == [f"s:k:b[{s}:{k}:{b}]" for s, k, b in groups.groups]


def test_sparse_codes_of_a_wide_interaction() -> None:
    """Far more combinations than rows: nothing of the size of their number is made."""
    n = 2000
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.permutation(n) for name in "abcde"})
    components, made, _ = group_components(
        parse_formula("y ~ (1 | a:b:c:d:e)").groups, Environment(frame, {})
    )
    assert len(components[0].grouping) == n
    np.testing.assert_array_equal(np.sort(made[0].columns), np.arange(n))


def test_one_grouping_serves_all_its_terms() -> None:
    frame = pd.DataFrame({"g": [1, 2, 1], "x": [1.0, 2.0, 3.0]})
    terms = parse_formula("y ~ (1 | g) + (0 + x | g)").groups
    components, _, _ = group_components(terms, Environment(frame, {}))
    assert components[0].grouping is components[1].grouping
