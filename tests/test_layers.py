"""The modules of the package lie in layers: nothing imports a higher one, and there are no circles.

Imports inside functions and under ``TYPE_CHECKING`` count like all others.
"""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "python"
if not (SOURCE / "layers.txt").is_file():
    pytest.skip("not run from a source tree", allow_module_level=True)

PACKAGE = SOURCE / "mixed_glm"
LINES = [
    line
    for line in (SOURCE / "layers.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
LAYERS = [line.partition("  ")[0].split() for line in LINES]
FLOOR = {name: floor for floor, names in enumerate(LAYERS) for name in names}

Graph = Mapping[str, set[str]]


def modules() -> dict[str, str]:
    """Source of every module, by its dotted name within the package."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imported(source: str) -> Iterator[str]:
    """Dotted names that a module imports, wherever the import stands; of ``from a import b`` a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not followed here: write them out"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph_of(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Modules that each module imports, names of things in a module or a package being followed to it."""

    def module_of(name: str) -> str:
        parts = name.split(".")[1:]
        while parts:
            for candidate in (".".join(parts), ".".join([*parts, "__init__"])):
                if candidate in sources:
                    return candidate
            if parts == ["_cpu"] or parts[0].startswith("_core_"):
                return "_native.dispatch"
            parts.pop()
        return "__init__"

    return {
        module: {module_of(name) for name in imported(source) if name.split(".")[0] == "mixed_glm"} - {module}
        for module, source in sources.items()
    }


def upward(graph: Graph) -> list[str]:
    """Imports of a module that is not on a lower floor, but for those within a folder."""

    def room(module: str) -> str:
        return module.partition(".")[0]

    return [
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in sorted(others)
        if room(module) != room(other) and FLOOR[room(other)] >= FLOOR[room(module)]
    ]


def circle(graph: Graph) -> list[str]:
    """Modules that import each other in a circle; empty if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_has_its_layer():
    rooms = {name.partition(".")[0] for name in modules()}
    assert rooms == set(FLOOR), "name it in python/layers.txt"
    assert len(FLOOR) == sum(map(len, LAYERS))


def test_no_module_imports_a_higher_one():
    assert upward(graph_of(modules())) == []


def test_modules_form_no_circle():
    assert circle(graph_of(modules())) == []


def test_a_step_up_and_a_circle_are_found():
    sources = {
        "_spec.spec": "def f():\n    from mixed_glm.model import MixedGLM\n",
        "model": "from mixed_glm._spec.spec import ModelSpec\nif TYPE_CHECKING:\n    import mixed_glm.results",
        "results": "from mixed_glm import _core\n",
        "_core": "",
        "__init__": "",
    }
    graph = graph_of(sources)
    assert upward(graph) == ["_spec.spec imports model"]
    assert set(circle(graph)) == {"_spec.spec", "model"}
    assert graph["model"] == {"_spec.spec", "results"}
    assert graph["results"] == {"_core"}


def test_a_package_says_in_one_line_what_is_in_it():
    for path in PACKAGE.glob("*/__init__.py"):
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert doc, path
        assert len(doc.splitlines()[0]) > 10, path


def test_few_files_outside_of_packages():
    assert len(list(PACKAGE.glob("*.py"))) <= 15
