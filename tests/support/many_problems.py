"""Designs with many simulated responses, and the fit of a single one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from simulated import draw

import mixed_glm as mg

FIELDS = ("fe_mean", "fe_sd", "vcp_mean", "vcp_sd", "log_evidence", "status", "n_iter")


@dataclass(frozen=True)
class Many:
    """A design and responses, one in each column."""

    y: np.ndarray
    x: np.ndarray
    z: np.ndarray
    ident: np.ndarray
    family: str
    options: dict[str, Any]

    def fit(self, **options):
        return mg.fit_many(self.y, self.x, self.z, self.ident, family=self.family, **(self.options | options))

    def model(self, j, **options):
        """Response `j` as a model of its own."""
        own = {k: v[:, j] if np.ndim(v) == 2 else v for k, v in (self.options | options).items()}
        return mg.MixedGLM(self.y[:, j], self.x, self.z, self.ident, family=self.family, **own)

    def with_responses(self, y):
        return replace(self, y=y)


def one_factor(family="binomial", n=120, groups=10, m=6, seed=1, trials=1, slope=False):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), n // groups)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    z = np.eye(groups)[group]
    ident = np.zeros(groups, int)
    if slope:
        z = np.hstack([z, z * x[:, 1:]])
        ident = np.repeat([0, 1], groups)
    return _draw(family, x, z, ident, m, rng, trials)


def crossed(family="binomial", n=150, sizes=(9, 5), m=6, seed=2, trials=1):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    z = np.hstack([np.eye(size)[rng.integers(size, size=n)] for size in sizes])
    return _draw(family, x, z, np.repeat(np.arange(len(sizes)), sizes), m, rng, trials)


def _draw(family, x, z, ident, m, rng, trials):
    eta = x @ rng.normal(scale=0.5, size=(2, m)) + z @ rng.normal(scale=0.8, size=(z.shape[1], m))
    y = np.column_stack(
        [draw("binomial-logit" if family == "binomial" else family, e, rng, trials) for e in eta.T]
    )
    return Many(y, x, z, ident, family, {} if trials == 1 else {"n_trials": trials})


def single_fit(model, method, **options):
    """The fit of one response, whatever it warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.MixedGLMWarning)
        return model.fit(method, **options)


def assert_identical(a, b):
    for field in (*FIELDS, *(f for f in ("vc_mean", "vc_sd") if a.vc_mean is not None)):
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field), err_msg=field)
