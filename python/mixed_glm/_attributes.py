"""What a model tells of itself: read-only, as it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from mixed_glm._spec.spec import ModelSpec
from mixed_glm.families import Family

if TYPE_CHECKING:
    from mixed_glm._formula.encoding import Encoding

Floats = npt.NDArray[np.float64]


class ModelAttributes:
    """Attributes of a model, all of them those of its specification."""

    _spec: ModelSpec

    @property
    def spec(self) -> ModelSpec:
        """What is to be fitted, as one immutable object."""
        return self._spec

    @property
    def family(self) -> Family:
        """Family of the response."""
        return self.spec.family

    @property
    def endog(self) -> Floats:
        """Response, shape (n,); numbers of successes where there are trials."""
        return self.spec.design.endog

    @property
    def exog(self) -> Floats:
        """Fixed-effects columns, shape (n, p)."""
        return self.spec.design.exog

    @property
    def exog_vc(self) -> sparse.csr_array:
        """Random-effects columns, shape (n, q)."""
        return self.spec.design.exog_vc

    @property
    def ident(self) -> npt.NDArray[np.int32]:
        """Component of each random effect, 0..K-1, shape (q,)."""
        return self.spec.design.ident

    @property
    def offset(self) -> Floats | None:
        """Offset as given, shape (n,)."""
        return self.spec.design.offset

    @property
    def exposure(self) -> Floats | None:
        """Exposure as given, shape (n,)."""
        return self.spec.design.exposure

    @property
    def n_trials(self) -> Floats | None:
        """Numbers of trials as given, shape (n,)."""
        return self.spec.design.n_trials

    @property
    def freq_weights(self) -> Floats | None:
        """Frequency weights as given, shape (n,)."""
        return self.spec.design.freq_weights

    @property
    def vcp_p(self) -> Floats:
        """Prior standard deviations of the log standard deviations, shape (K,); NaN where that prior is not normal."""
        return self.spec.design.priors.sd_scale

    @property
    def fe_p(self) -> Floats:
        """Prior standard deviations of the fixed effects, shape (p,), and of thresholds before them."""
        return self.spec.design.priors.fe_scale

    @property
    def priors(self) -> pd.DataFrame:
        """The priors in force: a row for each fixed effect, threshold, standard deviation, term of correlated effects and parameter of the family."""
        return self.spec.prior_frame()

    @property
    def fep_names(self) -> list[str]:
        """Names of the fixed effects."""
        return self.spec.design.fep_names

    @property
    def vcp_names(self) -> list[str]:
        """Names of the variance components."""
        return self.spec.design.vcp_names

    @property
    def vc_names(self) -> list[str] | None:
        """Names of the random effects, if they have any."""
        return self.spec.design.vc_names

    @property
    def response_levels(self) -> tuple[str, ...] | None:
        """Failure and success, where the response was given as labels; the categories of an ordinal response in their order."""
        return self.spec.design.response_levels

    @property
    def k_fep(self) -> int:
        """Number of fixed effects."""
        return self.spec.layout.k_fep

    @property
    def k_vcp(self) -> int:
        """Number of variance components."""
        return self.spec.layout.k_vcp

    @property
    def k_vc(self) -> int:
        """Number of random effects."""
        return self.spec.layout.k_vc

    @property
    def nobs(self) -> int:
        """Number of rows."""
        return self.spec.nobs

    @property
    def index(self) -> pd.Index[Any] | None:
        """Labels of the rows that are used, where the data came with some: what predictions of these rows have too."""
        return self.spec.index

    @property
    def n_missing(self) -> int:
        """Rows that a formula dropped because something was missing in them."""
        return self.spec.n_missing

    @property
    def endog_names(self) -> str:
        """Name of the response."""
        return self.spec.endog_name

    @property
    def formula(self) -> str | None:
        """The formula that the model was made from; None if from arrays."""
        return None if self.spec.encoding is None else self.spec.encoding.formula

    @property
    def _encoding(self) -> Encoding | None:
        return self.spec.encoding

    @property
    def exog_names(self) -> list[str]:
        """Names of the fixed effects, as statsmodels calls them."""
        return self.fep_names

    @property
    def names(self) -> list[str]:
        """Names of the parameters in order; without the random effects if they have no names."""
        layout = self.spec.layout
        return layout.names if layout.vc_names is not None else layout.names[layout.leading]

    @property
    def exog_vc2(self) -> sparse.csr_array:
        """Squared entries of `exog_vc`."""
        return sparse.csr_array(self.exog_vc.multiply(self.exog_vc))
