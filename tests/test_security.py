"""Files from elsewhere: what docs/howto/security.md promises of them."""

from __future__ import annotations

import copy
import math
import os
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from formulaic.utils.stateful_transforms import stateful_transform
from saved_files import CANARY, DAMAGED, EVIL, encoding_of, frame, rewritten, saved
from scipy import sparse

import mixed_glm as mg
from mixed_glm._formula.data import Environment
from mixed_glm._formula.guard import Guard
from mixed_glm._saving.agreement import _work

REFUSED = r"is not evaluated, because .* trusted=True"


@pytest.fixture(autouse=True)
def canary() -> Iterator[None]:
    """Nothing that a test does may run code of a file."""
    os.environ.pop(CANARY, None)
    yield
    assert os.environ.pop(CANARY, None) is None


# Expressions

REFUSALS = [
    EVIL, f"x + 0 * {EVIL}", "__import__('os')", "open('/tmp/f')", "eval('1')", "exec('1')", "compile('1', '', 'eval')",
    "getattr(x, 'a')", "globals()", "vars()", "breakpoint()", "print(x)", "len(x)", "type(x)", "range(9)", "sum([1])",
    # attributes, subscripts, syntax
    "x.pipe(print)", "x.apply(str)", "x.values", "x.__class__", "().__class__.__base__.__subclasses__()", "x[0]", "x[:, None]",
    "'{0.__class__}'.format(x)", "f'{x}'", "'%s' % x", "(lambda: 1)()", "[i for i in x]", "{i for i in x}", "(i for i in x)",
    "{1: 2 for i in x}", "(z := 1)", "x if x else x", "[*x]", "{**x}", "x @ x", "1 << 9", "x >> 1", "x is None", "x in [1]", "...",
    "1j", "await x", "yield x", "x.a.b", "x()", "x(1)", "'a'()", "C.__globals__", "poly.__wrapped__", "(I)(x)(x)", "{1, 2}",
    # numpy beyond the list
    "np", "np.load('f')", "np.fromfile('f')", "np.memmap('f')", "np.save('f', x)", "np.lib.format.open_memmap('f')", "np.f2py",
    "np.ctypeslib.load_library('a', 'b')", "np.log(x, x)", "np.log(x, out=x)", "np.exp(x, where=x)", "np.vectorize(I)(x)",
    "np.ones(10**9)", "np.zeros(9)", "np.arange(9)", "np.repeat(x, 9)", "np.tile(x, 9)", "np.outer(x, x)", "np.add.outer(x, x)",
    "np.log", "np.sum(x, 0)", "np.frompyfunc(I, 1, 1)", "np.apply_along_axis(I, 0, x)", "np.random.normal(9)", "np.__doc__",
    # formulaic's functions in other ways
    "contr", "contr.mro()", "contr.__mro__", "C", "poly", "hashed(x, 5, hash_func=eval)", "hashed(x, levels=10**9)", "poly(x, 10**9)",
    "bs(x, df=10**9)", "bs(x, degree=10**9)", "cr(x, df=10**9)", "poly(x, degree=x)", "center(x, _state={})", "Q('__import__')",
    "Q(g)", "Q(variable='x')", "Q('x', _context=x)", "center(x, _context=1)", "scale(x, _spec=1)", "C(*[x])", "C(**{'data': x})",
    "poly(x, 1) * center(x)", "poly(x, 1) * x", "np.log(poly(x, 1))", "C(x) + 1", "-bs(x, df=4)", "center(poly(x, 2))",
    # what formulaic pastes into code of its own
    "scale(x, 'a\") or " + f"{EVIL.replace(chr(39), '')} #')", "standardize(x, '\"')", "poly(x, '\\\\')", "center(I(x == \"it's\"))",
    "scale(C(g, levels=['\"']))",
    # names in back-ticks
    "`open`('f')", "`C`(x)", "`np`.log(x)", "`no column`", "`__import__`('os')", "``", "`lambda`: 1", "\uff4f\uff50\uff45\uff4e('f')",
    # constants and texts without bound
    "9**9**9**9", "9**9**9", "2**2000", "(9**9)**(9**9)", "-9**9**9", "10**400 * 10**400", "I(9)**I(9**9)", "abs(9)**abs(9)**abs(9)",
    "'a' * 10**10", "10**10 * 'a'", "[0] * 10**10", "g * 10**9", "10**9 * g", "'%1000000000d' % 5", "g % 5", "x * 10**30",
    "(x * 10**30) ** 100000", "((0.5 < 1) + (0.5 < 1)) ** 10**10", "(0.0 or 9) ** (0.0 or 10**9)", "(not 0) * 9**9**9", "~9**9**9",
    "(True and 9**9) ** 99999", "np.max([9**300]) ** np.max([10**9])", "x + [1, 2]", "+".join(["g"] * 20), "lag(g, 1) * 10**9",
    "np.where(x > 0, 'a', 'b') * 10**9", "I(g) * 10**9", "scale(x, center=[10**30])", "-" * 5000 + "x", "(" * 90 + "x" + ")" * 90 + "(",
    "+".join(["x"] * 400), "x" * 60_000, "1" * 5000, "'a' 'b' * 9",
    # syntax that is none
    "", "x +", "x; y", "x\ny", "import os", "\0", "x = 1", "lambda",
]  # fmt: skip


