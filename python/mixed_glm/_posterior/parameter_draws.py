"""Joint draws of all parameters, and what follows from each: linear predictors, likelihoods, responses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]


def shape_of(log_shapes: Floats) -> Floats | None:
    """The parameter of the family at each draw, shape (n, 1), from logarithms of shape (n, 1); None from none."""
    return np.exp(log_shapes) if log_shapes.shape[1] else None


@dataclass(frozen=True)
class ParameterDraws:
    """Joint draws of all parameters; ``np.asarray(draws)`` is `params`.

    Attributes
    ----------
    params : float array, shape (n, p + K + q)
        One row for each draw: fixed effects, log standard deviations, parameters of the family, random effects.
    spec : ModelSpec
        The model.
    """

    params: Floats
    spec: ModelSpec

    @property
    def fe(self) -> Floats:
        """Fixed effects, shape (n, p)."""
        return self.params[:, self.spec.layout.fe]

    @property
    def vcp(self) -> Floats:
        """Log standard deviations, shape (n, K)."""
        return self.params[:, self.spec.layout.vcp]

    @property
    def hyper(self) -> Floats:
        """All hyperparameters: log standard deviations, correlations, those of the family, shape (n, d)."""
        return self.params[:, self.spec.layout.hyper]

    @property
    def cor(self) -> Floats:
        """Correlations of random effects, shape (n, C)."""
        return self.params[:, self.spec.layout.cor]

    @property
    def family(self) -> Floats:
        """Logarithms of the parameters of the family that the data estimate, shape (n, number of them).

        Of an ordinal response the thresholds, shape (n, C - 1). The normal approximation may put those of a category with very
        few observations out of order; whatever is computed of draws takes them in order.
        """
        return self.params[:, self.spec.layout.family]

    @property
    def vc(self) -> Floats:
        """Random effects, shape (n, q)."""
        return self.params[:, self.spec.layout.vc]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of draws and of parameters."""
        return len(self.params), self.params.shape[1]

    def linear_predictor(self, rows: slice = slice(None)) -> Floats:
        """Linear predictors of the model's rows at each draw, shape (n, nobs).

        Parameters
        ----------
        rows : slice, optional
            Of these rows alone.
        """
        return self._linear_predictor_by_row(rows).T

    def _linear_predictor_by_row(self, rows: slice) -> Floats:
        """The same with a row for each response: effects that these rows do not touch are not looked at."""
        design = self.spec.design
        z = design.exog_vc[rows]
        used, places = np.unique(z.indices, return_inverse=True)
        own = sparse.csr_array((z.data, places, z.indptr), shape=(z.shape[0], len(used)))
        eta = design.exog[rows] @ self.fe.T
        eta += own @ np.ascontiguousarray(self.vc[:, used].T)
        return eta if self._shift is None else eta + self._shift[rows, None]

    def log_likelihood(self, rows: slice = slice(None)) -> Floats:
        """Log probability of each response at each draw, times its frequency weight, shape (n, nobs).

        Parameters
        ----------
        rows : slice, optional
            Of these rows alone.
        """
        return self.log_likelihood_by_row(rows).T

    def log_likelihood_by_row(self, rows: slice = slice(None)) -> Floats:
        """The same with a row for each response, whose draws stand side by side, shape (nobs, n).

        Parameters
        ----------
        rows : slice, optional
            Of these rows alone.
        """
        design, family = self.spec.design, self.spec.family
        trials, weights = self._trials_and_weights
        eta = self._linear_predictor_by_row(rows)
        return family.log_likelihood(design.endog[rows], eta.T, self.family, trials[rows], weights[rows]).T

    @cached_property
    def _shift(self) -> Floats | None:
        return self.spec.design.total_offset()

    @cached_property
    def _trials_and_weights(self) -> tuple[Floats, Floats]:
        return self.spec.design.trials(), self.spec.design.weights()

    def predictive(self, rng: np.random.Generator) -> Floats:
        """Responses of the model's rows drawn at each draw of the parameters, shape (n, nobs); ordinal: numbers of categories.

        Parameters
        ----------
        rng : numpy.random.Generator
        """
        eta, own = self.linear_predictor(), self.family[:, None, :]
        return self.spec.family.draw(eta, own, rng, self.spec.design.n_trials)

    def to_frame(self) -> pd.DataFrame:
        """Draws as a data frame with a column for each parameter."""
        return pd.DataFrame(self.params, columns=self.spec.layout.names)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:
        """Return `params`."""
        return np.array(self.params, dtype=dtype, copy=bool(copy) or None)

    def __getitem__(self, index: Any) -> Any:
        """Entries of `params`."""
        return self.params[index]

    def __len__(self) -> int:
        """Count the draws."""
        return len(self.params)
