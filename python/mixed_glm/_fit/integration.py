"""How the integration over the log standard deviations went."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mixed_glm import _core


@dataclass(frozen=True)
class Integration:
    """How the integration over the log standard deviations went.

    Attributes
    ----------
    rule : {"mode", "line", "grid", "ccd", "ridge"}
        The one that was used, where it was chosen.
    evaluations : int
        Of the marginal density, beside those of the search for its mode.
    k_hat : float
        Shape of the distribution of the largest importance weights of ``"ridge"``: below 0.45 the points reach all of the
        density, above 0.7 they do not. NaN for other rules.
    ess_share : float
        Effective share of the points by their importance weights; 1 for other rules.
    n_quad : int
        Nodes of leaf quadrature for each random effect, where as many were taken as are needed; otherwise 0.
    quadrature_error : float
        By how much the last nodes that were added moved any mean or log standard deviation, at the mode of the log standard
        deviations and in posterior standard deviations, for random effects half of that: a bound on what more nodes would do.
        NaN where it was not looked at.
    """

    rule: str
    evaluations: int
    k_hat: float
    ess_share: float
    n_quad: int = 0
    quadrature_error: float = math.nan

    @classmethod
    def of(cls, fit: _core.MarginalFit) -> Integration:
        """Take over what the core tells."""
        report = fit.integration
        return cls(
            report.rule, report.evaluations, report.k_hat, report.ess_share, fit.n_quad, fit.quadrature_error
        )

    def __str__(self) -> str:
        text = f"{self.rule}, {self.evaluations} evaluations"
        return text if math.isnan(self.k_hat) else f"{text}, k-hat {self.k_hat:.2f}"
