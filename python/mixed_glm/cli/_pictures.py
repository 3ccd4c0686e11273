"""Pictures as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mixed_glm._input.files import replacing
from mixed_glm.cli._paths import check_suffix, suffix
from mixed_glm.plots._axes import rows_height
from mixed_glm.results import MixedGLMResults


def require_matplotlib(path: Path) -> None:
    """Find out before a long fit whether its picture can be drawn into a file, and draw without a display.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the name of the file does not end in a format that it knows.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise ImportError("the plot needs matplotlib: pip install 'mixed-glm[plot]'") from None
    mpl.use("Agg")
    from matplotlib.figure import Figure

    formats = Figure().canvas.get_supported_filetypes()
    check_suffix("--plot", path, [f".{name}" for name in sorted(formats)])


def save_picture(result: MixedGLMResults, picture: str, path: Path) -> str:
    """Draw one of `PICTURES` into a file; the suffix of its name says which format.

    Returns
    -------
    str
        What was written where.

    Raises
    ------
    OSError, ValueError
        If it cannot be written or drawn, or matplotlib does not know the format.
    """
    figure = PICTURES[picture](result)
    with replacing(path) as file:
        figure.savefig(file, dpi=150, format=suffix(path)[1:])
    return f"\n{picture.replace('-', ' ')}: {path}"


def _random_effects(result: MixedGLMResults) -> Any:
    """Every variance component, side by side."""
    from matplotlib.figure import Figure

    components = result.model.k_vcp
    if components == 0:
        raise ValueError("--plot: the model has no random effects")
    height = rows_height(int(np.bincount(result.model.ident).max()))
    figure = Figure(figsize=(5.5 * components, height), layout="constrained")
    for component, ax in enumerate(np.ravel(figure.subplots(1, components))):
        result.plot_random_effects(component, ax)
    return figure


def _posterior(result: MixedGLMResults) -> Any:
    return result.plot_posterior().figure


def _coefficients(result: MixedGLMResults) -> Any:
    return result.plot_coefficients().figure


def _predictive_check(result: MixedGLMResults) -> Any:
    return result.plot_predictive_check().figure


PICTURES: dict[str, Callable[[MixedGLMResults], Any]] = {
    "random-effects": _random_effects,
    "posterior": _posterior,
    "coefficients": _coefficients,
    "predictive-check": _predictive_check,
}
