"""Designs whose standard deviations mean something else than they seem to, or nothing."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm._console.caller import warn
from mixed_glm._spec.design import Design
from mixed_glm.exceptions import DesignWarning
from mixed_glm.families import Family

Floats = npt.NDArray[np.float64]

_FAR = 2.0  # standard deviations between the mean of a covariate and its origin
_SPANNED = 1e-8  # of a column's sum of squares, what is left of it beside the columns that span it
_CLEARLY = 0.01  # left of it that needs no closer look


@dataclass(frozen=True)
class Component:
    """The columns of one variance component.

    Attributes
    ----------
    name : str
    places : int array, shape (size,)
        Which columns they are.
    columns : callable
        All columns of the model, by column: not made before they are looked at.
    """

    name: str
    places: npt.NDArray[np.intp]
    columns: Callable[[], sparse.csc_array]

    @property
    def size(self) -> int:
        """Number of random effects."""
        return len(self.places)

    @functools.cached_property
    def z(self) -> sparse.csc_array:
        """The columns, shape (n, size)."""
        return _taken(self.columns(), self.places)

    def by_row(self) -> tuple[npt.NDArray[np.intp], Floats] | None:
        """For each row the effect that it touches, -1 for none, and by how much; None if it may touch several."""
        if np.bincount(self.z.indices, minlength=self.z.shape[0]).max(initial=0) > 1:
            return None
        group, factor = np.full(self.z.shape[0], -1, dtype=np.intp), np.zeros(self.z.shape[0])
        group[self.z.indices] = np.repeat(np.arange(self.size), np.diff(self.z.indptr))
        factor[self.z.indices] = self.z.data
        return group, factor


def warn_of_doubts(design: Design, family: Family) -> None:
    """Look at every component, and at every pair of them.

    Warns
    -----
    DesignWarning
    """
    for message in doubts(design, family):
        warn(message, DesignWarning)


def doubts(design: Design, family: Family) -> Iterator[str]:
    """What to warn of, each in a sentence that says what to do."""
    if len(design.endog) and "sigma" in family.shape_names and np.ptp(design.endog) == 0.0:
        yield (
            "the response is the same in all rows: there is nothing to estimate, and all standard deviations are what their "
            "priors make of them"
        )
    columns = functools.cache(lambda: sparse.csc_array(design.exog_vc))
    components = [
        Component(name, np.flatnonzero(design.ident == k), columns) for k, name in enumerate(design.vcp_names)
    ]
    responses = _responses_of_effects(design) if _asks_for_several(family) else np.empty(0)
    for component in components:
        found = (
            _of_one_group(component)
            or _of_single_responses(component, responses, family)
            or _of_fixed_groups(component, design, family)
        )
        if found:
            yield found
    if len(components) > 1 and (design.exog_vc.data != 1.0).any():  # else there are no slopes
        yield from _of_far_origins(components, design)


def _of_one_group(component: Component) -> str | None:
    if component.size != 1:
        return None
    return (
        f"{component.name} has one random effect only, of one group: the data say next to nothing of the standard deviation of its random "
        "effects, whose posterior is nearly its prior. Leave the term out, or make it a fixed effect"
    )


def _asks_for_several(family: Family) -> bool:
    """Whether one response for each effect says next to nothing of their standard deviation."""
    return family.has_trials or "sigma" in family.shape_names


def _responses_of_effects(design: Design) -> Floats:
    """How many responses touch each random effect, trials and weights counted; NaN where no row does."""
    z = design.exog_vc
    responses = rows = np.bincount(z.indices, minlength=z.shape[1])
    if design.n_trials is not None or design.freq_weights is not None:
        count = np.repeat(design.trials() * design.weights(), np.diff(z.indptr))
        responses = np.bincount(z.indices, count, z.shape[1])
    return np.where(rows > 0, responses, np.nan)


def _of_single_responses(component: Component, responses: Floats, family: Family) -> str | None:
    """Binary or Gaussian responses, at most one for each effect."""
    if not _asks_for_several(family):
        return None
    own = responses[component.places]
    if (own > 1.0).any():
        return None
    if not np.nanmax(own, initial=-np.inf) <= 1.0 or np.isnan(own).all():
        return None
    if "sigma" in family.shape_names:
        return (
            f"{component.name} has a group for every response: the data tell the sum of its variance and of sigma's, and only "
            "their priors tell these apart. Leave the term out"
        )
    return (
        f"{component.name} has a group for every binary response: the data say next to nothing of the standard deviation of "
        "its random effects, as one response has no variance beside that of its mean. Leave the term out"
    )


def _of_fixed_groups(component: Component, design: Design, family: Family) -> str | None:
    """Random effects whose columns are sums of fixed-effects columns."""
    x = design.exog
    if not 1 < component.size <= x.shape[1] + family.is_ordinal:
        return None
    if family.is_ordinal:  # thresholds are what a constant would be
        x = np.column_stack([np.ones(len(x)), x])
    z = component.z
    if _far_from_spanned(x, z) or not _is_spanned(x, z.toarray()):
        return None
    return (
        f"{component.name} is both fixed and random: the fixed effects have a coefficient for each of its {component.size} "
        "groups, and only the priors tell these from the random effects. Leave one of both out of the formula"
    )


def _far_from_spanned(x: Floats, z: sparse.csc_array) -> bool:
    """Whether a column of `z` is clearly no sum of columns of `x`: a quick look at their products."""
    gram, products = x.T @ x, np.asarray(z.T @ x)
    scale = np.sqrt(np.where(gram.diagonal() > 0.0, gram.diagonal(), 1.0))
    scaled = products / scale
    explained = np.einsum("ij,jk,ik->i", scaled, np.linalg.pinv(gram / np.outer(scale, scale), 1e-10), scaled)
    squares = np.asarray(z.multiply(z).sum(axis=0)).ravel()
    return bool((explained < (1.0 - _CLEARLY) * squares).any())


def _is_spanned(x: Floats, z: Floats) -> bool:
    norms = np.sqrt(np.einsum("ij,ij->j", x, x))
    x = x[:, norms > 0] / norms[norms > 0]
    left = z - x @ np.linalg.lstsq(x, z, rcond=1e-12)[0]
    squares = (z**2).sum(axis=0)
    return bool(squares.all() and ((left**2).sum(axis=0) <= _SPANNED * squares).all())


def _of_far_origins(components: list[Component], design: Design) -> Iterator[str]:
    """Slopes of covariates far from zero, beside an intercept of the same groups."""
    rows = [(c, found) for c in components if (found := c.by_row()) is not None]
    groups = [(c, group) for c, (group, factor) in rows if (factor[group >= 0] == 1.0).all()]
    slopes = [(c, group, factor) for c, (group, factor) in rows if not np.isin(factor, (0.0, 1.0)).all()]
    for (slope, its, factor), (intercept, of) in itertools.product(slopes, groups):
        inside = of >= 0
        weight = design.weights()[inside]
        if weight.sum() <= 0:
            continue
        mean = np.average(factor[inside], weights=weight)
        sd = np.sqrt(np.average((factor[inside] - mean) ** 2, weights=weight))
        if abs(mean) > _FAR * sd and not (its[~inside] >= 0).any() and _same_groups(its, of):
            names = {slope.name, intercept.name}
            together = any(
                names <= {design.vcp_names[k] for k in term.components} for term in design.correlated
            )
            yield _far_origin(slope.name, intercept.name, mean, sd, together)


def _same_groups(its: npt.NDArray[np.intp], of: npt.NDArray[np.intp]) -> bool:
    """Whether rows that touch one effect of the one touch one of the other, and the other way round."""
    both = (its >= 0) & (of >= 0)
    return _tells(its[both], of[both]) and _tells(of[both], its[both])


def _tells(one: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> bool:
    partner = np.empty(one.max(initial=0) + 1, dtype=np.intp)
    partner[one] = other
    return bool((partner[one] == other).all())


def _taken(columns: sparse.csc_array, places: npt.NDArray[np.intp]) -> sparse.csc_array:
    """Some columns; views where they follow each other. scipy's own slices end the process where memory is short."""
    starts, counts = columns.indptr[places], np.diff(columns.indptr)[places]
    indptr = np.concatenate([[0], np.cumsum(counts)])
    entries: slice | npt.NDArray[np.intp]
    if len(places) and places[-1] - places[0] + 1 == len(places):
        entries = slice(starts[0], starts[0] + indptr[-1])
    else:
        entries = np.repeat(starts - indptr[:-1], counts) + np.arange(indptr[-1])
    shape = (columns.shape[0], len(places))
    return sparse.csc_array((columns.data[entries], columns.indices[entries], indptr), shape=shape)


def _far_origin(slope: str, intercept: str, mean: float, sd: float, correlated: bool) -> str:
    covariate, _, group = slope.rpartition("|")
    covariate, group = (covariate, group) if covariate else ("x", "g")
    if correlated:
        return (
            f"{slope} is the slope of a covariate far from zero (mean {mean:.4g}, standard deviation {sd:.2g}), correlated with "
            f"{intercept}, its intercept at zero, where there are no data. The priors of the intercepts' standard deviation and of "
            f"the correlation are about that origin. Centre it, (center({covariate}) | {group}), or give priors"
        )
    centred = "" if ":" in covariate else f", (center({covariate}) || {group}),"
    return (
        f"{slope} is the slope of a covariate far from zero (mean {mean:.4g}, standard deviation {sd:.2g}), and independent "
        f"of {intercept}, its intercept at zero. That intercepts and slopes are independent holds for one origin of the "
        "covariate alone, so the model is another one for another origin, and this one can pull the slope to zero. Centre "
        f"it{centred} or let both be correlated, ({covariate} | {group})"
    )
