"""The fits that are judged, by name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import mixed_glm as mg
from benchmarks.factorization import forced

__all__ = ["FORCED", "LABELS", "METHODS"]


def laplace_probes(model: mg.MixedGLM) -> Any:
    """As for crossed factors with thousands of levels."""
    with forced("iterative"):
        return copy.deepcopy(model).fit_laplace()  # without the compiled model that it may have


FORCED = "laplace_probes"  # only for designs that ask for it

METHODS: dict[str, Callable[[mg.MixedGLM], Any]] = {
    "fit": lambda model: model.fit(),
    "laplace": lambda model: model.fit_laplace(),
    FORCED: laplace_probes,
    "leaf": lambda model: model.fit_laplace(n_quad=15),
    "ep": lambda model: model.fit_ep(),
    "vb_full": lambda model: model.fit_vb(covariance="full"),
    "vb": lambda model: model.fit_vb(),
    "map": lambda model: model.fit_map(),
}

LABELS = {
    "fit": "fit()",
    "laplace": "fit_laplace()",
    FORCED: "fit_laplace(), forced through probes",
    "leaf": "fit_laplace(n_quad=15)",
    "ep": "fit_ep()",
    "vb_full": "fit_vb(covariance='full')",
    "vb": "fit_vb()",
    "map": "fit_map()",
}
