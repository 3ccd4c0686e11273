"""What is to be fitted: everything below the class `MixedGLM` takes this."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm import _core
from mixed_glm._input.options import as_flag
from mixed_glm._spec.design import Design, make_core, threshold_names
from mixed_glm._spec.layout import ParameterLayout
from mixed_glm._spec.standardization import Standardization
from mixed_glm._spec.terms import CorrelatedTerm
from mixed_glm.families import Cumulative, Family

if TYPE_CHECKING:  # formulaic, behind it, is slow to import
    from mixed_glm._formula.encoding import Encoding
    from mixed_glm._formula.groups import Component

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """A checked model with its names. Immutable, picklable; the compiled model is made when it is asked for.

    Attributes
    ----------
    design : Design
        Arrays, priors and names.
    family : Family
    endog_name : str
        Name of the response.
    encoding : Encoding or None
        How new data frames are encoded; None for a model from arrays.
    index : Index or None
        Labels of the rows, where they came with some.
    """

    design: Design
    family: Family
    endog_name: str = "y"
    encoding: Encoding | None = None
    index: pd.Index[Any] | None = None

    def __post_init__(self) -> None:
        """Tell the family of an ordinal response how many categories there are."""
        if isinstance(self.family, Cumulative) and self.design.response_levels is not None:
            object.__setattr__(self, "family", self.family.of(len(self.design.response_levels)))

    @cached_property
    def layout(self) -> ParameterLayout:
        """What stands where in the vector of all parameters."""
        design = self.design
        names = None if design.vc_names is None else tuple(design.vc_names)
        ordinal = self.family.is_ordinal
        thresholds = threshold_names(design.response_levels or ()) if ordinal else ()
        return ParameterLayout(
            tuple(design.fep_names),
            tuple(design.vcp_names),
            len(design.ident),
            names,
            cor_names=tuple(name for term in design.correlated for name in term.cor_names),
            family_names=(*self.family.shape_names, *thresholds),
            has_thresholds=ordinal,
            cor_orders=tuple(term.order for term in design.correlated),
        )

    def prior_rows(self) -> list[tuple[str, str, str]]:
        """The priors in force: the name of each parameter, its prior, and of what that is the prior."""
        design = self.design
        terms = [term.name for term in design.correlated]
        return design.priors.told(self.layout.fixed_names, design.vcp_names, self.family.shape_names, terms)

    def prior_frame(self) -> pd.DataFrame:
        """The same, a row for each by its name."""
        rows = self.prior_rows()
        columns = {"prior": [prior for _, prior, _ in rows], "of": [of for _, _, of in rows]}
        return pd.DataFrame(columns, index=[name for name, _, _ in rows])

    @property
    def nobs(self) -> int:
        """Number n of rows."""
        return len(self.design.endog)

    @property
    def n_missing(self) -> int:
        """Rows that a formula dropped because something was missing in them."""
        return 0 if self.encoding is None else self.encoding.n_missing

    def require_known_family(self, what: str) -> None:
        """Refuse a family with a parameter that the data estimate.

        Raises
        ------
        ValueError
            If it has one.
        """
        for name in self.family.shape_names:
            raise ValueError(
                f"{what} is not available where {name} of the {self.family.name} family is estimated, as the log standard "
                "deviations are: use fit() or fit_laplace(), which integrate the effects out"
            )

    def effects_of(self, component: int) -> npt.NDArray[np.intp]:
        """Numbers of the random effects of a component."""
        return np.flatnonzero(self.design.ident == component)

    def grouped(self, component: int) -> Component | None:
        """The formula's term ``(x | g)`` that a component is of; None for others, and for a model from arrays."""
        return None if self.encoding is None else self.encoding.grouped(component)

    @property
    def correlated_components(self) -> list[tuple[int, int]]:
        """Components of each correlation, in the order of the correlations."""
        return [
            (term.components[r], term.components[c]) for term in self.design.correlated for r, c in term.pairs
        ]

    def levels_of(self, term: CorrelatedTerm) -> list[str] | None:
        """Labels of the levels of a term of correlated effects, where its random effects have names ``name[label]``."""
        names, start = self.design.vc_names, f"{self.design.vcp_names[term.components[0]]}["
        if names is None:
            return None
        own = [names[j] for j in term.columns[:, 0]]
        return [n[len(start) : -1] if n.startswith(start) and n.endswith("]") else n for n in own]

    @cached_property
    def coordinates(self) -> Standardization | None:
        """Those that fits work in; None for the columns as they stand.

        Where the prior of the constant is one of the linear predictor at the means of the other columns, these are centred and
        scaled: priors are then independent, and nothing is lost to rounding with a covariate far from zero.
        """
        priors = self.design.priors
        if priors.in_units:
            units = self._units(priors.mixing)
            return dataclasses.replace(units, origin=priors.fe_loc * units.scale, in_units=True)
        if not priors.fe_loc.any() and self.layout.order is None:
            return None
        return Standardization.identity(priors.fe_loc, self.layout.order)

    def _units(self, mixing: Floats | None = None) -> Standardization:
        """Centres and scales of the columns."""
        design, layout = self.design, self.layout
        return Standardization.of(
            design.exog, design.freq_weights, mixing, design.priors.thresholds, layout.order
        )

    def with_weights(self, weights: Floats) -> ModelSpec:
        """The same rows with other frequency weights, shape (n,), under the same priors."""
        return self._under_same_priors(dataclasses.replace(self.design, freq_weights=weights), self.index)

    def lacks_category_without(self, rows: npt.NDArray[np.intp]) -> bool:
        """Whether an inner category of an ordinal response is in these rows alone: nothing would keep its thresholds apart."""
        if not self.family.is_ordinal:
            return False
        weights = self.design.weights().copy()
        weights[rows] = 0.0
        levels = len(self.design.response_levels or ())
        counts = np.bincount(self.design.endog.astype(np.intp), weights, minlength=levels)
        return bool((counts[1:-1] == 0.0).any())

    def of_rows(self, rows: npt.NDArray[np.intp]) -> ModelSpec:
        """Some of the rows, with all effects, under the same priors."""
        index = None if self.index is None else self.index[rows]
        return self._under_same_priors(self.design.of_rows(rows), index)

    def _under_same_priors(self, design: Design, index: pd.Index[Any] | None) -> ModelSpec:
        """Priors in units of the data stay those of the data that they were made of, as coordinates do."""
        other = dataclasses.replace(self, design=design, index=index)
        object.__setattr__(other, "coordinates", self.coordinates)
        return other

    def standardization(self, scale_fe: bool = False) -> Standardization | None:
        """Coordinates of a fit; with `scale_fe`, centred and scaled columns to whose coefficients `fe_p` applies."""
        if as_flag(scale_fe, "scale_fe") and not self.design.priors.in_units:
            return dataclasses.replace(self._units(), origin=self.design.priors.fe_loc)
        return self.coordinates

    def core(self, change: Standardization | None = None) -> _core.Model:
        """The compiled model in the coordinates of `change`, or in its own; others than these are made anew at every call."""
        if change is None or change is self.coordinates:
            return self._own_core
        return make_core(self.design, self.family, change)

    @cached_property
    def _own_core(self) -> _core.Model:
        return make_core(self.design, self.family, self.coordinates)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the compiled model."""
        return {k: v for k, v in self.__dict__.items() if k != "_own_core"}


class HasSpec(Protocol):
    """What has a specification: `MixedGLM`."""

    @property
    def spec(self) -> ModelSpec:
        """What is to be fitted."""
