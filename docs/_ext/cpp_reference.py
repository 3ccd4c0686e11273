"""Sphinx extension: writes the C++ reference pages and the picture of the architecture from the headers."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

from cpp_headers import Header, read_headers
from include_graph import draw

# What the folders are, in the order in which to read them; a folder not listed comes last, without a caption.
CAPTIONS = {
    "fit": "a fit in one call",
    "families": "densities of one row",
    "model": "design, priors, row pass",
    "terms": "priors of random effects",
    "priors": "priors of hyperparameters",
    "inference": "modes and marginals",
    "leaf": "quadrature over one factor",
    "ep": "expectation propagation",
    "variational": "variational Bayes",
    "many": "one design, many responses",
    "sampling": "draws from the posterior",
    "parallel": "threads",
    "linalg": "sparse factor and inverse",
    "math": "elementary functions, rules",
}
COMMON = "common"


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", _generate)
    return {"parallel_read_safe": True}


def _generate(app: Any) -> None:
    docs = Path(app.srcdir)
    headers = read_headers(docs.parent / "cpp" / "include")
    pages = docs / "reference" / "cpp"
    pages.mkdir(exist_ok=True)
    names = group_names(headers)
    for name in names:
        group = "" if name == COMMON else name
        _write(pages / f"{name}.md", page(name, [h for h in headers if h.group == group]))
    _write(pages / "table.md.inc", table(headers, names))
    _write(pages / "architecture.svg", draw(headers, CAPTIONS))


def group_names(headers: list[Header]) -> list[str]:
    """Folders in reading order; `COMMON` for the headers outside any."""
    found = {h.group for h in headers if h.group}
    return [*(g for g in CAPTIONS if g in found), *sorted(found - CAPTIONS.keys()), COMMON]


def page(name: str, headers: list[Header]) -> str:
    """The reference page of one folder, in MyST."""
    lines = [f"# {name}", "", CAPTIONS.get(name, "").capitalize(), ""]
    for header in headers:
        lines += [f"## `{header.path}`", "", *_paragraphs(header.opening)]
        if header.synopsis:
            lines += ["```cpp", header.synopsis, "```", ""]
        if header.includes:
            uses = ", ".join(f"`{path}`" for path in header.includes)
            lines += [f"Uses {uses}.", ""]
    return "\n".join(lines)


def table(headers: list[Header], names: list[str]) -> str:
    """Which header is which concept."""
    lines = ["| header | concept |", "|---|---|"]
    for name in names:
        group = "" if name == COMMON else name
        lines += [
            f"| [`{h.path}`](cpp/{name}.md) | {_plain(h.concept)} |" for h in headers if h.group == group
        ]
    return "\n".join(lines) + "\n"


def _paragraphs(comment: str) -> list[str]:
    """Prose as prose, indented blocks (formulas, tables) as they are."""
    lines: list[str] = []
    for part in re.split(r"\n(?: *\n)+|(?<=:)\n(?= )", comment):
        if all(line.startswith("  ") for line in part.splitlines()):
            lines += ["```text", textwrap.dedent(part), "```", ""]
        else:
            lines += [_plain(" ".join(part.split())), ""]
    return lines


def _plain(text: str) -> str:
    """Text that may hold characters which MyST would take for markup or for a column."""
    return "".join("\\" + c if c in "|*_`<>[]$~" else c for c in text)


def _write(path: Path, text: str) -> None:
    """Leave files alone that have not changed, so that Sphinx need not read them again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
