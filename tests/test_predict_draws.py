"""Draws for new rows: what they share, what is left out, and that predictions are summaries of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import binom, poisson

import mixed_glm as mg
from mixed_glm._posterior.mixture import MarginalPosterior


@pytest.fixture(scope="module")
def cbpp() -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)",
        data=mg.datasets.load_cbpp(),
        family="binomial",
        n_trials="size",
    ).fit_laplace()


@pytest.fixture(scope="module")
def nested() -> tuple[pd.DataFrame, mg.MixedGLMResults]:
    """Counts with slopes, classes in schools, an exposure."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"school": np.repeat(np.arange(12), 12), "x": rng.normal(size=144)})
    frame["room"] = frame.index // 4 % 3
    frame["t"] = rng.uniform(1, 3, 144)
    u, v = rng.normal(scale=0.6, size=12), rng.normal(scale=0.4, size=12)
    room = rng.normal(scale=0.5, size=36)[frame.school * 3 + frame.room]
    eta = 0.5 + 0.3 * frame.x + u[frame.school] + v[frame.school] * frame.x + room
    frame["y"] = rng.poisson(frame.t * np.exp(eta))
    model = mg.MixedGLM.from_formula(
        "y ~ x + offset(log(t)) + (x || school) + (1 | school:room)", data=frame, family="poisson"
    )
    return frame, model.fit_laplace()


def new_rows(**columns) -> pd.DataFrame:
    return pd.DataFrame({"x": 0.0, "t": 1.0, "room": 0} | columns)


def test_predictions_are_summaries_of_draws(nested) -> None:
    frame, result = nested
    rows = frame.iloc[:7]
    for linear, kind in ((False, "mean"), (True, "linear")):
        table = result.predict(rows, random="conditional", linear=linear, interval=0.9)
        values = result.predict_draws(rows, kind=kind, random="conditional")
        assert values.shape == (1000, 7)
        np.testing.assert_allclose(values.mean(axis=0), table["mean"], rtol=1e-10)
        limits = np.quantile(values, [0.5, 0.05, 0.95], axis=0)
        np.testing.assert_allclose(limits.T, table[["median", "lower", "upper"]], rtol=1e-10)
    marginal = result.predict_draws(rows, random="marginal")
    np.testing.assert_allclose(marginal.mean(axis=0), result.predict(rows, random="marginal"), rtol=1e-10)


def test_kinds_belong_together(cbpp) -> None:
    frame = mg.datasets.load_cbpp()
    model = cbpp.model
    of = {
        kind: cbpp.predict_draws(kind=kind, random="conditional", draws=4000)
        for kind in ("linear", "mean", "response", "log_likelihood")
    }
    np.testing.assert_allclose(of["mean"], expit(of["linear"]))
    np.testing.assert_allclose(
        of["log_likelihood"],
        binom.logpmf(model.endog, model.n_trials, of["mean"]),
        rtol=1e-8,
        atol=1e-10,
    )
    assert (of["response"] == np.round(of["response"])).all()
    residual = of["response"] - model.n_trials * of["mean"]
    assert (np.abs(residual.mean(axis=0)) < 5 * residual.std(axis=0) / np.sqrt(4000)).all()
    new = cbpp.predict_draws(frame, kind="log_likelihood", random="conditional", n_trials="size", draws=4000)
    np.testing.assert_allclose(new, of["log_likelihood"], rtol=1e-8)
    drawn = cbpp.posterior_sample(4000, 3).log_likelihood()
    np.testing.assert_allclose(new.mean(axis=0), drawn.mean(axis=0), atol=0.2)


