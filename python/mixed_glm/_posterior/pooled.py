"""The posterior of several data sets that stand for one: an equal mixture of theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mixed_glm._posterior.draws import Drawn
from mixed_glm._posterior.fixed_effects import FixedEffects
from mixed_glm._posterior.integral import integral
from mixed_glm._posterior.posterior import Posterior
from mixed_glm._posterior.some_draws import EVERY, Effects, Places, SomeDraws

Floats = npt.NDArray[np.float64]

_BISECTIONS = 50
_GRID = 2000  # points of a density


@dataclass(frozen=True, eq=False)
class PooledPosterior(Posterior):
    """An equal mixture of posteriors of the same parameters.

    Attributes
    ----------
    parts : tuple of Posterior
    """

    parts: tuple[Posterior, ...]

    @classmethod
    def of(cls, parts: tuple[Posterior, ...]) -> PooledPosterior:
        """Mixture with its means and standard deviations."""
        means, variances = (np.array([getattr(part, name) for part in parts]) for name in ("mean", "sd"))
        total = (variances**2).mean(axis=0) + means.var(axis=0)
        return cls(means.mean(axis=0), np.sqrt(total), parts[0].spec, parts)

    @property
    def between(self) -> Floats:
        """Variances of the means of the parts, shape (d,)."""
        return np.asarray(np.array([part.mean for part in self.parts]).var(axis=0, ddof=1))

    @property
    def within(self) -> Floats:
        """Means of the variances of the parts, shape (d,)."""
        return np.asarray(np.array([part.sd**2 for part in self.parts]).mean(axis=0))

    def cdf(self, values: Floats, effects: Effects = EVERY) -> Floats:
        """Marginal probabilities of numbers below `values`."""
        return np.asarray(np.mean([part.cdf(values, effects) for part in self.parts], axis=0))

    def quantile(self, level: float, effects: Effects = EVERY) -> Floats:
        """Marginal quantiles: those of the parts enclose them."""
        own = np.array([part.quantile(level, effects) for part in self.parts])
        low, high = own.min(axis=0), own.max(axis=0)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            below = self.cdf(middle, effects) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2)

    def covariance(self) -> Floats:
        """Dense covariance, shape (d, d)."""
        parts = [part.covariance() for part in self.parts]
        within = np.mean([np.diag(c) if c.ndim == 1 else c for c in parts], axis=0)
        off = np.array([part.mean for part in self.parts]) - self.mean
        return np.asarray(within + off.T @ off / len(self.parts))

    def fixed_effects(self) -> FixedEffects:
        """Mixture of those of the parts; third cumulants are their average."""
        found = [part.fixed_effects() for part in self.parts]
        thirds = [f.third for f in found if f.third is not None]
        return FixedEffects(
            np.concatenate([f.weights / f.weights.sum() for f in found]) / len(found),
            np.concatenate([f.means for f in found]),
            np.concatenate([f.covariances for f in found]),
            np.mean(thirds, axis=0) if len(thirds) == len(found) else None,
        )

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """Joint draws, as many of each part, in random order; the density of the mixture is not known at them."""
        parts = [part.draw(m, rng).params for part, m in zip(self.parts, self._shares(n), strict=True) if m]
        unknown = np.full(n, np.nan)
        return Drawn(rng.permutation(np.concatenate(parts)), unknown, unknown)

    def draw_some(self, effects: Places, n: int, rng: np.random.Generator) -> SomeDraws:
        """Joint draws of some random effects, as many of each part."""
        parts = [
            part.draw_some(effects, m, rng) for part, m in zip(self.parts, self._shares(n), strict=True) if m
        ]
        fe, hyper, vc, thresholds = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("fe", "hyper", "vc", "thresholds")
        )
        order = rng.permutation(n)
        return SomeDraws(fe[order], hyper[order], vc[order], effects, parts[0].layout, thresholds[order])

    def psi_density(self, component: int) -> tuple[Floats, Floats]:
        """Density of a log standard deviation on a grid."""
        return _mean_density([part.psi_density(component) for part in self.parts])

    def cor_density(self, number: int) -> tuple[Floats, Floats]:
        """Density of a correlation on a grid."""
        return _mean_density([part.cor_density(number) for part in self.parts])

    def _shares(self, n: int) -> npt.NDArray[np.intp]:
        """Draws of each part, which add up to n."""
        ends = np.rint(np.arange(len(self.parts) + 1) * n / len(self.parts)).astype(np.intp)
        return np.diff(ends)


def _mean_density(found: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    grid = np.linspace(min(x[0] for x, _ in found), max(x[-1] for x, _ in found), _GRID)
    density = np.mean([np.interp(grid, x, f, left=0.0, right=0.0) for x, f in found], axis=0)
    return grid, density / integral(density, grid)
