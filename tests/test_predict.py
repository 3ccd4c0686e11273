"""Predictions: what draws of the posterior say, and what is asked of new rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import expit
from scipy.stats import norm

import mixed_glm as mg

N = 4000


@pytest.fixture(scope="module")
def cbpp() -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size",
        vcp_p=0.5,
    ).fit_laplace()  # fmt: skip


@pytest.fixture(scope="module")
def counts() -> tuple[pd.DataFrame, mg.MixedGLMResults]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"g": rng.integers(0, 8, 160), "x": rng.normal(size=160), "t": rng.uniform(1, 3, 160)}
    )
    u, v = rng.normal(scale=0.5, size=8), rng.normal(scale=0.3, size=8)
    eta = 0.5 + 0.3 * frame.x + u[frame.g] + v[frame.g] * frame.x + np.log(frame.t)
    frame["y"] = rng.poisson(np.exp(eta))
    model = mg.MixedGLM.from_formula("y ~ x + offset(log(t)) + (x || g)", data=frame, family="poisson")
    return frame, model.fit_laplace()


def manual(result: mg.MixedGLMResults, x, z=None, shift=0.0, rng=9) -> tuple[np.ndarray, np.ndarray]:
    """Linear predictors of independent draws, and draws of psi."""
    draws = result.posterior_sample(N, rng)
    eta = draws.fe @ np.asarray(x).T + shift
    return (eta if z is None else eta + draws.vc @ np.asarray(z).T), draws.vcp


def agrees(table: pd.DataFrame, values: np.ndarray, mean=None, level=0.9) -> None:
    """Means and limits within Monte-Carlo error of those of independent draws."""
    sd = values.std(axis=0)
    expected = values.mean(axis=0) if mean is None else mean
    assert (np.abs(table["mean"] - expected) < 0.1 * sd).all()
    tails = [(1 - level) / 2, (1 + level) / 2]
    limits = np.quantile(values, tails, axis=0)
    # The share of the independent draws below a limit is off by the error of 1000 draws.
    for column, tail, limit in zip(("lower", "upper"), tails, limits, strict=True):
        share = (values < table[column].to_numpy()).mean(axis=0)
        assert (np.abs(share - tail) < 5 * np.sqrt(tail * (1 - tail) / 1000)).all(), (column, limit)


def test_population(cbpp: mg.MixedGLMResults) -> None:
    model = cbpp.model
    table = cbpp.predict(random="population", interval=0.9)
    eta, _ = manual(cbpp, model.exog)
    agrees(table, expit(eta))
    np.testing.assert_allclose(cbpp.predict(random="population"), table["mean"])
    linear = cbpp.predict(linear=True, random="population", interval=0.9)
    agrees(linear, eta)
    np.testing.assert_allclose(linear["mean"], model.exog @ cbpp.fe_mean)
    np.testing.assert_array_equal(cbpp.predict(), table["mean"])  # with an interval or without
    assert (table["mean"] > expit(model.exog @ cbpp.fe_mean)).all()  # means of a convex function


def test_conditional(cbpp: mg.MixedGLMResults) -> None:
    model = cbpp.model
    eta, _ = manual(cbpp, model.exog, model.exog_vc.toarray())
    own = cbpp.predict(random="conditional", interval=0.9)
    agrees(own, expit(eta))
    frame = mg.datasets.load_cbpp().iloc[[7, 3, 40]]
    new = cbpp.predict(frame, random="conditional", interval=0.9)
    assert list(new.index) == list(frame.index)
    np.testing.assert_allclose(new, own.iloc[[7, 3, 40]], rtol=0.1)
    by_columns = cbpp.predict(
        model.exog[[7, 3, 40]], model.exog_vc[[7, 3, 40]], random="conditional", interval=0.9
    )
    np.testing.assert_allclose(by_columns, new)


def test_unknown_groups_are_drawn(cbpp: mg.MixedGLMResults) -> None:
    frame = pd.DataFrame({"period": ["1", "1", "1"], "herd": [99, None, 3]}, dtype=object)
    frame["period"] = frame["period"].astype(type(mg.datasets.load_cbpp()["period"].iloc[0]))
    table = cbpp.predict(frame, random="conditional", interval=0.9)
    eta, psi = manual(cbpp, [[1.0, 0.0, 0.0, 0.0]])
    drawn = expit(eta + np.exp(psi) * np.random.default_rng(1).standard_normal(eta.shape))
    agrees(table.iloc[[0]], drawn)
    agrees(table.iloc[[1]], drawn)
    known = cbpp.predict(frame.iloc[[2]], random="conditional", interval=0.9)
    width = table["upper"] - table["lower"]
    assert width.iloc[0] > 1.3 * (known["upper"] - known["lower"]).iloc[0]
    # As columns: a row without an effect, dense or sparse, or with NaN.
    z = np.zeros((2, 15))
    z[1, 4] = np.nan
    x = np.tile([1.0, 0.0, 0.0, 0.0], (2, 1))
    for columns in (z, sparse.csr_array(z)):
        agrees(cbpp.predict(x, columns, random="conditional", interval=0.9), np.repeat(drawn, 2, axis=1))


def test_marginal_averages_over_groups(cbpp: mg.MixedGLMResults) -> None:
    frame = mg.datasets.load_cbpp()[["period"]].iloc[[0, 1]]  # without the column of the groups
    table = cbpp.predict(frame, random="marginal", interval=0.9)
    eta, psi = manual(cbpp, cbpp.model.exog[[0, 1]])
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    averaged = sum(
        w * expit(eta + np.exp(psi) * z) for z, w in zip(nodes, weights / weights.sum(), strict=True)
    )
    agrees(table, averaged)
    np.testing.assert_allclose(cbpp.predict(cbpp.model.exog[[0, 1]], random="marginal"), table["mean"])
    own = cbpp.predict(random="marginal", interval=0.9)
    np.testing.assert_allclose(own.iloc[[0, 1]], table.to_numpy())
    unknown = cbpp.predict(frame.assign(herd=-1), random="conditional")
    np.testing.assert_allclose(unknown, table["mean"])  # a new group's mean is the mean over new groups


# The mean over slopes of new groups under a log link hangs on few draws, as the warning says.
@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PredictionWarning")
def test_slopes_and_offsets(counts) -> None:
    _, result = counts
    new = pd.DataFrame({"x": [0.0, 2.0, 2.0], "t": [1.0, 2.0, 2.0], "g": [0, 3, 77]})
    table = result.predict(new, random="conditional", interval=0.9)
    z = np.zeros((3, 16))
    z[0, 0] = z[1, 3] = 1.0
    z[1, 8 + 3] = 2.0
    eta, psi = manual(result, np.c_[np.ones(3), new.x], z, np.log(new.t).to_numpy())
    noise = np.random.default_rng(2).standard_normal((N, 2))
    eta[:, 2] += np.exp(psi[:, 0]) * noise[:, 0] + 2.0 * np.exp(psi[:, 1]) * noise[:, 1]
    spread = np.exp(2 * psi[:, 0]) + 4 * np.exp(2 * psi[:, 1])
    base = manual(result, np.c_[np.ones(3), new.x], z, np.log(new.t).to_numpy())[0]
    means = np.exp(base).mean(axis=0)
    means[2] = np.exp(base[:, 2] + spread / 2).mean()
    agrees(table, np.exp(eta), mean=means)
    missing = result.predict(new.assign(x=[np.nan, 0.0, 1.0]), random="conditional", interval=0.9)
    assert missing.iloc[0].isna().all()
    assert missing.iloc[1:].notna().all(axis=None)
    with pytest.raises(ValueError, match="'t', which is not a column"):
        result.predict(new.drop(columns="t"))


def test_nested_groups_are_known_in_part() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.integers(0, 5, 200), "b": rng.integers(0, 4, 200)})
    eta = rng.normal(size=5)[frame.a] + 0.7 * rng.normal(size=(5, 4))[frame.a, frame.b]
    frame["y"] = rng.binomial(1, expit(eta))
    result = mg.MixedGLM.from_formula("y ~ 1 + (1 | a/b)", data=frame, family="binomial").fit_laplace()
    table = result.predict(pd.DataFrame({"a": [2], "b": [50]}), random="conditional", interval=0.9)
    z = np.zeros((1, result.model.k_vc))
    z[0, 2] = 1.0
    base, psi = manual(result, [[1.0]], z)
    drawn = base + np.exp(psi[:, [1]]) * np.random.default_rng(2).standard_normal(base.shape)
    agrees(table, expit(drawn))


def test_vc_formulas() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.integers(0, 6, 120), "x": rng.normal(size=120)})
    frame["y"] = rng.poisson(np.exp(rng.normal(size=6)[frame.a]))
    random = {"a": "0 + C(a)", "s": "0 + C(a):x"}
    result = mg.MixedGLM.from_formula("y ~ 1", random, frame, "poisson").fit_laplace()
    new = pd.DataFrame({"a": [1, 42], "x": [2.0, 2.0]})
    table = result.predict(new, random="conditional", linear=True, interval=0.9)
    z = np.zeros((2, 12))
    z[0, 1], z[0, 7] = 1.0, 2.0
    eta, psi = manual(result, np.ones((2, 1)), z)
    noise = np.random.default_rng(2).standard_normal((N, 2))
    eta[:, 1] += np.exp(psi[:, 0]) * noise[:, 0] + 2.0 * np.exp(psi[:, 1]) * noise[:, 1]
    agrees(table, eta)


def test_new_responses(cbpp: mg.MixedGLMResults) -> None:
    model = cbpp.model
    frame = mg.datasets.load_cbpp()
    table = cbpp.predict(frame, random="conditional", interval=0.8, predictive=True, n_trials="size")
    eta, _ = manual(cbpp, model.exog, model.exog_vc.toarray())
    drawn = np.random.default_rng(1).binomial(frame["size"].to_numpy(), expit(eta))
    np.testing.assert_allclose(table["mean"], drawn.mean(axis=0), rtol=0.1, atol=0.05)
    assert (table[["lower", "upper"]] % 1 == 0).all(axis=None)
    inside = ((drawn >= table["lower"].to_numpy()) & (drawn <= table["upper"].to_numpy())).mean()
    assert 0.8 < inside < 0.98  # of discrete responses: at least the level
    with pytest.raises(ValueError, match="n_trials must be given for new responses"):
        cbpp.predict(frame, predictive=True, interval=0.8)
    with pytest.raises(ValueError, match="exog has no column 'trials'"):
        cbpp.predict(frame, predictive=True, interval=0.8, n_trials="trials")


def test_what_is_refused(cbpp: mg.MixedGLMResults, counts) -> None:
    frame, x = mg.datasets.load_cbpp(), cbpp.model.exog[:2]
    with pytest.raises(ValueError, match="random must be one of 'population', 'conditional', 'marginal'"):
        cbpp.predict(random="groups")
    for bad in (0.0, 1.0, 95, "0.9"):
        with pytest.raises(ValueError, match="interval must be a probability"):
            cbpp.predict(interval=bad)
    with pytest.raises(ValueError, match="levels that were not in the data of the model: "):
        cbpp.predict(pd.DataFrame({"period": [9], "herd": [1]}), random="conditional")
    with pytest.raises(ValueError, match="exog_vc must be given"):
        cbpp.predict(x, random="conditional")
    with pytest.raises(ValueError, match="exog_vc must have 15 columns, got 3"):
        cbpp.predict(x, np.zeros((2, 3)), random="conditional")
    with pytest.raises(ValueError, match="exog_vc, offset must come with exog"):
        cbpp.predict(None, np.zeros((2, 3)), 1.0)
    with pytest.raises(ValueError, match="'herd', which is not a column"):
        cbpp.predict(frame[["period"]], random="conditional")
    with pytest.raises(ValueError, match="predictive=True must not come with linear=True"):
        cbpp.predict(linear=True, predictive=True)
    _, result = counts
    with pytest.raises(ValueError, match="exog_vc must not be missing"):
        result.predict(result.model.exog[:1], np.full((1, 16), np.nan), 0.0, random="conditional")
    with pytest.raises(ValueError, match="offset must be given"):
        result.predict(result.model.exog[:1], random="marginal", interval=0.9)


def test_statsmodels_order_of_arguments(cbpp: mg.MixedGLMResults) -> None:
    x = cbpp.model.exog[:3]
    np.testing.assert_array_equal(cbpp.predict(x, True), cbpp.predict(x, linear=True))
    np.testing.assert_array_equal(cbpp.predict(x, False), cbpp.predict(x))
    np.testing.assert_allclose(cbpp.predict(x, True), x @ cbpp.fe_mean, rtol=1e-12)


def test_coverage_of_predictive_intervals() -> None:
    """Few data sets here; benchmarks/coverage_predict.py has many."""
    rng = np.random.default_rng(5)
    inside = total = 0
    for _ in range(25):
        group = np.repeat(np.arange(15), 8)
        x = np.c_[np.ones(120), rng.normal(size=120)]
        u = np.exp(rng.normal(-0.5, 0.3)) * rng.normal(size=15)
        y = rng.poisson(np.exp(x @ [3.0, 0.3] + u[group]))
        old = np.arange(120) % 8 > 0
        model = mg.MixedGLM(
            y[old], x[old], np.eye(15)[group[old]], np.zeros(15, int), family="poisson", fe_p=5.0
        )
        table = model.fit_laplace().predict(
            x[~old], np.eye(15)[group[~old]], random="conditional", interval=0.95, predictive=True
        )
        inside += ((table["lower"] <= y[~old]) & (y[~old] <= table["upper"])).sum()
        total += (~old).sum()
    assert abs(inside / total - 0.95) < norm.isf(1e-4) * np.sqrt(0.05 * 0.95 / total) + 0.01


def test_missing_values_of_named_columns_predict_nothing() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": np.arange(60) % 6, "t": rng.uniform(1, 5, 60), "o": 0.1})
    data["y"] = rng.poisson(data["t"])
    result = mg.MixedGLM.from_formula(
        "y ~ 1 + (1 | g)", data=data, family="poisson", exposure="t", offset="o"
    ).fit_laplace(integrate="mode")
    new = data.head(4).copy()
    full = result.predict(new, exposure="t", offset="o", random="conditional", interval=0.9)
    new.loc[1, "t"], new.loc[3, "o"] = np.nan, np.nan
    found = result.predict(new, exposure="t", offset="o", random="conditional", interval=0.9)
    assert found["mean"].isna().tolist() == [False, True, False, True]
    pd.testing.assert_frame_equal(found.iloc[[0, 2]], full.iloc[[0, 2]])
    with pytest.raises(ValueError, match="exposure must be finite, got nan at row 1"):
        result.predict(new, exposure=new["t"], offset="o")


@pytest.mark.parametrize(("trials", "shown"), [(-1, "-1"), (1.5, "1.5")])
def test_trials_of_new_responses_are_whole_numbers(trials: float, shown: str) -> None:
    result = mg.MixedGLM.from_formula(
        "incidence ~ 1 + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size"
    ).fit_laplace(integrate="mode")
    new = pd.DataFrame({"herd": [1, 2], "size": [3, trials]})
    with pytest.raises(ValueError, match=f"n_trials must be whole numbers from 0, got {shown} at row 1"):
        result.predict(new, random="conditional", predictive=True, n_trials="size")


def test_frames_of_other_libraries() -> None:
    class Frame:
        """What polars and pyarrow have in common."""

        def __init__(self, frame: pd.DataFrame) -> None:
            self.frame = frame

        def to_pandas(self) -> pd.DataFrame:
            return self.frame

    data = mg.datasets.load_cbpp()
    result = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=Frame(data), family="binomial", n_trials="size"
    ).fit_laplace(integrate="mode")
    np.testing.assert_array_equal(
        result.predict(Frame(data), random="conditional"), result.predict(data, random="conditional")
    )
