"""What a fit gave: every fit returns this, and everything that is done with a fit takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mixed_glm._fit.integration import Integration
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._spec.spec import ModelSpec

if TYPE_CHECKING:  # slow to import
    from scipy.optimize import OptimizeResult


@dataclass(frozen=True, eq=False)
class Fit:
    """A posterior, and how it was found.

    Attributes
    ----------
    spec : ModelSpec
        What was fitted.
    posterior : Posterior
    method, status : str
        As in `MixedGLMResults`.
    log_density : float
    converged : bool
    n_iter : int
    log_evidence : float or None
    optim_retvals : OptimizeResult or None
    integration : Integration or None
        None where nothing was integrated over the log standard deviations, and in files of older versions.
    strained : tuple of str
        Fixed effects for which another approximation took the place of the one that was asked for, as a warning has told.
    """

    spec: ModelSpec
    posterior: Posterior
    method: str
    log_density: float
    status: str
    converged: bool
    n_iter: int
    log_evidence: float | None = None
    optim_retvals: OptimizeResult | None = None
    integration: Integration | None = None
    strained: tuple[str, ...] = ()


class HasFit(Protocol):
    """What has a fit: `MixedGLMResults`."""

    @property
    def fit(self) -> Fit:
        """What the fit gave."""