def test_rows_of_one_new_group_share_its_effects(nested) -> None:
    _, result = nested
    new = new_rows(school=[99, 99, 98, None, None, 3], x=[0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    drawn = result.predict_draws(new, kind="linear", random="conditional", draws=20_000)
    psi = result.posterior_sample(20_000, 1).vcp
    tau = (np.exp(2 * psi)).mean(axis=0)
    assert result.model.vcp_names == ["school", "x|school", "school:room"]
    fixed = result.predict_draws(new, kind="linear", draws=20_000)
    covariance, of_fixed = np.cov(drawn.T), np.cov(fixed.T)
    assert covariance[0, 0] - of_fixed[0, 0] == pytest.approx(tau[0] + tau[2], rel=0.1)
    assert covariance[1, 1] - of_fixed[1, 1] == pytest.approx(tau.sum(), rel=0.1)
    assert covariance[0, 1] - of_fixed[0, 1] == pytest.approx(
        tau[0] + tau[2], rel=0.1
    )  # one school, one room
    for i, j in ((0, 2), (0, 3), (3, 4), (2, 5)):  # groups of their own
        assert covariance[i, j] - of_fixed[i, j] == pytest.approx(0.0, abs=0.06)
    elsewhere = new.assign(school=99, room=[0, 1, 0, 1, 2, 2])
    rooms = np.cov(result.predict_draws(elsewhere, kind="linear", random="conditional", draws=20_000).T)
    assert rooms[0, 3] - of_fixed[0, 3] == pytest.approx(tau[0], rel=0.15)  # one school, two rooms


def test_only_some_random_terms(nested) -> None:
    frame, result = nested
    model, draws = result.model, 3000
    rows = frame.iloc[[0, 50, 100]]
    z = model.exog_vc[[0, 50, 100]].toarray()
    for names in (["school"], ["school", "x|school"], [2]):
        found = result.predict(rows, random="conditional", linear=True, include=names)
        counts = np.isin(model.ident, [model.vcp_names.index(n) if isinstance(n, str) else n for n in names])
        expected = model.exog[[0, 50, 100]] @ result.fe_mean + np.log(rows.t) + (z * counts) @ result.vc_mean
        np.testing.assert_allclose(found, expected, atol=1e-10)
        assert np.array_equal(found, result.predict(rows, linear=True, include=names))
    without = rows.drop(columns="room")  # what does not count is not needed
    kept = result.predict_draws(without, include=["school", "x|school"], draws=draws)
    own = result.predict_draws(include=["school", "x|school"], draws=draws)
    np.testing.assert_allclose(kept.mean(axis=0), own.mean(axis=0)[[0, 50, 100]], rtol=1e-10)
    assert result.predict_draws(without, include="school", random="marginal", draws=draws).shape == (draws, 3)
    narrow, wide = (
        np.var(result.predict_draws(kind="response", random="marginal", include=i), axis=0)
        for i in (["school:room"], None)
    )
    assert narrow.mean() < wide.mean()


def test_include_of_arrays(nested) -> None:
    _, result = nested
    x, z = result.model.exog[:5], result.model.exog_vc[:5]
    by_columns = result.predict(x, z, include=["school:room"], linear=True, offset=result.model.offset[:5])
    np.testing.assert_allclose(by_columns, result.predict(include=["school:room"], linear=True)[:5])


def test_marginal_responses_are_those_of_members_of_new_groups(nested) -> None:
    frame, result = nested
    n = 6000
    means = result.predict_draws(frame.iloc[:6], random="marginal", draws=n)
    responses = result.predict_draws(frame.iloc[:6], kind="response", random="marginal", draws=n)
    assert (
        np.abs(means.mean(axis=0) - responses.mean(axis=0)) < 6 * responses.std(axis=0) / np.sqrt(n)
    ).all()
    assert np.corrcoef(np.log1p(responses[:, :2]).T)[0, 1] > 0.3  # one room
    missing = result.predict_draws(
        frame.drop(columns="school").iloc[:2], kind="response", random="marginal", draws=n
    )
    assert abs(np.corrcoef(np.log1p(missing).T)[0, 1]) < 0.15  # none is told, so each row has its own


def test_vc_formulas() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"v": rng.integers(0, 9, 200), "x": rng.normal(size=200)})
    frame["y"] = rng.poisson(np.exp(rng.normal(scale=0.7, size=9)[frame.v]))
    random = {"a": "0 + C(v)", "b": "0 + C(v):x", "s": "0 + x"}
    result = mg.MixedGLM.from_formula("y ~ 1", random, frame, "poisson").fit_laplace()
    new = pd.DataFrame({"v": [50, 50, 51, np.nan, np.nan], "x": [1.0, 1.0, 1.0, 1.0, 1.0]})
    drawn = result.predict_draws(new, kind="linear", random="conditional", draws=200)
    np.testing.assert_allclose(drawn[:, 0], drawn[:, 1])
    assert not np.isclose(drawn[:, 0], drawn[:, 2]).any()
    assert not np.isclose(drawn[:, 3], drawn[:, 4]).any()
    whole = result.predict_draws(new, random="marginal", draws=200)
    np.testing.assert_allclose(whole, whole[:, :1] * np.ones(5))
    table = result.predict(new, random="marginal", linear=True)
    np.testing.assert_allclose(table, table[0])


