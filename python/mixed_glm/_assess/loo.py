"""Expected log predictive density of new responses: PSIS-LOO and WAIC, and comparisons of models by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logsumexp

from mixed_glm._assess.psis import GOOD_K, smooth_weights
from mixed_glm._input.arrays import as_generator

if TYPE_CHECKING:
    from mixed_glm._posterior.draws import PosteriorDraws
    from mixed_glm.results import MixedGLMResults

__all__ = ["ELPD", "compare"]

Floats = npt.NDArray[np.float64]

_STACKING_STEPS = 2000
_LARGE_VARIANCE = 0.4  # of a response's log likelihood, beyond which WAIC is not to be relied on


@dataclass(frozen=True, repr=False)
class ELPD:
    """Expected log pointwise predictive density of a new response at each row.

    Attributes
    ----------
    kind : {"loo", "waic"}
    elpd : float
        Sum over the rows; higher is better.
    se : float
        Its standard error, from the differences between rows.
    p : float
        Effective number of parameters.
    pointwise : float array, shape (nobs,)
        What each row contributes to `elpd`.
    pareto_k : float array, shape (nobs,), or None
        For ``"loo"``, shape of the importance ratios without each row: above 0.7 its contribution is unreliable.
    n_unreliable : int
        Rows whose contribution is unreliable: by `pareto_k`, or, for ``"waic"``, by a variance of the log likelihood
        above 0.4.
    corrected : bool
        Whether the draws were weighted by the ratio of the posterior density to that of its approximation.
    """

    kind: str
    elpd: float
    se: float
    p: float
    pointwise: Floats
    pareto_k: Floats | None
    n_unreliable: int
    corrected: bool

    def __str__(self) -> str:
        """Return the figures in a few lines."""
        lines = [
            f"elpd_{self.kind} {self.elpd:10.2f}  (SE {self.se:.2f})",
            f"p_{self.kind}    {self.p:10.2f}",
        ]
        if self.n_unreliable:
            what = (
                "Pareto k above 0.7" if self.kind == "loo" else "a variance of the log likelihood above 0.4"
            )
            lines.append(
                f"unreliable at {self.n_unreliable} of {len(self.pointwise)} rows, which have {what}"
            )
        return "\n".join(lines)

    __repr__ = __str__  # also where it is only looked at


def loo(draws: PosteriorDraws, correct: bool | None) -> ELPD:
    """Leave-one-out by Pareto smoothed importance sampling; see `MixedGLMResults.loo`."""
    log_likelihood = draws.log_likelihood()
    log_ratio, corrected = _approximation(draws, correct)
    pointwise, k = np.empty(draws.model.nobs), np.empty(draws.model.nobs)
    for i, value in enumerate(log_likelihood.T):
        log_weights, k[i] = smooth_weights(log_ratio - value)
        pointwise[i] = logsumexp(log_weights + value)
    full = _log_mean(log_likelihood, log_ratio if corrected else np.zeros(len(draws)))
    return _elpd("loo", pointwise, float((full - pointwise).sum()), k, int((k > GOOD_K).sum()), corrected)


def waic(draws: PosteriorDraws) -> ELPD:
    """Widely applicable information criterion; see `MixedGLMResults.waic`."""
    log_likelihood = draws.log_likelihood()
    variance = log_likelihood.var(axis=0, ddof=1)
    pointwise = _log_mean(log_likelihood, np.zeros(len(draws))) - variance
    unreliable = int((variance > _LARGE_VARIANCE).sum())
    return _elpd("waic", pointwise, float(variance.sum()), None, unreliable, False)


def _approximation(draws: PosteriorDraws, correct: bool | None) -> tuple[Floats, bool]:
    """Log ratios of the posterior to its approximation; zeros where they are not, or cannot be, used."""
    none = np.zeros(len(draws))
    if correct is False:
        return none, False
    log_ratio = draws.log_p - draws.log_q
    if correct is None and not smooth_weights(log_ratio)[1] <= GOOD_K:
        return none, False
    return log_ratio, True


def _log_mean(log_values: Floats, log_ratio: Floats) -> Floats:
    log_weights = log_ratio - logsumexp(log_ratio)
    return np.asarray(logsumexp(log_values + log_weights[:, None], axis=0))


def _elpd(kind: str, pointwise: Floats, p: float, k: Floats | None, unreliable: int, corrected: bool) -> ELPD:
    se = float(np.sqrt(len(pointwise) * pointwise.var()))
    return ELPD(kind, float(pointwise.sum()), se, p, pointwise, k, unreliable, corrected)


def compare(
    results: Mapping[str, MixedGLMResults] | Sequence[MixedGLMResults],
    criterion: str = "loo",
    *,
    draws: int = 1000,
    rng: Any = 0,
) -> pd.DataFrame:
    """Compare fits of the same responses by their expected log predictive density.

    Parameters
    ----------
    results : mapping of str to MixedGLMResults, or sequence of them
        Fits, with names.
    criterion : {"loo", "waic"}
    draws : int, default 1000
        Number of posterior draws of each fit.
    rng : int or numpy.random.Generator, default 0

    Returns
    -------
    DataFrame
        One row for each fit, the best first. Columns: ``rank``; ``elpd_loo`` (or ``elpd_waic``) and ``p_loo``;
        ``elpd_diff``, by how much it is below the best; ``dse``, the standard error of that difference; ``se``, that
        of the density itself; ``weight``, of the fit in the mixture of all that predicts best (stacking);
        ``unreliable``, rows whose contribution cannot be relied on; and ``log_evidence``, log p(y) where the fit
        estimates it.

    Raises
    ------
    ValueError, TypeError
        If there is nothing to compare, or the fits are of different responses.
    """
    named = _named(results)
    if criterion not in ("loo", "waic"):
        raise ValueError(f"criterion must be 'loo' or 'waic', got {criterion!r}")
    first = next(iter(named.values())).model
    for name, result in named.items():
        if not np.array_equal(result.model.endog, first.endog):
            raise ValueError(f"results must be fits of the same responses, which {name!r} is not")
    generator = as_generator(rng)
    found = [getattr(result, criterion)(draws, rng=generator) for result in named.values()]
    pointwise = np.array([f.pointwise for f in found])
    total = np.array([f.elpd for f in found])
    best = int(np.argmax(total))
    difference = pointwise[best] - pointwise
    table = pd.DataFrame(
        {
            f"elpd_{criterion}": total,
            f"p_{criterion}": [f.p for f in found],
            "elpd_diff": difference.sum(axis=1),
            "dse": np.sqrt(pointwise.shape[1] * difference.var(axis=1)),
            "se": [f.se for f in found],
            "weight": stacking_weights(pointwise),
            "unreliable": [f.n_unreliable for f in found],
            "log_evidence": [np.nan if r.log_evidence is None else r.log_evidence for r in named.values()],
        },
        index=list(named),
    ).sort_values(f"elpd_{criterion}", ascending=False)
    table.insert(0, "rank", np.arange(len(table)))
    return table


def stacking_weights(pointwise: Floats) -> Floats:
    """Weights of the mixture with the highest log predictive density (Yao et al. 2018), by the EM algorithm.

    Parameters
    ----------
    pointwise : float array, shape (models, nobs)
    """
    density = np.exp(pointwise - pointwise.max(axis=0))
    weights: Floats = np.full(len(density), 1.0 / len(density))
    for _ in range(_STACKING_STEPS):
        weights = weights * (density / (weights @ density)).mean(axis=1)
    return np.asarray(weights / weights.sum())


def _named(results: Any) -> dict[str, MixedGLMResults]:
    from mixed_glm.results import MixedGLMResults

    if isinstance(results, Mapping):
        named = {str(name): result for name, result in results.items()}
    elif isinstance(results, Sequence) and not isinstance(results, str):
        named = {f"model {i}": result for i, result in enumerate(results)}
    else:
        raise TypeError(f"results must be a mapping or a sequence of results, got {type(results).__name__}")
    if not named:
        raise ValueError("results must hold at least one fit, got none")
    for name, result in named.items():
        if not isinstance(result, MixedGLMResults):
            raise TypeError(f"results must hold MixedGLMResults, got {type(result).__name__} for {name!r}")
    return named
