"""Which components of a formula have correlated effects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CorrelatedComponents:
    """Components of one ``(effects | group)`` term, whose effects on a group are correlated.

    Attributes
    ----------
    grouping : str
        Name of the groups.
    first : int
        Number of the first of them; they follow each other.
    coordinates : tuple of str
        What varies by group, ``("Intercept", "x")``.
    text : str
        The term as the user wrote it.
    """

    grouping: str
    first: int
    coordinates: tuple[str, ...]
    text: str
