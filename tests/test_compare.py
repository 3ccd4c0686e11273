"""Checks of a fit by itself, comparisons of fits, contrasts, and what ArviZ gets."""

from __future__ import annotations

import builtins
import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp
from simulated import PLAIN, crossed, one_factor

import mixed_glm as mg
from mixed_glm._assess.check import Check, integrated_density
from mixed_glm._assess.compare import stacking_weights
from mixed_glm._posterior.draws import PosteriorDraws
from mixed_glm._posterior.psis import fit_pareto, smooth_rows, smooth_weights


def _arviz():
    """ArviZ 0.x, whose import warns of ArviZ 1; skipped where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        az = pytest.importorskip("arviz")
    if not hasattr(az, "psislw"):
        pytest.skip("another ArviZ than 0.x")
    return az


@pytest.fixture(scope="module")
def cbpp() -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size",
        vcp_p=0.5, fe_p=2.0,
    ).fit_laplace()  # fmt: skip


@pytest.mark.parametrize("k", [-0.2, 0.3, 0.9])
def test_pareto_fit(k: float) -> None:
    values = np.sort(stats.genpareto.rvs(k, scale=2.0, size=5000, random_state=1))
    shape, scale = fit_pareto(values)
    assert shape == pytest.approx(k, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_smoothed_weights_are_those_of_arviz(seed: int) -> None:
    az = _arviz()
    rng = np.random.default_rng(seed)
    log_ratio = stats.t.logpdf(x := rng.normal(size=2000), 3 + seed) - stats.norm.logpdf(x)
    ours, k = smooth_weights(log_ratio)
    theirs, their_k = az.psislw(log_ratio)
    assert k == pytest.approx(float(their_k), abs=1e-6)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_smoothed_weights_of_few_or_equal_ratios() -> None:
    log_weights, k = smooth_weights(np.zeros(1000))
    np.testing.assert_allclose(log_weights, -np.log(1000))
    assert k <= 0.0
    assert smooth_weights(np.arange(10.0))[1] == np.inf


@pytest.mark.parametrize("family", ["binomial-logit", "poisson"])
def test_integrated_density_is_that_of_brute_force(family: str) -> None:
    data = one_factor(family, groups=6, rows=5, p=2, sd=1.5, seed=3)
    draws = data.model().fit_laplace().posterior_sample(20, rng=0)
    values, how = integrated_density(draws, None)
    assert how == "quadrature"
    np.testing.assert_allclose(values, data.reference().density(draws.params[:, :3]), atol=1e-4)


def test_check_of_good_and_bad_fits() -> None:
    data = one_factor(groups=10, rows=4, p=1, sd=2.0, seed=2)
    evidence = data.reference().posterior().log_evidence
    model = data.model()
    good = model.fit_laplace(n_quad=15).check(rng=1)
    assert good.effective > 900
    assert np.abs(good.shift).max() < 0.05
    assert good.log_evidence == pytest.approx(evidence, abs=0.05)
    assert "the ratios are exact" in str(good)
    bad = model.fit_vb().check(rng=1)
    assert bad.effective < 400
    assert bad.log_evidence == pytest.approx(evidence, abs=1.0)
    assert np.exp(bad.log_weights).sum() == pytest.approx(1.0)
    # Reweighting moves the wrong means towards the right ones.
    exact = data.reference().posterior().mean
    laplace = model.fit_laplace(mean_correction=False)
    corrected = laplace.params[:2] + laplace.check(4000).shift * laplace.bse[:2]
    assert np.abs(corrected - exact).sum() < 0.5 * np.abs(laplace.params[:2] - exact).sum()


def test_words_of_a_check(cbpp: mg.MixedGLMResults) -> None:
    found = cbpp.check()
    assert found.ok
    text = str(found)
    assert f"Pareto k of the importance ratios: {found.k:.2f}" in text
    assert "Reweighting moves no mean by more than" in text
    poor = type(found)(1.3, 12.0, found.shift, 0.0, found.log_weights, "Laplace", found.names)
    assert not poor.ok
    assert "misses part of the posterior" in str(poor)
    assert "Laplace's method, whose errors do not show" in str(poor)


def test_check_of_other_models() -> None:
    assert crossed(n=150, sizes=(12, 5)).fit_laplace().check(300).integral == "quadrature and Laplace"
    rng = np.random.default_rng(0)
    plain = mg.MixedGLM(rng.integers(0, 2, 60), np.ones((60, 1)), family="binomial").fit_laplace()
    assert plain.check(500).integral == "none"
    scaled = one_factor("poisson", groups=12, rows=6, p=3).model(vcp_p=0.3)
    exact, other = scaled.fit_laplace(), scaled.fit_vb(covariance="full", scale_fe=True)
    assert np.isfinite(other.check().log_evidence)
    assert exact.check().log_evidence == pytest.approx(exact.log_evidence, abs=0.3)


def test_loo_by_refitting() -> None:
    """Left out by fitting anew without each row: random effects stay, so brute force is the same integral."""
    data = one_factor("poisson", groups=6, rows=4, p=1, seed=4)
    model = data.model()
    loo = model.fit_laplace().loo(4000)
    assert loo.corrected
    exact = []
    for i in range(len(data.y)):
        keep = np.arange(len(data.y)) != i
        fit = mg.MixedGLM(
            data.y[keep], data.x[keep], model.exog_vc[keep], model.ident, family="poisson", **PLAIN
        ).fit_laplace()
        draws = fit.posterior_sample(2000, rng=i)
        eta = draws.fe @ data.x[i] + draws.vc[:, data.group[i]]
        exact.append(logsumexp(stats.poisson.logpmf(data.y[i], np.exp(eta))) - np.log(2000))
    np.testing.assert_allclose(loo.pointwise, exact, atol=0.25)
    assert loo.elpd == pytest.approx(sum(exact), abs=0.8)
    assert loo.elpd == pytest.approx(loo.pointwise.sum())
    assert 1.0 < loo.p < 7.0


def test_loo_and_waic_of_arviz(cbpp: mg.MixedGLMResults) -> None:
    az = _arviz()
    tree = cbpp.to_datatree(1000, rng=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large k and of variances
        theirs, their_waic = az.loo(tree, pointwise=True, reff=1.0), az.waic(tree)
    ours, waic = cbpp.loo(correct=False), cbpp.waic()
    assert not ours.corrected
    assert ours.elpd == pytest.approx(theirs.elpd_loo, abs=1e-6)
    assert ours.se == pytest.approx(theirs.se, rel=1e-6)
    assert ours.p == pytest.approx(theirs.p_loo, abs=1e-6)
    np.testing.assert_allclose(ours.pareto_k, theirs.pareto_k, atol=1e-6)
    assert waic.elpd == pytest.approx(their_waic.elpd_waic, rel=1e-3)
    assert "elpd_loo" in str(ours)


def test_compare() -> None:
    rng = np.random.default_rng(0)
    group, x = np.repeat(np.arange(12), 10), rng.normal(size=120)
    y = rng.poisson(np.exp(0.5 * x + rng.normal(size=12)[group]))
    z = np.eye(12)[group]
    full = mg.MixedGLM(y, np.c_[np.ones(120), x], z, np.zeros(12, int), "poisson").fit_laplace()
    without_x = mg.MixedGLM(y, np.ones((120, 1)), z, np.zeros(12, int), "poisson").fit_laplace()
    plain = mg.MixedGLM(y, np.c_[np.ones(120), x], family="poisson").fit_laplace()
    table = mg.compare({"no x": without_x, "plain": plain, "full": full}, draws=500)
    assert table.index[0] == "full"
    assert list(table["rank"]) == [0, 1, 2]
    assert table["elpd_diff"].iloc[0] == 0.0
    assert table["dse"].iloc[0] == 0.0
    assert (table["elpd_diff"].iloc[1:] > table["dse"].iloc[1:]).all()
    assert table["weight"].sum() == pytest.approx(1.0)
    assert table["weight"].iloc[0] > 0.7
    assert table.loc["plain", "log_evidence"] == plain.log_evidence
    assert list(mg.compare([full, plain], "waic", draws=300).index) == ["model 0", "model 1"]
    with pytest.raises(ValueError, match="'a' has 120 and 'b' has 48"):
        mg.compare({"a": full, "b": one_factor().model().fit_laplace()})
    for bad, message in (
        ([], "at least one"),
        (3, "mapping or a sequence"),
        ([1], "MixedGLMResults, got int"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            mg.compare(bad)
    with pytest.raises(ValueError, match="criterion must be 'loo' or 'waic'"):
        mg.compare([full], "aic")


def test_stacking_weights_maximize() -> None:
    rng = np.random.default_rng(1)
    pointwise = rng.normal(size=(3, 200))
    weights = stacking_weights(pointwise)

    def score(w: np.ndarray) -> float:
        return float(np.log(w @ np.exp(pointwise)).sum())

    others = rng.dirichlet(np.ones(3), 300)
    assert score(weights) >= max(score(w) for w in others) - 1e-9


def test_contrasts_of_single_effects_are_the_reported_ones(cbpp: mg.MixedGLMResults) -> None:
    table, reported = cbpp.contrast(np.eye(4)), cbpp.to_frame()
    np.testing.assert_allclose(table[["mean", "sd"]], reported[["mean", "sd"]].iloc[:4], rtol=1e-6)
    np.testing.assert_allclose(table[["lower", "upper"]], reported[["lower", "upper"]].iloc[:4], atol=0.02)
    assert list(table.index) == cbpp.model.fep_names


def test_contrasts_are_those_of_draws(cbpp: mg.MixedGLMResults) -> None:
    model = cbpp.model
    a, b = model.fep_names[1], model.fep_names[3]
    for fit in (cbpp, model.fit_map(), model.fit_vb(), model.fit_vb(covariance="full", scale_fe=True),
                model.fit_vb(scale_fe=True), model.fit_ep()):  # fmt: skip
        values = fit.posterior_sample(8000, rng=1).fe @ [0.0, 1.0, 0.0, -2.0]
        row = fit.contrast(f"{a} - 2 * {b}").iloc[0]
        assert row["mean"] == pytest.approx(values.mean(), abs=0.06 * row["sd"])
        assert row["sd"] == pytest.approx(values.std(), rel=0.04)
        assert row["P(> 0)"] == pytest.approx((values > 0).mean(), abs=0.02)
        shares = (values < row["lower"]).mean(), (values > row["upper"]).mean()
        np.testing.assert_allclose(shares, 0.025, atol=0.008)


def test_forms_of_contrasts(cbpp: mg.MixedGLMResults) -> None:
    a, b = cbpp.model.fep_names[1], cbpp.model.fep_names[3]
    expected = cbpp.contrast([0, 1, 0, -1]).to_numpy()
    for given in (f"{a} - {b}", f"{a} = {b}", f"`{a}` - `{b}` = 0", {a: 1, b: -1}, [f"{a} - {b}"],
                  {"difference": {a: 1, b: -1}}, {"difference": f"{a} - {b}"},
                  pd.DataFrame([[0, 1, 0, -1]], columns=cbpp.model.fep_names)):  # fmt: skip
        np.testing.assert_allclose(cbpp.contrast(given), expected)
    shifted = cbpp.contrast("Intercept = 1")
    assert shifted["mean"].iloc[0] == pytest.approx(cbpp.fe_mean[0] - 1)
    assert list(cbpp.contrast({"u": "Intercept", "v": {a: 2}}).index) == ["u", "v"]
    assert list(cbpp.contrast([0, 1, 0, -2]).index) == [f"{a} - 2 * {b}"]
    for bad, message in (
        ([1, 2], "must have 4 columns"), ("nothing - Intercept", "cannot understand"), ({"x": 1}, "no fixed effect 'x'"),
        ({}, "at least one"), ([[1, 2, 3, np.nan]], "finite"), ("Intercept +", "cannot understand"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            cbpp.contrast(bad)
    with pytest.raises(ValueError, match="alpha must be between"):
        cbpp.contrast("Intercept", alpha=2)


def test_datatree() -> None:
    _arviz()
    frame = mg.datasets.load_cbpp()
    model = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd) + (1 | period:herd)", data=frame, family="binomial", n_trials="size"
    )
    result = model.fit_laplace()
    tree = result.to_datatree(50, rng=3)
    draws = result.posterior_sample(50, np.random.default_rng(3))
    posterior = tree["posterior"]
    assert posterior["beta"].dims == ("chain", "draw", "fixed_effect")
    assert list(posterior["fixed_effect"].values) == model.fep_names
    assert list(posterior["component"].values) == ["herd", "period:herd"]
    np.testing.assert_array_equal(posterior["beta"].values[0], draws.fe)
    np.testing.assert_array_equal(posterior["sd"].values[0], np.exp(draws.vcp))
    np.testing.assert_array_equal(posterior["u_herd"].sel(herd="3").values[0], draws.vc[:, 2])
    assert posterior["u_period:herd"].shape == (1, 50, model.k_vc - 15)
    likelihood = tree["log_likelihood"]["incidence"]
    np.testing.assert_allclose(likelihood.values[0], draws.log_likelihood())
    np.testing.assert_array_equal(tree["sample_stats"]["log_q"].values[0], draws.log_q)
    np.testing.assert_array_equal(tree["sample_stats"]["log_p"].values[0], draws.log_p)
    np.testing.assert_array_equal(tree["observed_data"]["incidence"].values, model.endog)
    predictive = tree["posterior_predictive"]["incidence"].values[0]
    assert predictive.shape == (50, model.nobs)
    assert (predictive <= model.n_trials).all()


def test_datatree_without_arviz(cbpp: mg.MixedGLMResults, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args, **options):
        if name.startswith("arviz"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"mixed-glm\[arviz\]"):
        cbpp.to_datatree(5)


def test_checks_are_shown_in_words(cbpp: mg.MixedGLMResults) -> None:
    found = cbpp.check(draws=100)
    assert repr(found) == str(found)
    assert repr(found).startswith("Pareto k of the importance ratios")
    assert repr(cbpp.waic(draws=100)).startswith("elpd_waic")


@pytest.mark.parametrize("method", ["check", "loo", "waic", "to_datatree"])
def test_draws_are_named_in_errors(cbpp: mg.MixedGLMResults, method: str) -> None:
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        getattr(cbpp, method)(draws=0)
    with pytest.raises(TypeError, match=r"draws must be a whole number, got 2\.5"):
        getattr(cbpp, method)(draws=2.5)


def test_a_check_needs_a_tail(cbpp: mg.MixedGLMResults) -> None:
    with pytest.raises(
        ValueError, match="draws must be at least 25 to see the tail of their weights, got 24"
    ):
        cbpp.check(draws=24)
    assert np.isfinite(cbpp.check(draws=25).k)


def test_light_far_tails_are_told_from_a_poor_fit() -> None:
    """k-hat above 0.7 with nearly all draws effective: usable, and not called fair because of it."""
    equal = Check(1.2, 950.0, np.zeros(2), 0.0, np.full(1000, -np.log(1000)), "none", ("a", "b"))
    assert equal.ok
    assert "far tails are too light" in str(equal)
    fair = dataclasses.replace(equal, k=0.6)
    assert fair.ok
    assert "fair: the approximation is usable" in str(fair)
    poor = dataclasses.replace(equal, effective=200.0)
    assert not poor.ok
    assert "poor: the approximation misses part" in str(poor)


def test_stacking_weights_at_the_boundary_and_of_equals() -> None:
    rng = np.random.default_rng(3)
    good = rng.normal(-1.0, 0.3, 400)
    pointwise = np.array([good, good - 0.05 - 0.1 * rng.random(400)])
    np.testing.assert_allclose(stacking_weights(pointwise), [1.0, 0.0], atol=1e-8)
    np.testing.assert_allclose(stacking_weights(np.array([good, good])), [0.5, 0.5], atol=1e-8)
    np.testing.assert_allclose(stacking_weights(pointwise[:1]), [1.0])


def test_a_fit_compared_with_itself_is_no_better() -> None:
    data = mg.datasets.load_cbpp()
    fit = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=data, family="binomial", n_trials="size"
    ).fit()
    for rng in (0, np.random.default_rng(1)):
        table = mg.compare({"a": fit, "b": fit}, rng=rng)
        np.testing.assert_array_equal(table[["elpd_diff", "dse"]], 0.0)
        np.testing.assert_allclose(table["weight"], 0.5)


@pytest.mark.parametrize("criterion", ["loo", "waic"])
def test_monte_carlo_error_is_that_of_other_seeds(criterion: str) -> None:
    data = mg.datasets.load_cbpp()
    fit = mg.MixedGLM.from_formula("incidence ~ 1 + (1 | herd)", data=data, family="poisson").fit()
    found = [getattr(fit, criterion)(400, rng=seed) for seed in range(60)]
    told = float(np.mean([f.mcse for f in found]))
    assert 0.5 * told < np.std([f.elpd for f in found]) < 2.0 * told


def test_fits_of_different_rows_are_refused() -> None:
    data = mg.datasets.load_cbpp()

    def fit(rows: pd.DataFrame) -> mg.MixedGLMResults:
        model = mg.MixedGLM.from_formula("incidence ~ 1 + (1 | herd)", data=rows, family="poisson")
        return model.fit_laplace(integrate="mode")

    missing = data.assign(incidence=data["incidence"].where(data.index > 2))
    with pytest.raises(ValueError, match=r"'a' has 56 and 'b' has 53 \(3 dropped"):
        mg.compare({"a": fit(data), "b": fit(missing)})
    alike = data.assign(incidence=1)
    with pytest.raises(ValueError, match="row 0 of 'b' is 55 of its data, that of 'a' is 0"):
        mg.compare({"a": fit(alike), "b": fit(alike[::-1])})


def _counts(n: int = 120, **columns) -> dict:
    rng = np.random.default_rng(0)
    group = np.arange(n) % 6
    arrays = {"endog": rng.binomial(4, 0.5, n), "exog": np.ones((n, 1)), "exog_vc": np.eye(6)[group]}
    return arrays | {"ident": np.zeros(6, int), "family": "binomial", "n_trials": np.full(n, 5)} | columns


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_trials": np.r_[np.full(119, 5), 6]}, "n_trials of 'b' is 6 at row 119, that of 'a' is 5"),
        ({"freq_weights": np.r_[2, np.ones(119)]}, "freq_weights of 'b' is 2 at row 0, that of 'a' is 1"),
        ({"endog": np.r_[5, _counts()["endog"][1:]]}, "response of 'b' is 5 at row 0"),
        ({"family": "exponential", "n_trials": None, "endog": _counts()["endog"] + 1.0}, "response of 'b'"),
    ],
)
def test_fits_of_arrays_with_other_data_are_refused(changes: dict, message: str) -> None:
    one, other = (mg.MixedGLM(**_counts(**c)).fit_laplace(integrate="mode") for c in ({}, changes))
    with pytest.raises(ValueError, match=f"same responses: {message}"):
        mg.compare({"a": one, "b": other})


def test_densities_are_not_compared_with_probabilities() -> None:
    arrays = _counts(n_trials=None, endog=_counts()["endog"] + 1.0)
    fits = {
        family: mg.MixedGLM(**arrays | {"family": family}).fit_laplace(integrate="mode")
        for family in ("poisson", "exponential")
    }
    with pytest.raises(ValueError, match="not both densities or both probabilities"):
        mg.compare(fits)


def test_what_may_differ_between_fits_compared() -> None:
    plain = _counts(n_trials=None, endog=_counts()["endog"])
    fits = {
        "poisson": mg.MixedGLM(**plain | {"family": "poisson"}),
        "binomial": mg.MixedGLM(**_counts()),
        "ones": mg.MixedGLM(**_counts(freq_weights=np.ones(120), offset=np.full(120, 0.1))),
    }
    table = mg.compare({k: m.fit_laplace(integrate="mode") for k, m in fits.items()}, draws=100)
    assert len(table) == 3


def _row_by_row(log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto smoothing as the paper has it, for one row."""
    n = len(log_ratio)
    x = log_ratio - log_ratio.max()
    tail = min(n // 5, int(np.ceil(3.0 * np.sqrt(n))))
    order = np.argsort(x)
    largest = order[-tail:]
    cutoff = np.exp(max(x[order[-tail - 1]], np.log(np.finfo(float).tiny)))
    excess = np.maximum(np.exp(x[largest]) - cutoff, np.finfo(float).tiny)
    k, scale = fit_pareto(excess)
    level = (np.arange(tail) + 0.5) / tail
    x[largest] = np.minimum(np.log(scale * np.expm1(-k * np.log1p(-level)) / k + cutoff), 0.0)
    return x - logsumexp(x), k


def test_smoothing_many_rows_is_smoothing_each() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_t(3, size=(50, 400)) * rng.uniform(0.1, 3.0, size=(50, 1))
    rows[7] = 0.0
    rows[8, :200] = -np.inf
    weights, k = smooth_rows(rows)
    assert k[7] == 0.0
    np.testing.assert_allclose(weights[7], -np.log(400), atol=1e-12)
    for i in (*range(7), *range(9, 50)):
        expected, shape = _row_by_row(rows[i])
        np.testing.assert_allclose(weights[i], expected, atol=1e-12)
        assert k[i] == pytest.approx(shape, abs=1e-12)
    assert np.isfinite(k[8])
    np.testing.assert_allclose(logsumexp(weights, axis=1), 0.0, atol=1e-12)


@pytest.mark.parametrize("criterion", ["loo", "waic"])
def test_blocks_of_rows_change_nothing(criterion: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.arange(90) % 9, "o": rng.normal(size=90), "w": 1.0 + np.arange(90) % 2})
    frame["n"], frame["y"] = 4, rng.binomial(4, 0.4, 90)
    result = mg.MixedGLM.from_formula(
        "y ~ 1 + (1 | g)", data=frame, family="binomial", n_trials="n", offset="o", freq_weights="w"
    ).fit_laplace(integrate="mode")
    whole = getattr(result, criterion)(200)
    widths = []
    real = PosteriorDraws.log_likelihood
    monkeypatch.setattr("mixed_glm._assess.loo._ENTRIES", 200 * 7)
    monkeypatch.setattr(
        PosteriorDraws,
        "log_likelihood",
        lambda self, *rows: [real(self, *rows), widths.append(real(self, *rows).shape[1])][0],
    )
    parts = getattr(result, criterion)(200)
    assert max(widths) == 7
    np.testing.assert_allclose(parts.pointwise, whole.pointwise, rtol=1e-12)
    assert parts.elpd == pytest.approx(whole.elpd, rel=1e-12)
    assert parts.p == pytest.approx(whole.p, rel=1e-10)
    assert parts.mcse == pytest.approx(whole.mcse, rel=1e-10)


