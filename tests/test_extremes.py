"""Sizes and values at the edge of what a model may have, by every kind of fit; references where there are any.

tests/test_hard_designs.py compares more such cases with brute force; here all kinds of fit must at least end, with finite
numbers or a status and a warning that say why not.
"""

import warnings

import numpy as np
import pytest
from processes import FITS
from scipy import sparse
from scipy.special import digamma, expit

import mixed_glm as mg


def rng(seed=1):
    return np.random.default_rng(seed)


def indicators(codes, levels=None):
    codes = np.asarray(codes)
    levels = int(codes.max()) + 1 if levels is None else levels
    return sparse.csr_array(
        (np.ones(len(codes)), codes, np.arange(len(codes) + 1)), shape=(len(codes), levels)
    )


def one_factor(y, codes, x=None, family="binomial", **options):
    z = indicators(codes)
    x = np.ones((len(y), 1)) if x is None else x
    return {
        "endog": y,
        "exog": x,
        "exog_vc": z,
        "ident": np.zeros(z.shape[1], int),
        "family": family,
    } | options


def separated():
    codes = np.repeat(np.arange(10), 4)
    return one_factor((codes >= 5).astype(float), codes, np.column_stack([np.ones(40), codes >= 5]))


def wide(n, p, q):
    """More columns than rows."""
    x, z = rng().normal(size=(n, p)), rng(2).normal(size=(n, q))
    return {
        "endog": np.arange(n) % 2.0,
        "exog": x,
        "exog_vc": z,
        "ident": np.arange(q) % 2,
        "family": "binomial",
    }