@pytest.mark.parametrize("expression", REFUSALS, ids=lambda e: e[:40])
def test_expressions_that_are_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="is not evaluated, because"):
        Guard().check(expression, frame(), {"s": 1.5})


ALLOWED = [
    "x", "`a b`", "np.log(t)", "log(t) + exp(x) - exp10(x) / log2(t)", "x ** 2 + 3 * x // 2 % 7", "I(x * s)", "x * 1e300", "-x", "~flag",
    "(x > 0) & (t < 2) | (h == 3)", "(x > 0) * 1", "g == 'a'", "g + '_' + g", "np.where(g == 'a', x, 0.0)", "np.clip(x, -1, 1)",
    "np.clip(x, 0, None)", "x - np.mean(x)", "np.pi * x", "np.isin(g, ['a', 'b'])", "np.digitize(x, [0, 1])", "np.round(x, 2)",
    "np.maximum(x, 0)", "abs(x)", "center(x)", "scale(x)", "standardize(np.log(t))", "scale(x, center=False)", "poly(x, 3)",
    "poly(x, degree=2, raw=True)", "bs(x, df=5)", "bs(x, knots=[0.0, 1.0], degree=2, include_intercept=True)", "cr(x, df=4)",
    "cc(x, df=4, constraints='center')", "cs(x, knots=knots)", "C(g)", "C(g, contr.treatment('b'))", "C(g, Treatment('b'))",
    "C(h, contr.sum)", "C(h, Sum)", "C(h, contr.helmert(reverse=False))", "C(h, contr.poly(scores=[1, 2, 4, 8]))", "C(h, Poly)",
    "C(h, levels=[4, 3, 2, 1])", "C(g, levels=[\"it's\", 'a'])", "C(h, {'late': [-1, -1, 1, 1]})", "C(h, [[1, 0], [0, 1]])",
    "C(h, matrix)", "C(x > 0)", "C(g + '_' + g)", "lag(x)", "lag(x, 2)", "hashed(g, levels=8)", "Q('a b')", "center(Q('a b'))",
    "x * vector", "day > start", "10**9 + 7", "2**10 * x", "x ** -1", "np.power(x, 3)", "halved(x) * 2", "halved(x) ** 2",
    "numpy.log(t)", "I(C(g))", "C(poly(x, 1))",
]  # fmt: skip
CONTEXT = {
    "s": 1.5, "knots": [0.0, 0.5], "matrix": np.eye(4)[:, :2], "vector": np.arange(60.0), "halved": lambda x: x / 2, "numpy": np,
    "start": pd.Timestamp("2026-01-03"),
}  # fmt: skip


@pytest.mark.parametrize("expression", ALLOWED)
def test_expressions_that_are_evaluated(expression: str) -> None:
    data = frame().assign(flag=True)
    Guard(frozenset({"halved"})).check(expression, data, CONTEXT)


