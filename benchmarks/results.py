"""Results on disk: one JSON object a line, each with a `kind`. README.md lists the kinds and their fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Record", "append", "of_kind", "read"]

Record = dict[str, Any]


def append(file: Path, records: Iterable[Record]) -> None:
    """Add lines to a file; its folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, default=_plain, allow_nan=False) + "\n")


def read(file: Path) -> list[Record]:
    """All records of a file, in order."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def of_kind(records: Iterable[Record], kind: str) -> Iterator[Record]:
    """Those of one kind."""
    return (record for record in records if record["kind"] == kind)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [x if np.isfinite(x) else None for x in value.tolist()]
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"not JSON: {type(value).__name__}")
