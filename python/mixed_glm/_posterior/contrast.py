"""Linear combinations of the fixed effects and their posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from formulaic.errors import FormulaicError
from formulaic.utils.constraints import LinearConstraints
from scipy.special import ndtr

from mixed_glm._console.plain import plain_message
from mixed_glm._input.arrays import as_floats, as_probability, require_finite
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.quantiles import mixture_quantile

Floats = npt.NDArray[np.float64]


def contrast(posterior: Posterior, L: Any, alpha: float = 0.05) -> pd.DataFrame:
    """Posterior of linear combinations of the fixed effects; see `MixedGLMResults.contrast`."""
    as_probability(alpha, "alpha")
    matrix, value, names = as_contrast(L, list(posterior.spec.layout.fep_names))
    return contrast_table(posterior.fixed_effects(), matrix, value, names, alpha)


def contrast_table(
    fixed: FixedEffects, matrix: Floats, value: Floats, names: list[str], alpha: float
) -> pd.DataFrame:
    """Mean, standard deviation, interval and probability to be positive of ``matrix @ beta - value``."""
    means = fixed.means @ matrix.T - value
    mean = fixed.weights @ means
    variance = np.einsum("ij,jk,ik->i", matrix, fixed.covariance, matrix)
    between = fixed.weights @ (means - mean) ** 2
    within = np.sqrt(np.maximum(variance - between, 1e-12 * variance))
    sds = np.broadcast_to(within, means.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = fixed.weights @ ndtr(means / within)
    limits = [mixture_quantile(fixed.weights, means, sds, None, q) for q in (alpha / 2, 1 - alpha / 2)]
    return pd.DataFrame(
        {"mean": mean, "sd": np.sqrt(variance), "lower": limits[0], "upper": limits[1], "P(> 0)": above},
        index=names,
    )


def as_contrast(contrast: Any, names: list[str]) -> tuple[Floats, Floats, list[str]]:
    """Coefficients, shape (c, p), what is subtracted, shape (c,), and a name for each row.

    Raises
    ------
    ValueError, TypeError
        If the contrast is not understood, or has another number of columns.
    """
    if isinstance(contrast, str):
        return _parse([contrast], names)
    if isinstance(contrast, Mapping):
        if not contrast:
            raise ValueError("L must hold at least one contrast, got an empty mapping")
        if all(isinstance(v, (int, float, np.number)) for v in contrast.values()):
            return _of_weights(contrast, names)[None], np.zeros(1), [_shown(contrast)]
        parts = [as_contrast(part, names) for part in contrast.values()]
        labels = [
            str(label) if len(part[2]) == 1 else f"{label}: {name}"
            for label, part in zip(contrast, parts, strict=True)
            for name in part[2]
        ]
        return np.vstack([p[0] for p in parts]), np.concatenate([p[1] for p in parts]), labels
    if isinstance(contrast, (list, tuple)) and contrast and all(isinstance(part, str) for part in contrast):
        return _parse(list(contrast), names)
    own = [str(v) for v in contrast.index] if isinstance(contrast, pd.DataFrame) else []
    matrix = np.atleast_2d(as_floats(contrast, "L"))
    require_finite(matrix, "L")
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise ValueError(
            f"L must have {len(names)} columns ({', '.join(names)}), got shape {np.shape(contrast)}"
        )
    return (
        matrix,
        np.zeros(len(matrix)),
        own or [_shown(dict(zip(names, row, strict=True))) for row in matrix],
    )


def _parse(texts: list[str], names: list[str]) -> tuple[Floats, Floats, list[str]]:
    """Constraints such as ``a - b``, ``a = b`` or ``a - 2 * b = 1``; names with other signs in back-ticks or not."""
    rows, values = [], []
    alias = {name: f"beta_{j}_" for j, name in enumerate(names)}
    for text in texts:
        plain = text
        for name in sorted(names, key=len, reverse=True):
            plain = plain.replace(f"`{name}`", f" {alias[name]} ")
            if not name.isidentifier():
                plain = plain.replace(name, f" {alias[name]} ")
        try:
            parsed = LinearConstraints.from_spec(
                plain,
                variable_names=[alias[n] if not n.isidentifier() or f"`{n}`" in text else n for n in names],
            )
        except (FormulaicError, ValueError, KeyError, TypeError, SyntaxError) as error:
            raise ValueError(
                f"L: cannot understand {text!r} ({plain_message(error)}); fixed effects: {', '.join(names)}"
            ) from error
        if len(parsed.constraint_matrix) != 1:
            raise ValueError(f"L: {text!r} must be one contrast; give several as a list")
        rows.append(np.asarray(parsed.constraint_matrix, dtype=np.float64)[0])
        values.append(float(np.asarray(parsed.constraint_values, dtype=np.float64)[0]))
    return np.array(rows), np.array(values), [text.strip() for text in texts]


def _of_weights(weights: Mapping[Any, Any], names: list[str]) -> Floats:
    row = np.zeros(len(names))
    for name, weight in weights.items():
        if name not in names:
            raise ValueError(f"L: there is no fixed effect {name!r}; fixed effects: {', '.join(names)}")
        row[names.index(name)] += float(weight)
    return row


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
