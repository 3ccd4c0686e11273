"""Designs and data that break fits: answers are finite, and right where brute force can tell."""

import warnings

import numpy as np
import pytest
from brute_force import BruteForce
from numpy.testing import assert_allclose
from scipy.special import expit
from simulated import PLAIN

import mixed_glm as mg
from mixed_glm.exceptions import ConvergenceWarning, RankDeficiencyWarning

N = 60


def rng(seed=3):
    return np.random.default_rng(seed)


GROUP = rng(1).integers(8, size=N)
FACTOR = np.eye(8)[GROUP]
X = np.column_stack([np.ones(N), rng(2).normal(size=N)])
BINARY = (rng(5).random(N) < 0.4).astype(float)
SEPARATED = (X[:, 1] > 0).astype(float)
COUNTS = rng(6).poisson(3, N).astype(float)
EFFECTS = rng(7).normal(size=8)
ONE = np.zeros(8, int)
FIVE = np.hstack([np.eye(4)[rng(k).integers(4, size=N)] for k in range(5)])

# name: endog, exog, exog_vc, ident, family, options
CASES = {
    "no fixed effects": (BINARY, None, FACTOR, ONE, "binomial", {}),
    "one group": (BINARY, X, np.ones((N, 1)), [0], "binomial", {}),
    "a group per row": (BINARY, X, np.eye(N), np.zeros(N, int), "binomial", {}),
    "a group per row of counts": (COUNTS, X, np.eye(N), np.zeros(N, int), "poisson", {}),
    "a component with one column": (BINARY, X, np.c_[FACTOR, X[:, 1] ** 2], [0] * 8 + [1], "binomial", {}),
    "a slope alone": (BINARY, X, X[:, 1:], [0], "binomial", {}),
    "sd near 0": (BINARY, X, FACTOR, ONE, "binomial", {"vcp_p": 5.0}),
    "sd near 10": ((rng().random(N) < expit(10 * EFFECTS[GROUP])) * 1.0, X, FACTOR, ONE, "binomial", {"vcp_p": 3.0}),
    "sd near 4 of counts": (
        rng().poisson(np.exp(np.clip(4 * EFFECTS[GROUP], -20, 14))) * 1.0, X, FACTOR, ONE, "poisson", {"vcp_p": 3.0}
    ),
    "sd near 10 of counts": (
        rng().poisson(np.exp(np.clip(10 * EFFECTS[GROUP], -20, 20))) * 1.0, X, FACTOR, ONE, "poisson",
        {"vcp_p": 3.0, "fe_p": 10.0},
    ),
    "counts of 1e6": (
        rng().poisson(np.exp(13.8 + 0.1 * EFFECTS[GROUP])) * 1.0, X, FACTOR, ONE, "poisson", {"fe_p": 20.0}
    ),
    "counts of 1e6 and a narrow prior": (
        rng().poisson(np.exp(13.8 + 0.1 * EFFECTS[GROUP])) * 1.0, X, FACTOR, ONE, "poisson", {}
    ),
    "1e6 trials": (rng().binomial(10**6, 0.3, N) * 1.0, X, FACTOR, ONE, "binomial", {"n_trials": 10**6}),
    "weights of 1e6": (BINARY, X, FACTOR, ONE, "binomial", {"freq_weights": np.full(N, 1e6)}),
    "weights of 0": (BINARY, X, FACTOR, ONE, "binomial", {"freq_weights": np.zeros(N)}),
    "separated": (SEPARATED, X, FACTOR, ONE, "binomial", {}),
    "separated with wide priors": (SEPARATED, X, FACTOR, ONE, "binomial", {"fe_p": 100.0, "vcp_p": 3.0}),
    "all zeros": (np.zeros(N), X, FACTOR, ONE, "binomial", {}),
    "all ones": (np.ones(N), X, FACTOR, ONE, "binomial", {}),
    "all counts zero": (np.zeros(N), X, FACTOR, ONE, "poisson", {}),
    "duplicated fixed effects": (BINARY, np.c_[X, X[:, 1]], FACTOR, ONE, "binomial", {}),
    "duplicated random effects": (BINARY, X, np.c_[FACTOR, FACTOR], [0] * 8 + [1] * 8, "binomial", {}),
    "empty columns": (BINARY, X, np.c_[FACTOR, np.zeros((N, 3))], [0] * 11, "binomial", {}),
    "an empty component": (BINARY, X, np.c_[FACTOR, np.zeros((N, 3))], [0] * 8 + [1] * 3, "binomial", {}),
    "rows that touch no effect": (BINARY, X, FACTOR * (np.arange(N) > 20)[:, None], ONE, "binomial", {}),
    "psi known": (BINARY, X, FACTOR, ONE, "binomial", {"vcp_p": 1e-3}),
    "psi known exactly": (BINARY, X, FACTOR, ONE, "binomial", {"vcp_p": 1e-8}),
    "beta known": (BINARY, X, FACTOR, ONE, "binomial", {"fe_p": 1e-6}),
    "five components": (BINARY, X, FIVE, np.repeat(range(5), 4), "binomial", {}),
    "one row": (np.ones(1), np.ones((1, 1)), np.ones((1, 1)), [0], "binomial", {}),
    "large covariates": (BINARY, X * [1.0, 1e6], FACTOR, ONE, "binomial", {}),
    "small covariates": (BINARY, X * [1.0, 1e-6], FACTOR, ONE, "binomial", {}),
    "large factors": (BINARY, X, 1e4 * FACTOR, ONE, "binomial", {"vcp_p": 10.0}),
    "a large offset": (COUNTS, X, FACTOR, ONE, "poisson", {"offset": np.full(N, 30.0)}),
    "small exponential": (1e-8 * rng().exponential(2, N), X, FACTOR, ONE, "exponential", {"fe_p": 20.0}),
    "almost Poisson": (COUNTS, X, FACTOR, ONE, mg.families.NegativeBinomial(1e-6), {}),
    "very overdispersed": (COUNTS, X, FACTOR, ONE, mg.families.NegativeBinomial(1e4), {}),
}  # fmt: skip
for _link in ("probit", "cloglog", "loglog"):
    _family = mg.families.Binomial(_link)
    CASES[f"all ones, {_link}"] = (np.ones(N), X, FACTOR, ONE, _family, {})
    CASES[f"all zeros, {_link}"] = (np.zeros(N), X, FACTOR, ONE, _family, {})
    CASES[f"separated, {_link}"] = (SEPARATED, X, FACTOR, ONE, _family, {"fe_p": 20.0})

