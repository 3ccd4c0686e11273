"""A fit of the cattle data with an effect of each herd."""

from __future__ import annotations

import functools

import mixed_glm as mg


@functools.cache
def with_herds() -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size",
        vcp_p=0.5, fe_p=2.0,
    ).fit_laplace()  # fmt: skip
