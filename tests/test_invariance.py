"""Under default priors neither the unit of a covariate nor, beside a constant, its origin changes what is found.

Whatever the method, a fit to rescaled and shifted columns has the evidence, the predictions, the effects on the linear
predictor, the draws and the assessments of the fit to the columns as they were, and quantiles that follow the change.
Effects of new units are compared on the scale of the linear predictor, to 1e-6; so are log standard deviations.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_models import make, models, simulate

import mixed_glm as mg

examples = settings(
    max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
TOLERANCE = 1e-6
LEAF_TOLERANCE = 1e-5  # whose search for three binary rows stops a little elsewhere after another rounding
POWERS = st.floats(-4.0, 4.0)  # of ten
ORIGINS = st.floats(-50.0, 50.0)  # in units of about one standard deviation

METHODS = {
    "laplace": lambda m: m.fit_laplace(),
    "leaf": lambda m: m.fit_laplace(n_quad=41),
    "ep": lambda m: m.fit_ep(),
    "vb": lambda m: m.fit_vb(),
    "vb full": lambda m: m.fit_vb(covariance="full"),
    "map": lambda m: m.fit_map(),
}
pytestmark = pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.DesignWarning")
every_method = pytest.mark.parametrize("method", METHODS)

# formula: whether the origin of x makes no difference, beside its unit
FORMULAS = {
    "y ~ x + t + (1 | g)": True,
    "y ~ x + t + (1 + t || g)": True,
    "y ~ t + (1 + x || g)": False,  # another model, as slopes and intercepts are independent
    "y ~ x + (0 + x | g)": False,
    "y ~ t + (0 + x | g)": False,
    "y ~ 0 + x + t + (1 | g)": False,  # nothing takes up the shift
    "y ~ poly(x, 2) + (1 | g)": True,
    "y ~ bs(x, df=4) + (1 | g)": True,
    "y ~ x * t + (1 | g)": False,  # coefficients are others then, see test_origins.py
    "y ~ x * C(f) + (1 | g)": False,
    "y ~ x + I(x**2) + t:x + t + (1 | g)": False,
    "y ~ x + C(f) + (1 | g)": True,
    "y ~ x + C(f, Treatment('b')) + (1 | g) + (0 + t | f)": True,
    "y ~ 0 + C(f) + x + (1 | g)": False,
}


@dataclass(frozen=True)
class Change:
    """x becomes a (x + b), and t becomes c t."""

    a: float
    b: float
    c: float

    def of(self, data: pd.DataFrame) -> pd.DataFrame:
        """New columns."""
        return data.assign(x=self.a * (data["x"] + self.b), t=self.c * data["t"])


def grouped(family: str, seed: int, n: int = 60, groups: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x, t, f = (
        rng.integers(groups, size=n), rng.normal(size=n), rng.uniform(1.0, 3.0, n), rng.choice(list("abc"), n)
    )  # fmt: skip
    eta = 0.4 + 0.5 * x + 0.3 * (t - 2.0) + (f == "b") + rng.normal(0.0, 0.7, groups)[g]
    eta += x * rng.normal(0.0, 0.4, groups)[g]
    y = rng.poisson(np.exp(eta)) if family == "poisson" else rng.binomial(1, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame({"y": y, "x": x, "t": t, "f": f, "g": g.astype(str)})


def fit(model: mg.MixedGLM, method: str) -> mg.MixedGLMResults[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.MixedGLMWarning)
        return METHODS[method](model)


def effects(result: mg.MixedGLMResults[Any]) -> list[np.ndarray]:
    """Means of X beta and Z u, and the standard deviations of the terms of Z u."""
    model = result.model
    z = model.exog_vc
    return [model.exog @ result.fe_mean, z @ result.vc_mean, abs(z) @ result.vc_sd]


def assert_same(one: mg.MixedGLMResults[Any], other: mg.MixedGLMResults[Any]) -> None:
    """All that does not depend on how the columns are written."""

    def close(
        a: Any, b: Any, tolerance: float = LEAF_TOLERANCE if one.method == "leaf" else TOLERANCE
    ) -> None:
        np.testing.assert_allclose(np.asarray(b, float), np.asarray(a, float), rtol=tolerance, atol=tolerance)

    assert other.status == one.status
    if one.log_evidence is not None:
        close(one.log_evidence, other.log_evidence)
    if one.status == "collapsed":  # to a variance of zero, on the way to which the search stops somewhere
        return
    for a, b in zip(effects(one), effects(other), strict=True):
        close(a, b)
    close(one.predict(), other.predict())
    with np.errstate(all="ignore"):
        close(one.posterior.interval(0.1), moved_back(one, other))
    if one.method == "map":
        return
    close(one.vcp_sd, other.vcp_sd)
    for kind in ("population", "conditional"):
        options = {"linear": True, "random": kind, "interval": 0.9, "draws": 30}
        close(one.predict(**options), other.predict(**options))
    draws = [r.posterior_sample(30, rng=5) for r in (one, other)]
    close(*(d.linear_predictor() for d in draws))
    close(*(d.log_likelihood() for d in draws))
    # Whether slopes without intercepts are integrated out by 15 nodes or by 41 hangs on their standard deviation in their
    # own units: right to 0.001 nats either way.
    intercepts = any((column[column != 0.0] == 1.0).all() for column in one.model.exog_vc.toarray().T)
    checks = [r.check(100) for r in (one, other)]
    for name in ("log_weights", "log_evidence"):
        close(*(getattr(c, name) for c in checks), TOLERANCE if intercepts else 2e-3)
    close(*(r.loo(draws=100).pointwise for r in (one, other)))


def moved_back(one: mg.MixedGLMResults[Any], other: mg.MixedGLMResults[Any]) -> list[np.ndarray]:
    """Ends of 90 % intervals of `other` in the units of `one`; those of the intercept, which origins move, are `one`'s own."""
    p, k = one.model.k_fep, one.model.k_vcp
    of_x = factors(one.model.exog, other.model.exog)
    of_effects = np.log(factors(one.model.exog_vc.toarray(), other.model.exog_vc.toarray()))
    parts = [of_effects[one.model.ident == c] for c in range(k)]
    of_psi = np.array([part[abs(part).argmax()] for part in parts])  # some effects have no rows
    of_z = np.exp(of_psi)[one.model.ident]
    constant = np.r_[np.ptp(one.model.exog, axis=0) == 0.0, np.zeros(k + len(of_z), bool)]
    return [
        np.where(constant, kept, np.r_[end[:p] * of_x, end[p : p + k] + of_psi, end[p + k :] * of_z])
        for end, kept in zip(other.posterior.interval(0.1), one.posterior.interval(0.1), strict=True)
    ]