def sized(*sizes):
    """Groups of very different sizes."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    y = rng().binomial(1, expit(rng(3).normal(size=len(sizes)))[codes]).astype(float)
    return one_factor(y, codes)


def known_sd(sd, family):
    """The prior of log sd is normal around 0: a large `vcp_p` leaves it to the data."""
    codes = np.repeat(np.arange(30), 5)
    eta = 0.5 + sd * rng(4).normal(size=30)[codes]
    y = (
        rng().binomial(1, expit(eta))
        if family == "binomial"
        else rng().poisson(np.exp(np.clip(eta, -30, 20)))
    )
    return one_factor(y.astype(float), codes, family=family, vcp_p=10.0)


def large_counts(size):
    codes = np.repeat(np.arange(8), 5)
    y = rng().poisson(size * np.exp(0.3 * rng(5).normal(size=8))[codes]).astype(float)
    return one_factor(y, codes, family="poisson", fe_p=30.0)


def large_trials(size):
    codes = np.repeat(np.arange(8), 5)
    y = rng().binomial(size, expit(0.3 * rng(5).normal(size=8))[codes]).astype(float)
    return one_factor(y, codes, n_trials=size)


def components(k):
    n = 400
    z = sparse.hstack([indicators(rng(j).integers(4, size=n), 4) for j in range(k)], format="csr")
    y = rng(99).integers(0, 2, size=n).astype(float)
    return {
        "endog": y,
        "exog": np.ones((n, 1)),
        "exog_vc": z,
        "ident": np.repeat(np.arange(k), 4),
        "family": "binomial",
    }


EIGHT = np.repeat(np.arange(8), 5)
CASES = {
    "separation": separated,
    "all zeros": lambda: one_factor(np.zeros(40), EIGHT),
    "all ones": lambda: one_factor(np.ones(40), EIGHT),
    "all counts zero": lambda: one_factor(np.zeros(40), EIGHT, family="poisson"),
    "one row": lambda: one_factor(np.ones(1), [0]),
    "one row, no effects": lambda: {"endog": [1.0], "exog": [[1.0]], "family": "binomial"},
    "p > n": lambda: wide(5, 12, 3),
    "q > n": lambda: wide(5, 2, 40),
    "p and q > n": lambda: wide(3, 9, 30),
    "duplicated columns": lambda: one_factor(np.arange(40) % 2.0, EIGHT, np.ones((40, 3))),
    "groups of 1 to 1e4": lambda: sized(1, 2, 10, 100, 1000, 10_000),
    "sd 1e-6": lambda: known_sd(1e-6, "binomial"),
    "sd 1e-6 of counts": lambda: known_sd(1e-6, "poisson"),
    "sd 30": lambda: known_sd(30.0, "binomial"),
    "sd 30 of counts": lambda: known_sd(30.0, "poisson"),
    "counts of 1e9": lambda: large_counts(1e9),
    "1e9 trials": lambda: large_trials(10**9),
    "12 components": lambda: components(12),
}


def make(arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.RankDeficiencyWarning)
        return mg.MixedGLM(**arguments)


def has_leaf(model):
    """Whether there is a component of which each row touches at most one effect."""
    touched = model.exog_vc.toarray() != 0
    return any(touched[:, model.ident == k].sum(axis=1).max() <= 1 for k in range(model.k_vcp))


@pytest.mark.parametrize("method", FITS)
@pytest.mark.parametrize("name", CASES)
def test_ends_with_numbers_or_says_why_not(name, method):
    model = make(CASES[name]())
    if method == "leaf" and not model.k_vc:
        pytest.skip("no component to be the leaf")
    if method == "leaf" and not has_leaf(model):
        with pytest.raises(ValueError, match="n_quad > 1 needs a component"):
            FITS[method](model)
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = FITS[method](model)
    kinds = {w.category for w in caught}
    assert kinds <= {mg.ConvergenceWarning, mg.VarianceCollapseWarning, mg.PriorPullWarning}
    assert (mg.ConvergenceWarning in kinds) == (result.status not in ("converged", "collapsed"))
    if mg.ConvergenceWarning not in kinds:
        assert np.isfinite(result.params).all()
        assert np.isfinite(result.bse).all()
        assert (result.bse > 0).all()
        assert np.isfinite(result.log_density)
        assert result.log_evidence is None or np.isfinite(result.log_evidence)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_a_tiny_sd_leaves_the_model_without_effects(family):
    """An sd of 1e-6 that is known: the fixed effects are those of a model without the component."""
    arguments = known_sd(1e-6, family) | {"vcp_p": 1e-6}
    z = 1e-6 * arguments["exog_vc"]  # of an sd of 1: the effects are as good as 0
    without = {k: v for k, v in arguments.items() if k not in ("exog_vc", "ident", "vcp_p")}
    expected, result = make(without).fit_laplace(), make(arguments | {"exog_vc": z}).fit_laplace()
    np.testing.assert_allclose(result.fe_mean, expected.fe_mean, atol=2e-6)
    np.testing.assert_allclose(result.fe_sd, expected.fe_sd, rtol=5e-4)
    np.testing.assert_allclose(result.vc_sd, 1.0, rtol=1e-4)
    assert result.log_evidence == pytest.approx(expected.log_evidence, abs=1e-4)


@pytest.mark.parametrize("n_quad", [1, 25])
@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_so_much_data_that_effects_are_known(family, n_quad):
    """1e9 counts or trials a row: intercept plus effect is the log rate, or log odds, of the group."""
    arguments = large_counts(1e9) if family == "poisson" else large_trials(10**9)
    result = make(arguments).fit_laplace(n_quad=n_quad)
    total = np.bincount(EIGHT, arguments["endog"]) / 5
    known = np.log(total) if family == "poisson" else np.log(total / (1e9 - total))
    assert result.converged
    np.testing.assert_allclose(result.fe_mean[0] + result.vc_mean, known, atol=1e-6 if n_quad == 1 else 1e-4)
    sd = np.exp(result.vcp_mean[0])
    assert 0.5 * known.std() < sd < 2.0 * known.std()


@pytest.mark.parametrize("size", [10**3, 10**6, 10**9])
def test_much_data_leave_quadrature_and_laplace_no_difference(size):
    for arguments in (large_counts(size), large_trials(size)):
        model = make(arguments)
        laplace, leaf = model.fit_laplace(), model.fit_laplace(n_quad=25)
        assert laplace.converged
        assert leaf.converged
        difference = 0.1 / size**0.5 + 1e-3  # the search ends a thousandth of a standard deviation off
        np.testing.assert_allclose((leaf.params - laplace.params) / laplace.bse, 0.0, atol=difference)
        np.testing.assert_allclose(leaf.bse, laplace.bse, rtol=difference)
        assert leaf.log_evidence == pytest.approx(laplace.log_evidence, abs=difference)


@pytest.mark.parametrize("seed", [20, 33, 39, 53])
@pytest.mark.parametrize("size", [1e6, 1e9])
def test_means_of_known_groups(seed, size):
    """With n rows and S counts, exp(intercept + effect) is Gamma(S, n): its log has mean digamma(S) - log n."""
    draws = rng(seed)
    n = draws.integers(1, 6, size=8)
    codes = np.repeat(np.arange(8), n)
    y = draws.poisson(size * np.exp(draws.normal(size=8))[codes]).astype(float)
    result = make(one_factor(y, codes, family="poisson", fe_p=100.0)).fit_laplace(n_quad=25)
    expected = digamma(np.bincount(codes, y)) - np.log(n)
    np.testing.assert_allclose(result.fe_mean[0] + result.vc_mean, expected, atol=2e-6 * result.vc_sd.min())


@pytest.mark.parametrize("size", [10**3, 10**9])
def test_means_of_effects_against_exact_quadrature(size):
    """Given the sd: an integral over the intercept of one over each effect, by 25 nodes at its mode in 40 digits."""
    arguments = large_counts(size)
    y, codes = arguments["endog"], arguments["exog_vc"].indices
    result = make(arguments).fit_laplace(n_quad=25, integrate="mode")
    sd = float(np.exp(result.vcp_mean[0]))
    known = means_by_mpmath(np.bincount(codes, y), 5, sd, result.model.fe_p[0])
    np.testing.assert_allclose(result.vc_mean, known, rtol=0, atol=1e-8 * result.vc_sd.min())


def means_by_mpmath(counts, rows, sd, sd_of_intercept):
    from mpmath import mp

    with mp.workdps(40):
        counts, precision = [mp.mpf(int(c)) for c in counts], 1 / mp.mpf(float(sd)) ** 2

        def effect(b, count):
            """log of the integral over u, and the mean of u."""

            def log_density(u):
                return count * (b + u) - rows * mp.exp(b + u) - precision * u * u / 2

            u = mp.log(count / rows) - b
            for _ in range(6):
                curvature = rows * mp.exp(b + u) + precision
                u += (count - rows * mp.exp(b + u) - precision * u) / curvature
            scale = 1 / mp.sqrt(curvature)
            weights, nodes = weighted_nodes(mp, log_density, u, scale)
            total = mp.fsum(weights)
            mean = mp.fsum(w * v for w, v in zip(weights, nodes, strict=True)) / total
            return log_density(u) + mp.log(scale * total), mean

        def log_density(b):
            return mp.fsum(effect(b, c)[0] for c in counts) - b * b / (2 * mp.mpf(sd_of_intercept) ** 2)

        b, scale = mp.fsum(mp.log(c / rows) for c in counts) / len(counts), mp.mpf(sd) / 3
        for _ in range(3):
            low, middle, high = (log_density(b + k * scale / 100) for k in (-1, 0, 1))
            curvature = (2 * middle - low - high) * 10**4 / scale**2
            b += (high - low) * 50 / scale / curvature
        weights, nodes = weighted_nodes(mp, log_density, b, 1 / mp.sqrt(curvature))
        means = [[effect(v, c)[1] for c in counts] for v in nodes]
        total = mp.fsum(weights)
        return [
            float(mp.fsum(w * m[g] for w, m in zip(weights, means, strict=True)) / total)
            for g in range(len(counts))
        ]


def weighted_nodes(mp, log_density, mode, scale, count=25):
    """Gauss-Hermite nodes at the mode, with weights relative to its density."""
    x, w = np.polynomial.hermite_e.hermegauss(count)
    nodes, top = [mode + scale * mp.mpf(float(k)) for k in x], log_density(mode)
    weights = [
        mp.mpf(float(k)) * mp.exp(log_density(v) - top + mp.mpf(float(z)) ** 2 / 2)
        for k, z, v in zip(w, x, nodes, strict=True)
    ]
    return weights, nodes


@pytest.mark.parametrize("n_quad", [1, 25])
def test_counts_beyond_what_numbers_can_tell(n_quad):
    """1e13 a row: log likelihoods are differences of numbers of 1e16, which are whole numbers."""
    with pytest.warns(mg.ConvergenceWarning, match="rounding hides differences"):
        result = make(large_counts(1e13)).fit_laplace(n_quad=n_quad)
    assert result.status == "not converged"
    assert np.isfinite(result.params).all()


@pytest.mark.slow
def test_fifty_components():
    model = make(components(50))
    result = model.fit_laplace(integrate="mode")
    assert result.converged
    assert np.isfinite(result.params).all()
    assert (result.bse > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["laplace", "map", "vb", "auto"])
def test_groups_of_1_to_1e6(method):
    arguments = sized(1, 3, 1000, 1_000_000)
    result = FITS[method](make(arguments))
    assert result.converged
    y, codes = arguments["endog"], arguments["exog_vc"].indices
    known = np.log(y[codes == 3].mean() / (1 - y[codes == 3].mean()))
    assert result.fe_mean[0] + result.vc_mean[3] == pytest.approx(known, abs=0.002)


@pytest.mark.slow
def test_ten_million_entries():
    """2 million rows of 5 entries; the fit needs no more memory than a few copies of the data."""
    import resource

    n, q = 2_000_000, 1000
    columns = np.sort(
        rng().integers(q, size=(n, 5)) // 5 * 5 + np.arange(5), axis=1
    )  # 5 factors of 200 levels
    z = sparse.csr_array((np.ones(5 * n), columns.ravel(), np.arange(n + 1) * 5), shape=(n, q))
    u = 0.5 * rng(2).normal(size=q)
    y = (rng(3).random(n) < expit(z @ u)).astype(float)
    model = mg.MixedGLM(y, np.ones((n, 1)), z, np.arange(q) % 5, family="binomial")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = model.fit_laplace(integrate="mode")
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    data = 12 * z.nnz + 8 * 2 * n
    assert result.converged
    assert np.corrcoef(result.vc_mean, u)[0, 1] > 0.99
    np.testing.assert_allclose(result.vcp_mean, np.log(0.5), atol=0.25)
    assert grown < 4 * data


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_offsets_far_apart_in_crossed_counts(seed):
    """At the family's own start weights are 1e28 and 0.1: the information there is singular to double precision."""
    y, codes, offset = counts_far_off(seed)
    sd = np.array([0.5, 1.0])
    z = sparse.hstack([indicators(codes[0]), indicators(codes[1])], format="csr")
    ident = np.repeat([0, 1], [15, 10])
    model = mg.MixedGLM(y, None, z, ident, "poisson", offset=offset)
    log_prior = -0.5 * np.sum(np.log(sd) ** 2) - np.log(2 * np.pi)
    expected = laplace_by_mpmath(y, z.toarray(), sd[ident], offset)
    assert model.log_marginal(np.log(sd)) - log_prior == pytest.approx(expected, rel=1e-12)


