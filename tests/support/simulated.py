"""Simulated models with one grouping factor, and the same model for the brute-force reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brute_force import BruteForce

import mixed_glm as mg

FAMILIES = {
    "binomial-logit": lambda: mg.families.Binomial(),
    "binomial-probit": lambda: mg.families.Binomial("probit"),
    "binomial-cloglog": lambda: mg.families.Binomial("cloglog"),
    "binomial-loglog": lambda: mg.families.Binomial("loglog"),
    "poisson": lambda: mg.families.Poisson(),
    "negative_binomial": lambda: mg.families.NegativeBinomial(alpha=0.6),
    "exponential": lambda: mg.families.Exponential(),
}


def draw(family: str, eta, rng, trials=1):
    """Responses in the family's support."""
    if family.startswith("binomial"):
        return rng.binomial(trials, np.clip(np.asarray(FAMILIES[family]().mean(eta)), 0, 1)).astype(float)
    mean = np.exp(np.clip(eta, -20, 4))
    if family == "exponential":
        return rng.exponential(mean)
    return rng.poisson(
        mean * (rng.gamma(1 / 0.6, 0.6, len(mean)) if family == "negative_binomial" else 1)
    ).astype(float)


PLAIN = {
    "fe_p": 2.0,
    "vcp_p": 1.0,
}  # the priors that `BruteForce` has: normal about zero, of columns as they stand


@dataclass
class OneFactor:
    """Data with one grouping factor."""

    y: np.ndarray
    x: np.ndarray
    group: np.ndarray
    groups: int
    family: str
    trials: int = 1

    def model(self, **options):
        options = PLAIN | options
        z = np.zeros((len(self.y), self.groups))
        z[np.arange(len(self.y)), self.group] = 1.0
        if self.trials != 1:
            options["n_trials"] = self.trials
        exog = self.x if self.x.shape[1] else None
        return mg.MixedGLM(
            self.y, exog, z, np.zeros(self.groups, int), family=FAMILIES[self.family](), **options
        )

    def reference(self, **options):
        return BruteForce(
            self.y, self.x, self.group, self.family, trials=float(self.trials), groups=self.groups,
            alpha=0.6, **options,
        )  # fmt: skip


def one_factor(family="binomial-logit", groups=12, rows=4, p=1, sd=1.0, seed=1, trials=1) -> OneFactor:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rows)
    n = groups * rows
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])[:, :p]
    eta = x @ np.array([0.3, -0.5, 0.4])[:p] + sd * rng.normal(size=groups)[group]
    return OneFactor(draw(family, eta, rng, trials), x, group, groups, family, trials)


def crossed(seed=1, n=120, sizes=(12, 5), family="binomial-logit", p=2, **options):
    """A model with several factors, of which each row touches one level."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, max(p - 1, 0)))])[:, :p]
    z = np.hstack([np.eye(size)[rng.integers(size, size=n)] for size in sizes])
    ident = np.repeat(np.arange(len(sizes)), sizes)
    eta = x @ np.array([0.3, -0.5, 0.4])[:p] + z @ rng.normal(scale=0.8, size=z.shape[1])
    return mg.MixedGLM(
        draw(family, eta, rng), x if p else None, z, ident, family=FAMILIES[family](), **PLAIN | options
    )


__all__ = ["FAMILIES", "PLAIN", "OneFactor", "crossed", "draw", "one_factor"]
