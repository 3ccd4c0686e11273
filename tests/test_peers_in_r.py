"""Modes and likelihoods with flat priors against what lme4, glmmTMB and ordinal in R find; tests/data/peers/make.R made the figures.

Gaussian models by lmer and the others by glmmTMB, both with REML = TRUE: fixed effects are integrated out, by Laplace where they
must, which is what `fit_laplace` does. clmm of ordinal maximizes the likelihood of thresholds and coefficients.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg

pytestmark = pytest.mark.filterwarnings("ignore")

FOLDER = Path(__file__).resolve().parent / "data" / "peers"
REFERENCE: dict[str, dict[str, Any]] = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))
WIDE = 1e3  # of logarithms
WIDE_FE = 1e7
# data, formula, family; the priors of correlations LKJ(0+) are flat in arctanh(rho)
MODELS = {
    "contraception": ("use ~ age + urban + livch + (urban | district)", "binomial"),
    "verbagg": ("said ~ Anger + Gender + btype + situ + (situ | id) + (1 | item)", "binomial"),
    "maximal": ("answer ~ condition + (condition | subject) + (condition | item)", "binomial"),
    "sleepstudy": ("Reaction ~ Days + (Days | Subject)", "gaussian"),
    "cake": ("angle ~ recipe + temp + (1 | bake)", "gaussian"),
    "dyestuff": ("Yield ~ 1 + (1 | Batch)", "gaussian"),
    "owls": ("SiblingNegotiation ~ FoodTreatment * SexParent + size + (1 | Nest)", "negative_binomial"),
    "cake_gamma": ("angle ~ recipe + temp + (1 | bake)", "gamma"),
}
ORDINAL = "resp ~ Anger + btype + situ + (1 | id)"
GROUPS = ("district", "id", "item", "subject", "Subject", "bake", "Batch", "Nest")
FLAT_IN_Z = 1e-7


def data(name: str) -> pd.DataFrame:
    frame = pd.read_csv(FOLDER / f"{name.partition('_')[0]}.csv.gz")
    return frame.assign(**{group: frame[group].astype("category") for group in GROUPS if group in frame})


def model(name: str) -> mg.MixedGLM:
    formula, family = MODELS[name]
    priors: dict[str, Any] = {}
    if "(1 |" not in formula or name == "verbagg":
        priors["cor"] = mg.priors.LKJ(FLAT_IN_Z)
    if family != "binomial":
        priors["dispersion"] = mg.priors.LogNormal(0.0, WIDE)
    return mg.MixedGLM.from_formula(
        formula, data=data(name), family=family, fe_p=WIDE_FE, vcp_p=WIDE, priors=priors
    )


def in_the_same_order(m: mg.MixedGLM, names: list[str]) -> list[int]:
    """Places of R's fixed effects among ours: the names without brackets are the same."""
    ours = [name.replace("[T.", "").replace("]", "") for name in m.fep_names]
    return [ours.index(name.replace("(Intercept)", "Intercept")) for name in names]


def log_prior(m: mg.MixedGLM, theta: np.ndarray) -> float:
    """Of the hyperparameters: normal for logarithms, and the density of z = arctanh(rho) under the LKJ prior."""
    k, terms = m.k_vcp, len(m.spec.layout.cor_names)
    logs = np.delete(theta, np.arange(k, k + terms))
    normal = np.sum(-0.5 * (logs / WIDE) ** 2 - math.log(WIDE * math.sqrt(2 * math.pi)))
    b = FLAT_IN_Z
    scale = math.lgamma(b + 0.5) - math.lgamma(b) - 0.5 * math.log(math.pi)
    return float(normal + terms * scale - 2 * b * np.sum(np.log(np.cosh(theta[k : k + terms]))))


@pytest.mark.parametrize("name", MODELS)
def test_the_mode_is_that_of_restricted_likelihood(name: str) -> None:
    reference, m = REFERENCE[name], model(name)
    result = m.fit_laplace(integrate="mode", mean_correction=False, minim_opts={"tol": 1e-12})
    assert result.converged
    theta = result.posterior.points[0]
    np.testing.assert_allclose(np.exp(result.vcp_mean), reference["sd"], rtol=2e-4)
    terms = len(m.spec.layout.cor_names)
    correlations = np.tanh(theta[m.k_vcp : m.k_vcp + terms])  # at the mode; cor_mean is the posterior mean
    np.testing.assert_allclose(correlations, reference["cor"], atol=2e-4)
    np.testing.assert_allclose(np.exp(result.family_mean), reference["shape"], rtol=2e-4)
    places = in_the_same_order(m, reference["names"])
    distance = (result.fe_mean[places] - reference["fixed"]) / result.fe_sd[places]
    assert np.abs(distance).max() < 1e-3  # posterior standard deviations
    flat = m.k_fep * math.log(WIDE_FE * math.sqrt(2 * math.pi))
    restricted = m.log_marginal(theta) - log_prior(m, theta) + flat
    assert restricted == pytest.approx(reference["loglik"], abs=1e-4)


def test_ordinal_likelihood_is_that_of_clmm_and_largest_there() -> None:
    """Thresholds and coefficients are held by narrow priors: what is left is the likelihood, times that of the prior of psi."""
    reference, frame = REFERENCE["verbagg_ordinal"], data("verbagg_ordinal")
    free = mg.MixedGLM.from_formula(ORDINAL, data=frame, family="cumulative", fe_p=WIDE_FE, vcp_p=WIDE)
    cuts, fixed = np.split(np.array(reference["fixed"]), [2])
    fixed = fixed[np.argsort(in_the_same_order(free, reference["names"][2:]))]
    unit = np.abs(free.fit_laplace(integrate="mode").bse[free.spec.layout.fixed])

    def likelihood(at: np.ndarray, psi: float) -> float:
        names = free.priors.index[: len(at)]
        priors = {name: mg.priors.Normal(v, 1e-3 * s) for name, v, s in zip(names, at, unit, strict=True)}
        held = mg.MixedGLM.from_formula(ORDINAL, data=frame, family="cumulative", vcp_p=WIDE, priors=priors)
        return held.log_marginal([psi]) + math.log(WIDE * math.sqrt(2 * math.pi))

    at, psi = np.concatenate([cuts, fixed]), math.log(reference["sd"][0])
    value = likelihood(at, psi)
    assert value == pytest.approx(reference["loglik"], abs=1e-4)
    for j, step in enumerate(0.1 * unit):
        change = step * (np.arange(len(at)) == j)
        # clmm stops within a twentieth of a standard error of the maximum: 0.2 * 0.05
        assert abs(likelihood(at + change, psi) - likelihood(at - change, psi)) < 0.01
    assert abs(likelihood(at, psi + 0.01) - likelihood(at, psi - 0.01)) < 1e-3
