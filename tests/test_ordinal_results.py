"""Ordinal responses: everything that a result tells of them."""

from __future__ import annotations

import io
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from surveys import LABELS, model, survey

import mixed_glm as mg
from mixed_glm.cli import main
from mixed_glm.exceptions import ConvergenceWarning
from mixed_glm.families import Cumulative


def test_layout_and_names() -> None:
    m = model()
    result = m.fit("laplace")
    assert m.response_levels == tuple(LABELS)
    assert m.family == Cumulative()
    assert m.family.categories == 4
    names = ["x", "z", "g", "c[no|perhaps]", "c[perhaps|yes]", "c[yes|sure]"]
    assert list(result.to_frame().index) == names
    assert list(result.conf_int().index[:6]) == names
    assert list(result.to_frame()["type"]) == ["fixed"] * 2 + ["log sd"] + ["threshold"] * 3
    np.testing.assert_array_equal(
        result.params, np.r_[result.fe_mean, result.vcp_mean, result.family_mean, result.vc_mean]
    )
    assert (np.diff(result.family_mean) > 0).all()
    text = str(result.summary())
    assert "c[yes|sure]      T" in text
    assert "thresholds (T)" in text
    assert set(result.priors.index) == {*names[:2], *names[3:], "sd(g)"}
    covariance = result.cov_params()
    np.testing.assert_allclose(np.sqrt(np.diagonal(covariance)), result.bse, rtol=1e-10)
    precise = result.posterior.fixed_effects()
    joint = np.cov(precise.sample(200_000, np.random.default_rng(0)).T)
    np.testing.assert_allclose(covariance.iloc[[3, 4, 5, 0, 1], [3, 4, 5, 0, 1]], joint, rtol=0.05, atol=2e-3)


def test_predictions() -> None:
    data = survey()
    m = model(data=data)
    result = m.fit("laplace")
    draws = result.posterior_sample(4000, 0)
    own = result.predict(random="conditional", draws=4000)
    assert list(own.columns) == LABELS
    assert own.index.equals(m.index)
    np.testing.assert_allclose(own.sum(axis=1), 1.0, atol=1e-9)
    expected = m.family.probabilities(draws.linear_predictor(), draws.family[:, None, :]).mean(axis=0)
    np.testing.assert_allclose(own, expected, atol=0.01)
    population = m.family.probabilities(draws.fe @ m.exog.T, draws.family[:, None, :])
    np.testing.assert_allclose(result.predict(), population.mean(axis=0), atol=0.01)
    limits = result.predict(interval=0.9, draws=4000)
    np.testing.assert_allclose(limits.xs("mean", axis=1, level=1), result.predict(), atol=1e-12)
    low, high = np.quantile(population, [0.05, 0.95], axis=0)
    np.testing.assert_allclose(limits.xs("lower", axis=1, level=1), low, atol=0.02)
    np.testing.assert_allclose(limits.xs("upper", axis=1, level=1), high, atol=0.02)
    responses = result.predict(interval=0.5, predictive=True)
    assert responses["median"].cat.categories.tolist() == LABELS
    assert (responses["lower"] <= responses["upper"]).all()
    np.testing.assert_allclose(result.predict(linear=True), m.exog @ result.fe_mean, atol=1e-9)
    new = data.head(4).assign(g=[99, 0, 1, 2])
    unknown = result.predict(new, random="conditional", draws=4000)
    marginal = result.predict(new, random="marginal", draws=4000)
    np.testing.assert_allclose(unknown.iloc[0], marginal.iloc[0], atol=0.01)
    np.testing.assert_allclose(
        m.predict(result.params), m.family.probabilities(m.exog @ result.fe_mean, result.family_mean)
    )
    with pytest.raises(
        ValueError, match=r"params must have all parameters, with the thresholds c\[no\|perhaps\]"
    ):
        m.predict(result.fe_mean)


def test_few_effects_of_many() -> None:
    """Of many groups only those that are asked for are drawn: from binary rows, thresholds being given."""
    data = survey(n=40_000, groups=8000, seed=2)
    m = model("answer ~ z + (1 | g)", data)
    result = m.fit("laplace")
    some = result.predict(data.head(3), random="conditional", draws=2000)
    all_of_them = result.posterior_sample(500, 1)
    eta = all_of_them.linear_predictor(slice(0, 3))
    expected = m.family.probabilities(eta, all_of_them.family[:, None, :]).mean(axis=0)
    np.testing.assert_allclose(some, expected, atol=0.02)


