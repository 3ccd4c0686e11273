"""What cross-validation and its kin give: a log predictive density for each row, or for each of some sets of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._posterior.psis import GOOD_K
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

_WORDS = {
    "loo": f"Pareto k above {GOOD_K}: loo(exact='unreliable') computes these exactly",
    "waic": "a variance of the log likelihood above 0.4",
}


@dataclass(frozen=True, repr=False)
class ELPD:
    """Expected log pointwise predictive density of new responses at each row, or of those of each group together.

    Attributes
    ----------
    kind : {"loo", "waic", "logo", "kfold", "score"}
        Of `loo`, `waic`, `leave_out`, `kfold`, `log_score`.
    elpd : float
        Sum over the rows, or the groups; higher is better.
    se : float
        Its standard error, from the differences between rows.
    p : float
        Effective number of parameters; NaN for ``"score"``.
    pointwise : float array, shape (nobs,), or one entry for each group
        What each row contributes to `elpd`.
    pareto_k : float array, shape (nobs,), or None
        For ``"loo"``, shape of the importance ratios without each row: above 0.7 its contribution by importance sampling is
        unreliable. None where nothing was sampled.
    n_unreliable : int
        Rows whose contribution is unreliable: by `pareto_k` (but for those that are `exact`), or, for ``"waic"``, by a variance of the log likelihood
        above 0.4.
    mcse : float
        Monte-Carlo standard error of `elpd`, from the draws; only to be relied on where the contributions of all rows are.
    corrected : bool
        Whether the draws were weighted by the ratio of the posterior density to that of its approximation.
    index : Index or None
        Labels of the rows, where the data came with some: ``pd.Series(found.pointwise, found.index)`` fits the data frame,
        whatever rows of it were left out. For groups, their labels.
    exact : bool array, shape of `pointwise`, or None
        Which contributions are differences of log evidences rather than means over draws; None: none of them.
    folds : int array, shape (nobs,), or None
        Which rows were left out together.
    spec : ModelSpec or None
        What was fitted, with the rows that the contributions are of.
    """

    kind: str
    elpd: float
    se: float
    p: float
    pointwise: Floats
    pareto_k: Floats | None
    n_unreliable: int
    mcse: float
    corrected: bool
    index: pd.Index[Any] | None = None
    exact: npt.NDArray[np.bool_] | None = None
    folds: npt.NDArray[np.intp] | None = None
    spec: ModelSpec | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        spec: ModelSpec,
        kind: str,
        pointwise: Floats,
        p: float = np.nan,
        variance: Floats | float = 0.0,
        *,
        pareto_k: Floats | None = None,
        n_unreliable: int = 0,
        corrected: bool = False,
        index: pd.Index[Any] | None = None,
        exact: npt.NDArray[np.bool_] | None = None,
        folds: npt.NDArray[np.intp] | None = None,
    ) -> ELPD:
        """Add up the contributions.

        Parameters
        ----------
        spec : ModelSpec
            What was fitted.
        kind : str
            What was left out.
        pointwise : float array, shape (m,)
            Log predictive density of each row, group or fold.
        p : float, optional
            Effective number of parameters.
        variance : float array, shape (m,), or float
            Monte-Carlo variance of each contribution.
        pareto_k, n_unreliable, corrected, index, exact, folds : object
            As the attributes of the class.

        Returns
        -------
        ELPD
        """
        return cls(
            kind=kind,
            elpd=float(pointwise.sum()),
            se=float(np.sqrt(len(pointwise) * pointwise.var())),
            p=p,
            pointwise=pointwise,
            pareto_k=pareto_k,
            n_unreliable=n_unreliable,
            mcse=float(np.sqrt(np.sum(variance))),
            corrected=corrected,
            index=spec.index if index is None else index,
            exact=exact,
            folds=folds,
            spec=spec,
        )

    def to_frame(self) -> pd.DataFrame:
        """One row with the figures, by the names that ArviZ has: ``elpd_loo``, ``p_loo``, ``se``, and so on."""
        row = {
            f"elpd_{self.kind}": self.elpd,
            f"p_{self.kind}": self.p,
            "se": self.se,
            "mcse": self.mcse,
            "n_data_points": len(self.pointwise),
            "unreliable": self.n_unreliable,
        }
        return pd.DataFrame([row], index=[self.kind])

    def __str__(self) -> str:
        """Return the figures in a few lines."""
        lines = [f"elpd_{self.kind} {self.elpd:10.2f}  (SE {self.se:.2f})"]
        if not np.isnan(self.p):
            lines.append(f"p_{self.kind}    {self.p:10.2f}")
        sampled = self.exact is None or not self.exact.all()
        if sampled:
            lines.append(f"mcse       {self.mcse:8.2f}  (Monte-Carlo error of elpd_{self.kind})")
        what = "rows" if self.kind != "logo" else "groups"
        if self.exact is not None:
            lines.append(
                f"exact, by differences of log evidences, at {int(self.exact.sum())} of {len(self.pointwise)} {what}"
            )
        if self.n_unreliable and self.kind in _WORDS:
            lines.append(
                f"unreliable at {self.n_unreliable} of {len(self.pointwise)} rows, which have {_WORDS[self.kind]}"
            )
        return "\n".join(lines)

    __repr__ = __str__  # shown at the prompt, too
