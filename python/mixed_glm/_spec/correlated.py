"""Terms of correlated effects of a model from arrays, from what the user said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._formula.correlated import CorrelatedComponents
from mixed_glm._input.arrays import as_labels
from mixed_glm._input.options import is_several
from mixed_glm._spec.terms import MOST_COORDINATES, CorrelatedTerm

Codes = npt.NDArray[np.int32]

_EXAMPLE = 'correlated=[("int", "slope")]'


def as_correlated(
    correlated: Any, levels: Any, vcp_names: list[str], ident: Codes
) -> tuple[CorrelatedTerm, ...]:
    """Check `correlated` and `levels` of `MixedGLM` and bring them together.

    Raises
    ------
    ValueError, TypeError
        For components that are none, or in two terms; and levels that do not fit.
    """
    codes = None if levels is None else _level_codes(levels, len(ident))
    if correlated is None:
        return ()
    if isinstance(correlated, list) and all(isinstance(term, CorrelatedComponents) for term in correlated):
        return tuple(_of_formula(term, ident) for term in correlated)
    if isinstance(correlated, Mapping) or not is_several(correlated):
        raise TypeError(
            f"correlated must be a list of tuples of components, as {_EXAMPLE}, got {correlated!r}"
        )
    terms = list(correlated)
    if all(isinstance(term, CorrelatedTerm) for term in terms):
        return tuple(_sound(term, ident) for term in terms)
    if codes is None:
        raise ValueError(
            "correlated needs levels=, a label for each column of exog_vc: effects of the components at the same level "
            "are correlated"
        )
    found = [_components(term, vcp_names) for term in terms]
    used = [k for components in found for k in components]
    twice = next((k for k in used if used.count(k) > 1), None)
    if twice is not None:
        raise ValueError(
            f"correlated has the component {vcp_names[twice]!r} twice; a component is in one term at most"
        )
    return tuple(_term(components, codes, vcp_names, ident) for components in found)


JOINT_MODE = "the joint density has no highest point, it grows without bound as a correlation tends to one"
INDEPENDENT_ONLY = "it takes all random effects to be independent"
WHOLE_TERM = (
    "it integrates a whole term, of up to three coordinates each of which has one effect a row at most, and the only "
    "one whose effects are correlated"
)


def require_independent(terms: tuple[CorrelatedTerm, ...], method: str, why: str) -> None:
    """Refuse a method for a model with correlated effects.

    Raises
    ------
    ValueError
        If there are some.
    """
    if terms:
        names = ", ".join(term.name for term in terms)
        raise ValueError(
            f"{method} is not for correlated random effects ({names}): {why}. Use fit(), fit_laplace() or fit_ep(), or make "
            "the effects independent, as (x || g)"
        )


def _of_formula(term: CorrelatedComponents, ident: Codes) -> CorrelatedTerm:
    _require_few(len(term.coordinates), f"formula: {term.text}")
    components = tuple(range(term.first, term.first + len(term.coordinates)))
    columns = np.column_stack([np.flatnonzero(ident == k) for k in components])
    return CorrelatedTerm(term.grouping, term.coordinates, components, columns.astype(np.int32))


def _sound(term: CorrelatedTerm, ident: Codes) -> CorrelatedTerm:
    """A term that came from elsewhere, of a file, with columns that are those of its components."""
    columns, components = np.asarray(term.columns), term.components
    shapes = columns.ndim == 2 and columns.dtype.kind == "i" and columns.shape[1] == len(components)
    names = all(isinstance(name, str) for name in (term.name, *term.coordinates))
    if not (shapes and names and 2 <= len(components) == len(term.coordinates) <= MOST_COORDINATES):
        raise ValueError("correlated has a term that is none")
    if columns.size and not (columns.min() >= 0 and columns.max() < len(ident)):
        raise ValueError("correlated has columns that are none of the random effects")
    for k, own in zip(components, columns.T, strict=True):
        if not np.array_equal(np.sort(own), np.flatnonzero(ident == k)):
            raise ValueError("correlated has columns that are not those of its components")
    return CorrelatedTerm(term.name, tuple(term.coordinates), tuple(components), columns.astype(np.int32))


def _require_few(count: int, of: str) -> None:
    """Refuse a term of too many coordinates.

    Raises
    ------
    ValueError
        If there are more than six.
    """
    if count > MOST_COORDINATES:
        raise ValueError(
            f"{of} asks for {count} correlated effects a level, {count * (count - 1) // 2} correlations; at most "
            f"{MOST_COORDINATES} effects can be correlated. Leave some out, or make them independent, as (x || g)"
        )


def _level_codes(levels: Any, q: int) -> npt.NDArray[np.intp]:
    labels = as_labels(levels, "levels")
    if labels.ndim != 1 or len(labels) != q:
        raise ValueError(
            f"levels must have one label for each of the {q} columns of exog_vc, got shape {labels.shape}"
        )
    try:
        codes = pd.factorize(labels)[0]
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"levels must hold one label a column, such as a text or a number ({error})"
        ) from None
    if (codes < 0).any():
        raise ValueError(
            f"levels must not have missing labels, got one at column {int(np.argmax(codes < 0))}"
        )
    return np.asarray(codes)


def _components(term: Any, names: list[str]) -> list[int]:
    if not is_several(term):
        raise TypeError(f"correlated must have tuples of components, as {_EXAMPLE}, got {term!r}")
    found = []
    for name in term:
        if isinstance(name, (int, np.integer)) and not isinstance(name, bool) and 0 <= name < len(names):
            found.append(int(name))
        elif str(name) in names:
            found.append(names.index(str(name)))
        else:
            shown = ", ".join(map(repr, names[:20]))
            raise ValueError(f"correlated: there is no component {name!r}; there are {shown}")
    if len(found) < 2:
        raise ValueError(f"correlated must have two or more components a term, as {_EXAMPLE}, got {term!r}")
    _require_few(len(found), f"correlated: {tuple(term)!r}")
    return found


def _term(
    components: list[int], codes: npt.NDArray[np.intp], names: list[str], ident: Codes
) -> CorrelatedTerm:
    first = names[components[0]]
    columns = []
    for k in components:
        own = np.flatnonzero(ident == k)
        own = own[np.argsort(codes[own], kind="stable")]
        if (np.diff(codes[own]) == 0).any():
            raise ValueError(f"levels: the component {names[k]!r} has two columns with the same level")
        columns.append(own)
        if not np.array_equal(codes[own], codes[columns[0]]):
            raise ValueError(
                f"levels: the correlated components {first!r} and {names[k]!r} must have columns for the same levels, got "
                f"{len(columns[0])} and {len(own)} columns; give a level without rows a column of zeros"
            )
    coordinates = tuple(names[k] for k in components)
    return CorrelatedTerm(
        ", ".join(coordinates), coordinates, tuple(components), np.column_stack(columns).astype(np.int32)
    )
