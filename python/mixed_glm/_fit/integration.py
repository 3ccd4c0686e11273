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
    """

    rule: str
    evaluations: int
    k_hat: float
    ess_share: float

    @classmethod
    def of(cls, report: _core.IntegrationReport) -> Integration:
        """Take over what the core tells."""
        return cls(report.rule, report.evaluations, report.k_hat, report.ess_share)

    def __str__(self) -> str:
        text = f"{self.rule}, {self.evaluations} evaluations"
        return text if math.isnan(self.k_hat) else f"{text}, k-hat {self.k_hat:.2f}"
