"""Splitting formulas: what is taken out, what is left, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixed_glm._formula.text import parse_formula, split


def groups(formula: str) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(g.effects, g.factors, g.independent) for g in parse_formula(formula).groups]


@pytest.mark.parametrize(
    ("formula", "fixed"),
    [
        ("y ~ x + (1 | g)", "x"),
        ("y ~ (1 | g)", "1"),
        ("y ~ 0 + (1 | g) + x", "0 + x"),
        ("y ~ -1 + x + (1 | g)", "- 1 + x"),
        ("y ~ x - 1 + (1 | g)", "x - 1"),
        ("y ~ (a + b)^2 + (1 | g) - a", "(a + b)^2 - a"),
        ("y ~ I((a | b)) + (1 | g)", "I((a | b))"),
        ("y ~ {a | b} + `x|z` + (1 | g)", "{a | b} + `x|z`"),
        ("y ~ x + I(z - 1e-3) + (1 | g)", "x + I(z - 1e-3)"),
        ("y ~ offset(log(t)) + x", "x"),
        ("y ~ x + -z - -w", "x - z + w"),
    ],
)
def test_fixed_part_is_what_is_left(formula: str, fixed: str) -> None:
    assert parse_formula(formula).fixed == fixed


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("y ~ x + (1 | g)", [("1", ("g",), False)]),
        ("y ~ (1|g)+(0+x|g)", [("1", ("g",), False), ("0+x", ("g",), False)]),
        ("y ~ (x || g)", [("x", ("g",), True)]),
        ("y ~ (1 | a/b)", [("1", ("a",), False), ("1", ("a", "b"), False)]),
        ("y ~ (1 | a/b/c)", [("1", ("a",), False), ("1", ("a", "b"), False), ("1", ("a", "b", "c"), False)]),
        ("y ~ (1 | a:b)", [("1", ("a", "b"), False)]),
        ("y ~ (1 | (a:b))", [("1", ("a", "b"), False)]),
        ("y ~ (1 | C(g):`my h`)", [("1", ("C(g)", "`my h`"), False)]),
        ("y ~ ((1 | g))", [("1", ("g",), False)]),
    ],
)
def test_group_terms(formula: str, expected: list[tuple[str, tuple[str, ...], bool]]) -> None:
    assert groups(formula) == expected


@pytest.mark.parametrize(
    ("formula", "response", "kind"),
    [
        ("y ~ 1", ("y",), "single"),
        ("np.log(a + b) ~ 1", ("np.log(a + b)",), "single"),
        ("cbind(a, n - a) ~ 1", ("a", "n - a"), "pair"),
        ("won + lost ~ 1", ("won", "lost"), "pair"),
        ("won | trials(n) ~ 1", ("won", "n"), "trials"),
    ],
)
def test_response_forms(formula: str, response: tuple[str, ...], kind: str) -> None:
    text = parse_formula(formula)
    assert (text.response, text.kind) == (response, kind)


def test_offsets_are_collected() -> None:
    assert parse_formula("y ~ offset(log(t)) + x + offset(z) + (1 | g)").offsets == ("log(t)", "z")


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y", "response ~ terms"),
        ("~ x", "response ~ terms"),
        ("y ~ x ~ z", "response ~ terms"),
        ("y ~ x + (1 | g", "before the closing"),
        ("y ~ x + 1 | g)", "unmatched"),
        ("y ~ x + 1 | g", "needs brackets"),
        ("y ~ x * (1 | g)", "top level"),
        ("y ~ (x + (1 | g))", "top level"),
        ("y ~ x - (1 | g)", "only be added"),
        ("y ~ (1 | a + b)", "one term for each grouping factor"),
        ("y ~ (1 | a*b)", "one term for each grouping factor"),
        ("y ~ (1 | )", "effects | group"),
        ("y ~ (1 | a/)", "grouping factor is missing"),
        ("y ~ (1 ||| g)", "effects | group"),
        ("y ~ x +", "ends with an operator"),
        ("cbind(a) ~ x", "cbind takes"),
        ("a | size(n) ~ x", "trials"),
        ("a + b + c ~ x", "one expression or"),
    ],
)
def test_what_cannot_be_understood_is_refused(formula: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("|", r"\|").replace("+", r"\+")):
        parse_formula(formula)


def test_formula_must_be_text() -> None:
    with pytest.raises(TypeError, match="formula must be a string, got int"):
        parse_formula(3)  # type: ignore[arg-type]


@given(
    st.lists(st.sampled_from(["x", "a:b", "f(a + b)", "[1 + 2]", "'+'", "`p + q`", "{a + b}"]), min_size=1)
)
def test_split_undoes_joining(parts: list[str]) -> None:
    assert split(" + ".join(parts), "+") == parts
