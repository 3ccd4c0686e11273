"""What `fit_many` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm import _core
from mixed_glm._input.options import as_flag
from mixed_glm._spec.layout import ParameterLayout

Floats = npt.NDArray[np.float64]


ResponseStatus = _core.ResponseStatus
SOUND = tuple(status for status in ResponseStatus if status.converged)


@dataclass(frozen=True, repr=False)
class ManyResults:
    """Posteriors of m responses with one design: one row for each response in every array.

    Attributes
    ----------
    method : str
        ``"map"``, ``"laplace"``, ``"leaf"``, ``"ep"``, ``"vb"`` or ``"vb_full"``, as for a single fit.
    names : list
        Of the responses: the columns of a data frame, otherwise 0, 1, 2, ...
    fep_names, vcp_names : list of str
        Of the fixed effects and of the variance components.
    vc_names : list of str, or None
        Of the random effects.
    fe_mean, fe_sd : float array, shape (m, p)
        Posterior means (for ``"map"`` the mode) and standard deviations of the fixed effects.
    vcp_mean, vcp_sd : float array, shape (m, K)
        The same for the logarithms of the standard deviations of the random effects.
    cor_mean, cor_sd : float array, shape (m, C)
        The same for the correlations of random effects.
    family_mean, family_sd : float array, shape (m, 0) or (m, 1)
        The same for the logarithm of the family's own parameter, where it has one that is estimated.
    log_evidence : float array, shape (m,)
        Estimate of log p(y), for ``"vb"`` a lower bound; NaN for ``"map"``.
    status : int array, shape (m,)
        A `ResponseStatus` for each response; see `MixedGLMResults.status`.
    n_iter : int array, shape (m,)
        As `MixedGLMResults.n_iter`.
    prior_pull : float array, shape (m, p + K)
        How far the priors move each fixed effect, in standard errors, and each log standard deviation, in posterior standard deviations;
        see `PriorPullWarning`.
    vc_mean, vc_sd : float array, shape (m, q), or None
        Of the random effects; only with ``keep_random_effects=True``.
    quantile_levels : tuple of float
        The L probabilities that `keep_quantiles` named.
    fe_quantiles, vcp_quantiles, cor_quantiles, family_quantiles, vc_quantiles : float array, shape (m, L, block), or None
        Quantiles of the blocks of parameters; only with ``keep_quantiles``, those of random effects only with
        ``keep_random_effects=True``, too.
    family_names : tuple of str
        Of the family's own parameter, or of the thresholds of ordinal responses, which `prior_pull` has before the fixed effects.
    family_kind : str
        What `to_frame` calls them.
    """

    method: str
    names: list[Any]
    fep_names: list[str]
    vcp_names: list[str]
    vc_names: list[str] | None
    fe_mean: Floats
    fe_sd: Floats
    vcp_mean: Floats
    vcp_sd: Floats
    family_mean: Floats
    family_sd: Floats
    log_evidence: Floats
    status: npt.NDArray[np.int8]
    n_iter: npt.NDArray[np.int32]
    prior_pull: Floats
    vc_mean: Floats | None = None
    vc_sd: Floats | None = None
    cor_names: list[str] = field(default_factory=list)
    cor_mean: Floats | None = None
    cor_sd: Floats | None = None
    family_names: tuple[str, ...] = ()
    family_kind: str = "family"
    quantile_levels: tuple[float, ...] = ()
    fe_quantiles: Floats | None = None
    vcp_quantiles: Floats | None = None
    cor_quantiles: Floats | None = None
    family_quantiles: Floats | None = None
    vc_quantiles: Floats | None = None

    def __len__(self) -> int:
        return len(self.status)

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Whether each fit converged, shape (m,): CONVERGED, FELL_BACK or COLLAPSED."""
        return np.isin(self.status, SOUND)

    def status_counts(self) -> dict[ResponseStatus, int]:
        """How many responses ended with each status; without those that none did."""
        counts = np.bincount(self.status, minlength=len(ResponseStatus))
        return {status: int(counts[status]) for status in ResponseStatus if counts[status]}

    def to_frame(self, long: bool = False) -> pd.DataFrame:
        """All estimates as one data frame.

        Parameters
        ----------
        long : bool, default False
            One row for each response and parameter, instead of one for each response.

        Returns
        -------
        DataFrame
            Wide: index ``response``; columns ``status``, ``converged``, ``n_iter``, ``log_evidence``, and for each
            parameter but the random effects ``<name> mean``, ``<name> sd``, and a column as ``<name> 0.025`` for each
            quantile kept. Long: columns ``response``, ``type`` (``fixed``, ``log sd``, ``correlation``, ``family`` or
            ``threshold``), ``name``, ``mean``, ``sd``, one as ``0.025`` for each quantile kept, ``status``.
        """
        return self._long() if as_flag(long, "long") else self._wide()

    @property
    def _names(self) -> list[str]:
        return [*self.fep_names, *self.vcp_names, *self.cor_names, *self.family_names]

    @property
    def _means(self) -> Floats:
        return np.hstack([self.fe_mean, self.vcp_mean, self._or_none(self.cor_mean), self.family_mean])

    def _or_none(self, values: Floats | None) -> Floats:
        return np.empty((len(self), 0)) if values is None else values

    @property
    def _sds(self) -> Floats:
        return np.hstack([self.fe_sd, self.vcp_sd, self._or_none(self.cor_sd), self.family_sd])

    def _status_labels(self) -> Any:
        return _categorical(self.status, [status.label for status in ResponseStatus])

    def _wide(self) -> pd.DataFrame:
        estimates = self._estimates()
        about = pd.DataFrame(
            {
                "status": self._status_labels(),
                "converged": self.converged,
                "n_iter": self.n_iter,
                "log_evidence": self.log_evidence,
            },
            index=pd.Index(self.names, name="response", tupleize_cols=False),
        )
        columns = [f"{name} {what}" for name in self._names for what in estimates]
        values = np.stack(list(estimates.values()), axis=2).reshape(len(self), len(columns))
        return pd.concat([about, pd.DataFrame(values, index=about.index, columns=columns)], axis=1)

    def _estimates(self) -> dict[str, Floats]:
        """Of all parameters but the random effects, shape (m, number of them) each, by what they are called in frames."""
        found = {"mean": self._means, "sd": self._sds}
        kept = [
            q
            for q in (self.fe_quantiles, self.vcp_quantiles, self.cor_quantiles, self.family_quantiles)
            if q is not None
        ]
        if kept:
            quantiles = np.concatenate(kept, axis=2)
            found |= {str(level): quantiles[:, i] for i, level in enumerate(self.quantile_levels)}
        return found

    def _long(self) -> pd.DataFrame:
        m, names = len(self), self._names
        sizes = [len(self.fep_names), len(self.vcp_names), len(self.cor_names), len(self.family_names)]
        kinds = ["fixed", "log sd", "correlation", self.family_kind]
        used = [j for j in range(4) if j < 2 or sizes[j]]
        codes = np.repeat(np.arange(len(used)), [sizes[j] for j in used])
        types = _categorical(np.tile(codes, m), [kinds[j] for j in used])
        return pd.DataFrame(
            {
                "response": pd.Index(self.names, tupleize_cols=False).repeat(len(names)),
                "type": types,
                "name": np.tile(np.array(names, dtype=object), m),
                **{what: values.ravel() for what, values in self._estimates().items()},
                "status": self._status_labels().repeat(len(names)),
            }
        )

    def summary(self) -> str:
        """How many responses were fitted, by which method, and how the fits ended."""
        lines = [f"{len(self)} responses fitted by {self.method}"]
        lines += [f"{count:>10} {status.label}" for status, count in self.status_counts().items()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status.label}" for status, count in self.status_counts().items())
        return f"<{type(self).__name__}: {self.method}, {len(self)} responses: {counts or 'none'}>"


def with_thresholds(arrays: dict[str, npt.NDArray[Any]], layout: ParameterLayout) -> dict[str, Any]:
    """What the core has found, with thresholds for themselves: it has them before the fixed effects."""
    if not layout.has_thresholds:
        return dict(arrays)
    m = len(layout.family_names)
    parts = {
        f"{block}_{what}": arrays[f"fe_{what}"][..., place]
        for what in ("mean", "sd", "quantiles")
        if f"fe_{what}" in arrays
        for block, place in (("fe", slice(m, None)), ("family", slice(0, m)))
    }
    return arrays | parts


def _categorical(codes: npt.NDArray[Any], categories: list[str]) -> Any:
    return cast(Any, pd.Categorical).from_codes(codes, categories=categories)
