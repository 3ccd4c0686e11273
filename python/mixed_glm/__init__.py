"""Bayesian generalized linear mixed models with a fast C++ core."""

from mixed_glm import _core

__version__ = _core.__version__
__isa__ = _core.__isa__  # instruction set of the loaded core; MIXED_GLM_ISA in the environment chooses

from mixed_glm import datasets, exceptions, families, priors
from mixed_glm._assess.compare import compare
from mixed_glm._assess.predict_stacked import predict_stacked
from mixed_glm._native.paths import get_cmake_dir, get_include
from mixed_glm.compat import BinomialBayesMixedGLM, PoissonBayesMixedGLM
from mixed_glm.exceptions import (
    ConvergenceWarning,
    DesignWarning,
    FactorizationWarning,
    MixedGLMWarning,
    NarrowIntervalWarning,
    PredictionWarning,
    PriorPullWarning,
    RankDeficiencyWarning,
    RefinementWarning,
    UnusedLevelWarning,
    VarianceCollapseWarning,
)
from mixed_glm.many import ManyResults, ResponseStatus, fit_many
from mixed_glm.model import MixedGLM, load
from mixed_glm.pooling import PooledResults, pool
from mixed_glm.results import BayesMixedGLMResults, MixedGLMResults

__all__ = [
    "BayesMixedGLMResults",
    "BinomialBayesMixedGLM",
    "ConvergenceWarning",
    "DesignWarning",
    "FactorizationWarning",
    "ManyResults",
    "MixedGLM",
    "MixedGLMResults",
    "MixedGLMWarning",
    "NarrowIntervalWarning",
    "PoissonBayesMixedGLM",
    "PooledResults",
    "PredictionWarning",
    "PriorPullWarning",
    "RankDeficiencyWarning",
    "RefinementWarning",
    "ResponseStatus",
    "UnusedLevelWarning",
    "VarianceCollapseWarning",
    "__isa__",
    "__version__",
    "compare",
    "datasets",
    "exceptions",
    "families",
    "fit_many",
    "get_cmake_dir",
    "get_include",
    "load",
    "pool",
    "predict_stacked",
    "priors",
]
