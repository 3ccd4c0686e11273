"""The folders of C++ headers lie in layers: nothing includes a header of a higher one, and there are no circles."""

from __future__ import annotations

import graphlib
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent
if not (SOURCE / "docs" / "_ext").is_dir():
    pytest.skip("not run from a source tree", allow_module_level=True)

sys.path.insert(0, str(SOURCE / "docs" / "_ext"))
from cpp_headers import Header, read_headers
from include_graph import group_edges

sys.path.remove(str(SOURCE / "docs" / "_ext"))

LINES = (SOURCE / "cpp" / "layers.txt").read_text(encoding="utf-8").splitlines()
LAYERS = [line.split()[0] for line in LINES if not line.startswith("#")]
BOTTOM, TOP = ("typedefs.hpp", "version.hpp"), "mixed_glm.hpp"  # headers outside of all folders
HEADERS = read_headers(SOURCE / "cpp" / "include")


def level(path: str) -> int:
    """Number of a header's layer from the bottom."""
    folder = path.rpartition("/")[0]
    if folder:
        return LAYERS.index(folder)
    return -1 if path in BOTTOM else len(LAYERS)


def upward(headers: list[Header]) -> list[str]:
    """Includes of a header in a higher layer."""
    return [
        f"{h.path} includes {path}" for h in headers for path in h.includes if level(path) > level(h.path)
    ]


def circle(headers: list[Header]) -> list[str]:
    """Folders that include each other in a circle; empty if there is none."""
    used: dict[str, set[str]] = {}
    for user, folder in group_edges(headers):
        used.setdefault(user, set()).add(folder)
    try:
        graphlib.TopologicalSorter(used).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def header(path: str, *includes: str) -> Header:
    return Header(path, "", includes, "")


def test_every_folder_has_its_layer():
    assert {h.group for h in HEADERS if h.group} == set(LAYERS), "name it in cpp/layers.txt"
    assert len(LAYERS) == len(set(LAYERS))
    assert {h.path for h in HEADERS if not h.group} == {*BOTTOM, TOP}


def test_no_header_includes_a_higher_layer():
    assert upward(HEADERS) == []


def test_folders_form_no_circle():
    assert circle(HEADERS) == []


def test_includes_of_ours_are_all_seen():
    """In angle brackets from the root, so that no other spelling escapes the two tests above."""
    for path in (SOURCE / "cpp" / "include").rglob("*.hpp"):
        assert '#include "' not in path.read_text(encoding="utf-8"), path
    known = {h.path for h in HEADERS}
    assert {path for h in HEADERS for path in h.includes} <= known


def test_a_step_up_and_a_circle_are_found():
    up = [header("linalg/order.hpp", "model/rows.hpp"), header("model/rows.hpp", "linalg/sum.hpp")]
    assert upward(up) == ["linalg/order.hpp includes model/rows.hpp"]
    assert set(circle(up)) == {"linalg", "model"}
    root = [header("typedefs.hpp", "math/exp.hpp"), header("fit/fit.hpp", "mixed_glm.hpp", "typedefs.hpp")]
    assert upward(root) == ["typedefs.hpp includes math/exp.hpp", "fit/fit.hpp includes mixed_glm.hpp"]
