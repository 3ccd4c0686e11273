"""What the C++ headers say of themselves: opening comments, includes, and declarations without bodies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_INCLUDE = re.compile(r"^#include <mixed_glm/(.+)>", re.MULTILINE)
_OPENING = re.compile(r"\A(?://[^\n]*\n)+")
_NAMESPACE = re.compile(
    r"^namespace mixed_glm(?:::math)? \{\n(.*?)^\}  // namespace mixed_glm", re.MULTILINE | re.DOTALL
)
_DETAIL = re.compile(r"^namespace detail \{\n.*?^\}  // namespace detail\n", re.MULTILINE | re.DOTALL)
_PRIVATE = re.compile(r"^ (?:private|protected):\n.*?(?=^ public:|^\};)", re.MULTILINE | re.DOTALL)
_TYPE = re.compile(r"\b(?:class|struct|enum)\b[^();]*$")


@dataclass(frozen=True)
class Header:
    """One header below ``mixed_glm/``.

    Attributes
    ----------
    path : str
        As it is included, without ``mixed_glm/``.
    opening : str
        The comment at its top, without slashes.
    includes : tuple of str
        Our headers that it includes, as `path`.
    synopsis : str
        What it declares: comments kept; function bodies and private parts left out.
    """

    path: str
    opening: str
    includes: tuple[str, ...]
    synopsis: str

    @property
    def group(self) -> str:
        """The folder; empty for the headers above all folders."""
        return self.path.rpartition("/")[0]

    @property
    def concept(self) -> str:
        """First sentence of the opening comment."""
        text = " ".join(self.opening.split())
        return re.split(r"(?<=[.:])\s(?=[A-Z]|$)", text + " ", maxsplit=1)[0].rstrip(":. ") + "."


def read_headers(root: Path) -> list[Header]:
    """All headers below ``root / "mixed_glm"``, ordered by path."""
    base = root / "mixed_glm"
    return [_read(path, path.relative_to(base).as_posix()) for path in sorted(base.rglob("*.hpp"))]


def _read(path: Path, name: str) -> Header:
    text = path.read_text(encoding="utf-8")
    opening = _OPENING.match(text)
    comment = "" if opening is None else re.sub(r"^// ?", "", opening[0], flags=re.MULTILINE)
    body = "\n".join(_NAMESPACE.findall(text))
    return Header(name, comment.rstrip(), tuple(_INCLUDE.findall(text)), synopsis(body))


def synopsis(code: str) -> str:
    """Declarations of a piece of clang-formatted C++ at namespace scope."""
    code = _PRIVATE.sub("", _DETAIL.sub("", code))
    code = re.sub(r"\n{3,}", "\n\n", _without_bodies(code))
    return code.replace("\n\n};", "\n};").strip()


def _without_bodies(code: str) -> str:
    """Replace every function body, with its list of initializers, by a semicolon."""
    out: list[str] = []
    start = at = 0
    while at < len(code):
        if code.startswith("//", at):
            at = code.find("\n", at)
        elif code[at] in ";}":
            out.append(code[start : at + 1])
            start = at + 1
        elif code[at] == "{":
            head = code[start:at]
            declaration = re.sub(r"//[^\n]*", "", head)
            end = _closing_brace(code, at)
            if not head[-1:].isspace():  # member{value}, as clang-format writes it
                at = end
            elif _is_function(declaration):
                out.append(_without_initializers(head).rstrip() + ";")
                at, start = end, end + 1
            elif _TYPE.search(declaration):
                out.append(code[start : at + 1])
                start = at + 1
            else:  # a braced initializer
                at = end
        at += 1
    return "".join(out) + code[start:]


def _is_function(declaration: str) -> bool:
    return "(" in declaration and "=" not in re.sub(
        r"\(.*\)|operator\S+|<[^<>]*>", "", declaration, flags=re.DOTALL
    )


def _without_initializers(head: str) -> str:
    """Cut ``: member(value), ...`` off a constructor."""
    depth = 0
    for at, char in enumerate(head):
        depth += (char in "(<") - (char in ")>")
        if (
            char == ":"
            and depth == 0
            and ":" not in (head[at - 1], head[at + 1 : at + 2])
            and ")" in head[:at]
        ):
            return head[:at]
    return head


def _closing_brace(code: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(code)):
        depth += (code[at] == "{") - (code[at] == "}")
        if depth == 0:
            return at
    raise ValueError("a brace is never closed")
