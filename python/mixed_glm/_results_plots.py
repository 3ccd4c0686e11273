"""The pictures of `MixedGLMResults`; all need matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mixed_glm.results import MixedGLMResults


class PlotMethods:
    """A part of `MixedGLMResults`, which alone inherits from it."""

    def _result(self) -> MixedGLMResults:
        return cast("MixedGLMResults", self)

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

        return plot_random_effects(self._result(), term, ax, alpha)

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

        return plot_posterior(self._result(), term, ax, alpha)

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

        return plot_coefficients(self._result(), names, ax, alpha, ratio)
