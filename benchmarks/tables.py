"""Tables of text and of markdown."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["markdown", "seconds", "text"]


def seconds(value: float | None) -> str:
    """With a unit that suits; "-" for None."""
    if value is None:
        return "-"
    unit, factor = ("s", 1.0) if value >= 1 else ("ms", 1e3) if value >= 1e-3 else ("µs", 1e6)
    return f"{value * factor:.3g} {unit}" if value * factor < 1000 else f"{value * factor:,.0f} {unit}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A pipe table: the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows)) + "\n"


def text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same, to read on a terminal."""
    lines = [header, *rows]
    widths = [max(len(line[j]) for line in lines) for j in range(len(header))]
    return "\n".join(
        "  ".join(
            c.ljust(w) if j == 0 else c.rjust(w) for j, (c, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