def test_names_that_hide_others() -> None:
    guard, data = Guard(), frame()
    for hidden in ({"C": 3}, {"np": 3.0}, {"contr": [1]}, {"C": pd.Timestamp, "np": os}):
        for expression in ("C(g, contr.sum)", "C(np.log(t))"):  # nothing hides what is called
            for frame_ in (data, data.assign(np=1, contr=2, C=3)):
                guard.check(expression, frame_, hidden)
                Environment(frame_, hidden, guard=guard).evaluate(expression)
    for expression in ("numpy.log(x)", "numpy.load('f')", "contrasts.sum"):
        with pytest.raises(ValueError, match="is not evaluated"):
            guard.check(expression, data.assign(numpy=1, contrasts=2), {"numpy": np, "contrasts": os})
    with pytest.raises(ValueError, match="is not a known function"):
        guard.check("sin(x)", data, {"sin": print})  # of the file, and not R's
    with pytest.raises(ValueError, match="is not a known function"):
        guard.check("halved(x)", data, CONTEXT)  # of the file, not given
    Guard(frozenset({"x"})).check("x(t)", data, {"x": print})  # given, and not the column of this name
    with pytest.raises(ValueError, match="is not a known function"):
        Guard(frozenset({"x"})).check("`x`(t)", data, {"x": print})


def test_values_that_cannot_be_computed_with() -> None:
    big = {
        "n": 10**18,
        "objects": np.array([10**30, "a"], object),
        "lists": [[10**30] * 9],
        "text": "a",
        "z": sparse.eye(3),
        "f": os,
    }
    for expression in (
        "n ** n", "n * n * x", "objects ** 9", "x * objects", "np.max(objects)", "text * n", "x + lists", "np.max(lists) ** n", "z * x",
        "f.system('a')", "scale(x, center=lists)", "bs(x, knots=many)", "C(g, levels=many)", "matrix * x", "np.log(matrix)",
    ):  # fmt: skip
        with pytest.raises(ValueError, match="is not evaluated"):
            Guard().check(expression, frame(), big | {"many": list(range(9999)), "matrix": np.ones((9, 1))})


def test_what_callers_functions_return_is_not_raised_to_large_powers() -> None:
    guard = Guard(frozenset({"f"}))
    for expression in (
        "f(9) ** f(9)",
        "f(9) ** 99",
        "(f(9) ** 16) ** 16",
        "9 ** f(9)",
        "np.where(x > 0, f, 1)",
        "f.__globals__",
    ):
        with pytest.raises(ValueError, match="is not evaluated"):
            guard.check(expression, frame(), {"f": len})


def test_callers_functions_with_state_take_no_quotes() -> None:
    shifted = stateful_transform(lambda x, _state=None: x)
    with pytest.raises(ValueError, match="holds a quote"):
        Guard(frozenset({"f"})).check("f(x, '\"')", frame(), {"f": shifted})


# Whole files


PLACES = {
    "fixed": (f"y ~ x + I(0 * {EVIL} if 0 else x ** 2)", None),
    "a name of Python's": ("y ~ x + I(x ** 2 / len(t))", None),
    "offset": (f"y ~ x + offset(x * 0 if {EVIL} else x * 0)", None),
    "group": (f"y ~ x + (1 | C([h, {EVIL}][0]))", None),
    "effect": (f"y ~ x + (0 + I([x, {EVIL}][0]) | g)", None),
    "vc formula": ("y ~ x", {"v": f"0 + C([g, {EVIL}][0])"}),
    "vc formula by formulaic": ("y ~ x", {"v": f"0 + bs([x, {EVIL}][0], df=4)"}),
}


