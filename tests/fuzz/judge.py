"""What counts as a defect: everything but a sound result, or an error that names the argument."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import mixed_glm as mg


class Defect(AssertionError):
    """The package misbehaved."""


ARGUMENTS = [
    "endog",
    "exog",
    "exog_vc",
    "ident",
    "family",
    "vcp_p",
    "fe_p",
    "fep_names",
    "vcp_names",
    "vc_names",
    "offset",
    "exposure",
    "n_trials",
    "freq_weights",
    "formula",
    "vc_formulas",
    "data",
    "params",
    "vcp",
    "mean",
    "sd",
    "start",
    "method",
    "n_quad",
    "leaf",
    "integrate",
    "minim_opts",
    "rng",
    "covariance",
    "approx",
    "alpha",
    "link",
    "random",
    "interval",
    "draws",
    "path",
    "term",
    "eta",
    "fit_method",
    "scale_fe",
    "priors",
    "levels",
    "correlated",
]
NAMED = re.compile("|".join(rf"\b{name}\b" for name in ARGUMENTS))


def judge(call: Callable[[], Any], said: Sequence[str] = (), foreign_warnings: bool = False) -> str:
    """Call, and say how it ended.

    `said`: what an error may say in place of an argument's name. `foreign_warnings`: whether warnings of others are fine,
    as those of expressions in a formula are.

    Raises
    ------
    Defect
        For an error other than ValueError or TypeError that names an argument, for warnings of anyone but this package,
        and for results that are not finite though nothing says so.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = call()
        except (ValueError, TypeError) as error:
            if type(error) not in (ValueError, TypeError):
                raise Defect(f"{type(error).__name__}: {error}") from error
            if not NAMED.search(str(error)) and not any(words in str(error) for words in said):
                raise Defect(f"names no argument: {type(error).__name__}: {error}") from error
            return type(error).__name__
        except RuntimeError as error:
            if not str(error).startswith(("the fit failed", "fit_vb failed", "the conditional mode")):
                raise
            return f"RuntimeError: {error}"
    for warning in caught:
        if not issubclass(warning.category, mg.MixedGLMWarning) and not (
            foreign_warnings and "mixed_glm" not in warning.filename
        ):
            raise Defect(
                f"{warning.category.__name__}: {warning.message} ({warning.filename}:{warning.lineno})"
            )
    flagged = any(issubclass(w.category, mg.ConvergenceWarning) for w in caught)
    return sound(value, flagged)


def sound(value: Any, flagged: bool = False) -> str:
    """Whether a value is finite, or a result says that it is not."""
    if isinstance(value, mg.MixedGLMResults):
        numbers = [value.params, value.bse, value.log_density]
        numbers += [] if value.log_evidence is None else [value.log_evidence]
        finite = all(np.isfinite(v).all() for v in numbers) and bool((value.bse > 0).all())
        if value.converged and not finite and not flagged:
            raise Defect(f"{value.method}: status {value.status!r}, no warning, yet not finite: {numbers}")
        if not value.converged and not flagged:
            raise Defect(f"{value.method}: status {value.status!r} without a warning")
        return f"{value.method}: {value.status}" + ("" if finite else ", not finite")
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return sound(np.concatenate([np.ravel(v) for v in value]))
    array = value.data if hasattr(value, "tocsr") else np.asarray(value, dtype=float)
    if np.isnan(array).any():
        raise Defect(f"NaN: {value!r}")
    return "number" if np.isfinite(array).all() else "infinite number"
