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
    probes : int
        Random vectors by which the effects of crossed factors with many levels were integrated, at the mode of the log
        standard deviations; 0: exactly, as all smaller models.
    psi_error : float
        Monte Carlo error that they leave in the mode of the log standard deviations, the largest, in posterior standard
        deviations.
    sd_error : float
        The same in the standard deviations of the effects, as a share: root mean square over the worst factor's.
    log_density_error : float
        The same in the log density, in nats.
    fell_back : bool
        Whether conjugate gradients did not converge at some log standard deviations, so that the exact factor took their place
        from there on: slower, not less exact. Told by `FactorizationWarning` too.
    """

    rule: str
    evaluations: int
    k_hat: float
    ess_share: float
    n_quad: int = 0
    quadrature_error: float = math.nan
    probes: int = 0
    psi_error: float = 0.0
    sd_error: float = 0.0
    log_density_error: float = 0.0
    fell_back: bool = False

    @classmethod
    def of(cls, fit: _core.MarginalFit) -> Integration:
        """Take over what the core tells."""
        report = fit.integration
        return cls(
            report.rule, report.evaluations, report.k_hat, report.ess_share, fit.n_quad, fit.quadrature_error, report.probes,
            report.psi_error, report.sd_error, report.log_density_error, report.fell_back,
        )  # fmt: skip

    def __str__(self) -> str:
        text = f"{self.rule}, {self.evaluations} evaluations"
        if not math.isnan(self.k_hat):
            text += f", k-hat {self.k_hat:.2f}"
        if self.fell_back:
            text += ", exact factor in place of iterations"
        return f"{text}, {self.probes} probes" if self.probes else text
