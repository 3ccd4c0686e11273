"""Small sound models as keyword arguments of `MixedGLM`, for the fuzzers to spoil."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

import mixed_glm as mg

FAMILIES = [
    mg.families.Binomial(), mg.families.Binomial("probit"), mg.families.Binomial("cloglog"),
    mg.families.Binomial("loglog"), mg.families.Poisson(), mg.families.NegativeBinomial(0.7), mg.families.Exponential(),
]  # fmt: skip


def pick(rng: np.random.Generator, choices: Any) -> Any:
    """One of a sequence, itself and not as a numpy scalar."""
    return choices[int(rng.integers(len(choices)))]


def problem(rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of a model with 1 to 12 rows, 0 to 3 fixed and 0 to 8 random effects."""
    n, p = int(rng.integers(1, 13)), int(rng.integers(0, 4))
    levels = [int(rng.integers(1, 5)) for _ in range(int(rng.integers(0, 3)))]
    family = pick(rng, FAMILIES)
    arguments: dict[str, Any] = {"family": family, "exog": rng.normal(size=(n, p)) if p else None}
    if levels:
        z = np.hstack([np.eye(k)[rng.integers(k, size=n)] for k in levels])
        if rng.random() < 0.3:
            z *= rng.normal(size=z.shape)
        arguments |= {"exog_vc": sparse.csr_array(z), "ident": np.repeat(np.arange(len(levels)), levels)}
    trials = None
    if family.name == "binomial":
        trials = rng.integers(1, 9, size=n) if rng.random() < 0.4 else None
        arguments["endog"] = rng.binomial(1 if trials is None else trials, 0.4, size=n).astype(float)
    elif family.name == "exponential":
        arguments["endog"] = rng.exponential(size=n)
    else:
        arguments["endog"] = rng.poisson(2.0, size=n).astype(float)
    if trials is not None:
        arguments["n_trials"] = trials
    optional = {
        "offset": lambda: rng.normal(size=n),
        "freq_weights": lambda: rng.integers(0, 4, size=n).astype(float),
        "vcp_p": lambda: rng.exponential(size=len(levels)) + 1e-3,
        "fe_p": lambda: rng.exponential(size=p) + 1e-3,
    }
    if family.link == "log":
        optional["exposure"] = lambda: rng.exponential(size=n) + 1e-3
    for name, make in optional.items():
        if rng.random() < 0.2:
            arguments[name] = make()
    return arguments


def use(rng: np.random.Generator, model: mg.MixedGLM) -> Any:
    """Something that a user does with a model."""
    d = model.k_fep + model.k_vcp + model.k_vc
    point, psi = rng.normal(size=d), rng.normal(size=model.k_vcp)
    sd = np.exp(rng.normal(size=d))
    approx = pick(rng, ["laplace", "ep", "vb"])
    uses = [
        model.fit, model.fit_map, model.fit_laplace, model.fit_ep, model.fit_vb,
        lambda: model.fit_vb(covariance="full"),
        lambda: model.fit_laplace(n_quad=pick(rng, [2, 7, 15])),
        lambda: model.fit_laplace(integrate=pick(rng, ["mode", "ccd", "grid", "ridge"])),
        lambda: model.fit_map(scale_fe=True),
        lambda: model.logposterior(point),
        lambda: where_finite(model.logposterior(point), model.logposterior_grad(point)),
        lambda: where_finite(model.logposterior(point), model.logposterior_hess(point).data),
        lambda: model.log_marginal(psi, approx), lambda: model.log_marginal_grad(psi, approx),
        lambda: model.vb_elbo(point, sd),
        lambda: where_finite(model.vb_elbo(point, sd), np.concatenate(model.vb_elbo_grad(point, sd))),
    ]  # fmt: skip
    return pick(rng, uses)()


def where_finite(value: float, derivatives: np.ndarray) -> Any:
    """Derivatives, where the value is one: at -1e300 or minus infinity they need not be numbers."""
    return derivatives if value > -1e280 else value
