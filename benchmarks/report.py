"""Results as tables of text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["problem_table", "summary_table"]


def problem_table(record: dict[str, Any]) -> str:
    """All peers on one problem."""
    header = ("peer", "version", "runs", "cold", "prepared", "wall/cpu", "gap", "fe", "sd", "")
    rows = [_row(peer) for peer in record["peers"]]
    title = f"{record['problem']}: {record['description']}"
    lines = [title, _layout([header, *rows])]
    if record["ratios"] is not None:
        lines.append(_ratio_line(record["ratios"]))
    return "\n".join(lines)


def _row(peer: dict[str, Any]) -> tuple[str, ...]:
    if "problem" in peer:
        return (peer["peer"], peer["version"], "", peer["problem"])
    answer = peer["answer"]
    return (
        peer["peer"],
        peer["version"],
        str(len(peer["cold"])),
        _seconds(peer["seconds"]["cold"]),
        _seconds(peer["seconds"]["prepared"]),
        f"{peer['wall/cpu']:.2f}",
        f"{answer['gap']:.3f}",
        "-" if answer["fe"] is None else f"{answer['fe']:.3f}",
        "-" if answer["sd"] is None else f"{answer['sd']:.3f}",
        ("agrees" if answer["agrees"] else "DIFFERS")
        + ("" if peer["converged"] in (True, None) else ", not converged"),
    )


def _ratio_line(ratios: dict[str, Any]) -> str:
    return (
        f"cold: {ratios['cold']:.2f} times as fast as {ratios['fastest']}; "
        f"prepared: {ratios['prepared']:.2f} times as fast as {ratios['fastest prepared']}"
    )


def summary_table(records: Iterable[dict[str, Any]]) -> str:
    """One line a problem: our time, the fastest peer's, and the ratio."""
    header = (
        "problem",
        "mixed_glm",
        "prepared",
        "fastest peer",
        "its time",
        "ratio",
        "ratio, prepared",
        "answers",
    )
    rows = [_summary_row(record) for record in records if record["ratios"] is not None]
    return _layout([header, *rows])


def _summary_row(record: dict[str, Any]) -> tuple[str, ...]:
    fitted = {peer["peer"]: peer for peer in record["peers"] if "problem" not in peer}
    ratios, ours = record["ratios"], fitted["mixed_glm"]["seconds"]
    return (
        record["problem"],
        _seconds(ours["cold"]),
        _seconds(ours["prepared"]),
        ratios["fastest"],
        _seconds(fitted[ratios["fastest"]]["seconds"]["cold"]),
        f"{ratios['cold']:.2f}",
        f"{ratios['prepared']:.2f}",
        "agree" if all(peer["answer"]["agrees"] for peer in fitted.values()) else "DIFFER",
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 1000:.2f} ms" if value < 1 else f"{value:.2f} s"


def _layout(rows: list[tuple[str, ...]]) -> str:
    """Columns, the first left-aligned, the others right-aligned; a short row's last cell may run on."""
    columns = max(len(row) for row in rows)
    full = [row for row in rows if len(row) == columns]
    widths = [max(len(row[j]) for row in full) for j in range(columns)]
    widths[0] = max(len(row[0]) for row in rows)
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if j == 0 else cell.rjust(width)
            for j, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
