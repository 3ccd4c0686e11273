"""The pictures of `MixedGLMResults`; all need matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mixed_glm._part import ResultsPart

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class PlotMethods(ResultsPart):
    """Pictures."""

    def plot_random_effects(
        self, term: str | int | None = None, ax: Axes | None = None, alpha: float = 0.05
    ) -> Axes:
        """Caterpillar plot of random effects; needs matplotlib.

        Parameters
        ----------
        term, ax, alpha
            As for `plots.plot_random_effects`.
        """
        from mixed_glm.plots import plot_random_effects

        return plot_random_effects(self._results(), term, ax, alpha)

    def plot_posterior(
        self, term: str | int | None = None, ax: Axes | None = None, alpha: float = 0.05
    ) -> Axes:
        """Posterior densities of the standard deviations of random effects; needs matplotlib.

        Parameters
        ----------
        term, ax, alpha
            As for `plots.plot_posterior`.
        """
        from mixed_glm.plots import plot_posterior

        return plot_posterior(self._results(), term, ax, alpha)

    def plot_coefficients(
        self,
        names: Sequence[str] | None = None,
        ax: Axes | None = None,
        alpha: float = 0.05,
        ratio: bool = False,
    ) -> Axes:
        """Fixed effects with their intervals; needs matplotlib.

        Parameters
        ----------
        names, ax, alpha, ratio
            As for `plots.plot_coefficients`.
        """
        from mixed_glm.plots import plot_coefficients

        return plot_coefficients(self._results(), names, ax, alpha, ratio)

    def plot_predictive_check(
        self, ax: Axes | None = None, draws: int = 500, rng: Any = 0, alpha: float = 0.05
    ) -> Axes:
        """Responses against replications drawn from the posterior; needs matplotlib.

        Parameters
        ----------
        ax, draws, rng, alpha
            As for `plots.plot_predictive_check`.
        """
        from mixed_glm.plots import plot_predictive_check

        return plot_predictive_check(self._results(), ax, draws, rng, alpha)