@pytest.fixture(scope="module")
def nested() -> dict[str, mg.MixedGLMResults]:
    """Fits with and without the covariate that the responses hang on."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.arange(80) % 10, "x": rng.normal(size=80)})
    frame["y"] = rng.poisson(np.exp(0.6 * frame["x"] + rng.normal(size=10)[frame["g"]]))
    formulas = {"full": "y ~ x + (1 | g)", "no x": "y ~ 1 + (1 | g)"}
    return {
        name: mg.MixedGLM.from_formula(formula, data=frame, family="poisson").fit_laplace()
        for name, formula in formulas.items()
    }


def test_compare_exactly(nested: dict[str, mg.MixedGLMResults]) -> None:
    table = mg.compare(nested, exact=True)
    exact = {name: fit.loo(exact=True) for name, fit in nested.items()}
    difference = exact["full"].pointwise - exact["no x"].pointwise
    assert list(table.index) == ["full", "no x"]
    assert table.loc["full", "elpd_loo"] == exact["full"].elpd
    assert table.loc["no x", "elpd_diff"] == pytest.approx(difference.sum())
    assert table.loc["no x", "dse"] == pytest.approx(np.sqrt(80 * difference.var()))
    assert (table["mcse"] == 0.0).all()
    with pytest.raises(ValueError, match="exact is only for criterion 'loo', got it with 'waic'"):
        mg.compare(nested, "waic", exact=True)


@pytest.mark.parametrize("kind", ["kfold", "logo", "loo"])
def test_compare_what_was_left_out(nested: dict[str, mg.MixedGLMResults], kind: str) -> None:
    how = {
        "kfold": lambda fit: fit.kfold(5, draws=300),
        "logo": lambda fit: fit.leave_out("g", draws=300),
        "loo": lambda fit: fit.loo(300),
    }[kind]
    found = {name: how(fit) for name, fit in nested.items()}
    table = mg.compare(found)
    assert list(table.columns[:3]) == ["rank", f"elpd_{kind}", f"p_{kind}"]
    assert table.index[0] == "full"
    assert table.loc["no x", "elpd_diff"] == pytest.approx(found["full"].elpd - found["no x"].elpd)
    assert table["weight"].sum() == pytest.approx(1.0)
    assert mg.compare([found["full"], found["full"]])["weight"].tolist() == [0.5, 0.5]


def test_what_was_left_out_must_be_the_same(nested: dict[str, mg.MixedGLMResults]) -> None:
    one, other = nested.values()
    five = one.kfold(5, draws=50)
    for bad, message in (
        (
            other.kfold(4, draws=50),
            "left out the same rows together: those of 'b' are others than those of 'a'",
        ),
        (other.kfold(5, draws=50, rng=1), "give both the same folds, groups or rng"),
        (other.leave_out("g", draws=50), "'a' is 'kfold', 'b' is 'logo'"),
        (other, "'a' is 'kfold', 'b' is 'loo'"),
        (
            dataclasses.replace(five, pointwise=np.where(np.arange(80) < 2, np.nan, -1.0)),
            "2 of 'b' are missing",
        ),
        (dataclasses.replace(five, spec=None), "'b' does not tell which rows"),
        (one_factor().model().fit_laplace().kfold(5, draws=50), "'a' has 80 and 'b' has 48"),
    ):
        with pytest.raises(ValueError, match=message):
            mg.compare({"a": five, "b": bad})


@pytest.mark.parametrize("seed", range(40))
def test_stacking_weights_are_best_to_within_their_certificate(seed: int) -> None:
    """Whatever the scale of the differences, where densities of a row are zero but for one model, too."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(2, 12)), int(10 ** rng.uniform(0.5, 3.5))
    pointwise = rng.normal(size=n) + 10 ** rng.uniform(-4.0, 3.0) * rng.normal(size=(m, n)) * rng.random(
        (m, 1)
    )
    pointwise[1] = pointwise[seed % 2]
    weights = stacking_weights(pointwise)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0.0).all()
    density = np.exp(pointwise - pointwise.max(axis=0))
    assert (density / (weights @ density)).mean(axis=1).max() <= 1.0 + 1e-7
