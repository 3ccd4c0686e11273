"""Of whom a prediction is: which groups, and which of their random effects count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm._input.options import as_choice, is_several
from mixed_glm._spec.layout import ParameterLayout

RANDOM = ("population", "conditional", "marginal")


@dataclass(frozen=True)
class Groups:
    """Groups of the rows to predict.

    Attributes
    ----------
    random : {"population", "conditional", "marginal"}
    used : bool array, shape (K,)
        Components of variance that count; the effects of others are zero.
    """

    random: str
    used: npt.NDArray[np.bool_]


def as_groups(
    random: str | None, include: Any, layout: ParameterLayout, default: str = "population"
) -> Groups:
    """Read the arguments `random` and `include` of predictions.

    Raises
    ------
    ValueError, TypeError
        If `random` is none of its values, or `include` does not name components or comes with ``"population"``.
    """
    if include is not None and random is None:
        random = "conditional"
    random = default if random is None else random
    random = as_choice(random, "random", RANDOM)
    used = np.ones(layout.k_vcp, dtype=bool)
    if include is not None:
        if random == "population":
            raise ValueError(
                "include names random effects that count, and with random='population' none does: write "
                "random='conditional' or 'marginal', or leave one of them out"
            )
        used[:] = False
        used[_components(include, layout)] = True
    return Groups(random, used)


def _components(include: Any, layout: ParameterLayout) -> list[int]:
    if not is_several(include):
        include = [include]
    found = []
    for term in include:
        try:
            found.append(layout.component(term))
        except ValueError:
            names = ", ".join(map(repr, layout.vcp_names)) or "none"
            raise ValueError(
                f"include must list random terms by name or number: the model has {names}, got {term!r}"
            ) from None
    return found
