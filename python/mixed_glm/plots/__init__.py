"""Pictures of a fitted model. matplotlib is imported when the first one is drawn.

Every function takes the axes to draw into, and returns them; without, it makes a figure of its own.
"""

from mixed_glm.plots.coefficients import plot_coefficients
from mixed_glm.plots.effect import plot_effect
from mixed_glm.plots.posterior import plot_posterior
from mixed_glm.plots.predictive import plot_predictive_check
from mixed_glm.plots.prior import plot_prior_predictive
from mixed_glm.plots.random_effects import plot_random_effects

__all__ = [
    "plot_coefficients",
    "plot_effect",
    "plot_posterior",
    "plot_predictive_check",
    "plot_prior_predictive",
    "plot_random_effects",
]
