"""Posterior densities of the standard deviations of random effects."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mixed_glm._fit.fit import Fit, HasFit
from mixed_glm._spec.layout import ParameterLayout
from mixed_glm.plots._axes import (
    COLOURS,
    GREY,
    LIGHT_GREY,
    add_legend,
    new_axes,
    percent,
    plain,
    scale_name,
    significant,
)
from mixed_glm.priors import Prior

if TYPE_CHECKING:
    from matplotlib.axes import Axes


Floats = npt.NDArray[np.float64]

_SHOWN = 0.995  # quantile of the widest posterior at which the axis ends


def plot_posterior(
    result: HasFit, term: str | int | None = None, ax: Axes | None = None, alpha: float = 0.05
) -> Axes:
    """Posterior densities of the standard deviations of the random effects, of a correlation, or of the family's own parameter, with
    their priors behind.

    The area over the credible interval is filled.

    Parameters
    ----------
    result : MixedGLMResults
    term : str or int, optional
        Variance component, or the name of the family's own parameter (``"sigma"``, ``"alpha"``, ``"dispersion"``), or of a
        correlation (``"cor(subject: Intercept, days)"``); default all components in one picture, or the family's parameter where
        there are none.
    ax : matplotlib Axes, optional
        Drawn into; default a new figure.
    alpha : float, default 0.05
        The filled intervals have probability ``1 - alpha``.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `term` is not a component, the model has none, or the fit knows no standard deviations (a joint mode that
        has collapsed).
    """
    fit = result.fit
    if term in fit.spec.layout.cor_names:
        return _plot_correlation(fit, str(term), ax, alpha)
    spec, layout = fit.spec, fit.spec.layout
    probability = percent(alpha)
    places = _places(layout, term)
    of_family = bool(places) and layout.hyper_names[places[0]] in layout.shape_names
    if not places:
        raise ValueError("plot_posterior: the model has no random effects")
    densities = [_sd_density(fit, k) for k in places]
    ax = new_axes(7.0, 4.5) if ax is None else ax
    end = max(_quantile(*density, _SHOWN) for density in densities)
    own = spec.design.priors.family if of_family else [spec.design.priors.sd[k] for k in places]
    priors = dict.fromkeys(own)
    for prior, style in zip(priors, itertools.cycle(("--", ":", "-.")), strict=False):
        label = "prior" if len(priors) == 1 else f"prior {prior!r}"
        _draw_prior(ax, prior, end, label, style)
    for i, (k, density) in enumerate(zip(places, densities, strict=True)):
        _draw_density(ax, *density, layout.hyper_names[k], COLOURS[i % len(COLOURS)], alpha)
    ax.set_xlim(0.0, end)
    ax.set_yticks([])
    ax.set_ylabel("posterior density")
    if of_family:
        ax.set_xlabel(plain(layout.hyper_names[places[0]]))
        ax.set_title(f"Parameter of the {spec.family.title} family")
    else:
        ax.set_xlabel(f"standard deviation of the random effects ({scale_name(spec.family)})")
        ax.set_title("Standard deviations of the random effects")
    ax.set_ylim(bottom=0.0)
    add_legend(ax, f"median and {probability} interval")
    return ax


def _plot_correlation(fit: Fit, name: str, ax: Axes | None, alpha: float) -> Axes:
    """Density of a correlation between -1 and 1, with that of its prior."""
    number, probability = fit.spec.layout.cor_names.index(name), percent(alpha)
    ax = new_axes(7.0, 4.5) if ax is None else ax
    priors = zip(fit.spec.design.correlated, fit.spec.design.priors.cor, strict=True)
    term, prior = next((t, p) for t, p in priors if name in t.cor_names)
    rho = np.linspace(-1.0, 1.0, 402)[1:-1]
    density = np.exp(prior.marginal_log_density(rho, term.order))
    ax.fill_between(rho, density, color=LIGHT_GREY, linewidth=0.0, zorder=0)
    ax.plot(rho, density, color=GREY, linewidth=0.8, linestyle="--", label="prior", zorder=0)
    _draw_density(ax, *fit.posterior.cor_density(number), name, COLOURS[0], alpha)
    ax.set_xlim(-1.0, 1.0)
    ax.set_yticks([])
    ax.set_ylabel("posterior density")
    ax.set_xlabel("correlation of the random effects")
    ax.set_title(plain(name))
    ax.set_ylim(bottom=0.0)
    add_legend(ax, f"median and {probability} interval")
    return ax


def _places(layout: ParameterLayout, term: str | int | None) -> list[int]:
    """Numbers of the hyperparameters to draw."""
    names = layout.shape_names
    of_family = [layout.k_hyper - len(names) + j for j in range(len(names))]
    if term is None:
        return list(range(layout.k_vcp)) or of_family
    if term in names:
        return [of_family[names.index(str(term))]]
    return [layout.component(term)]


def _sd_density(fit: Fit, place: int) -> tuple[Floats, Floats]:
    """Values of a hyperparameter on its natural scale in increasing order, and the density of each."""
    psi, density = fit.posterior.psi_density(place)
    if not np.isfinite(density).all():
        raise ValueError(
            f"plot_posterior: the fit knows no posterior of {fit.spec.layout.hyper_names[place]!r} "
            f"(status {fit.status!r})"
        )
    sd = np.exp(psi)
    return sd, density / sd


def _quantile(sd: Floats, density: Floats, level: float) -> float:
    cumulative = np.concatenate([[0.0], np.cumsum(np.diff(sd) * (density[1:] + density[:-1]) / 2)])
    return float(np.interp(level, cumulative / cumulative[-1], sd))


def _draw_density(ax: Axes, sd: Floats, density: Floats, name: str, colour: str, alpha: float) -> None:
    median, low, high = (_quantile(sd, density, level) for level in (0.5, alpha / 2, 1 - alpha / 2))
    label = f"{plain(name)}: {significant(median)} ({significant(low)} to {significant(high)})"
    ax.plot(sd, density, color=colour, label=label)
    inside = (sd >= low) & (sd <= high)
    ax.fill_between(sd[inside], density[inside], color=colour, alpha=0.2, linewidth=0.0)


def _draw_prior(ax: Axes, prior: Prior, end: float, label: str, style: str) -> None:
    sd = np.linspace(end / 400, end, 400)
    density = np.exp(prior.log_density(sd))
    ax.fill_between(sd, density, color=LIGHT_GREY, linewidth=0.0, zorder=0)
    ax.plot(sd, density, color=GREY, linewidth=0.8, linestyle=style, label=label, zorder=0)
