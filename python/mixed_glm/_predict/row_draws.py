"""Joint draws of what rows have: one function behind predictions, averages and shares of variance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mixed_glm._fit.fit import Fit
from mixed_glm._posterior.parameter_draws import shape_of
from mixed_glm._posterior.some_draws import SomeDraws
from mixed_glm._predict.new_effects import Hyper
from mixed_glm._predict.new_rows import NewRows
from mixed_glm._predict.target import mean_over_normal
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

_ENTRIES = 2**21  # draws x rows at a time
EVERYTHING = slice(None)


@dataclass(frozen=True)
class RowDraws:
    """Posterior draws of the parameters, and what rows have at each of them: shape (m, n) for m rows and n draws.

    Attributes
    ----------
    spec : ModelSpec
    rows : NewRows
    known : csr_array, shape (m, effects)
        Columns of the random effects that were drawn.
    fe, vc : float array, shape (p, n), (effects, n)
    hyper : Hyper
    shape : float array, shape (1, n), or None
        Parameter of the family, where the data estimate one.
    fe_shift, vc_shift : float array, shape (p,), (effects,)
        What makes the means of the draws those of the posterior.
    thresholds : float array, shape (n, C - 1)
        Of an ordinal response, in order; without columns for others.
    own : float array, shape (n, k)
        What the family has of its own: thresholds, or logarithms of parameters that the data estimate.
    """

    spec: ModelSpec
    rows: NewRows
    known: sparse.csr_array
    fe: Floats
    vc: Floats
    hyper: Hyper
    shape: Floats | None
    fe_shift: Floats
    vc_shift: Floats
    thresholds: Floats
    own: Floats

    @classmethod
    def of(cls, fit: Fit, rows: NewRows, n: int, rng: np.random.Generator) -> RowDraws:
        """Draw what the rows need: fixed effects, and those random effects that they have."""
        effects = np.unique(rows.known.indices).astype(np.intp)
        draws, layout = _parameters(fit, effects, bool(rows.new), n, rng), fit.spec.layout
        shape = None if layout.has_thresholds else shape_of(draws.family)
        mean, _, effect_means = layout.unpack(fit.posterior.mean)
        cuts = draws.thresholds
        if layout.has_thresholds:
            cuts = np.sort(cuts + (fit.posterior.mean[layout.family] - cuts.mean(axis=0)), axis=1)
        return cls(
            fit.spec,
            rows,
            rows.known[:, effects],
            np.ascontiguousarray(draws.fe.T),
            np.ascontiguousarray(draws.vc.T),
            Hyper(draws.vcp, draws.cor),
            None if shape is None else shape.T,
            mean - draws.fe.mean(axis=0),
            effect_means[effects] - draws.vc.mean(axis=0),
            cuts,
            cuts if layout.has_thresholds else draws.family,
        )

    def __len__(self) -> int:
        """Count the draws."""
        return len(self.hyper.psi)

    def blocks(self, width: int = 1) -> Iterator[slice]:
        """Rows in blocks of a moderate size, where so many numbers are asked of each row and draw."""
        size = max(1, _ENTRIES // (len(self) * width))
        return (slice(first, first + size) for first in range(0, len(self.rows), size))

    def linear_predictors(self, block: slice = EVERYTHING) -> Floats:
        """Linear predictors without the effects of unknown groups."""
        x, z = self.rows.exog[block], self.known[block]
        eta: Floats = x @ self.fe
        constant = self.rows.shift[block] + x @ self.fe_shift
        if z.nnz:
            eta += z @ self.vc
            constant = constant + z @ self.vc_shift
        eta += constant[:, None]
        return eta

    def new_effects(self, rng: np.random.Generator) -> Floats | None:
        """Effects of unknown groups, drawn once for all rows, shape (effects, n); None if there are none."""
        return self.rows.new.draw(self.hyper, rng) if self.rows.new else None

    def with_effects(self, eta: Floats, effects: Floats | None, block: slice = EVERYTHING) -> Floats:
        """Linear predictors with these effects of unknown groups."""
        return eta if effects is None else np.asarray(eta + self.rows.new.columns[block] @ effects)

    def with_new(self, eta: Floats, rng: np.random.Generator, block: slice) -> Floats:
        """Linear predictors with effects of unknown groups drawn for a block, whatever other blocks have."""
        new = self.rows.new.of_rows(block)
        return np.asarray(eta + new.columns @ new.draw(self.hyper, rng)) if new else eta

    def over_new(self, eta: Floats, block: slice = EVERYTHING) -> Floats:
        """Means of the response over the effects of unknown groups, per trial for the binomial family."""
        return mean_over_normal(self.spec.family, eta, self.new_sds(block))

    def new_sds(self, block: slice) -> Floats:
        """Standard deviations of what the effects of unknown groups add; 0, without dimensions, if there are none."""
        return np.sqrt(self.rows.new.of_rows(block).variance(self.hyper)) if self.rows.new else np.zeros(())


def _parameters(
    fit: Fit, effects: npt.NDArray[np.intp], new: bool, n: int, rng: np.random.Generator
) -> SomeDraws:
    """Draws of fixed effects and of some random effects; of fixed effects alone from their mixture."""
    layout = fit.spec.layout
    if len(effects) or new or layout.shape_names:
        return fit.posterior.draw_some(effects, n, rng)
    fixed = fit.posterior.fixed_effects().sample(n, rng)
    first = fixed.shape[1] - layout.k_fep  # thresholds stand before
    hyper, none = np.zeros((n, layout.k_hyper)), np.empty((n, 0))
    return SomeDraws(fixed[:, first:], hyper, none, effects, layout, fixed[:, :first])