def factors(x: np.ndarray, there: np.ndarray) -> np.ndarray:
    """By what each column was multiplied, whatever was added."""
    spread, other = (np.ptp(m, axis=0) for m in (x, there))
    return np.divide(other, spread, out=np.ones(x.shape[1]), where=spread > 0.0)


@every_method
@pytest.mark.parametrize("formula", FORMULAS)
@settings(examples, max_examples=2)
@given(st.sampled_from(["poisson", "binomial"]), st.integers(0, 2**20), POWERS, ORIGINS, POWERS)
def test_formulas(
    method: str, formula: str, family: str, seed: int, of_x: float, origin: float, of_t: float
) -> None:
    data = grouped(family, seed)
    change = Change(10.0**of_x, origin if FORMULAS[formula] else 0.0, 10.0**of_t)
    results = [
        fit(mg.MixedGLM.from_formula(formula, data=d, family=family), method) for d in (data, change.of(data))
    ]
    assert_same(*results)


@every_method
@examples
@given(models(least_p=1), POWERS, ORIGINS, POWERS)
def test_arrays(method: str, arguments: dict[str, Any], of_x: float, origin: float, of_z: float) -> None:
    """All columns beside the constant, and the slopes if there are some (they stand last)."""
    exog, z = np.array(arguments["exog"]), np.array(arguments["exog_vc"])
    exog[:, 1:] = 10.0**of_x * (exog[:, 1:] + origin)
    slopes = arguments["ident"] == arguments["ident"].max()
    if not ((z == 0.0) | (z == 1.0)).all():
        z[:, slopes] *= 10.0**of_z
    one, other = (fit(make(a), method) for a in (arguments, arguments | {"exog": exog, "exog_vc": z}))
    assert_same(one, other)


@pytest.mark.parametrize("options", [
    {"method": "laplace"}, {"method": "laplace", "n_quad": 15}, {"method": "ep"}, {"method": "vb"},
    {"method": "vb", "covariance": "full"}, {"method": "map"},
], ids=str)  # fmt: skip
@examples
@given(st.sampled_from(["poisson", "binomial-logit"]), st.integers(0, 2**20), POWERS, ORIGINS, POWERS)
def test_fit_many(
    options: dict[str, Any], family: str, seed: int, of_x: float, origin: float, of_z: float
) -> None:
    """Each response has a location of its own."""
    arguments = simulate(family, seed, slope=True)
    rng = np.random.default_rng(seed)
    y = (rng.poisson if family == "poisson" else lambda p, size: rng.binomial(1, p, size))(
        np.array([0.2, 0.5, 0.8]), (len(arguments["endog"]), 3)
    )  # fmt: skip
    exog, z, slopes = arguments["exog"].copy(), arguments["exog_vc"].copy(), arguments["ident"] == 1
    exog[:, 1:] = 10.0**of_x * (exog[:, 1:] + origin)
    z[:, slopes] *= 10.0**of_z
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.MixedGLMWarning)
        one, other = (make(a).fit_many(y.astype(float), n_jobs=1, keep_random_effects=True, **options)
                      for a in (arguments, arguments | {"exog": exog, "exog_vc": z}))  # fmt: skip
    close = {"rtol": TOLERANCE, "atol": TOLERANCE}
    if options["method"] != "map":
        np.testing.assert_allclose(other.log_evidence, one.log_evidence, **close)
        np.testing.assert_allclose(other.vcp_sd, one.vcp_sd, **close)
        np.testing.assert_allclose(
            other.vcp_mean + np.array([0.0, of_z * np.log(10.0)]), one.vcp_mean, **close
        )
        np.testing.assert_allclose(other.fe_sd[:, 1] * 10.0**of_x, one.fe_sd[:, 1], **close)
    np.testing.assert_allclose(other.fe_mean @ exog.T, one.fe_mean @ arguments["exog"].T, **close)
    np.testing.assert_allclose(other.vc_mean @ z.T, one.vc_mean @ arguments["exog_vc"].T, **close)
