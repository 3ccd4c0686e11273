"""Arguments and responses as users of other packages write them: an error that says what to write, or what was meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm.families import Binomial, NegativeBinomial, as_family

RNG = np.random.default_rng(2)
N = 80
DATA = pd.DataFrame(
    {
        "y": RNG.integers(0, 2, N),
        "x": RNG.normal(size=N),
        "g": np.arange(N) % 8,
        "n": RNG.integers(3, 60, N),
        "t": RNG.uniform(1, 9, N),
    }
)
DATA["k"] = RNG.binomial(DATA.n, 0.3)
DATA["p"] = DATA.k / DATA.n
DATA["c"] = RNG.poisson(2.0 * DATA.t)


def model(formula: str, family: Any = "binomial", data: pd.DataFrame = DATA, **options: Any) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(formula, data=data, family=family, **options)


@pytest.mark.parametrize(
    "name",
    ["negative_binomial", "NegativeBinomial", "negbinomial", "negbin", "nb", "nbinom2", NegativeBinomial],
)
def test_the_dispersion_is_estimated_where_it_is_not_given(name: Any) -> None:
    assert model("c ~ x", name).family == NegativeBinomial()
    assert as_family(NegativeBinomial(0.5)) == NegativeBinomial(alpha=0.5)


def test_families_of_statsmodels_have_a_dispersion() -> None:
    sm = pytest.importorskip("statsmodels.api")
    assert as_family(sm.families.NegativeBinomial(alpha=0.25)) == NegativeBinomial(0.25)
    assert as_family(sm.families.NegativeBinomial) == NegativeBinomial()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("quasibinomial", r"write 'binomial', and a random effect of each row"),
        ("betabinomial", r"random effect of each row"),
        ("quasipoisson", r"write 'poisson', and a random effect of each row"),
        ("binomial(link='probit')", r"families.Binomial\(link='probit'\)"),
        ("zero_inflated_poisson", "not part of the model"),
        ("beta", "not part of the model"),
        ("categorical", "not part of the model"),
        ("ordinal", "write 'cumulative'"),
        ("poison", "did you mean 'poisson'"),
        ("gausian", "got 'gausian'"),
    ],
)
def test_names_of_families(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        as_family(name)
    assert as_family("binomial()") == Binomial()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("weights", "freq_weights=.* n_trials="), ("weight", "freq_weights"), ("trials", "n_trials"), ("link", r"Binomial\(link"),
        ("prior", r"priors=\{name: distribution\}"), ("offsets", "did you mean offset"), ("exposures", "did you mean exposure"), ("qqq", "it has family"),
        ("subset", "data=d"),
    ],
)  # fmt: skip
def test_arguments_of_other_packages(name: str, remedy: str) -> None:
    with pytest.raises(TypeError, match=f"from_formula has no argument '{name}': .*{remedy}"):
        model("y ~ x", **{name: "n"})
    with pytest.raises(TypeError, match=f"MixedGLM has no argument '{name}': .*{remedy}"):
        mg.MixedGLM(DATA.y, DATA[["x"]], family="binomial", **{name: DATA.n})


def test_counts_that_are_nearly_whole() -> None:
    assert (DATA.p * DATA.n != DATA.k).any()
    for came in (
        model("I(p*n) ~ x", n_trials="n"),
        model("I(p * n) | trials(n) ~ x"),
        model("cbind(p*n, n - p*n) ~ x"),
    ):
        np.testing.assert_array_equal(came.endog, DATA.k)
        np.testing.assert_array_equal(came.n_trials, DATA.n)
    arrays = mg.MixedGLM(DATA.p * DATA.n, DATA[["x"]], family="binomial", n_trials=DATA.n)
    np.testing.assert_array_equal(arrays.endog, DATA.k)
    with pytest.raises(ValueError, match="whole numbers"):
        model("I(p*n + 0.01) ~ x", n_trials="n")


def test_proportions_of_trials() -> None:
    for came in (
        model("p ~ x", n_trials="n"),
        model("p | trials(n) ~ x"),
        mg.MixedGLM(DATA.p, DATA[["x"]], family="binomial", n_trials=DATA.n),
    ):
        np.testing.assert_array_equal(came.endog, DATA.k)
    with pytest.raises(ValueError, match="proportions of n trials give n_trials=n, or the counts"):
        model("p ~ x", freq_weights="n")
    with pytest.raises(ValueError, match=r"proportions of n_trials: .* successes at row .* no whole number"):
        model("p ~ x", data=DATA.assign(p=0.123), n_trials="n")
    ones = DATA.assign(p=1.0)
    assert (model("p ~ x", data=ones, n_trials="n").endog == 1).all()  # whole numbers are counts


@pytest.mark.parametrize(
    ("values", "hint"),
    [([1, 2], r"values 1 and 2: write I\(y == 2\)"), ([-1, 1], r"values -1 and 1: write I\(y == 1\)"), ([0, 2], r"I\(y == 2\)"), ([1, 2, 3], "n_trials for counts")],
)  # fmt: skip
def test_responses_of_other_codes(values: list[int], hint: str) -> None:
    data = DATA.assign(y=np.resize(values, N))
    with pytest.raises(ValueError, match=f"must be 0 or 1 for the binomial family.*{hint}"):
        model("y ~ x", data=data)
    model(f"I(y == {values[-1]}) ~ x", data=data)


def test_offsets_count_once() -> None:
    result = model("c ~ x + offset(log(t)) + (1 | g)", "poisson").fit()
    for name, value in (("exposure", "t"), ("offset", "t"), ("exposure", np.ones(2))):
        with pytest.raises(ValueError, match=rf"{name} would count beside offset\(log\(t\)\) of the formula"):
            result.predict(DATA[:2], **{name: value})
    beside = model("c ~ x + offset(log(t)) + (1 | g)", "poisson", exposure="n").fit()
    both = np.asarray(beside.predict(DATA[:2], exposure="n"))
    np.testing.assert_allclose(both, beside.predict()[:2])
    with pytest.raises(ValueError, match="offset would count beside"):
        beside.predict(DATA[:2], exposure="n", offset="t")
    both = model("c ~ x + offset(log(t)) + (1 | g)", "poisson", offset="x").fit()
    np.testing.assert_allclose(both.predict(DATA[:2], offset="x"), both.predict()[:2])


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("y ~ x + I(2 * x)", r"'I\(2 \* x\)' is a multiple of 'x'"),
        ("y ~ x + t + I(x - 3 * t)", r"'I\(x - 3 \* t\)' is a linear combination of 'x', 't'"),
        ("y ~ x + zero", "'zero' is 0 in all rows"),
        ("y ~ one + x", "'one' is a multiple of 'Intercept'"),
        ("y ~ C(g) + C(h)", r"'C\(h\)\[T.1\]' is a linear combination of 'C\(g\)\[T.4\]', "),
        ("y ~ x + I(1e-9 * x)", r"'I\(1e-09 \* x\)' is a multiple of 'x'"),
    ],
)
def test_dependent_columns_are_named(formula: str, told: str) -> None:
    data = DATA.assign(zero=0.0, one=7.0, h=DATA.g // 4)
    with pytest.warns(mg.RankDeficiencyWarning, match=f"exog has . *.*rank.*{told}") as record:
        model(formula, data=data)
    assert len(record) == 1


def test_columns_that_are_missing_altogether_are_named() -> None:
    with pytest.raises(ValueError, match=r"no complete row: .* 'u', 'v' are missing in all of them"):
        model("y ~ x + u + v", data=DATA.assign(u=np.nan, v=None))
    with pytest.raises(ValueError, match="'n_trials' is missing in all"):
        model("y ~ x", n_trials=np.full(N, np.nan))


@pytest.mark.parametrize("term", ["when", "(0 + when | g)", "when:x"])
def test_times_are_no_covariates(term: str) -> None:
    data = DATA.assign(when=pd.date_range("2021", periods=N))
    with pytest.raises(
        ValueError, match=r"'when' holds times.* write I\(\(when - when.min\(\)\).dt.days\).* C\(when\)"
    ):
        model(f"y ~ {term}", data=data)
    with pytest.raises(ValueError, match=r"spans of time.*I\(when.dt.days\)"):
        model(f"y ~ {term}", data=data.assign(when=data.when - data.when.min()))
    assert model("y ~ I((when - when.min()).dt.days)", data=data).exog[3, 1] == 3


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ f",
        "y ~ C(f)",
        "y ~ factor(f)",
        "y ~ x:f",
        "y ~ C(f, contr.sum)",
        "y ~ (1 | f)",
        "y ~ (1 | factor(f))",
        "y ~ (1 | f:g)",
        "y ~ (0 + f || g)",
        "y ~ (1 | g/f)",
        "y ~ relevel(f, ref='1')",
        "y ~ ordered(f)",
        "y ~ interaction(f, g)",
    ],
)
def test_labels_that_are_written_alike(formula: str) -> None:
    mixed = pd.Series([v if i % 2 else str(v) for i, v in enumerate(DATA.g % 3 + 1)], dtype=object)
    for values in (mixed, pd.Series(pd.Categorical(mixed, categories=[1, "1", 2, "2", 3, "3"]))):
        with pytest.raises(ValueError, match=r"written (alike|in the same way)"):
            model(formula, data=DATA.assign(f=values))