def test_log_likelihood_of_new_responses(nested) -> None:
    frame, result = nested
    rows = frame.iloc[:4].copy()
    rows["y"] = rows["y"].astype(float)
    rows.loc[1, "y"] = np.nan
    of = result.predict_draws(rows, kind="log_likelihood", random="conditional")
    means = result.predict_draws(rows, random="conditional")
    expected = poisson.logpmf(rows["y"].fillna(0).to_numpy(), means)
    np.testing.assert_allclose(of[:, [0, 2, 3]], expected[:, [0, 2, 3]], rtol=1e-9)
    assert np.isnan(of[:, 1]).all()
    for endog in ("z", rows["y"] + 1):
        other = result.predict_draws(
            rows.assign(z=rows["y"] + 1), kind="log_likelihood", random="conditional", endog=endog
        )
        np.testing.assert_allclose(other[:, 0], poisson.logpmf(rows["y"][0] + 1, means[:, 0]), rtol=1e-9)
    with pytest.raises(ValueError, match="endog must be whole numbers"):
        result.predict_draws(rows, kind="log_likelihood", endog=np.array([1, 2, 2.5, 3]))
    with pytest.raises(ValueError, match="endog must have one value for each of the 4 rows"):
        result.predict_draws(rows, kind="log_likelihood", endog=[1.0])
    with pytest.raises(ValueError, match="endog: exog has no column 'w'"):
        result.predict_draws(rows, kind="log_likelihood", endog="w")
    with pytest.raises(ValueError, match="endog is only for kind='log_likelihood'"):
        result.predict_draws(rows, endog="y")
    with pytest.raises(ValueError, match="endog must come with exog"):
        result.predict_draws(kind="log_likelihood", endog=frame["y"])
    by_columns = result.predict_draws(
        result.model.exog[:2],
        kind="log_likelihood",
        endog=frame["y"].to_numpy()[:2],
        offset=np.log(frame["t"][:2]),
    )
    assert by_columns.shape == (1000, 2)
    with pytest.raises(ValueError, match="endog must be given"):
        result.predict_draws(result.model.exog[:2], kind="log_likelihood", offset=0.0)


def test_log_likelihood_of_labels_and_pairs() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.repeat(np.arange(10), 10), "n": rng.integers(2, 6, 100)})
    frame["k"] = rng.binomial(frame["n"], 0.4)
    frame["ill"] = np.where(rng.random(100) < 0.4, "yes", "no")
    labels = mg.MixedGLM.from_formula("ill ~ 1 + (1 | g)", data=frame, family="binomial").fit_laplace()
    only_yes = frame[frame["ill"] == "yes"].iloc[:5]
    found = labels.predict_draws(only_yes, kind="log_likelihood", random="conditional")
    np.testing.assert_allclose(found, np.log(labels.predict_draws(only_yes, random="conditional")), rtol=1e-9)
    with pytest.raises(ValueError, match=r"'no' \(failure\) or 'yes' \(success\).*got 'perhaps' at row 1"):
        labels.predict_draws(only_yes.assign(ill=["no", "perhaps", None, "yes", "no"]), kind="log_likelihood")
    for formula in ("cbind(k, n - k) ~ 1 + (1 | g)", "k | trials(n) ~ 1 + (1 | g)"):
        pairs = mg.MixedGLM.from_formula(formula, data=frame, family="binomial").fit_laplace()
        own = pairs.predict_draws(kind="log_likelihood", random="conditional")
        np.testing.assert_allclose(
            pairs.predict_draws(frame.iloc[:9], kind="log_likelihood", random="conditional").mean(axis=0),
            own.mean(axis=0)[:9],
            rtol=1e-8,
        )


