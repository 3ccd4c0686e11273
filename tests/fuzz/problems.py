"""Small sound models as keyword arguments of `MixedGLM`, for the fuzzers to spoil."""

from __future__ import annotations

from typing import Any

import numpy as np
from judge import Defect
from scipy import sparse

import mixed_glm as mg
from mixed_glm import priors

FAMILIES = [
    mg.families.Binomial(), mg.families.Binomial("probit"), mg.families.Binomial("cloglog"),
    mg.families.Binomial("loglog"), mg.families.Poisson(), mg.families.NegativeBinomial(0.7), mg.families.Exponential(),
    mg.families.NegativeBinomial(), mg.families.Gaussian(), mg.families.Gamma(), mg.families.Cumulative(),
    mg.families.Cumulative("probit"), mg.families.Cumulative("cloglog"),
]  # fmt: skip
SHAPED = ("gaussian", "gamma", "negative_binomial")


def pick(rng: np.random.Generator, choices: Any) -> Any:
    """One of a sequence, itself and not as a numpy scalar."""
    return choices[int(rng.integers(len(choices)))]


def problem(rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of a model with 1 to 12 rows, 0 to 3 fixed and 0 to 12 random effects."""
    family = pick(rng, FAMILIES)
    n, p = int(rng.integers(2 if family.is_ordinal else 1, 13)), int(rng.integers(0, 4))
    arguments: dict[str, Any] = {"family": family, "exog": rng.normal(size=(n, p)) if p else None}
    arguments |= correlated_effects(rng, n) if rng.random() < 0.25 else independent_effects(rng, n)
    k = len(np.unique(arguments.get("ident", [])))
    arguments["endog"], trials = response(rng, family, n)
    if trials is not None:
        arguments["n_trials"] = trials
    optional = {
        "offset": lambda: rng.normal(size=n),
        "freq_weights": lambda: rng.integers(0, 4, size=n).astype(float),
        "vcp_p": lambda: rng.exponential(size=k) + 1e-3,
        "fe_p": lambda: float(rng.exponential() + 1e-3),
        "priors": lambda: some_priors(rng, arguments, p, k),
    }
    if family.link == "log":
        optional["exposure"] = lambda: rng.exponential(size=n) + 1e-3
    for name, make in optional.items():
        if rng.random() < 0.2:
            arguments[name] = make()
    return arguments


def independent_effects(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Up to two factors of up to four levels."""
    levels = [int(rng.integers(1, 5)) for _ in range(int(rng.integers(0, 3)))]
    if not levels:
        return {}
    z = np.hstack([np.eye(k)[rng.integers(k, size=n)] for k in levels])
    if rng.random() < 0.3:
        z *= rng.normal(size=z.shape)
    return {"exog_vc": sparse.csr_array(z), "ident": np.repeat(np.arange(len(levels)), levels)}


def correlated_effects(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """A term of two or three correlated effects of up to four levels, and at times an independent factor beside it."""
    m, q = int(rng.integers(2, 4)), int(rng.integers(1, 5))
    groups = np.eye(q)[rng.integers(q, size=n)]
    blocks = [groups] + [groups * rng.normal(size=(n, 1)) for _ in range(m - 1)]
    ident, levels = np.repeat(np.arange(m), q), np.tile(np.arange(q), m)
    if rng.random() < 0.3:
        other = int(rng.integers(1, 4))
        blocks.append(np.eye(other)[rng.integers(other, size=n)])
        ident, levels = np.append(ident, np.full(other, m)), np.append(levels, np.arange(other))
    order = rng.permutation(len(ident)) if rng.random() < 0.3 else np.arange(len(ident))
    return {
        "exog_vc": sparse.csr_array(np.hstack(blocks)[:, order]),
        "ident": ident[order],
        "levels": levels[order],
        "correlated": [tuple(range(m))],
    }


def response(rng: np.random.Generator, family: mg.families.Family, n: int) -> tuple[np.ndarray, Any]:
    """Responses, and numbers of trials or None."""
    if family.name == "binomial":
        trials = rng.integers(1, 9, size=n) if rng.random() < 0.4 else None
        return rng.binomial(1 if trials is None else trials, 0.4, size=n).astype(float), trials
    if family.name == "gaussian":
        return rng.normal(size=n) * 10.0 ** rng.integers(-3, 4), None
    if family.is_continuous:
        return rng.exponential(size=n) + 1e-9, None
    if family.is_ordinal:
        return rng.permutation(np.arange(n) % min(n, int(rng.integers(2, 5)))).astype(float), None
    return rng.poisson(2.0, size=n).astype(float), None


def sd_prior(rng: np.random.Generator) -> priors.Prior:
    """Of a standard deviation or a family's parameter."""
    a, b = np.exp(rng.normal(size=2))
    return pick(
        rng,
        [
            priors.LogNormal(float(rng.normal()), b), priors.HalfNormal(a), priors.HalfT(a, b), priors.HalfCauchy(a),
            priors.Exponential(a), priors.PC(a, float(rng.uniform(0.01, 0.9))), priors.Gamma(a, b), priors.InverseGamma(a, b),
        ],
    )  # fmt: skip


def some_priors(rng: np.random.Generator, arguments: dict[str, Any], p: int, k: int) -> dict[str, Any]:
    """Distributions for some of the parameters, by their names."""
    makers: dict[str, Any] = {
        f"FE_{j + 1}": lambda: priors.Normal(float(rng.normal()), float(rng.exponential() + 1e-3))
        for j in range(p)
    }
    makers |= {"sd": lambda: sd_prior(rng)} if k else {}
    makers |= {f"sd(VC_{j + 1})": lambda: sd_prior(rng) for j in range(k)}
    if "correlated" in arguments:
        makers["cor"] = lambda: priors.LKJ(float(np.exp(rng.normal())))
    if arguments["family"].shape_names:
        makers["dispersion"] = lambda: sd_prior(rng)
    return {name: make() for name, make in makers.items() if rng.random() < 0.5}


def use(rng: np.random.Generator, model: mg.MixedGLM) -> Any:
    """Something that a user does with a model."""
    layout = model.spec.layout
    d = layout.size
    point, psi = rng.normal(size=d), rng.normal(size=layout.k_hyper)
    sd = np.exp(rng.normal(size=d))
    approx = pick(rng, ["laplace", "ep", "vb", "leaf"])
    few = layout.k_hyper <= 3  # the points of a grid grow fast with them
    integrate = pick(rng, ["auto", "line", "mode", "ccd", "ridge", "grid" if few else "mode"])
    uses = [
        model.fit, model.fit_map, model.fit_laplace, model.fit_ep, model.fit_vb,
        lambda: model.fit(integrate=integrate),
        lambda: model.fit_vb(covariance="full"),
        lambda: model.fit_vb(n_quad=pick(rng, [2, 9])),
        lambda: model.fit_laplace(n_quad=pick(rng, [2, 7, 15])),
        lambda: model.fit_laplace(n_quad=5, integrate=integrate, leaf=pick(rng, ["auto", 0, [0], model.vcp_names[:1]])),
        lambda: model.fit_laplace(integrate=integrate),
        lambda: model.fit_laplace(integrate=integrate, mean_correction=False),
        lambda: model.fit_ep(integrate=integrate),
        lambda: model.fit_map(scale_fe=True), lambda: model.fit_vb(scale_fe=True),
        lambda: fitted_many(rng, model),
        lambda: model.prior_predictive(20, rng=1),
        lambda: model.logposterior(point),
        lambda: where_finite(model.logposterior(point), model.logposterior_grad(point)),
        lambda: where_finite(model.logposterior(point), model.logposterior_hess(point).data),
        lambda: model.log_marginal(psi, approx), lambda: model.log_marginal_grad(psi, approx),
        lambda: model.vb_elbo(point, sd),
        lambda: where_finite(model.vb_elbo(point, sd), np.concatenate(model.vb_elbo_grad(point, sd))),
    ]  # fmt: skip
    return pick(rng, uses)()


def fitted_many(rng: np.random.Generator, model: mg.MixedGLM) -> str:
    """Three responses at once, of which the second is none of the family: what is said to have converged is finite."""
    y = model.endog
    endogs = np.column_stack([y, np.full(len(y), np.nan), y[::-1]])
    found = model.fit_many(
        endogs,
        method=pick(rng, ["laplace", "laplace", "ep", "vb", "map"]),
        n_jobs=1,
        keep_random_effects=True,
        keep_quantiles=pick(rng, [None, [0.1, 0.9]]),
    )
    for i in np.flatnonzero([mg.ResponseStatus(s).converged for s in found.status]):
        for name, values in vars(found).items():
            numbers = isinstance(values, np.ndarray) and values.dtype.kind == "f" and len(values) == 3
            known = name not in ("log_evidence", "prior_pull")  # which some methods do not have
            if numbers and known and not np.isfinite(values[i]).all():
                raise Defect(f"fit_many: response {i} converged, yet {name} is {values[i]}")
    return f"fit_many: {found.method}"


def where_finite(value: float, derivatives: np.ndarray) -> Any:
    """Derivatives, where the value is one: at -1e300 or minus infinity they need not be numbers."""
    return derivatives if value > -1e280 else value
