"""Warnings that the package issues; errors are plain ``ValueError`` and ``TypeError``."""

from __future__ import annotations

__all__ = [
    "ConvergenceWarning",
    "DesignWarning",
    "FactorizationWarning",
    "MixedGLMWarning",
    "NarrowIntervalWarning",
    "PredictionWarning",
    "PriorPullWarning",
    "RankDeficiencyWarning",
    "RefinementWarning",
    "UnusedLevelWarning",
    "VarianceCollapseWarning",
]


class MixedGLMWarning(UserWarning):
    """Base class of every warning that mixed_glm issues."""


class ConvergenceWarning(MixedGLMWarning):
    """The optimizer stopped before it met its tolerance; the result is its last point."""


class VarianceCollapseWarning(MixedGLMWarning):
    """A component of the joint mode went to the degenerate mode where its random effects are all zero."""


class DesignWarning(MixedGLMWarning):
    """The design makes a standard deviation mean something else than it seems to, or nothing; the message says what to do."""


class FactorizationWarning(MixedGLMWarning):
    """Conjugate gradients for crossed factors did not converge, and the exact factor took their place.

    That is slower, not less exact; ``result.integration.fell_back`` tells the same.
    """


class NarrowIntervalWarning(MixedGLMWarning):
    """Intervals of less than 50 % were asked for: ``alpha=0.95`` is an interval of 5 %, as in statsmodels."""


class PredictionWarning(MixedGLMWarning):
    """The mean of a prediction hangs on few draws: it may not exist. The median does."""


class PriorPullWarning(MixedGLMWarning):
    """A prior decides where a parameter is.

    It pulls a fixed effect by more than half a standard error, or the logarithm of a standard deviation by more than three quarters of
    a posterior standard deviation; or it alone bounds a fixed effect on one side, so far out that another method had to find it.
    """


class RankDeficiencyWarning(MixedGLMWarning):
    """The columns of ``exog`` are linearly dependent; only the prior tells their coefficients apart."""


class RefinementWarning(MixedGLMWarning):
    """Draws that were to be those of the posterior itself are not: the fit that they were proposed by misses a part of it."""


class UnusedLevelWarning(MixedGLMWarning):
    """A factor has levels that no row has; they are left out of the model."""