def test_draws_checks_and_cross_validation() -> None:
    m = model()
    result = m.fit("laplace")
    draws = result.posterior_sample(500, 0)
    assert draws.family.shape == (500, 3)
    assert (np.diff(draws.family) > 0).all()
    chances = m.family.probabilities(draws.linear_predictor(), draws.family[:, None, :])
    log_likelihood = np.log(np.take_along_axis(chances, m.endog.astype(int)[None, :, None], axis=2))[..., 0]
    np.testing.assert_allclose(draws.log_likelihood(), log_likelihood, atol=1e-9)
    np.testing.assert_allclose([m.logposterior(p) for p in draws.params[:5]], draws.log_p[:5], atol=1e-8)
    assert set(np.unique(result.posterior_predictive(20, 0))) <= {0.0, 1.0, 2.0, 3.0}
    checked = result.check()
    assert checked.k < 0.5
    assert checked.integral == "quadrature"
    assert checked.names[-1] == "c[yes|sure]"
    assert checked.log_evidence == pytest.approx(result.log_evidence, abs=0.3)
    loo, waic = result.loo(), result.waic()
    assert len(loo.pointwise) == m.nobs
    assert loo.elpd == pytest.approx(waic.elpd, abs=2.0)
    table = result.contrast(["c[perhaps|yes] - c[no|perhaps]", "x - z", "c[no|perhaps] + g"])
    gaps = draws.family[:, 1] - draws.family[:, 0]
    assert table["mean"].iloc[0] == pytest.approx(result.family_mean[1] - result.family_mean[0], abs=1e-10)
    assert table["sd"].iloc[0] == pytest.approx(gaps.std(), rel=0.1)


