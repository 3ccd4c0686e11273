"""Pictures inside of a page: vector graphics that take their colours from it, so that they are readable on light and dark."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_DOTS_PER_INCH = 150  # of images
_MOST_VECTORS = 600_000  # bytes of a picture; beyond, dots
_INK = "#010203"  # stands for the colour of the text
_INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
_THEMED = {
    _INK: "currentColor",
    "#0072b2": "var(--blue)",
    "#d55e00": "var(--brown)",
    "#009e73": "var(--green)",
    "#cc79a7": "var(--pink)",
    "#e69f00": "var(--orange)",
    "#56b4e9": "var(--sky)",
    "#8c8c8c": "var(--grey)",
    "#666666": "var(--grey)",
    "#d9d9d9": "var(--light)",
}
_COLOUR = re.compile("|".join(_THEMED))
_OWN = re.compile(r'(\bid="|href="#|url\(#)')
_HEAD = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
_META = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r'<svg\b[^>]*?\bviewBox="([^"]*)"[^>]*>')


@dataclass(frozen=True)
class Picture:
    """A picture as it stands in the page.

    Attributes
    ----------
    name : str
        Unlike those of other pictures of the page; letters and digits.
    alt : str
        What is seen, for readers who do not see it.
    caption : str
    vectors : str
        What is inside of the svg element; empty for a picture of dots.
    view : str
        Its view box.
    width : int
        In pixels, at most.
    dots : str
        A png file in base64; empty for one of vectors.
    """

    name: str
    alt: str
    caption: str
    vectors: str = ""
    view: str = ""
    width: int = 0
    dots: str = ""


def draw(name: str, alt: str, size: tuple[float, float], paint: Callable[..., object]) -> Picture:
    """Draw into axes of a figure of this size in inches, without touching figures or settings of the program.

    `paint` takes them as ``ax``. What it makes their title is the caption.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: Any = dict.fromkeys(_INKED, _INK) | {"svg.fonttype": "path", "svg.hashsalt": name}
    with mpl.rc_context(settings):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        paint(ax=axes)
        caption = axes.get_title().replace(r"\$", "$").replace("\n", "; ")
        axes.set_title("")
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None}, dpi=_DOTS_PER_INCH)
        width = round(96 * size[0])
        if len(file.getvalue()) <= _MOST_VECTORS:
            vectors, view = _inline(file.getvalue().decode(), name)
            return Picture(name, alt, caption, vectors=vectors, view=view, width=width)
    with mpl.rc_context():
        figure = Figure(figsize=size, layout="constrained")
        paint(ax=figure.subplots())
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=_DOTS_PER_INCH)
    return Picture(name, alt, caption, width=width, dots=base64.b64encode(file.getvalue()).decode())


def _inline(svg: str, name: str) -> tuple[str, str]:
    """What is inside of the svg element, with names of its own and the colours of the page; and its view box."""
    svg = _META.sub("", _HEAD.sub("", svg))
    found = _SIZE.match(svg)
    assert found is not None
    inner = svg[found.end() : svg.rindex("</svg>")]
    inner = re.sub(r"<!--.*?-->", "", inner, flags=re.DOTALL).replace("xlink:href", "href")
    inner = _COLOUR.sub(lambda colour: _THEMED[colour[0]], inner)
    return _OWN.sub(lambda mark: f"{mark[1]}{name}-", inner), found[1]
