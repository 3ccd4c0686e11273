"""Standard deviations and correlations of the random effects, as users of lme4 know them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._posterior.integral import integral
from mixed_glm._posterior.some_draws import NO_EFFECT
from mixed_glm._spec.spec import ModelSpec

Floats = npt.NDArray[np.float64]


def varcorr(fit: Fit, alpha: float = 0.05) -> pd.DataFrame:
    """Standard deviations of the random effects and their correlations, with their uncertainty.

    Parameters
    ----------
    alpha : float, default 0.05
        The intervals have probability ``1 - alpha``.

    Returns
    -------
    DataFrame
        A row for each standard deviation and each correlation. Index: ``group``, ``effect`` and ``with`` (empty for a
        standard deviation). Columns: posterior ``mean`` and ``sd``, ``lower`` and ``upper`` ends of the interval, all of the
        standard deviation itself and not of its logarithm.
    """
    layout, posterior = fit.spec.layout, fit.posterior
    low, high = posterior.interval(alpha, NO_EFFECT)
    rows, index = [], []
    of_sds = [_sd_moments(fit, k) for k in range(layout.k_vcp)]
    places = _correlation_places(fit.spec)
    for group, effects, components, pairs in blocks(fit.spec):
        for effect, k in zip(effects, components, strict=True):
            place = layout.vcp.start + k
            index.append((group, effect, ""))
            with np.errstate(over="ignore"):
                rows.append([*of_sds[k], *np.exp([low[place], high[place]])])
        for r, c in pairs:
            place = places[components[r], components[c]]
            index.append((group, effects[c], effects[r]))
            rows.append([posterior.mean[place], posterior.sd[place], low[place], high[place]])
    names = pd.MultiIndex.from_tuples(index, names=["group", "effect", "with"]) if index else None
    return pd.DataFrame(np.reshape(rows, (-1, 4)), index=names, columns=["mean", "sd", "lower", "upper"])


def varcorr_table(fit: Fit) -> pd.DataFrame:
    """Cells of lme4's table: standard deviations at the posterior means of their logarithms, and mean correlations."""
    spec, layout, mean = fit.spec, fit.spec.layout, fit.posterior.mean
    widest = max(layout.cor_orders, default=1)
    places = _correlation_places(spec)
    rows, index = [], []
    for group, effects, components, pairs in blocks(spec):
        triangle = {(r, c): mean[places[components[r], components[c]]] for r, c in pairs}
        for r, (effect, k) in enumerate(zip(effects, components, strict=True)):
            with np.errstate(over="ignore"):
                sd = np.exp(mean[layout.vcp.start + k])
            told = [f"{triangle[r, c]:.2f}" if (r, c) in triangle else "" for c in range(widest - 1)]
            rows.append([effect, f"{sd:.4g}", *told])
            index.append(group if r == 0 else "")
    columns = ["Effect", "SD", *["Corr" if c == 0 else "" for c in range(widest - 1)]]
    return pd.DataFrame(rows, index=index, columns=columns)


def blocks(spec: ModelSpec) -> list[tuple[str, list[str], list[int], list[tuple[int, int]]]]:
    """Group, effects, components and pairs of each term, in the order of the components."""
    of_term = {term.components[0]: term for term in spec.design.correlated}
    inside = {k for term in spec.design.correlated for k in term.components}
    found: list[tuple[str, list[str], list[int], list[tuple[int, int]]]] = []
    for k, name in enumerate(spec.design.vcp_names):
        if k in of_term:
            term = of_term[k]
            found.append((term.name, list(term.coordinates), list(term.components), term.pairs))
        elif k not in inside:
            group, effect = _alone(spec, k, name)
            found.append((group, [effect], [k], []))
    return found


def _correlation_places(spec: ModelSpec) -> dict[tuple[int, int], int]:
    """Where the correlation of two components stands among all parameters."""
    start = spec.layout.cor.start
    return {pair: start + number for number, pair in enumerate(spec.correlated_components)}


def _alone(spec: ModelSpec, k: int, name: str) -> tuple[str, str]:
    component = spec.grouped(k)
    if component is not None:
        return component.grouping.name, component.effect or "Intercept"
    return name, ""


def _sd_moments(fit: Fit, component: int) -> tuple[float, float]:
    """Posterior mean and standard deviation of a standard deviation."""
    psi, density = fit.posterior.psi_density(component)
    if not np.isfinite(density).all():
        return np.nan, np.nan
    mass, sd = integral(density, psi), np.exp(psi)
    mean = integral(sd * density, psi) / mass
    return float(mean), float(np.sqrt(max(integral((sd - mean) ** 2 * density, psi) / mass, 0.0)))
