"""Every family, link and derivative against mpmath; support checks; conversion of what users give for a family."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from mixed_glm.families import (
    Binomial,
    Exponential,
    Family,
    Gamma,
    Gaussian,
    NegativeBinomial,
    Poisson,
    as_family,
)

TOLERANCE = 1e-13
TINY, HUGE = np.finfo(float).tiny, np.finfo(float).max
LINKS = ("logit", "probit", "cloglog", "loglog")

# Everywhere from -700 to 700, and densely where formulas change over, tails begin and exponentials underflow.
_RANDOM = np.random.default_rng(20240501)
ETA = np.unique(
    np.concatenate(
        [
            np.linspace(-700, 700, 57),
            _RANDOM.uniform(-45, 45, 60),
            _RANDOM.uniform(-8, 8, 60),
            *(s * 10.0 ** np.arange(-12, 1) for s in (-1, 1)),
            *(
                s * np.array([0.3465, 0.3467, 0.69, 0.7, 6.5, 6.55, 6.56, 6.57, 6.58, 37.4, 37.6, 37.7])
                for s in (-1, 1)
            ),
        ]
    )
)
EXTREME = np.array([s * x for x in (710.0, 1e4, 1e16, 1e70, 1e100, 1e200, 1e308) for s in (-1, 1)])

Derivatives = tuple[mpf, mpf, mpf, mpf]


def log_derivatives(f: mpf, f1: mpf, f2: mpf, f3: mpf) -> Derivatives:
    """log f and its derivatives, from f and its derivatives."""
    g1 = f1 / f
    return mp.log(f), g1, f2 / f - g1**2, f3 / f - 3 * g1 * f2 / f + 2 * g1**3


def _logit(x: mpf) -> tuple[mpf, ...]:
    p, q = 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x))
    return p, q, p * q, p * q * (q - p), p * q * ((q - p) ** 2 - 2 * p * q)


def _probit(x: mpf) -> tuple[mpf, ...]:
    p, q = mp.erfc(-x / mp.sqrt(2)) / 2, mp.erfc(x / mp.sqrt(2)) / 2
    density = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
    return p, q, density, -x * density, (x * x - 1) * density


def _cloglog(x: mpf) -> tuple[mpf, ...]:
    m = mp.exp(x)
    q = mp.exp(-m)
    return -mp.expm1(-m), q, m * q, m * (1 - m) * q, m * (1 - 3 * m + m * m) * q


def _loglog(x: mpf) -> tuple[mpf, ...]:
    q, p, f, f1, f2 = _cloglog(-x)
    return p, q, f, -f1, f2


# Distribution function, its complement and three derivatives, straight from the definition.
CDF: dict[str, Callable[[mpf], tuple[mpf, ...]]] = {
    "logit": _logit,
    "probit": _probit,
    "cloglog": _cloglog,
    "loglog": _loglog,
}

_CACHE: dict[tuple[str, float], tuple[Derivatives, Derivatives]] = {}


def outcome_terms(link: str, eta: float) -> tuple[Derivatives, Derivatives]:
    """log F and log(1 - F) with derivatives, right to 50 digits after all cancellation."""
    key = (link, eta)
    if key not in _CACHE:
        with mp.workdps(1300):  # mu^3 with mu = e^700 is 10^912
            p, q, f, f1, f2 = CDF[link](mpf(eta))
            _CACHE[key] = (log_derivatives(p, f, f1, f2), log_derivatives(q, -f, -f1, -f2))
    return _CACHE[key]


def combine(constant: mpf, *terms: tuple[mpf, Derivatives]) -> tuple[list[mpf], list[mpf]]:
    """Weighted sum of log densities, and the sum of the absolute terms, against which rounding is measured."""
    total = [sum((w * d[k] for w, d in terms), mpf(0)) for k in range(4)]
    scale = [sum((abs(w * d[k]) for w, d in terms), mpf(0)) for k in range(4)]
    return [total[0] + constant, *total[1:]], [scale[0] + abs(constant), *scale[1:]]


def reference(family: Family, eta: float, y: float, trials: float) -> tuple[list[mpf], list[mpf]]:
    """Value and derivatives to 50 digits, with the scale of rounding of each."""
    x, zero = mpf(eta), mpf(0)
    with mp.workdps(400):
        if isinstance(family, Binomial):
            won, lost = outcome_terms(family.link, eta)
            return combine(mp.log(mp.binomial(int(trials), int(y))), (mpf(y), won), (mpf(trials) - y, lost))
        if isinstance(family, NegativeBinomial):
            alpha = mpf(family.alpha)
            r = 1 / alpha
            p, q, f, f1, f2 = _logit(x + mp.log(alpha))
            constant = mp.loggamma(y + r) - mp.loggamma(r) - mp.loggamma(mpf(y) + 1)
            return combine(
                constant, (mpf(y), log_derivatives(p, f, f1, f2)), (r, log_derivatives(q, -f, -f1, -f2))
            )
        if isinstance(family, Poisson):
            mu = mp.exp(x)
            return combine(
                -mp.loggamma(mpf(y) + 1), (mpf(y), (x, mpf(1), zero, zero)), (mpf(-1), (mu, mu, mu, mu))
            )
        ratio = mp.exp(-x)
        return combine(zero, (mpf(-1), (x, mpf(1), zero, zero)), (mpf(-y), (ratio, -ratio, ratio, -ratio)))


def worst_errors(family: Family, y: float, trials: float | None = None) -> list[float]:
    """Largest error of value, d1, d2, d3 over ETA, relative to the reference (to its terms, where they are two)."""
    got = family.derivatives(np.full(ETA.shape, y), ETA, trials)
    worst = [0.0] * 4
    for i, eta in enumerate(ETA):
        exact, scale = reference(family, float(eta), y, 1.0 if trials is None else trials)
        for k in range(4):
            assert np.isfinite(got[k][i])
            if abs(exact[k]) > HUGE:
                continue
            if scale[k] < TINY:
                assert abs(got[k][i]) <= TINY
                continue
            worst[k] = max(worst[k], float(abs(mpf(float(got[k][i])) - exact[k]) / scale[k]))
    return worst


CASES: list[tuple[Family, float, float | None]] = [
    *((Binomial(link), y, None) for link, y in itertools.product(LINKS, (0.0, 1.0))),
    *(
        (Binomial(link), y, n)
        for link, (y, n) in itertools.product(LINKS, ((3.0, 10.0), (1.0, 1e6), (40.0, 40.0)))
    ),
    *((Poisson(), y, None) for y in (0.0, 1.0, 7.0, 1234.0)),
    *(
        (NegativeBinomial(a), y, None)
        for a, y in itertools.product((1e-8, 0.3, 1.0, 5.0, 1e8), (0.0, 1.0, 30.0))
    ),
    *((Exponential(), y, None) for y in (0.0, 0.01, 1.0, 300.0)),
]


@pytest.mark.parametrize(("family", "y", "trials"), CASES, ids=lambda v: str(v))
def test_derivatives_against_mpmath(family: Family, y: float, trials: float | None) -> None:
    assert max(worst_errors(family, y, trials)) < TOLERANCE


def test_reference_is_consistent() -> None:
    """The references for the derivatives are numerical derivatives of the reference for the value."""
    for family, y, trials in CASES:
        for eta in (-2.5, 0.25, 3.0):
            exact, scale = reference(family, eta, y, trials or 1.0)
            for k in (1, 2, 3):
                with mp.workdps(60):
                    h = mpf(10) ** -12
                    ahead = _reference_at(family, mpf(eta) + h, y, trials)[k - 1]
                    behind = _reference_at(family, mpf(eta) - h, y, trials)[k - 1]
                    assert abs((ahead - behind) / (2 * h) - exact[k]) <= 1e-18 * (scale[k] + scale[k - 1] + 1)


def _reference_at(family: Family, eta: mpf, y: float, trials: float | None) -> list[mpf]:
    exact, _ = reference(family, eta, y, trials or 1.0)  # type: ignore[arg-type]
    return exact


@pytest.mark.parametrize(
    "family", [*(Binomial(link) for link in LINKS), Poisson(), NegativeBinomial(0.3), Exponential()]
)
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_finite_for_every_finite_predictor(family: Family, y: float) -> None:
    eta = np.concatenate([EXTREME, np.linspace(-1200, 1200, 4801), [0.0, -0.0, TINY, -TINY]])
    with np.errstate(all="raise"):
        values = family.derivatives(np.full(eta.shape, y), eta)
    assert all(np.isfinite(v).all() for v in values)
    assert np.isfinite(family.mean(eta)).all()
    assert (values[2] <= 0).all()  # log-concave


@pytest.mark.parametrize("link", LINKS)
def test_finite_for_large_counts(link: str) -> None:
    y = np.full(EXTREME.shape, 400_000.0)
    values = Binomial(link).derivatives(y, EXTREME, 1e6)
    assert all(np.isfinite(v).all() for v in values)


@pytest.mark.parametrize("family", [Poisson(), NegativeBinomial(0.3)])
def test_finite_for_large_responses(family: Family) -> None:
    values = family.derivatives(np.full(EXTREME.shape, 1e9), EXTREME)
    assert all(np.isfinite(v).all() for v in values)


@pytest.mark.parametrize(
    "family", [*(Binomial(link) for link in LINKS), Poisson(), NegativeBinomial(0.3), Exponential()]
)
def test_nan_is_not_hidden(family: Family) -> None:
    n = np.ones(1)
    values = family.core.derivatives(np.array([np.nan]), n, n, n)
    assert all(np.isnan(v).all() for v in values)


@pytest.mark.parametrize("link", LINKS)
def test_weights_multiply(link: str) -> None:
    eta, one = np.linspace(-5, 5, 11), np.ones(11)
    core = Binomial(link).core
    single = core.derivatives(eta, 2 * one, 5 * one, one)
    triple = core.derivatives(eta, 2 * one, 5 * one, 3 * one)
    for a, b in zip(single, triple, strict=True):
        np.testing.assert_allclose(3 * a, b, rtol=1e-13)


@pytest.mark.parametrize("link", LINKS)
def test_binomial_mean(link: str) -> None:
    with mp.workdps(400):
        exact = [CDF[link](mpf(float(x)))[0] for x in ETA]
    got = Binomial(link).mean(ETA)
    for value, target in zip(got, exact, strict=True):
        assert abs(mpf(float(value)) - target) <= TOLERANCE * target + TINY


@pytest.mark.parametrize("family", [Poisson(), NegativeBinomial(2.0), Exponential()])
def test_log_link_mean(family: Family) -> None:
    for x, value in zip(ETA, family.mean(ETA), strict=True):
        assert abs(mpf(float(value)) / mp.exp(mpf(float(x))) - 1) < TOLERANCE
    assert family.mean([[0.0, 1.0]]).shape == (1, 2)


@pytest.mark.parametrize(
    ("n", "y"), [(2, 1), (10, 3), (50, 25), (1e6, 1), (1e9, 1), (1e9, 999_999_999), (1e9, 3e8), (7, 0)]
)
def test_binomial_constant(n: float, y: float) -> None:
    value = Binomial().derivatives([y], [0.0], [n])[0][0]
    exact = mp.log(mp.binomial(int(n), int(y))) - n * mp.log(2) if n < 1e7 else None
    with mp.workdps(50):
        exact = mp.loggamma(mpf(n) + 1) - mp.loggamma(mpf(y) + 1) - mp.loggamma(mpf(n) - y + 1)
        scale = exact + n * mp.log(2)
        exact -= n * mp.log(2)
    assert abs(mpf(float(value)) - exact) <= 2e-15 * scale


@pytest.mark.parametrize("y", [0, 1, 2, 3, 15, 20, 21, 22, 170, 171, 1e4, 1e9])
def test_poisson_constant(y: float) -> None:
    value = mpf(float(Poisson().derivatives([y], [0.0])[0][0]))
    exact = -1 - mp.loggamma(mpf(y) + 1)
    assert abs(value - exact) <= 1e-15 * abs(exact)


@pytest.mark.parametrize("alpha", [1e-8, 1e-3, 0.5, 1.0, 40.0, 1e8])
@pytest.mark.parametrize("y", [0, 1, 5, 1000, 1e9])
def test_negative_binomial_constant(alpha: float, y: float) -> None:
    value = mpf(float(NegativeBinomial(alpha).derivatives([y], [0.0])[0][0]))
    exact, scale = reference(NegativeBinomial(alpha), 0.0, y, 1.0)
    assert abs(value - exact[0]) <= 2e-15 * (scale[0] + 1)


def test_values_sum_to_one() -> None:
    y = np.arange(0.0, 400.0)
    eta = np.full(y.shape, 2.0)
    for family in (Poisson(), NegativeBinomial(0.7)):
        assert np.exp(family.derivatives(y, eta)[0]).sum() == pytest.approx(1, abs=1e-12)
    y = np.arange(0.0, 31.0)
    for link in LINKS:
        value = Binomial(link).derivatives(y, np.full(y.shape, -0.4), 30)[0]
        assert np.exp(value).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("family", "y", "trials", "message"),
    [
        (Binomial(), [0, 2], None, "endog must be 0 or 1 .* got 2 at row 1"),
        (Binomial(), [0, 0.5], None, "endog must be 0 or 1 .* got 0.5 at row 1"),
        (Binomial(), [1, 3], [1, 2], "endog must not exceed n_trials, got 3 successes in 2 trials at row 1"),
        (Binomial(), [0, 1], [1, 0], "endog must not exceed n_trials, got 1 successes in 0 trials at row 1"),
        (Binomial(), [-1, 1], [1, 2], "endog must not be negative .* got -1 at row 0"),
        (Binomial(), [1.5, 1], [2, 2], "endog must be whole numbers .* got 1.5 at row 0"),
        (Binomial(), [1, 1], [2, -2], "n_trials must not be negative, got -2 at row 1"),
        (Binomial(), [1, 1], [2, 2.5], "n_trials must be whole numbers, got 2.5 at row 1"),
        (Binomial(), [1, 1], [2, 2, 2], "n_trials must have .* 2 observations, got 3"),
        (Poisson(), [1, -1], None, "endog must not be negative for the poisson family, got -1 at row 1"),
        (Poisson(), [1, 2.5], None, "endog must be whole numbers for the poisson family, got 2.5 at row 1"),
        (Poisson(), [1, 2], [1, 2], "n_trials is only for the binomial family, got it with poisson"),
        (NegativeBinomial(1.0), [0.1], None, "endog must be whole numbers for the negative_binomial family"),
        (
            Exponential(),
            [-0.1],
            None,
            "endog must not be negative for the exponential family, got -0.1 at row 0",
        ),
        (Poisson(), [np.nan], None, "endog must be finite, got nan at row 0"),
        (Exponential(), [np.inf], None, "endog must be finite, got inf at row 0"),
    ],
)
def test_support(family: Family, y: list[float], trials: list[float] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        family.validate_response(np.array(y), trials)


@pytest.mark.parametrize(
    ("family", "eta", "shape", "message"),
    [
        (Poisson(), [0.0, np.inf], None, "eta must be 2 finite numbers"),
        (Poisson(), [0.0], None, r"eta must be 2 finite numbers, got shape \(1,\)"),
        (Poisson(), [0.0, 0.0], 1.0, "shape is only for a family with a parameter that is estimated"),
        (Gamma(), [0.0, 0.0], None, "shape must be given: the"),
        (Gamma(), [0.0, 0.0], -1.0, "shape must be positive and finite, got -1.0"),
    ],
)
def test_what_derivatives_take(family: Family, eta: list[float], shape: float | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        family.derivatives([1.0, 2.0], eta, shape=shape)


def test_support_accepts() -> None:
    Binomial().validate_response([0, 1, 1])
    Binomial().validate_response([0, 2, 0], [0, 2, 5])
    Poisson().validate_response([0, 3, 1e9])
    NegativeBinomial(1.0).validate_response([0, 3])
    Exponential().validate_response([0.0, 2.5])


ALL = [Binomial("logit"), Binomial("probit"), Poisson(), NegativeBinomial(2.0), Exponential()]


@pytest.mark.parametrize(
    ("family", "shape"),
    [(NegativeBinomial(2.0), None), (Gamma(), 9.0), (Exponential(), None), (Gaussian(), 1e308)],
)
def test_random_responses_are_finite(family: Family, shape: float | None) -> None:
    drawn = family.sample(np.full(2000, 1e3), np.random.default_rng(1), shape=shape)
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("family", ALL, ids=str)
def test_value_semantics(family: Family) -> None:
    family.core  # noqa: B018  (cached, and must not be pickled)
    again = pickle.loads(pickle.dumps(family))
    assert again == family
    assert hash(again) == hash(family)
    assert again.core.name == family.name
    assert again.core.link == family.link
    with pytest.raises(AttributeError):
        family.link = "log"  # type: ignore[misc]


@pytest.mark.parametrize("cls", [Binomial, Exponential, Gamma, Gaussian, NegativeBinomial, Poisson])
def test_pickles_that_name_the_public_module(cls: type[Family]) -> None:
    """As all did before each kind of family had a file of its own."""
    assert pickle.loads(f"cmixed_glm.families\n{cls.__name__}\n.".encode()) is cls


def test_families_differ() -> None:
    assert len(set(ALL)) == len(ALL)
    assert NegativeBinomial(1.0) != NegativeBinomial(2.0)
    assert NegativeBinomial(2).core.alpha == 2.0


def test_bad_parameters() -> None:
    with pytest.raises(ValueError, match="link must be one of logit, probit, cloglog, loglog, got 'log'"):
        Binomial("log")
    for alpha in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="alpha must be a positive number"):
            NegativeBinomial(alpha)
    with pytest.raises(TypeError, match="alpha must be a positive number, got 'a'"):
        NegativeBinomial("a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Family is abstract"):
        Family()


def test_core_refuses() -> None:
    core = type(Poisson().core)
    with pytest.raises(ValueError, match="got binomial with log"):
        core("binomial", "log")
    with pytest.raises(ValueError, match="alpha: expected for negative_binomial and for no other"):
        core("poisson", "log", 1.0)
    assert core("negative_binomial", "log").shape == "alpha"
    assert core("negative_binomial", "log", 0.5).shape is None
    one, two = np.ones(1), np.ones(2)
    with pytest.raises(ValueError, match="endog: expected one dimension and length 1"):
        Poisson().core.derivatives(one, two, one, one)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("binomial", Binomial()),
        ("Poisson", Poisson()),
        ("exponential", Exponential()),
        (Poisson, Poisson()),
        (Binomial, Binomial()),
        (Binomial("probit"), Binomial("probit")),
    ],
)
def test_as_family(given: Any, expected: Family) -> None:
    assert as_family(given) == expected


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("binomal", "did you mean 'binomial'"),
        ("bernoulli", "write 'binomial'"),
        ("probit", r"write families.Binomial\(link='probit'\)"),
        ("tweedie", "not part of the model"),
        ("lognormal", "write 'gaussian'"),
    ],
)
def test_names_that_are_nearly_right(given: str, hint: str) -> None:
    with pytest.raises(ValueError, match=f"family must be one of.*got {given!r} .*{hint}"):
        as_family(given)


def test_as_family_from_statsmodels() -> None:
    families = pytest.importorskip("statsmodels.genmod.families")
    links = families.links
    pairs = [
        (links.Logit, "logit"),
        (links.Probit, "probit"),
        (links.CLogLog, "cloglog"),
        (links.LogLog, "loglog"),
    ]
    eta = np.linspace(-3, 3, 13)
    for link, name in pairs:
        theirs = families.Binomial(link())
        assert as_family(theirs) == Binomial(name)
        np.testing.assert_allclose(as_family(theirs).mean(eta), theirs.link.inverse(eta), rtol=1e-12)
    assert as_family(families.Binomial) == Binomial()
    assert as_family(families.Poisson()) == Poisson()
    assert as_family(families.NegativeBinomial(alpha=0.4)) == NegativeBinomial(0.4)
    with pytest.raises(ValueError, match=r"Binomial family must have link logit, .*, got Cauchy"):
        as_family(families.Binomial(links.Cauchy()))
    with pytest.raises(ValueError, match=r"Poisson family must have link log, got Sqrt"):
        as_family(families.Poisson(links.Sqrt()))
    assert as_family(families.Gaussian()) == Gaussian()
    assert as_family(families.Gamma(links.Log())) == Gamma()
    with pytest.raises(ValueError, match=r"Gamma family must have link log, got InversePower"):
        as_family(families.Gamma())
    with pytest.raises(ValueError, match=r"got 'InverseGaussian' .its log density is not concave"):
        as_family(families.InverseGaussian())


@pytest.mark.parametrize("given", [None, 3, int, object()])
def test_as_family_refuses_other_things(given: Any) -> None:
    with pytest.raises(TypeError, match=r"family must be a family, its name, or a statsmodels family"):
        as_family(given)


def test_as_family_refuses_other_names() -> None:
    with pytest.raises(ValueError, match=r"family must be one of: Gaussian .*; got 'binom'"):
        as_family("binom")
