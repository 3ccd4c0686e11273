"""The folders of headers and what they include of each other, as a picture drawn from the ``#include`` lines."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

from cpp_headers import Header

Edges = set[tuple[str, str]]

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 190, 52, 30, 46, 12


def group_edges(headers: Iterable[Header]) -> Edges:
    """Pairs (user, used) of folders of which one has a header that includes one of the other."""
    pairs = ((h.group, path.rpartition("/")[0]) for h in headers for path in h.includes)
    return {(user, used) for user, used in pairs if user and used and user != used}


def layers(groups: Iterable[str], edges: Edges) -> list[list[str]]:
    """Folders in layers from the top: each as low as its users allow, and no higher than it must."""
    level = dict.fromkeys(sorted(groups), 0)
    for _ in level:  # longest path; more rounds than the depth change nothing
        for user, used in edges:
            level[used] = max(level[used], level[user] + 1)
    tops = {used for _, used in edges}
    for group in level:
        if group not in tops:
            level[group] = min((level[used] for user, used in edges if user == group), default=1) - 1
    return [[g for g in level if level[g] == depth] for depth in range(max(level.values()) + 1)]


def without_shortcuts(edges: Edges) -> Edges:
    """Leave out what follows from other edges."""
    reach = set(edges)
    while more := {(a, d) for a, b in reach for c, d in edges if b == c} - reach:
        reach |= more
    return {(a, b) for a, b in edges if not any((a, c) in reach and (c, b) in reach for _, c in edges)}


def draw(headers: list[Header], captions: Mapping[str, str]) -> str:
    """An SVG picture: a box for each folder, an arrow to each folder that it includes."""
    edges = group_edges(headers)
    rows = layers({h.group for h in headers if h.group}, edges)
    width = max(map(len, rows)) * (_WIDTH + _GAP_X) - _GAP_X + 2 * _MARGIN
    height = len(rows) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN
    corner = {}
    for depth, row in enumerate(rows):
        indent = (width - len(row) * (_WIDTH + _GAP_X) + _GAP_X) / 2
        for k, group in enumerate(row):
            corner[group] = (indent + k * (_WIDTH + _GAP_X), _MARGIN + depth * (_HEIGHT + _GAP_Y))
    body = [_arrow(corner[user], corner[used]) for user, used in sorted(without_shortcuts(edges))]
    body += [_box(group, captions.get(group, ""), *at) for group, at in corner.items()]
    return _SVG.format(width=width, height=height, body="\n".join(body))


def _arrow(user: tuple[float, float], used: tuple[float, float]) -> str:
    x1, y1 = user[0] + _WIDTH / 2, user[1] + _HEIGHT
    x2, y2 = used[0] + _WIDTH / 2, used[1] - 3
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="arrow" marker-end="url(#head)"/>'


def _box(name: str, caption: str, x: float, y: float) -> str:
    middle = x + _WIDTH / 2
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" class="box"/>'
        f'<text x="{middle:g}" y="{y + 22:g}" class="name">{html.escape(name)}</text>'
        f'<text x="{middle:g}" y="{y + 40:g}" class="caption">{html.escape(caption)}</text>'
    )


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">
<title>Folders of headers, and which includes which</title>
<style>
.box {{ fill: #eef3f8; stroke: #4a6b8a; }} .arrow {{ stroke: #777; stroke-width: 1.3; }}
text {{ font-family: sans-serif; text-anchor: middle; fill: #1a2733; }}
.name {{ font-size: 15px; font-weight: bold; }} .caption {{ font-size: 11.5px; }}
</style>
<defs><marker id="head" markerWidth="9" markerHeight="8" refX="7" refY="4" orient="auto">
<path d="M0,0 L9,4 L0,8 z" fill="#777"/></marker></defs>
{body}
</svg>
"""
