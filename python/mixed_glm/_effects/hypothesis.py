"""Hypotheses about parameters and functions of them: posterior probability and evidence ratio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._effects.hypothesis_text import Hypothesis, read_hypothesis
from mixed_glm._fit.fit import Fit
from mixed_glm._input.arrays import as_count, as_generator
from mixed_glm._input.intervals import as_alpha
from mixed_glm._posterior.contrast import joint_draws, of_contrasts, of_weights
from mixed_glm._posterior.named import NamedParameters
from mixed_glm._posterior.prior_draws import prior_sample
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]

COLUMNS = ("mean", "sd", "lower", "upper", "probability", "evidence_ratio")
_BATCH = 2**22  # numbers drawn at a time


def hypothesis(
    fit: Fit, hypothesis: Any, alpha: float = 0.05, draws: int = 4000, rng: Any = 0
) -> pd.DataFrame:
    """How probable hypotheses about parameters are.

    Parameters
    ----------
    hypothesis : str, list of str, or mapping of names to str
        ``"period[T.2] < 0"``, ``"sd(herd) > 0.5"``, ``"herd[1] - herd[7] > 0"``, ``"period[T.2] / period[T.3] < 1"``,
        ``"x = 0"``: two sides, with names as for `contrast`, ``sd(g)`` for standard deviations, sigma, alpha or dispersion for the family's own parameter, numbers, ``+ - * / **`` and the
        functions exp, log, sqrt, abs, expit and logit. An expression alone is summarized.
    alpha : float, default 0.05
        The interval has probability ``1 - alpha``.
    draws : int, default 4000
        Number of posterior draws, for what the fit does not give itself.
    rng : int or numpy.random.Generator, default 0
        Source of the draws; by default always the same.

    Returns
    -------
    DataFrame
        One row for each hypothesis. Columns ``mean``, ``sd``, ``lower``, ``upper`` of the left side less the right one (the mean of
        a ratio whose denominator may be zero need not exist; the interval does); ``probability`` of the hypothesis, and
        ``evidence_ratio``, its odds. For an equation the ratio is that of posterior and prior density at equality (Savage and
        Dickey), above one where the data speak for it, and the probability that of equality where it was 1/2 before. Densities
        are smoothed draws. The priors matter there, and default priors are wide.

    Raises
    ------
    ValueError, TypeError
        If a hypothesis is not understood, has no value at some draws, or says that what cannot be negative is zero.
    """
    as_alpha(alpha)
    count = as_count(draws, "draws")
    names = _Names(fit.spec)
    read = {label: _read(text, names) for label, text in _as_texts(hypothesis).items()}
    rows = [_row(fit, names, one, alpha, count, rng) for one in read.values()]
    return pd.DataFrame(rows, index=list(read), columns=list(COLUMNS))


class _Names:
    """Parameters by name: standard deviations as ``sd(g)``, the family's own one itself, not its logarithm."""

    def __init__(self, spec: ModelSpec) -> None:
        self.parameters = NamedParameters(spec.layout)
        own = slice(0, 0) if spec.layout.has_thresholds else spec.layout.family
        self.family = range(*own.indices(spec.layout.size))
        first = spec.layout.vcp.start
        self.sds = {f"sd({name})": first + k for k, name in enumerate(spec.layout.vcp_names)}

    def known(self, name: str) -> bool:
        return self.parameters.known(name) or name in self.sds

    def place(self, name: str) -> tuple[int, bool]:
        """Where a parameter stands, and whether its exponential is meant."""
        if self.parameters.known(name):
            place = self.parameters.place(name)
            return place, place in self.family
        return self.sds[name], True


def _as_texts(hypothesis: Any) -> dict[str, str]:
    if isinstance(hypothesis, str):
        hypothesis = [hypothesis]
    if isinstance(hypothesis, Mapping):
        texts = {str(label): text for label, text in hypothesis.items()}
    elif isinstance(hypothesis, (list, tuple)):
        texts = {str(text).strip(): text for text in hypothesis}
    else:
        raise TypeError(f"hypothesis must be a text or a list of texts, got {type(hypothesis).__name__}")
    if not texts or not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("hypothesis must be a text, or a list or mapping of at least one text")
    return texts


def _read(text: str, names: _Names) -> Hypothesis:
    try:
        return read_hypothesis(text, names.known)
    except ValueError as error:
        described = names.parameters.described(text)
        sds = f"; standard deviations: {', '.join(names.sds)}" if names.sds else ""
        raise ValueError(f"hypothesis: cannot understand {text!r}: {error}; {described}{sds}") from None


def _row(fit: Fit, names: _Names, one: Hypothesis, alpha: float, draws: int, rng: Any) -> list[float]:
    linear = one.linear()
    needs_draws = one.relation == "=" or linear is None or any(names.place(n)[1] for n in linear.weights)
    values = _posterior_values(fit, names, one, draws, rng) if needs_draws else np.empty(0)
    if linear is None or any(names.place(n)[1] for n in linear.weights):
        ends = np.quantile(values, [alpha / 2, 1 - alpha / 2])
        summary = [values.mean(), values.std(ddof=1), *ends]
        above = float((values > 0.0).mean())
    else:
        contrast = of_weights(one.text, linear.weights, -linear.constant, names.parameters)
        *summary, above = of_contrasts(fit.posterior, [contrast], alpha, draws, rng).iloc[0].tolist()
    if one.relation == "=":
        ratio = _density_at_zero(values) / _density_at_zero(_prior_values(fit.spec, names, one, draws, rng))
        return [*summary, ratio / (1.0 + ratio), ratio]
    probability = {"": np.nan, ">": above, "<": 1.0 - above}[one.relation]
    with np.errstate(divide="ignore"):
        return [*summary, probability, float(np.divide(probability, 1.0 - probability))]


def _posterior_values(fit: Fit, names: _Names, one: Hypothesis, draws: int, rng: Any) -> Floats:
    places = np.unique([names.place(name)[0] for name in one.names])
    return _values(one, names, places, joint_draws(fit.posterior, places, draws, rng))


def _prior_values(spec: ModelSpec, names: _Names, one: Hypothesis, draws: int, rng: Any) -> Floats:
    places = np.unique([names.place(name)[0] for name in one.names])
    generator = as_generator(rng)
    size = max(1, _BATCH // spec.layout.size)
    sizes = [min(size, draws - first) for first in range(0, draws, size)]
    params = np.concatenate([prior_sample(spec, n, generator).params[:, places] for n in sizes])
    values = _values(one, names, places, params)
    if (values > 0.0).all() or (values < 0.0).all():
        raise ValueError(
            f"hypothesis: {one.text!r} is at the end of what the prior allows, where densities cannot be compared: compare "
            "log_evidence of models with and without the term"
        )
    return values


def _values(one: Hypothesis, names: _Names, places: npt.NDArray[np.intp], params: Floats) -> Floats:
    """At draws of the parameters at these places, shape (n, m)."""
    draws = {}
    for name in one.names:
        place, exponential = names.place(name)
        column = params[:, np.searchsorted(places, place)]
        draws[name] = np.exp(column) if exponential else column
    values = np.broadcast_to(one.difference(draws), len(params))
    lost = int((~np.isfinite(values)).sum())
    if lost:
        raise ValueError(
            f"hypothesis: {one.text!r} has no value at {lost} of {len(params)} draws, as a logarithm or root of a negative number"
        )
    return values


def _density_at_zero(values: Floats) -> float:
    from scipy.stats import gaussian_kde  # slow to import

    return float(gaussian_kde(values)(0.0)[0])
