"""Families of the response: density, link, support.

All are log-concave in the linear predictor. Some have a parameter of their own that the data estimate: sigma of the Gaussian,
alpha of the negative binomial (unless it is given), the dispersion of the gamma family; an ordinal response has thresholds.
Objects are immutable, compare by value, hash and pickle.
"""

from mixed_glm.families.base import Family
from mixed_glm.families.binomial import Binomial
from mixed_glm.families.continuous import Exponential, Gamma, Gaussian
from mixed_glm.families.counts import NegativeBinomial, Poisson
from mixed_glm.families.cumulative import Cumulative
from mixed_glm.families.given import as_family

__all__ = [
    "Binomial", "Cumulative", "Exponential", "Family", "Gamma", "Gaussian", "NegativeBinomial", "Poisson", "as_family",
]  # fmt: skip
