"""Posterior predictive checks: groups and bars against plain counting, and pictures of models that fit and do not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm._assess.replications import calibration, copies, rootogram

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def test_bars_are_counts() -> None:
    rng = np.random.default_rng(0)
    y, replicated = rng.poisson(2.0, 300).astype(float), rng.poisson(2.5, (80, 300)).astype(float)
    bars = rootogram(y, np.ones(300), replicated, continuous=False, alpha=0.1)
    values = (bars.edges[1:] + bars.edges[:-1]) / 2
    np.testing.assert_array_equal(values, np.arange(len(values)))
    last = values[-1]
    for value, expected, observed, low, high in zip(
        values, bars.expected, bars.observed, bars.low, bars.high, strict=True
    ):
        counts = (replicated == value if value < last else replicated >= last).sum(axis=1)
        assert observed == (y == value if value < last else y >= last).sum()
        assert expected == pytest.approx(counts.mean())
        assert (low, high) == pytest.approx(tuple(np.quantile(counts, [0.05, 0.95])))
    assert bars.expected.sum() == pytest.approx(300)


def test_rows_count_by_their_weights() -> None:
    y, weights = np.array([0.0, 1.0, 1.0]), np.array([3.0, 2.0, 0.0])
    bars = rootogram(y, weights, y[None], continuous=False, alpha=0.1)
    np.testing.assert_array_equal(bars.observed, [3.0, 2.0])


def test_copies_of_rows() -> None:
    rows, weights = copies(3, None)
    assert (rows.tolist(), weights.tolist()) == ([0, 1, 2], [1.0, 1.0, 1.0])
    rows, weights = copies(4, np.array([2.0, 0.0, 0.5, 1.5]))
    assert (rows.tolist(), weights.tolist()) == ([0, 0, 1, 2, 3, 3], [1.0, 1.0, 0.0, 0.5, 0.75, 0.75])
    heavy = np.array([3e9, 1e9, 1.0])
    rows, weights = copies(3, heavy)
    assert len(rows) <= 400_002
    np.testing.assert_allclose(np.bincount(rows, weights), heavy)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_weights_are_repetitions(family: str) -> None:
    """A row that counts nine times is like nine rows: the same picture, bands included."""
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 60) if family == "binomial" else rng.poisson(1.0, 60)
    data = pd.DataFrame({"y": y, "x": np.repeat([0, 1], 30), "g": np.tile(np.arange(6), 10), "w": 9})
    formula = "y ~ x + (1 | g)"
    weighted = mg.MixedGLM.from_formula(formula, data=data, family=family, freq_weights="w").fit_laplace()
    repeated = mg.MixedGLM.from_formula(
        formula, data=data.loc[np.repeat(data.index, 9)], family=family
    ).fit_laplace()
    bands = []
    for result in (weighted, repeated):
        ax = result.plot_predictive_check(draws=2000)
        drawn = ax.collections[0].get_paths() if family == "binomial" else ax.patches[0].get_path().vertices
        ends = np.array([path.vertices[:, 1] for path in drawn]) if family == "binomial" else drawn[:, 1]
        bands.append(np.asarray(ends))
    np.testing.assert_allclose(bands[0], bands[1], atol=0.02 if family == "binomial" else 0.5)


def test_large_counts_share_bars() -> None:
    rng = np.random.default_rng(0)
    y = rng.poisson(10_000.0, 100).astype(float)
    bars = rootogram(y, np.ones(100), y[None], continuous=False, alpha=0.1)
    assert len(bars.observed) <= 50
    assert bars.observed.sum() == 100
    np.testing.assert_array_equal(bars.inside, True)


def test_waiting_times() -> None:
    rng = np.random.default_rng(0)
    y, replicated = np.r_[0.0, rng.exponential(2.0, 200)], rng.exponential(2.0, (50, 201))
    bars = rootogram(y, np.ones(201), replicated, continuous=True, alpha=0.05)
    assert bars.observed.sum() == 201
    np.testing.assert_allclose(np.diff(np.log(bars.edges)), np.log(bars.edges[1] / bars.edges[0]))


def test_groups_are_shares() -> None:
    rng = np.random.default_rng(0)
    n = 1000
    probability = rng.uniform(0.1, 0.9, n)
    trials = rng.integers(1, 6, n).astype(float)
    successes = rng.binomial(trials.astype(int), probability).astype(float)
    replicated = rng.binomial(trials.astype(int), probability, (60, n)).astype(float)
    groups = calibration(successes, trials, probability, replicated, alpha=0.2)
    assert len(groups.expected) == 12
    assert (np.diff(groups.expected) > 0).all()
    cut = (groups.expected[1:] + groups.expected[:-1]) / 2  # near the true cuts: sizes must be about equal
    sizes = np.bincount(np.searchsorted(cut, probability), trials)
    np.testing.assert_allclose(sizes, trials.sum() / 12, rtol=0.25)
    total = pd.Series(successes).sum() / trials.sum()
    assert np.average(groups.observed, weights=sizes) == pytest.approx(total, abs=0.02)
    assert groups.inside.mean() >= 0.5
    assert (groups.low <= groups.high).all()


def test_few_distinct_probabilities() -> None:
    probability = np.repeat([0.2, 0.7], 50)
    successes = np.r_[np.zeros(40), np.ones(10), np.ones(35), np.zeros(15)]
    groups = calibration(successes, np.ones(100), probability, successes[None], alpha=0.05)
    np.testing.assert_allclose(groups.expected, [0.2, 0.7])
    np.testing.assert_allclose(groups.observed, [0.2, 0.7])
    np.testing.assert_array_equal(groups.low, groups.observed)


def counts(overdispersed: bool) -> mg.MixedGLMResults:
    rng = np.random.default_rng(1)
    g = rng.integers(0, 40, 800)
    mean = np.exp(0.8 + 0.5 * rng.normal(size=40)[g])
    y = rng.poisson(mean * (rng.gamma(0.7, 1 / 0.7, 800) if overdispersed else 1.0))
    data = pd.DataFrame({"visits": y, "practice": g})
    return mg.MixedGLM.from_formula("visits ~ 1 + (1 | practice)", data=data, family="poisson").fit_laplace()


def test_counts_that_fit_and_counts_that_do_not() -> None:
    _, ax = plt.subplots()
    fits = counts(overdispersed=False)
    assert fits.plot_predictive_check(ax, draws=200) is ax
    assert ax.get_xlabel() == "visits"
    assert ax.get_ylabel() == "number of rows (square-root scale)"
    feet = np.array([bar.get_y() + bar.get_height() for bar in ax.patches if hasattr(bar, "get_height")])
    assert np.abs(feet).max() < 3.0
    bad = counts(overdispersed=True).plot_predictive_check(draws=200)
    feet = np.array([bar.get_y() + bar.get_height() for bar in bad.patches if hasattr(bar, "get_height")])
    assert feet[0] < -3.0  # far more zeros than expected


def test_calibration_of_a_fit() -> None:
    model = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size"
    )
    result = model.fit_laplace()
    ax = result.plot_predictive_check(draws=300)
    assert ax.get_xlabel() == "predicted probability of incidence"
    assert ax.get_ylabel() == "observed share"
    dots = ax.collections[-1].get_offsets()
    assert len(dots) == 8  # of about 100 animals each
    np.testing.assert_allclose(dots[:, 0], dots[:, 1], atol=0.25)
    again = result.plot_predictive_check(draws=300).collections[-1].get_offsets()
    np.testing.assert_array_equal(dots, again)


def test_levels_are_named() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"cured": rng.choice(["no", "yes"], 200), "g": rng.integers(0, 10, 200)})
    result = mg.MixedGLM.from_formula("cured ~ (1 | g)", data=data, family="binomial").fit_laplace()
    assert result.plot_predictive_check(draws=50).get_xlabel() == "predicted probability of cured = yes"


def test_arguments() -> None:
    result = counts(overdispersed=False)
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        result.plot_predictive_check(draws=0)
    with pytest.raises(ValueError, match="alpha must be between 0 and 1"):
        result.plot_predictive_check(alpha=1.0)


def _of_kind(family: str) -> mg.MixedGLM:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=80), "g": rng.integers(0, 8, 80)})
    levels = ["low$", "mid", "high"]
    responses = {
        "poisson": rng.poisson(2.0, 80),
        "gaussian": 100.0 + 5.0 * rng.normal(size=80),
        "gamma": rng.gamma(2.0, 1.0, 80),
        "binomial": rng.integers(0, 2, 80),
        "cumulative": pd.Categorical(np.array(levels)[rng.integers(0, 3, 80)], levels, ordered=True),
    }
    return mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data.assign(y=responses[family]), family=family)


@pytest.mark.parametrize("family", ["poisson", "gaussian", "gamma", "binomial", "cumulative"])
@pytest.mark.parametrize("observed", [True, False])
def test_prior_predictive(family: str, observed: bool) -> None:
    model = _of_kind(family)
    ax = model.plot_prior_predictive(draws=30, observed=observed)
    assert len(ax.lines) == 30 + observed
    for line in ax.lines:
        shares = line.get_ydata()
        assert shares[-1] == pytest.approx(1.0)
        assert (np.diff(shares) > 0.0).all()
    if observed:
        np.testing.assert_allclose(np.sort(model.endog), ax.lines[-1].get_xdata())
    drawn = model.prior_predictive(30, rng=0)
    np.testing.assert_allclose(ax.lines[4].get_xdata(), np.sort(drawn[4]))
    if family == "cumulative":
        assert [t.get_text() for t in ax.get_xticklabels()] == [r"low\$", "mid", "high"]
    ax.figure.canvas.draw()


def test_prior_predictive_of_shares_and_weights() -> None:
    frame = mg.datasets.load_cbpp()
    model = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)",
        data=frame,
        family="binomial",
        n_trials="size",
        freq_weights=np.arange(56) + 1.0,
    )
    ax = model.plot_prior_predictive(draws=3)
    shares = (frame["incidence"] / frame["size"]).to_numpy()
    np.testing.assert_allclose(ax.lines[-1].get_xdata(), np.sort(shares))
    none = (np.arange(56) + 1.0)[shares == 0.0].sum() / (np.arange(56) + 1.0).sum()
    at_zero = np.interp(1e-9, ax.lines[-1].get_xdata(), ax.lines[-1].get_ydata())
    assert at_zero == pytest.approx(none, abs=1e-6)
    with pytest.raises(ValueError, match="draws"):
        model.plot_prior_predictive(draws=0)
