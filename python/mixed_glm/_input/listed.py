"""Names in a message, of which a reader wants to see the first."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 5


def listed(words: Sequence[str]) -> str:
    """The first five, and how many more there are."""
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
