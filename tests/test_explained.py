"""Explained variance and intraclass correlations, by hand from draws and against published formulas."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid
from scipy.special import expit, polygamma

import mixed_glm as mg
from mixed_glm._effects.family_variance import distribution_variance, response_variance
from mixed_glm._predict.new_effects import Hyper
from mixed_glm._predict.row_draws import RowDraws
from mixed_glm.families import Binomial, Exponential, Gamma, Gaussian, NegativeBinomial, Poisson

N = 4000


@pytest.fixture(scope="module")
def cbpp() -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size"
    ).fit()


@pytest.fixture(scope="module")
def slopes() -> tuple[pd.DataFrame, mg.MixedGLMResults]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"g": np.repeat(np.arange(25), 12), "x": rng.normal(size=300), "row": np.arange(300)}
    )
    u, v = rng.normal(scale=0.6, size=25), rng.normal(scale=0.4, size=25)
    eta = 0.8 + 0.4 * frame.x + u[frame.g] + v[frame.g] * frame.x + 0.5 * rng.normal(size=300)
    frame["y"] = rng.poisson(np.exp(eta))
    model = mg.MixedGLM.from_formula("y ~ x + (x || g) + (1 | row)", data=frame, family="poisson")
    return frame, model.fit_laplace()


def agrees(table: pd.DataFrame, row: str, values: np.ndarray) -> None:
    """Summaries of other draws, within Monte-Carlo error."""
    found, sd = table.loc[row], values.std()
    assert found["mean"] == pytest.approx(values.mean(), abs=0.12 * sd)
    assert found["median"] == pytest.approx(np.median(values), abs=0.12 * sd)
    assert found["sd"] == pytest.approx(sd, rel=0.1)
    for column, level in {"lower": 0.025, "upper": 0.975}.items():
        assert (values < found[column]).mean() == pytest.approx(level, abs=0.012)


def test_binomial_by_hand(cbpp) -> None:
    model, draws = cbpp.model, cbpp.posterior_sample(N, 5)
    fixed = (draws.fe @ model.exog.T).var(axis=1, ddof=1)
    random, rest = np.exp(2 * draws.vcp[:, 0]), np.pi**2 / 3
    table = cbpp.r2(draws=N)
    assert list(table.columns) == ["mean", "sd", "median", "lower", "upper"]
    agrees(table, "marginal", fixed / (fixed + random + rest))
    agrees(table, "conditional", (fixed + random) / (fixed + random + rest))
    p, n = expit(draws.linear_predictor()), model.n_trials
    explained, within = (n * p).var(axis=1, ddof=1), (n * p * (1 - p)).mean(axis=1)
    agrees(table, "bayes", explained / (explained + within))
    correlations = cbpp.icc(draws=N)
    assert list(correlations.index) == ["adjusted", "unadjusted"]
    agrees(correlations, "adjusted", random / (random + rest))
    agrees(correlations, "unadjusted", random / (fixed + random + rest))


def test_like_plugged_in_estimates_of_lme4(cbpp) -> None:
    """glmer gives (-1.398, -0.992, -1.128, -1.580) and a standard deviation of 0.642."""
    fixed = (cbpp.model.exog @ [-1.398, -0.992, -1.128, -1.580]).var(ddof=1)
    total = fixed + 0.642**2 + np.pi**2 / 3
    table = cbpp.r2(draws=N)
    assert table.loc["marginal", "median"] == pytest.approx(fixed / total, abs=0.012)
    assert table.loc["conditional", "median"] == pytest.approx((fixed + 0.642**2) / total, abs=0.04)


# Estimates of lme4 1.1.31 (glmer with nAGQ = 25, lmer with REML = FALSE), and what r2_nakagawa() and icc() of performance 0.10.2 make
# of them: R2 marginal and conditional, ICC adjusted and unadjusted.
PERFORMANCE: dict[str, dict[str, list[float]]] = {
    "cbpp": {
        "fe": [-1.39922373, -0.99140888, -1.12780959, -1.57948095], "sd": [0.647519915], "cor": [], "shape": [],
        "r2": [0.085179495, 0.188590732], "icc": [0.11303992, 0.10341124],
    },
    "sleepstudy": {
        "fe": [251.405105, 10.467286], "sd": [23.77975959, 5.71679851], "cor": [0.0813210934], "shape": [25.591907],
        "r2": [0.28761589, 0.79275857], "icc": [0.70908752, 0.50514268],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PERFORMANCE)
def test_estimates_give_what_performance_makes_of_them(
    name: str, cbpp, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, stored = cbpp, PERFORMANCE[name]
    if name == "sleepstudy":
        frame = pd.read_csv(Path(__file__).parent / "data" / "peers" / "sleepstudy.csv.gz")
        formula = "Reaction ~ Days + (Days | Subject)"
        result = mg.MixedGLM.from_formula(formula, data=frame, family="gaussian").fit_laplace()

    def estimates(values: list[float]) -> np.ndarray:
        return np.tile(values, (50, 1))

    def plugged_in(*arguments) -> RowDraws:
        drawn = draw(*arguments)
        return dataclasses.replace(
            drawn, fe=estimates(stored["fe"]).T, fe_shift=np.zeros(len(stored["fe"])),
            hyper=Hyper(np.log(estimates(stored["sd"])), estimates(stored["cor"])),
            shape=estimates(stored["shape"]).T if stored["shape"] else None,
        )  # fmt: skip

    draw = RowDraws.of
    monkeypatch.setattr(RowDraws, "of", plugged_in)
    r2, icc = result.r2(draws=50), result.icc(draws=50)
    np.testing.assert_allclose(r2.loc[["marginal", "conditional"], "mean"], stored["r2"], rtol=1e-6)
    np.testing.assert_allclose(icc.loc[["adjusted", "unadjusted"], "mean"], stored["icc"], rtol=1e-6)


@pytest.mark.parametrize("approximation", ["lognormal", "trigamma"])
def test_counts_by_hand(slopes, approximation: str) -> None:
    frame, result = slopes
    draws = result.posterior_sample(N, 5)
    fixed = (draws.fe @ result.model.exog.T).var(axis=1, ddof=1)
    variance = np.exp(2 * draws.vcp)
    random = np.stack([variance[:, 0], variance[:, 1] * (frame.x**2).mean()])
    mean = np.exp(draws.linear_predictor()).mean(axis=1)
    rest = np.log1p(1 / mean) if approximation == "lognormal" else polygamma(1, mean)
    rest = rest + variance[:, 2]  # effects of single rows are overdispersion
    table = result.r2(draws=N, approximation=approximation)
    agrees(table, "marginal", fixed / (fixed + random.sum(axis=0) + rest))
    agrees(table, "conditional", 1 - rest / (fixed + random.sum(axis=0) + rest))
    found = result.icc(draws=N, approximation=approximation)
    assert list(found.index) == ["adjusted", "unadjusted", "adjusted[g]", "adjusted[x|g]"]
    agrees(found, "adjusted[x|g]", random[1] / (random.sum(axis=0) + rest))
    mu = np.exp(draws.linear_predictor())
    agrees(table, "bayes", (v := mu.var(axis=1, ddof=1)) / (v + mean))


def test_weights_count_as_rows() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"g": np.arange(60) % 10, "x": rng.normal(size=60), "w": rng.integers(1, 4, 60)})
    frame["y"] = rng.poisson(np.exp(0.3 * frame.x + rng.normal(scale=0.5, size=10)[frame.g]))
    formula = "y ~ x + (1 | g)"
    weighted = mg.MixedGLM.from_formula(formula, data=frame, family="poisson", freq_weights="w").fit_laplace()
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    expanded = mg.MixedGLM.from_formula(formula, data=repeated, family="poisson").fit_laplace()
    np.testing.assert_allclose(weighted.r2(), expanded.r2(), rtol=1e-3)


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        (Poisson(), None),
        (NegativeBinomial(alpha=0.7), None),
        (NegativeBinomial(), 0.7),
        (Gamma(), 0.6),
        (Gaussian(), 1.3),
        (Exponential(), None),
        (Binomial(), None),
    ],
)
def test_variances_of_families(family, shape: float | None) -> None:
    eta, own = np.full(400_000, -0.7), None if shape is None else np.full(1, shape)
    drawn, mean = family.sample(eta, 1, shape=own), family.mean(np.array([-0.7]))
    variance = response_variance(family, mean, own)[0]
    assert variance == pytest.approx(drawn.var(), rel=0.02)
    if family.link == "log":
        found = distribution_variance(family, mean, own, "trigamma")
        assert found[0] == pytest.approx(polygamma(1, mean[0] ** 2 / variance))
        assert distribution_variance(family, mean, own)[0] == pytest.approx(np.log1p(variance / mean[0] ** 2))
    if family.link == "identity":
        assert distribution_variance(family, mean, own)[0] == variance
    if family.name in ("gamma", "exponential"):  # there trigamma is exact
        assert found[0] == pytest.approx(np.log(drawn).var(), rel=0.02)


@pytest.mark.parametrize("family", ["gaussian", "gamma", "negative_binomial"])
def test_parameters_of_families_are_drawn(family: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.repeat(np.arange(15), 12), "x": rng.normal(size=180)})
    eta = 0.6 + 0.4 * frame.x + rng.normal(scale=0.6, size=15)[frame.g]
    made = {"gaussian": Gaussian, "gamma": Gamma, "negative_binomial": NegativeBinomial}[family]()
    frame["y"] = made.sample(eta, 1, shape=0.5)
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family=family).fit()
    draws = result.posterior_sample(N, 5)
    fixed = (draws.fe @ result.model.exog.T).var(axis=1, ddof=1)
    random, own, mu = np.exp(2 * draws.vcp[:, 0]), np.exp(draws.family), made.mean(draws.linear_predictor())
    within = {"gaussian": own**2 + 0 * mu, "gamma": own * mu**2, "negative_binomial": mu + own * mu**2}[
        family
    ]
    rest = {
        "gaussian": own[:, 0] ** 2,
        "gamma": np.log1p(own[:, 0]),
        "negative_binomial": np.log1p(1 / mu.mean(axis=1) + own[:, 0]),
    }[family]
    table = result.r2(draws=N)
    agrees(table, "marginal", fixed / (fixed + random + rest))
    agrees(table, "conditional", (fixed + random) / (fixed + random + rest))
    agrees(table, "bayes", (v := mu.var(axis=1, ddof=1)) / (v + within.mean(axis=1)))
    agrees(result.icc(draws=N), "adjusted", random / (random + rest))


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog"])
def test_latent_variances_are_those_of_the_links(link: str) -> None:
    t = np.linspace(-40, 40, 80_001)
    density = np.gradient(Binomial(link=link).mean(t), t)
    mean = trapezoid(t * density, t)
    expected = trapezoid((t - mean) ** 2 * density, t)
    assert distribution_variance(Binomial(link=link), np.ones(1), None)[0] == pytest.approx(
        expected, rel=1e-3
    )


@pytest.mark.parametrize("fit", ["fit_vb", "fit_ep", "fit_laplace"])
def test_all_fits_tell_it(fit: str) -> None:
    model = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size"
    )
    table = getattr(model, fit)().r2(alpha=0.2, draws=200)
    assert (table["lower"] < table["median"]).all()
    assert table.loc["marginal", "median"] == pytest.approx(0.095, abs=0.03)


def test_what_does_not_fit_is_refused(cbpp) -> None:
    with pytest.raises(ValueError, match="approximation must be one of 'lognormal', 'trigamma', got 'delta'"):
        cbpp.r2(approximation="delta")
    with pytest.raises(ValueError, match="alpha"):
        cbpp.icc(alpha=5)
    fixed = mg.MixedGLM([0.0, 1, 2, 3], np.ones((4, 1)), None, None, "poisson").fit()
    assert fixed.r2().loc["marginal", "mean"] == 0.0
    with pytest.raises(ValueError, match="icc needs random effects"):
        fixed.icc()