def test_families_with_a_parameter_that_is_estimated() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"g": np.repeat(np.arange(12), 10), "x": rng.normal(size=120)})
    frame["y"] = 3.0 + frame.x + rng.normal(size=12)[frame.g] + 0.7 * rng.normal(size=120)
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="gaussian").fit()
    for rows in (frame.iloc[:6], frame.iloc[:6].assign(g=99)):
        n = 20_000
        for random in ("population", "conditional", "marginal"):
            mean = result.predict_draws(rows, random=random, draws=n)
            response = result.predict_draws(rows, kind="response", random=random, draws=n)
            of = result.predict_draws(rows, kind="log_likelihood", random=random, draws=n)
            np.testing.assert_allclose(response.mean(axis=0), mean.mean(axis=0), atol=0.06)
            expected = np.var(result.predict_draws(rows, kind="linear", random=random, draws=n), axis=0)
            if random == "marginal":  # members of new groups
                expected += np.exp(2 * result.posterior_sample(n, 3).vcp[:, 0]).mean()
            sigma = np.exp(result.posterior_sample(n, 3).family[:, 0])
            np.testing.assert_allclose(response.var(axis=0), expected + (sigma**2).mean(), rtol=0.08)
            assert np.isfinite(of).all()
        own = result.predict_draws(frame.iloc[:6], kind="log_likelihood", random="conditional", draws=4000)
        drawn = result.posterior_sample(4000, 9).log_likelihood()[:, :6]
        np.testing.assert_allclose(own.mean(axis=0), drawn.mean(axis=0), atol=0.03)


def test_named_dimensions(nested) -> None:
    xarray = pytest.importorskip("xarray")
    frame, result = nested
    found = result.predict_draws(frame.iloc[[5, 3]], draws=50, as_xarray=True)
    assert isinstance(found, xarray.DataArray)
    assert found.dims == ("draw", "row")
    assert found.coords["row"].to_numpy().tolist() == [5, 3]


def test_what_does_not_fit_is_refused(nested, cbpp) -> None:
    _, result = nested
    with pytest.raises(
        ValueError, match="kind must be one of 'linear', 'mean', 'response', 'log_likelihood'"
    ):
        result.predict_draws(kind="mu")
    with pytest.raises(
        ValueError, match=r"include must list random terms.*'school', 'x.school'.*got 'class'"
    ):
        result.predict_draws(include=["class"])
    with pytest.raises(ValueError, match="random='population' none does"):
        result.predict(random="population", include=["school"])
    new = mg.datasets.load_cbpp().iloc[:2]
    with pytest.raises(ValueError, match="n_trials must be given for new responses"):
        cbpp.predict_draws(new, kind="response")
    with pytest.raises(ValueError, match="n_trials must be given for the log likelihood"):
        cbpp.predict_draws(new, kind="log_likelihood")


def test_few_rows_need_few_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    group = np.arange(30_000) % 10_000
    result = mg.MixedGLM.from_formula(
        "y ~ 1 + (1 | g)",
        data={"y": rng.poisson(np.exp(rng.normal(size=10_000)[group])), "g": group},
        family="poisson",
    ).fit_laplace(integrate="mode")
    monkeypatch.setattr(MarginalPosterior, "draw", lambda *_: pytest.fail("all effects were drawn"))
    drawn = result.predict_draws(pd.DataFrame({"g": [0, 7, 77, -1]}), kind="linear", random="conditional")
    expected = result.fe_mean[0] + np.r_[result.vc_mean[[0, 7, 77]], 0.0]
    np.testing.assert_allclose(drawn.mean(axis=0)[:3], expected[:3], atol=1e-9)
    assert drawn.mean(axis=0)[3] == pytest.approx(expected[3], abs=0.15)
