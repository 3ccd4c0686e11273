"""Names in a message, of which a reader wants to see the first."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 5


def listed(words: Sequence[str], most: int = _SHOWN) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
