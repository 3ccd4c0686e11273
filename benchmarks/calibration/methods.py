"""The fits that are judged, by name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import mixed_glm as mg
from benchmarks.factorization import forced

__all__ = ["FORCED", "LABELS", "METHODS"]


def by_probes(fit: Callable[[mg.MixedGLM], Any]) -> Callable[[mg.MixedGLM], Any]:
    """A fit forced to do as for crossed factors with thousands of levels."""

    def forced_fit(model: mg.MixedGLM) -> Any:
        with forced("iterative"):
            return fit(copy.deepcopy(model))  # without the compiled model that it may have

    return forced_fit


FORCED = ("laplace_probes", "ep_probes")  # only for designs that ask for them

METHODS: dict[str, Callable[[mg.MixedGLM], Any]] = {
    "fit": lambda model: model.fit(),
    "laplace": lambda model: model.fit_laplace(),
    "leaf": lambda model: model.fit_laplace(n_quad=15),
    "ep": lambda model: model.fit_ep(),
    "vb_full": lambda model: model.fit_vb(covariance="full"),
    "vb": lambda model: model.fit_vb(),
    "map": lambda model: model.fit_map(),
    "laplace_probes": by_probes(lambda model: model.fit_laplace()),
    "ep_probes": by_probes(lambda model: model.fit_ep()),
}

LABELS = {
    "fit": "fit()",
    "laplace": "fit_laplace()",
    "leaf": "fit_laplace(n_quad=15)",
    "ep": "fit_ep()",
    "vb_full": "fit_vb(covariance='full')",
    "vb": "fit_vb()",
    "map": "fit_map()",
    "laplace_probes": "fit_laplace(), by probes",
    "ep_probes": "fit_ep(), by probes",
}
