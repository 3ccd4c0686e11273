"""Log densities of the priors at draws: what power-scaling makes weaker or stronger."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._spec.fixed_prior import FixedPrior
from mixed_glm._spec.terms import CorrelatedTerm
from mixed_glm.priors import Prior

Floats = npt.NDArray[np.float64]


def log_priors(draws: PosteriorDraws) -> dict[str, Floats]:
    """Log density of each prior at each draw, by name.

    They are of the quantities that the priors are stated for: of coefficients and thresholds together, of standard deviations
    and not of their logarithms, of correlation matrices, of the family's own parameter. The random effects are no part of
    it: given their standard deviations their distribution belongs to the model.

    Returns
    -------
    dict
        ``fixed_effects``: shape (n,); ``sd``: shape (n, K); ``cor_<groups>`` and the parameter of the family: shape (n,).
    """
    spec, priors = draws.spec, draws.spec.design.priors
    layout = spec.layout
    found: dict[str, Floats] = {}
    if len(layout.fixed):
        found["fixed_effects"] = FixedPrior.of(spec, draws.change).log_density(draws.params[:, layout.fixed])
    if layout.k_vcp:
        found["sd"] = _of_logs(priors.sd, draws.vcp)
    numbers = iter(draws.cor.T)
    for term, prior in zip(spec.design.correlated, priors.cor, strict=True):
        found[f"cor_{term.name}"] = _of_matrix(term, prior.eta, [next(numbers) for _ in term.pairs])
    for j, name in enumerate(layout.shape_names):
        found[name] = _of_logs(priors.family[j : j + 1], draws.family[:, j : j + 1])[:, 0]
    return found


def total_log_prior(draws: PosteriorDraws) -> Floats:
    """Log density of all priors together at each draw, shape (n,)."""
    return np.asarray(
        sum((p.reshape(len(draws), -1).sum(axis=1) for p in log_priors(draws).values()), np.zeros(len(draws)))
    )


def _of_logs(priors: tuple[Prior, ...], logs: Floats) -> Floats:
    """Of the exponentials of the columns, each with its prior."""
    with np.errstate(over="ignore", under="ignore"):
        columns = [prior.log_density(np.exp(log)) for prior, log in zip(priors, logs.T, strict=True)]
    return np.stack(columns, axis=1)


def _of_matrix(term: CorrelatedTerm, eta: float, correlations: list[Floats]) -> Floats:
    """Of correlation matrices under the prior of Lewandowski, Kurowicka and Joe (2009)."""
    n, order = len(correlations[0]), term.order
    matrices = np.repeat(np.eye(order)[None], n, axis=0)
    for (r, c), rho in zip(term.pairs, correlations, strict=True):
        matrices[:, r, c] = matrices[:, c, r] = rho
    left = order - np.arange(1, order)
    shapes = eta + 0.5 * (left - 1)
    constant = (left * ((2.0 * shapes - 1.0) * np.log(2.0) + betaln(shapes, shapes))).sum()
    return np.asarray((eta - 1.0) * np.linalg.slogdet(matrices)[1] - constant)
