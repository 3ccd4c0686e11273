"""Linear combinations of the parameters and their posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._input.arrays import as_count, as_floats, as_generator, require_finite
from mixed_glm._input.intervals import as_alpha
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.linear_text import NotLinearError, read_linear
from mixed_glm._posterior.named import NamedParameters
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.quantiles import mixture_cdf, mixture_quantile
from mixed_glm._spec.layout import ParameterLayout

Floats = npt.NDArray[np.float64]

COLUMNS = ("mean", "sd", "lower", "upper", "P(> 0)")


def contrast(
    posterior: Posterior, L: Any, alpha: float = 0.05, draws: int = 4000, rng: Any = 0
) -> pd.DataFrame:
    """Posterior of linear combinations of the parameters; see `MixedGLMResults.contrast`."""
    as_alpha(alpha)
    return of_contrasts(posterior, as_contrasts(L, NamedParameters(posterior.spec.layout)), alpha, draws, rng)


def of_contrasts(
    posterior: Posterior, found: list[Contrast], alpha: float, draws: int, rng: Any
) -> pd.DataFrame:
    """Posterior of linear combinations that were read already."""
    layout = posterior.spec.layout
    kinds = [_kind(c, layout) for c in found]
    table = pd.DataFrame(np.nan, index=[c.name for c in found], columns=COLUMNS)
    for kind, of_kind in (("fixed", _of_fixed), ("one", _of_one), ("joint", _of_draws)):
        rows = [i for i, k in enumerate(kinds) if k == kind]
        if rows:
            count = as_count(draws, "draws")
            table.iloc[rows] = of_kind(posterior, [found[i] for i in rows], alpha, count, rng)
    return table


def _kind(contrast: Contrast, layout: ParameterLayout) -> str:
    if np.isin(contrast.places, layout.fixed).all():
        return "fixed"
    return "one" if len(contrast.places) == 1 else "joint"


def _of_fixed(posterior: Posterior, found: list[Contrast], alpha: float, draws: int, rng: Any) -> Floats:
    """Of fixed effects and thresholds alone: from their mixture."""
    place = posterior.spec.layout.fixed.tolist()
    matrix = np.zeros((len(found), len(place)))
    for row, c in zip(matrix, found, strict=True):
        row[[place.index(j) for j in c.places.tolist()]] = c.weights
    value = np.array([c.value for c in found])
    return contrast_table(posterior.fixed_effects(), matrix, value, [c.name for c in found], alpha).to_numpy()


def _of_one(posterior: Posterior, found: list[Contrast], alpha: float, draws: int, rng: Any) -> Floats:
    """Of one parameter each: from its marginal posterior, as the tables have it."""
    place = np.array([c.places[0] for c in found])
    weight, value = (np.array(v) for v in ([c.weights[0] for c in found], [c.value for c in found]))
    first = posterior.spec.layout.vc.start
    effects = np.unique(place[place >= first]) - first
    mean, sd = (posterior.with_effects(v, effects) for v in (posterior.mean, posterior.sd))
    place = np.where(place < first, place, first + np.searchsorted(effects, place - first))
    ends = np.sort([weight * end[place] - value for end in posterior.interval(alpha, effects)], axis=0)
    below, left = np.empty(len(found)), np.arange(len(found))
    while len(left):  # more than once only where a parameter comes up in several contrasts
        now = left[np.unique(place[left], return_index=True)[1]]
        threshold = mean.copy()
        threshold[place[now]] = value[now] / weight[now]
        share = posterior.cdf(threshold, effects)[place[now]]
        below[now] = np.where(weight[now] > 0.0, share, 1.0 - share)
        left = np.setdiff1d(left, now)
    mean, sd = weight * mean[place] - value, np.abs(weight) * sd[place]
    return np.column_stack([mean, sd, *ends, 1.0 - below])


def _of_draws(posterior: Posterior, found: list[Contrast], alpha: float, draws: int, rng: Any) -> Floats:
    """Of several parameters: from joint draws of them."""
    places = np.unique(np.concatenate([c.places for c in found]))
    params = joint_draws(posterior, places, draws, rng)
    rows = []
    for c in found:
        values = params[:, np.searchsorted(places, c.places)] @ c.weights - c.value
        ends = np.quantile(values, [alpha / 2, 1 - alpha / 2])
        mean = c.weights @ posterior.mean[c.places] - c.value
        rows.append([mean, values.std(ddof=1), *ends, (values > 0.0).mean()])
    return np.array(rows)


def joint_draws(posterior: Posterior, places: npt.NDArray[np.intp], draws: int, rng: Any) -> Floats:
    """Joint draws of the parameters at some places, increasing, shape (draws, m); moved so that their means are exact."""
    layout = posterior.spec.layout
    effects = places[places >= layout.vc.start] - layout.vc.start
    sample = posterior.draw_some(effects, draws, as_generator(rng))
    columns = np.concatenate([np.arange(layout.vc.start), layout.vc.start + effects])
    thresholds = sample.thresholds.reshape(len(sample), -1)
    params = np.hstack([sample.fe, sample.hyper, thresholds, sample.vc])
    params += posterior.mean[columns] - params.mean(axis=0)
    return np.asarray(params[:, np.searchsorted(columns, places)])


def contrast_table(
    fixed: FixedEffects, matrix: Floats, value: Floats, names: list[str], alpha: float
) -> pd.DataFrame:
    """Mean, standard deviation, interval and probability to be positive of ``matrix @ beta - value``."""
    means, sds = fixed.combinations(matrix)
    means = means - value
    mean = fixed.weights @ means
    sd = np.sqrt(fixed.weights @ (sds**2 + (means - mean) ** 2))
    skewness = fixed.skewness(matrix)
    above = 1.0 - mixture_cdf(fixed.weights, means, sds, skewness, np.zeros(len(matrix)))
    limits = [mixture_quantile(fixed.weights, means, sds, skewness, q) for q in (alpha / 2, 1 - alpha / 2)]
    columns = (mean, sd, *limits, above)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), index=names)


@dataclass(frozen=True)
class Contrast:
    """A linear combination of parameters, less a number.

    Attributes
    ----------
    name : str
    places : int array, shape (m,)
        Of the parameters, increasing.
    weights : float array, shape (m,)
    value : float
    """

    name: str
    places: npt.NDArray[np.intp]
    weights: Floats
    value: float = 0.0


def as_contrasts(contrast: Any, names: NamedParameters) -> list[Contrast]:
    """Contrasts in one of the forms that users write.

    Raises
    ------
    ValueError, TypeError
        If the contrast is not understood, or has another number of columns.
    """
    if isinstance(contrast, str):
        return [_parse(contrast, names)]
    if isinstance(contrast, Mapping):
        if not contrast:
            raise ValueError("L must hold at least one contrast, got an empty mapping")
        if all(isinstance(v, (int, float, np.number)) for v in contrast.values()):
            return [of_weights(_shown(contrast), contrast, 0.0, names)]
        parts = {str(label): as_contrasts(part, names) for label, part in contrast.items()}
        return [
            replace(c, name=label if len(part) == 1 else f"{label}: {c.name}")
            for label, part in parts.items()
            for c in part
        ]
    if isinstance(contrast, (list, tuple)) and contrast and all(isinstance(part, str) for part in contrast):
        return [_parse(part, names) for part in contrast]
    if isinstance(contrast, (pd.Series, pd.DataFrame)) and not _is_numbered(contrast):
        return _of_labelled(contrast, names)
    return _of_matrix(contrast, list(names.layout.fep_names))


def _is_numbered(table: pd.Series | pd.DataFrame) -> bool:
    """Whether its coefficients have no names."""
    labels = table.index if isinstance(table, pd.Series) else table.columns
    return labels.equals(pd.RangeIndex(len(labels)))


def _of_labelled(table: pd.Series | pd.DataFrame, names: NamedParameters) -> list[Contrast]:
    """Coefficients with the names of their parameters, whatever their order."""
    rows = table.to_frame().T if isinstance(table, pd.Series) else table
    matrix = as_floats(rows, "L")
    parameters = [str(name) for name in rows.columns]
    if len(set(parameters)) < len(parameters):
        raise ValueError(f"L must name each parameter once, got {', '.join(parameters)}")
    found = []
    for label, row in zip(rows.index, matrix, strict=True):
        weights = dict(zip(parameters, row, strict=True))
        name = _shown(weights) if isinstance(table, pd.Series) else str(label)
        found.append(of_weights(name, weights, 0.0, names))
    return found


def _of_matrix(contrast: Any, names: list[str]) -> list[Contrast]:
    """Rows of coefficients of the fixed effects."""
    own = [str(v) for v in contrast.index] if isinstance(contrast, pd.DataFrame) else []
    matrix = np.atleast_2d(as_floats(contrast, "L"))
    require_finite(matrix, "L")
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise ValueError(
            f"L must have {len(names)} columns ({', '.join(names)}), got shape {np.shape(contrast)}"
        )
    labels = own or [_shown(dict(zip(names, row, strict=True))) for row in matrix]
    places = np.arange(len(names))
    return [Contrast(label, places, row) for label, row in zip(labels, matrix, strict=True)]


def _parse(text: str, names: NamedParameters) -> Contrast:
    """Constraints such as ``a - b``, ``a = b`` or ``a - 2 * b = 1``; names with other signs in back-ticks or not."""
    try:
        found = read_linear(text, names.known)
    except NotLinearError as error:
        raise ValueError(f"L: cannot understand {text!r} as a linear combination: {error}") from None
    except ValueError as error:
        raise ValueError(f"L: cannot understand {text!r}: {error}; {names.described(text)}") from None
    return of_weights(text.strip(), found.weights, -found.constant, names)


def of_weights(name: str, weights: Mapping[Any, Any], value: float, names: NamedParameters) -> Contrast:
    """A contrast from what parameters are multiplied by, less `value`."""
    total: dict[int, float] = {}
    for parameter, weight in weights.items():
        try:
            place = names.place(str(parameter))
        except ValueError as error:
            raise ValueError(f"L: {error}") from None
        total[place] = total.get(place, 0.0) + float(weight)
    if not np.isfinite([value, *total.values()]).all():
        raise ValueError(f"L must be finite, got {name!r}")
    used = sorted(place for place, weight in total.items() if weight != 0.0)
    return Contrast(name, np.array(used, dtype=np.intp), np.array([total[place] for place in used]), value)


def _shown(weights: Mapping[Any, Any]) -> str:
    """``a - 2 * b``."""
    text = ""
    for name, weight in weights.items():
        if weight == 0:
            continue
        sign = "-" if weight < 0 else "+"
        factor = "" if abs(weight) == 1 else f"{abs(weight):g} * "
        text += f" {sign} {factor}{name}" if text else f"{'-' if weight < 0 else ''}{factor}{name}"
    return text or "0"