# Quadrature with 25 nodes is too coarse for these; the fit must say so or converge.
MAY_FAIL = {
    "separated with wide priors",
    "sd near 10",
    "large factors",
    "separated, loglog",
}


def make(name):
    endog, exog, exog_vc, ident, family, options = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficiencyWarning)
        return mg.MixedGLM(endog, exog, exog_vc, ident, family=family, **PLAIN | options)


@pytest.mark.parametrize("n_quad", [1, 25])
@pytest.mark.parametrize("name", CASES)
def test_finite_and_converged(name, n_quad):
    model = make(name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = model.fit_laplace(n_quad=n_quad)
    assert np.isfinite(result.params).all()
    assert np.isfinite(result.bse).all()
    assert (result.bse > 0).all()
    assert np.isfinite(result.log_evidence)
    assert np.isfinite(result.conf_int().to_numpy()).all()
    caught = [
        w for w in caught if not issubclass(w.category, mg.PriorPullWarning)
    ]  # which decides many of these
    flagged = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert len(caught) == len(flagged)
    assert bool(flagged) != result.converged
    if n_quad == 1 or name not in MAY_FAIL:
        assert result.converged, [str(w.message) for w in flagged]


BRUTE = (
    "no fixed effects", "one group", "sd near 0", "all zeros", "all ones", "all counts zero", "psi known",
    "rows that touch no effect", "counts of 1e6", "a large offset", "separated", "all ones, cloglog",
    "all ones, probit", "sd near 4 of counts", "one row",
)  # fmt: skip
# Effects of a steep likelihood beside a wide prior, and an intercept in conflict with its prior: a Gaussian beta is
# visibly rough there.
ROUGH = {
    "all zeros",
    "all ones",
    "all counts zero",
    "all ones, cloglog",
    "all ones, probit",
    "separated",
    "one row",
    "a large offset",
}


@pytest.mark.parametrize("name", BRUTE)
def test_against_brute_force(name):
    endog, exog, exog_vc, _, family, options = CASES[name]
    x = np.zeros((len(endog), 0)) if exog is None else exog
    group = np.where(exog_vc.any(axis=1), exog_vc.argmax(axis=1), -1)
    kind = family if isinstance(family, str) else f"{family.name}-{family.link}"
    reference = BruteForce(
        endog, x, group, "binomial-logit" if kind == "binomial" else kind, groups=exog_vc.shape[1],
        trials=float(options.get("n_trials", 1)), offset=options.get("offset", 0.0),
        vcp_p=options.get("vcp_p", 1.0), fe_p=options.get("fe_p", 2.0),
    ).posterior(step=1.0, drop=11.0)  # fmt: skip
    u_mean, u_sd = reference.effects()
    mean, sd = np.r_[reference.mean, u_mean], np.r_[reference.sd, u_sd]
    result = make(name).fit_laplace(n_quad=25)
    rough = name in ROUGH
    assert_allclose((result.params - mean) / sd, 0.0, atol=0.35 if rough else 0.03)
    assert_allclose(np.log(result.bse / sd), 0.0, atol=0.35 if rough else 0.06)
    assert result.log_evidence == pytest.approx(reference.log_evidence, abs=0.3 if rough else 0.06)


def test_equivalent_data_give_the_same_posterior():
    """Rows repeated, weighted, or summed into trials are the same data."""
    z, group = FACTOR[: 8 * 4], GROUP[: 8 * 4]
    group = np.tile(np.arange(8), 4)
    z, x, y = np.eye(8)[group], np.ones((32, 1)), BINARY[:32]
    results = []
    for n_quad in (1, 15):
        repeated = mg.MixedGLM(np.tile(y, 3), np.tile(x, (3, 1)), np.tile(z, (3, 1)), ONE, family="binomial")
        weighted = mg.MixedGLM(y, x, z, ONE, family="binomial", freq_weights=np.full(32, 3.0))
        sums = np.bincount(group, y)
        trials = mg.MixedGLM(
            3 * sums, np.ones((8, 1)), np.eye(8), ONE, family="binomial", n_trials=np.full(8, 12)
        )
        results = [m.fit_laplace(n_quad=n_quad) for m in (repeated, weighted, trials)]
        for other in results[1:]:
            assert_allclose(other.params, results[0].params, atol=1e-5)
            assert_allclose(other.bse, results[0].bse, rtol=1e-4)
        assert results[0].log_evidence == pytest.approx(results[1].log_evidence, abs=1e-6)


def test_no_random_effects():
    model = mg.MixedGLM(BINARY, X, family="binomial", **PLAIN)
    result = model.fit_laplace()
    assert result.converged
    reference = BruteForce(
        BINARY, X, np.full(N, -1), "binomial-logit", k=0, fixed_psi=np.zeros(0)
    ).posterior()
    assert_allclose((result.fe_mean - reference.mean) / reference.sd, 0.0, atol=0.02)
    assert_allclose(result.fe_sd / reference.sd, 1.0, atol=0.05)
    assert result.log_evidence == pytest.approx(reference.log_evidence, abs=0.05)
    with pytest.raises(ValueError, match="n_quad > 1"):
        model.fit_laplace(n_quad=15)


def test_no_parameters_at_all():
    result = mg.MixedGLM(BINARY, None, family="binomial").fit_laplace()
    assert result.params.shape == (0,)
    assert result.log_evidence == pytest.approx(N * np.log(0.5))


def test_groups_of_many_rows():
    """More rows in a group than a block has, beside groups of a few rows."""
    g = rng()
    n = 2000
    few, many = g.integers(3, size=n), g.integers(40, size=n)
    y = (g.random(n) < expit(0.8 * np.array([-1.0, 0.0, 1.0])[few])).astype(float)
    model = mg.MixedGLM(
        y, np.ones((n, 1)), np.hstack([np.eye(3)[few], np.eye(40)[many]]), [0] * 3 + [1] * 40, family="binomial"
    )  # fmt: skip
    laplace = model.fit_laplace()
    for leaf in (0, 1):
        result = model.fit_laplace(n_quad=15, leaf=leaf)
        assert result.converged
        assert_allclose((result.params - laplace.params) / laplace.bse, 0.0, atol=0.1)
