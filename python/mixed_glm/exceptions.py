"""Warnings that the package issues; errors are plain ``ValueError`` and ``TypeError``."""

from __future__ import annotations

__all__ = [
    "ConvergenceWarning",
    "MixedGLMWarning",
    "RankDeficiencyWarning",
    "UnusedLevelWarning",
    "VarianceCollapseWarning",
]


class MixedGLMWarning(UserWarning):
    """Base class of every warning that mixed_glm issues."""


class ConvergenceWarning(MixedGLMWarning):
    """The optimizer stopped before it met its tolerance; the result is its last point."""


class VarianceCollapseWarning(MixedGLMWarning):
    """A component of the joint mode went to the degenerate mode where its random effects are all zero."""


class RankDeficiencyWarning(MixedGLMWarning):
    """The columns of ``exog`` are linearly dependent; only the prior tells their coefficients apart."""


class UnusedLevelWarning(MixedGLMWarning):
    """A factor has levels that no row has; they are left out of the model."""
