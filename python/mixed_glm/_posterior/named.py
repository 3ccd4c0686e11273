"""Parameters found by their names, as tables show them."""

from __future__ import annotations

import difflib
import re
from functools import cached_property

from mixed_glm._spec.layout import ParameterLayout

_NUMBERED = re.compile(r"u\[(\d+)\]")
_SHOWN = 5


class NamedParameters:
    """Places of parameters in the vector of all.

    A name that is one of a fixed effect and of something else is that of the fixed effect; then come log standard
    deviations, then random effects. ``u[j]`` is the random effect number j.
    """

    def __init__(self, layout: ParameterLayout) -> None:
        self.layout = layout

    @cached_property
    def _leading(self) -> dict[str, list[int]]:
        return _places(self.layout.names[self.layout.leading], 0)

    @cached_property
    def _effects(self) -> dict[str, list[int]]:
        return _places(self.layout.names[self.layout.vc], self.layout.vc.start)

    def known(self, name: str) -> bool:
        """Whether a parameter has this name."""
        return name in self._leading or name in self._effects or self._numbered(name) is not None

    def place(self, name: str) -> int:
        """Where it stands.

        Raises
        ------
        ValueError
            If there is none, or more than one of its kind.
        """
        found = self._leading.get(name) or self._effects.get(name)
        if found is None:
            numbered = self._numbered(name)
            if numbered is None:
                raise ValueError(f"there is no fixed effect {name!r}; {self.described(name)}")
            return numbered
        same = [i for i in found if (i < self.layout.k_fep) == (found[0] < self.layout.k_fep)]
        if len(same) > 1:
            raise ValueError(f"there are {len(same)} parameters called {name!r}")
        return same[0]

    def described(self, like: str = "") -> str:
        """The names that there are, of random effects those that are most `like` a text."""
        layout = self.layout
        parts = [f"fixed effects: {', '.join(layout.fep_names)}"]
        if layout.k_vcp:
            parts.append(f"log standard deviations: {', '.join(layout.vcp_names)}")
        if layout.cor_names:
            parts.append(f"correlations: {', '.join(layout.cor_names)}")
        if layout.family_names:
            parts.append(f"hyperparameters of the family: {', '.join(layout.family_names)}")
        if layout.k_vc:
            names = layout.names[layout.vc]
            near = difflib.get_close_matches(like, names[:1000], _SHOWN, 0.8) or names[:_SHOWN]
            more = ", ..." if len(names) > len(near) else ""
            parts.append(f"random effects: {', '.join(near)}{more}")
        return "; ".join(parts)

    def _numbered(self, name: str) -> int | None:
        found = _NUMBERED.fullmatch(name)
        if found is None or int(found[1]) >= self.layout.k_vc:
            return None
        return int(self.layout.vc.start) + int(found[1])


def _places(names: list[str], first: int) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        places.setdefault(name, []).append(first + i)
    return places
