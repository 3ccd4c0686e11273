"""How far the fit can be relied on, in sentences."""

from __future__ import annotations

from typing import Any

from mixed_glm._assess.check import affordable_draws, check
from mixed_glm._assess.loo import loo
from mixed_glm._fit.fit import Fit
from mixed_glm._posterior.information import uninformed
from mixed_glm._posterior.psis import LEAST_DRAWS

_EVALUATIONS = 200_000_000  # of the density of a row, for the check of a large fit: some seconds
_MOST_EXACT = 2000  # rows, up to which those that are unreliable are left out exactly


def of_fit(fit: Fit) -> list[str]:
    """What the fit itself says."""
    told = []
    if fit.status != "converged":
        told.append(f"The fit ended as: {fit.status}. Figures of this page are to be taken with care.")
    told += [
        f"The posterior of the standard deviation of {name} is nearly its prior: the data say next to nothing of it."
        for name in uninformed(fit.posterior)
    ]
    return told


def of_check(fit: Fit, draws: int, rng: Any) -> list[str]:
    """What importance sampling says of the approximation."""
    count = max(LEAST_DRAWS, min(draws, affordable_draws(fit, _EVALUATIONS)))
    return str(check(fit, count, rng)).splitlines()


def of_loo(fit: Fit, draws: int, rng: Any) -> list[str]:
    """What leaving rows out says of predictions."""
    exact: Any = "unreliable" if fit.log_evidence is not None and fit.spec.nobs <= _MOST_EXACT else False
    try:
        found = loo(fit, draws, rng, exact=exact)
    except ValueError:
        found = loo(fit, draws, rng)
    told = [
        f"The expected log predictive density of a new row, added up over all {fit.spec.nobs} rows, is {found.elpd:.2f} (standard "
        f"error {found.se:.2f}). It means something beside that of another model of the same rows: higher is better.",
        f"Effective number of parameters: {found.p:.1f}.",
    ]
    if found.n_unreliable:
        told.append(
            f"At {found.n_unreliable} rows it is unreliable: these rows have much influence, and should be looked at."
        )
    return told