def test_many_responses_are_one_at_a_time() -> None:
    data = survey()
    m = model("number ~ z + (1 | g)", data, offset=data["x"] / 100)
    rng = np.random.default_rng(0)
    other, gap = rng.integers(1, 5, len(data)), rng.choice([1, 3, 4], len(data))
    responses = np.column_stack([data["number"], other, gap, np.full(len(data), 7)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = m.fit_many(responses, method="laplace")
    single = [
        m.fit("laplace"),
        model("number ~ z + (1 | g)", data.assign(number=other), offset=data["x"] / 100).fit("laplace"),
    ]
    for j, one in enumerate(single):
        for name in ("fe", "vcp", "family"):
            for what in ("mean", "sd"):
                np.testing.assert_allclose(
                    getattr(found, f"{name}_{what}")[j], getattr(one, f"{name}_{what}"), atol=1e-10
                )
        assert found.log_evidence[j] == pytest.approx(one.log_evidence, abs=1e-9)
    assert [int(s) for s in found.status[2:]] == [int(mg.ResponseStatus.INVALID_RESPONSE)] * 2
    assert "c[1|2] mean" in found.to_frame()
    assert (found.to_frame(long=True)["type"] == "threshold").sum() == 12


def test_many_responses_without_a_model() -> None:
    data = survey()
    codes = data["answer"].cat.codes.to_numpy()[:, None]
    z = np.eye(20)[data["g"]]
    with pytest.raises(ValueError, match=r"families.Cumulative\(categories=5\)"):
        mg.fit_many(codes, data[["z"]].to_numpy(), z, np.zeros(20, int), family="cumulative")
    for arguments in ({}, {"fe_p": 2.0}, {"priors": {"FE_1": mg.priors.Normal(1.0, 0.1)}}):
        found = mg.fit_many(
            codes, data[["z"]].to_numpy(), z, np.zeros(20, int), family=Cumulative(categories=4), **arguments
        )
        one = mg.MixedGLM(
            codes[:, 0], data[["z"]].to_numpy(), z, np.zeros(20, int), "cumulative", **arguments
        ).fit("laplace")
        np.testing.assert_allclose(found.family_mean[0], one.family_mean, atol=1e-9)
        np.testing.assert_allclose(found.fe_sd[0], one.fe_sd, atol=1e-9)


def test_saved_and_pickled(tmp_path: Path) -> None:
    data = survey()
    m = model("answer ~ x * z + (1 | g)", data)
    result = m.fit()
    result.save(tmp_path / "fit.mglm")
    for again in (mg.load(tmp_path / "fit.mglm"), pickle.loads(pickle.dumps(result))):
        assert str(again.summary()) == str(result.summary())
        np.testing.assert_array_equal(again.family_sd, result.family_sd)
        new = data.head(5).drop(columns=["answer"])
        pd.testing.assert_frame_equal(
            again.predict(new, random="conditional"), result.predict(new, random="conditional")
        )
        assert again.model.response_levels == tuple(LABELS)
        np.testing.assert_array_equal(
            again.posterior_sample(5, 0).params, result.posterior_sample(5, 0).params
        )


def test_pictures() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    result = model().fit("laplace")
    ax = result.plot_predictive_check()
    assert [t.get_text() for t in ax.get_xticklabels()] == LABELS
    result.plot_coefficients(ratio=True)
    result.plot_posterior()
    pyplot.close("all")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, table, saved = survey(), tmp_path / "survey.csv", tmp_path / "fit.mglm"
    data.to_csv(table, index=False)
    formula = "answer ~ z + (1 | g)"
    arguments = ["fit", str(table), formula, "--family", "cumulative", "--method", "laplace"]
    assert main([*arguments, "--levels", ",".join(LABELS), "--save", str(saved)]) == 0
    assert "c[perhaps|yes]" in capsys.readouterr().out
    expected = model(formula, data).fit("laplace")
    np.testing.assert_allclose(mg.load(saved).params, expected.params, atol=1e-12)
    assert main(["predict", str(saved), str(table), "--interval", "0.9"]) == 0
    predicted = pd.read_csv(io.StringIO(capsys.readouterr().out))
    np.testing.assert_allclose(predicted["predicted[sure]"], expected.predict()["sure"], atol=1e-9)
    assert {"median[no]", "lower[yes]", "upper[yes]"} <= set(predicted.columns)
    assert main(["fit", str(table), "number ~ z + (1 | g)", *arguments[3:]]) == 0
    for levels, message in (
        ([], "without an order"), (["--levels", "no,yes"], "which is none of no, yes"), (["--levels", "no,no"], "each once"),
    ):  # fmt: skip
        capsys.readouterr()
        assert main([*arguments, *levels]) != 0
        assert message in capsys.readouterr().err


def test_arviz() -> None:
    pytest.importorskip("arviz_base")
    tree = model().fit("laplace").to_datatree(50)
    assert tree["posterior"]["threshold"].shape == (1, 50, 3)
    assert list(tree["posterior"]["cut"].values) == ["c[no|perhaps]", "c[perhaps|yes]", "c[yes|sure]"]
    assert tree["log_likelihood"]["answer"].shape == (1, 50, 400)


def test_draws_of_rows() -> None:
    data = survey()
    m = model("answer ~ z + (1 | g)", data)
    result = m.fit("laplace")
    new = data.head(50).drop(columns=["x"])
    eta = result.predict_draws(new, kind="linear", draws=4000)
    np.testing.assert_allclose(eta.mean(axis=0), result.predict(new, linear=True), atol=1e-9)
    responses = result.predict_draws(new, kind="response", random="conditional", draws=4000)
    shares = np.array([(responses == k).mean(axis=0) for k in range(4)]).T
    np.testing.assert_allclose(shares, result.predict(new, random="conditional", draws=4000), atol=0.04)
    found = result.predict_draws(new, kind="log_likelihood", random="conditional", draws=200)
    given = result.predict_draws(
        new.drop(columns=["answer"]),
        kind="log_likelihood",
        random="conditional",
        draws=200,
        endog=new["answer"],
    )
    np.testing.assert_array_equal(found, given)
    chances = result.predict(new, random="conditional", draws=4000).to_numpy()
    expected = np.log(chances[np.arange(50), m.endog[:50].astype(int)])
    np.testing.assert_allclose(np.log(np.exp(found).mean(axis=0)), expected, atol=0.1)
    with pytest.raises(
        ValueError,
        match=r"must be one of the categories 'no', 'perhaps', 'yes', 'sure', got 'never' at row 1",
    ):
        result.predict_draws(new.head(2), kind="log_likelihood", endog=np.array(["no", "never"]))
    with pytest.raises(ValueError, match="kind='mean' is not for the cumulative family"):
        result.predict_draws(new)


def test_what_has_no_mean() -> None:
    result = model("answer ~ z + (1 | g)").fit("laplace")
    with pytest.raises(ValueError, match="explained variance is known for the families"):
        result.r2()
    table = result.hypothesis("`c[yes|sure]` > `c[no|perhaps]`")
    assert table["probability"].iloc[0] == pytest.approx(1.0, abs=1e-3)


def test_leaving_out_is_a_difference_of_evidences() -> None:
    """Of fits of the other rows alone, under the same priors (numbers, which no data change)."""
    data = survey(120, 6)
    fixed = {"fe_p": 2.0, "vcp_p": 1.0}
    result = model("answer ~ z + (1 | g)", data, **fixed).fit("laplace")
    left = result.leave_out("g")
    for group, found in zip(left.index, left.pointwise, strict=True):
        rest = model("answer ~ z + (1 | g)", data[data["g"] != int(group)], **fixed).fit("laplace")
        assert found == pytest.approx(result.log_evidence - rest.log_evidence, abs=0.02)
    exact = result.loo(exact=True)
    for row in (3, 50):
        rest = model("answer ~ z + (1 | g)", data.drop(index=data.index[row]), **fixed).fit("laplace")
        assert exact.pointwise[row] == pytest.approx(result.log_evidence - rest.log_evidence, abs=0.02)


def test_a_category_that_one_fold_has_alone() -> None:
    """Without it nothing keeps its thresholds apart: no density, and a warning instead of an error."""
    data = survey(120, 6)
    rare = data["answer"].to_numpy() != "perhaps"
    rare[np.flatnonzero(~rare)[0]] = True
    data = data[rare].reset_index(drop=True)
    alone = int(np.flatnonzero(data["answer"].to_numpy() == "perhaps")[0])
    folds = np.arange(len(data)) % 2
    result = model("answer ~ z + (1 | g)", data, fe_p=2.0, vcp_p=1.0).fit("laplace")
    with pytest.warns(ConvergenceWarning, match="1 of 2 fits"):
        scored = result.kfold(folds)
    assert np.isnan(scored.pointwise[folds == folds[alone]]).all()
    assert np.isfinite(scored.pointwise[folds != folds[alone]]).all()
    with pytest.warns(ConvergenceWarning, match=f"1 of {len(data)} fits"):
        exact = result.loo(exact=True)
    assert np.flatnonzero(np.isnan(exact.pointwise)).tolist() == [alone]
