"""Evaluation of an expression in which transforms learn, or have learnt.

As formulaic's own `stateful_eval`, whose states these are; but that gives its state to only one of two equal calls in an
expression, so that the other would learn from new rows.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, MutableMapping
from typing import Any, TypeGuard

from formulaic.utils.layered_mapping import LayeredMapping


def evaluate(
    text: str, env: Mapping[str, Any], metadata: Mapping[str, Any], state: MutableMapping[str, Any], spec: Any
) -> Any:
    """Value of an expression of Python.

    Parameters
    ----------
    text : str
    env : mapping
        What names stand for.
    metadata, spec
        Handed on to transforms.
    state : mapping
        What each transform has learnt, by the text of its call; filled where there is nothing yet.
    """
    code = ast.parse(text, mode="eval")
    given: dict[str, Any] = {"_the_context": env, "_the_spec": spec}
    calls = [(ast.unparse(node), node) for node in ast.walk(code) if _has_state(node, env)]
    for i, (call, node) in enumerate(calls):
        key = call.replace('"', r"\\\\" + '"')  # as formulaic spells it
        if key not in state:
            state[key] = {}
        given[f"_state_{i}"], given[f"_metadata_{i}"] = state[key], (metadata or {}).get(call)
        names = {"_context": "_the_context", "_spec": "_the_spec"}
        names |= {"_state": f"_state_{i}", "_metadata": f"_metadata_{i}"}
        node.keywords += [ast.keyword(k, ast.Name(v, ast.Load())) for k, v in names.items()]
    compiled = compile(ast.fix_missing_locations(code), "<formula>", "eval")
    return eval(compiled, {}, LayeredMapping(given, env))


def _has_state(node: ast.AST, env: Mapping[str, Any]) -> TypeGuard[ast.Call]:
    """Whether a node is the call of a transform: of a name, or of an attribute of one."""
    if not isinstance(node, ast.Call):
        return False
    function: Any = None
    path: list[str] = []
    target: ast.expr = node.func
    while isinstance(target, ast.Attribute):
        path.append(target.attr)
        target = target.value
    if isinstance(target, ast.Name) and target.id in env:
        function = env[target.id]
        for name in reversed(path):
            function = getattr(function, name, None)
    return bool(getattr(function, "__is_stateful_transform__", False))
