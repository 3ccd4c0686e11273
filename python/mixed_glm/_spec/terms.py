"""Terms of correlated random effects: which effects of which components belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm._input.owned import protect

MOST_COORDINATES = 6  # of a term; as in cpp/include/mixed_glm/terms/correlated_levels.hpp


@dataclass(frozen=True, eq=False)
class CorrelatedTerm:
    """Effects of m components, the coordinates, that are correlated at each of L levels.

    Attributes
    ----------
    name : str
        Of what has the levels: ``subject``; without one, the names of the components.
    coordinates : tuple of str
        What varies by level, ``("Intercept", "days")``, shape (m,).
    components : tuple of int
        Numbers of the components, shape (m,).
    columns : int array, shape (L, m)
        Numbers of the random effects of each level.
    """

    name: str
    coordinates: tuple[str, ...]
    components: tuple[int, ...]
    columns: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        """Make the array read-only."""
        protect(self.columns)

    @property
    def order(self) -> int:
        """Number of coordinates."""
        return len(self.coordinates)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Coordinates of each correlation, of the lower triangle row by row: ``(1, 0), (2, 0), (2, 1)``."""
        return [(r, c) for r in range(self.order) for c in range(r)]

    @property
    def cor_names(self) -> list[str]:
        """Names of the correlations, ``cor(subject: Intercept, days)``; ``cor(int, slope)`` where nothing names the levels."""
        of = "" if self.name == ", ".join(self.coordinates) else f"{self.name}: "
        return [f"cor({of}{self.coordinates[c]}, {self.coordinates[r]})" for r, c in self.pairs]