@pytest.mark.parametrize("formula", PLACES.values(), ids=PLACES.keys())
def test_code_in_a_file_is_not_run(formula: tuple[str, dict[str, str] | None], tmp_path: Path) -> None:
    path = saved(formula[0], tmp_path / "fit.mglm", formula[1])
    result = mg.load(path)
    assert len(result.predict()) == 60
    str(result.summary())
    result.posterior_sample(3, rng=0)
    result.random_effects()
    for copied in (result, pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        for random in ("population", "conditional", "marginal"):
            fixed = re.split(r" \+ \([01] ", formula[0])[0]
            if random == "population" and EVIL not in fixed and "len(" not in fixed:
                continue  # evaluates the fixed part alone
            with pytest.raises(ValueError, match=REFUSED):
                copied.predict(frame(), random=random, interval=0.9)
    result.save(tmp_path / "again.mglm")
    with pytest.raises(ValueError, match=REFUSED):
        mg.load(tmp_path / "again.mglm").predict(frame(), random="conditional")
    assert CANARY not in os.environ
    trusted = mg.load(path, trusted=True).predict(frame(), random="conditional")
    assert np.isfinite(np.asarray(trusted)).all()
    assert mg.MixedGLM.load(path, trusted=True)._encoding.guard is None
    os.environ.pop(CANARY, None)


def test_the_command_line(tmp_path: Path) -> None:
    from mixed_glm.cli import main

    path = saved("y ~ x + I(x ** 2 / len(t))", tmp_path / "fit.mglm")
    frame().drop(columns="day").to_csv(tmp_path / "new.csv")
    arguments = ["predict", str(path), str(tmp_path / "new.csv"), "--output", str(tmp_path / "out.csv")]
    assert main(arguments) != 0
    assert not (tmp_path / "out.csv").exists()
    assert main([*arguments, "--trusted"]) == 0
    assert (tmp_path / "out.csv").exists()


def injected(path: tuple[Any, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    """Put a value at a place of the encoding."""

    def change(header: dict[str, Any]) -> None:
        node: Any = encoding_of(header)
        for key in path[:-1]:
            node = node[key]
        assert path[-1] in node or isinstance(node, list)
        node[path[-1]] = value

    return change


TEXT = ("text", "record", 1)
FIXED = ("fixed", "model_spec", "dict")
GROUP = ("components", "tuple", 0, "record", 1)
SPEC = ("components", "tuple", 1, "record", 1, "spec", "model_spec", "dict")
FACTOR = [EVIL, "python", "unknown"]
INJECTIONS = {
    "offsets": injected((*TEXT, "offsets"), {"tuple": [EVIL]}),
    "response": injected((*TEXT, "response"), {"tuple": [EVIL]}),
    "fixed text": injected((*TEXT, "fixed"), EVIL),
    "group text": injected((*TEXT, "groups", "tuple", 0, "record", 1, "factors"), {"tuple": [EVIL]}),
    "effects text": injected((*TEXT, "groups", "tuple", 1, "record", 1, "effects"), EVIL),
    "grouping": injected((*GROUP, "grouping", "record", 1, "factors"), {"tuple": [EVIL]}),
    "terms": injected((*FIXED, "terms", 1, 0), FACTOR),
    "one term more": injected((*FIXED, "terms", 1), [["x", "lookup", "unknown"], FACTOR]),
    "eval method": injected((*FIXED, "terms", 1, 0, 1), "python"),
    "structure": injected((*FIXED, "structure", 1, 1, 0, 0, 0, 0), FACTOR),
    "structure's term": injected((*FIXED, "structure", 1, 0, 0), FACTOR),
    "scale": injected((*FIXED, "structure", 1, 1, 0, 1), [1, 2]),
    "encoder state": injected((*FIXED, "encoder_state", "dict"), {EVIL: ["categorical", {"dict": {"categories": [1]}}]}),
    "transform state": injected((*FIXED, "transform_state", "dict"), {EVIL: {"dict": {}}}),
    "other state": injected(("state", "dict"), {EVIL: {"dict": {}}}),
    "objects learnt": injected((*FIXED, "transform_state", "dict", "center(t)", "dict", "center"), {"record": ["Poisson", {}]}),
    "a number learnt": injected((*FIXED, "transform_state", "dict", "center(t)", "dict", "center"), 10**4000),
    "too much learnt": injected((*FIXED, "transform_state", "dict", "center(t)", "dict", "center"), [0] * 20_000),
    "materializer": injected((*FIXED, "materializer"), "narwhals"),
    "materializer's parameters": injected((*FIXED, "materializer_params"), {"dict": {"context": {"dict": {}}}}),
    "output": injected((*FIXED, "output"), "numpy"),
    "columns": injected((*FIXED, "structure", 1, 2), ["x"] * 9),
    "effect's terms": injected((*SPEC, "terms", 0, 0), FACTOR),
    "effect's state": injected((*SPEC, "encoder_state", "dict"), {EVIL: ["numerical", {"dict": {}}]}),
    "effect": injected(("components", "tuple", 1, "record", 1, "effect"), EVIL),
    "formula": injected(("formula",), f"y ~ x + I({EVIL}) + (1 | g)"),
    "endless formula": injected(("formula",), "y ~ (x + t + h + g) ** 99"),
    "wide formula": injected(("formula",), "y ~ " + " * ".join(f"x{i}" for i in range(60))),
    "formula of brackets": injected(("formula",), "y ~ f" + "()" * 50_000),
    "deep formula": injected(("formula",), "y ~ " + "(" * 5000 + "x" + ")" * 5000),
    "a guard": injected(("guard",), {"record": ["Guard", {"given": {"set": ["os"]}}]}),
}  # fmt: skip


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "fit.mglm"
    return saved("y ~ x + center(t) + (1 | g) + (0 + x | h)", path).read_bytes()


@pytest.mark.parametrize("name", [n for n in INJECTIONS if n != "a guard"])
def test_parts_that_are_not_the_formulas(name: str, honest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "forged.mglm"
    path.write_bytes(honest)
    rewritten(path, INJECTIONS[name])
    for trusted in (False, True):
        with pytest.raises(ValueError, match=DAMAGED):
            mg.load(path, trusted=trusted)


def test_a_file_does_not_say_that_it_is_trusted(tmp_path: Path) -> None:
    path = saved("y ~ x + I(x ** 2 / len(t))", tmp_path / "fit.mglm")
    rewritten(path, lambda h: encoding_of(h).update(guard=None, trusted=True))
    with pytest.raises(ValueError, match=REFUSED):
        mg.load(path).predict(frame())


def test_vc_formulas_that_are_changed(tmp_path: Path) -> None:
    changes: list[Callable[[dict[str, Any]], object]] = [
        lambda c: c.update(formula=EVIL),
        lambda c: c.update(levels={"dict": {EVIL: None}}),
        lambda c: c.update(products={"tuple": [{"tuple": [{"tuple": [EVIL, False]}]}]}),
    ]
    for change in changes:
        path = saved("y ~ x", tmp_path / "fit.mglm", {"v": "0 + C(g)"})
        with pytest.raises(ValueError, match=DAMAGED):
            mg.load(
                rewritten(path, lambda h, c=change: c(encoding_of(h)["components"]["tuple"][0]["record"][1]))
            )
    path = saved("y ~ x", tmp_path / "fit.mglm", {"v": "0 + bs(x, df=4)"})
    spec = lambda h: encoding_of(h)["components"]["tuple"][0]["record"][1]["spec"]["model_spec"]["dict"]  # noqa: E731
    with pytest.raises(ValueError, match=DAMAGED):
        mg.load(rewritten(path, lambda h: spec(h)["terms"][0].__setitem__(0, FACTOR)))


def test_functions_given_to_load_may_be_called(tmp_path: Path) -> None:
    def halved(x: npt.ArrayLike) -> Any:
        return np.asarray(x) / 2

    path = saved("y ~ halved(x) + center(halved(t)) + (1 | g)", tmp_path / "fit.mglm", halved=halved)
    result, trusted = (mg.load(path, context={"halved": halved}, trusted=t) for t in (False, True))
    np.testing.assert_array_equal(result.predict(frame(9, 2)), trusted.predict(frame(9, 2)))
    with pytest.raises(ValueError, match="was not kept"):
        mg.load(path).predict(frame())


def test_attributes_of_modules_given_are_not_used(tmp_path: Path) -> None:
    path = saved("y ~ I(mathematics.floor(1.5) * x)", tmp_path / "fit.mglm", mathematics=math)
    with pytest.raises(ValueError, match=REFUSED):
        mg.load(path, context={"mathematics": math}).predict(frame())
    assert np.isfinite(mg.load(path, context={"mathematics": math}, trusted=True).predict(frame())).all()


def test_formulas_that_multiply_out_to_much_are_known_before() -> None:
    assert _work("a + b:c + x*y*z + (a + b + c)**2 + a/b + a %in% b + poly(x, 3)") < 1e4
    assert _work("(a + b + c)^99") > 1e7
    assert _work("(a + b)**(2)") >= 1
    assert _work(" + ".join(f"x{i}" for i in range(1000))) < 1e6
