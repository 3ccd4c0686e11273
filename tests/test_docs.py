"""The documentation: all Python on its pages is run, and the C++ reference is read from the headers as they are."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

import mixed_glm as mg
import mixed_glm.plots

SOURCE = Path(__file__).resolve().parent.parent
DOCS = SOURCE / "docs"
if not (DOCS / "_ext").is_dir():
    pytest.skip("not run from a source tree", allow_module_level=True)

sys.path.insert(0, str(DOCS / "_ext"))
import cpp_headers
import include_graph

sys.path.remove(str(DOCS / "_ext"))

HEADERS = cpp_headers.read_headers(SOURCE / "cpp" / "include")
PAGES = [page for page in DOCS.rglob("*.md") if not {"_build", "data"} & set(page.relative_to(DOCS).parts)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_python_is_executed_not_only_shown(page):
    assert re.findall(r"^```(?:python|py|pycon)\b", page.read_text(encoding="utf-8"), re.MULTILINE) == []


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.path)
def test_every_header_says_what_it_is(header):
    assert len(header.opening) > 20


CODE = """\
// A pair.
struct Pair {
  double first = 0, second = 0;  // in order
  double sum() const { return first + second; }
};

namespace detail {
inline int hidden() { return 1; }
}  // namespace detail

class Counter : public Pair {
 public:
  Counter(int start, double step = {}) : start_(start), step_{step} {
    if (start < 0) { start_ = 0; }
  }
  virtual bool next() = 0;

 private:
  int start_;
};

enum class Kind { one, two };

template <class T>
constexpr T twice(T x) { return x + x; }

inline constexpr int table[2] = {1, 2};
"""

SYNOPSIS = """\
// A pair.
struct Pair {
  double first = 0, second = 0;  // in order
  double sum() const;
};

class Counter : public Pair {
 public:
  Counter(int start, double step = {});
  virtual bool next() = 0;
};

enum class Kind { one, two };

template <class T>
constexpr T twice(T x);

inline constexpr int table[2] = {1, 2};"""


def test_synopsis_keeps_declarations_and_comments_only():
    assert cpp_headers.synopsis(CODE) == SYNOPSIS


def test_nothing_of_the_class_is_lost():
    (header,) = [h for h in HEADERS if h.path == "model/model.hpp"]
    assert "class Model {" in header.synopsis
    assert "const Design& design() const;" in header.synopsis
    assert "design_" not in header.synopsis
    assert "model/design.hpp" in header.includes


def test_layers_and_arrows():
    edges = {("top", "middle"), ("middle", "low"), ("top", "low"), ("side", "low")}
    assert include_graph.layers({"top", "middle", "low", "side"}, edges) == [
        ["top"],
        ["middle", "side"],
        ["low"],
    ]
    assert include_graph.without_shortcuts(edges) == edges - {("top", "low")}


def test_edges_are_between_folders():
    headers = [
        cpp_headers.Header("fit/a.hpp", "", ("fit/b.hpp", "model/c.hpp", "typedefs.hpp"), ""),
        cpp_headers.Header("fit/b.hpp", "", ("model/c.hpp",), ""),
    ]
    assert include_graph.group_edges(headers) == {("fit", "model")}


def test_picture_shows_every_folder():
    picture = include_graph.draw(HEADERS, {})
    groups = {h.group for h in HEADERS if h.group}
    assert len(groups) >= 8
    assert groups == set(re.findall(r'class="name">(\w+)<', picture))


def test_architecture_page_names_what_there_is():
    page = (DOCS / "reference" / "architecture.md").read_text(encoding="utf-8")
    files = [*(SOURCE / "cpp" / "include").rglob("*.hpp"), *(SOURCE / "python").rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    classes = re.findall(r"`([A-Z]\w+)`", page)
    assert len(classes) >= 5
    assert [name for name in classes if not re.search(rf"\b(?:class|struct) {name}\b", code)] == []


def test_reference_has_every_public_name():
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    modules = set(re.findall(r"^\.\. automodule:: (\S+)", text, re.MULTILINE))
    by_module = {name for module in modules for name in importlib.import_module(module).__all__}
    shown = set(re.findall(r"(?:mixed_glm\.|`)(\w+)", text)) | by_module
    assert len(shown & set(mg.__all__)) >= 15
    assert sorted(set(mg.__all__) - shown) == []
    assert sorted(set(mg.plots.__all__) - shown) == []