def counts_far_off(seed):
    n = 150
    codes = rng(seed).integers(15, size=n), np.arange(n) % 10
    effects = 2.5 * rng(seed + 10).normal(size=15)[codes[0]] + 2.5 * rng(seed + 20).normal(size=10)[codes[1]]
    y = rng(seed + 30).poisson(np.exp(np.clip(effects, None, 9)))
    return y.astype(float), codes, 28.0 * rng(seed + 40).normal(size=n) - 50.0


def laplace_by_mpmath(y, z, sd, offset):
    """log of the integral over u ~ N(0, sd^2), by Newton's method with halved steps from zero, in 60 digits."""
    from mpmath import mp

    with mp.workdps(60):
        rows, q = [np.flatnonzero(row).tolist() for row in z], z.shape[1]
        u, precision = mp.matrix(q, 1), [1 / mp.mpf(s) ** 2 for s in sd]

        def log_density(u):
            eta = [mp.mpf(o) + sum(u[j] for j in row) for o, row in zip(offset, rows, strict=True)]
            value = mp.fsum(k * e - mp.exp(e) - mp.loggamma(k + 1) for k, e in zip(y, eta, strict=True))
            return value + mp.fsum(mp.log(p) - p * v * v for p, v in zip(precision, u, strict=True)) / 2, eta

        value, eta = log_density(u)
        for _ in range(100):
            gradient = mp.matrix([-p * v for p, v in zip(precision, u, strict=True)])
            information = mp.diag(precision)
            for k, e, row in zip(y, eta, rows, strict=True):
                for i in row:
                    gradient[i] += k - mp.exp(e)
                    for j in row:
                        information[i, j] += mp.exp(e)
            factor = mp.cholesky(information)
            step = mp.cholesky_solve(information, gradient)
            decrement, length = (gradient.T * step)[0], mp.mpf(1)
            if decrement < 1e-40:
                return float(value - mp.fsum(mp.log(factor[j, j]) for j in range(q)))
            while log_density(u + length * step)[0] < value:
                length /= 2
            u += length * step
            value, eta = log_density(u)
    raise AssertionError("the reference has not converged")
