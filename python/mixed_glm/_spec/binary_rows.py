"""An ordinal response as binary ones: what its random effects are told by, given the thresholds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mixed_glm._spec.design import Design
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class BinaryRows:
    """A row at each threshold next to the category of an observation: whether this is above (cpp/.../model/ordinal_rows.hpp).

    Attributes
    ----------
    observation, threshold : int array, shape (m,)
    above : float array, shape (m,)
    counts : float array, shape (C,)
        Weights of the observations in each category.
    """

    observation: Places
    threshold: Places
    above: Floats
    counts: Floats

    @classmethod
    def of(cls, spec: ModelSpec, observations: Places | None = None) -> BinaryRows | None:
        """Those of some observations, of all by default; None if the response is not ordinal."""
        if not spec.family.is_ordinal:
            return None
        design, last = spec.design, len(spec.layout.family_names)
        chosen = np.arange(spec.nobs) if observations is None else observations
        category = design.endog[chosen].astype(np.intp)
        threshold = np.column_stack([category - 1, category])
        inside = (threshold >= 0) & (threshold < last)
        above = np.broadcast_to([1.0, 0.0], threshold.shape)[inside]
        counts = np.bincount(design.endog.astype(np.intp), design.weights(), minlength=last + 1).astype(
            np.float64
        )
        return cls(np.repeat(chosen, inside.sum(axis=1)), threshold[inside], above, counts)

    def design(self, design: Design) -> Design:
        """The rows as a binomial design, thresholds left out."""

        def taken(values: Any) -> Any:
            return None if values is None else values[self.observation]

        return dataclasses.replace(
            design, endog=self.above, exog=np.asfortranarray(design.exog[self.observation]),
            exog_vc=design.exog_vc[self.observation], freq_weights=taken(design.freq_weights),
            offset=taken(design.offset), exposure=taken(design.exposure), response_levels=None,
        )  # fmt: skip

    def log_gaps(self, thresholds: Floats) -> Floats:
        """What the log likelihood of all observations has beside that of these rows, shape (n,), at draws of the thresholds."""
        with np.errstate(divide="ignore", invalid="ignore"):
            gaps = np.log(-np.expm1(-np.diff(thresholds, axis=1)))
        return np.asarray(np.where(np.isnan(gaps), -np.inf, gaps) @ self.counts[1:-1])
