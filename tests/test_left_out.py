"""Cross-validation by differences of log evidences, against fits without the rows."""

from __future__ import annotations

import threading
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from simulated import PLAIN, crossed, draw, one_factor

import mixed_glm as mg
from mixed_glm._assess import left_out as left_out_module
from mixed_glm._assess.left_out import left_out
from mixed_glm._assess.nodes import nodes_of
from mixed_glm._fit.in_parallel import in_parallel
from mixed_glm.exceptions import ConvergenceWarning

BY_ROW = ("n_trials", "freq_weights", "offset")


def arrays(
    seed: int = 0, family: str = "poisson", sizes: tuple[int, ...] = (12,), n: int = 60
) -> dict[str, Any]:
    """A model with offsets and weights, whose priors do not look at the data."""
    rng = np.random.default_rng(seed)
    z = np.hstack([np.eye(size)[rng.integers(size, size=n)] for size in sizes])
    x = np.column_stack([np.ones(n), rng.normal(size=n).round(1)])
    trials = rng.integers(1, 5, n) * 1.0
    offset = rng.choice([0.0, 0.4], n)
    eta = x @ [0.2, 0.5] + offset + z @ rng.normal(scale=0.8, size=z.shape[1])
    found = {
        "endog": draw(family, eta, rng, trials.astype(int)), "exog": x, "exog_vc": z,
        "ident": np.repeat(np.arange(len(sizes)), sizes), "family": family.partition("-")[0],
        "offset": offset, "freq_weights": rng.choice([1.0, 2.0], n),
    }  # fmt: skip
    return found | PLAIN | ({"n_trials": trials} if family.startswith("binomial") else {})


def without(given: dict[str, Any], rows: Any) -> mg.MixedGLM:
    keep = np.setdiff1d(np.arange(len(given["endog"])), rows)
    cut = {k: v[keep] for k, v in given.items() if k in ("endog", "exog", "exog_vc", *BY_ROW)}
    return mg.MixedGLM(**given | cut)


FITS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "laplace": (mg.MixedGLM.fit_laplace, {}, {}),
    "binomial": (mg.MixedGLM.fit_laplace, {}, {"family": "binomial-logit"}),
    "leaf": (mg.MixedGLM.fit_laplace, {"n_quad": 9}, {"family": "binomial-logit"}),
    "ep": (mg.MixedGLM.fit_ep, {}, {"family": "binomial-logit"}),
    "grid of one": (mg.MixedGLM.fit_laplace, {"integrate": "grid"}, {}),
    "mode": (mg.MixedGLM.fit_laplace, {"integrate": "mode"}, {}),
    "two": (mg.MixedGLM.fit_laplace, {}, {"sizes": (12, 5)}),
    "three": (mg.MixedGLM.fit_laplace, {}, {"sizes": (12, 6, 4)}),
    "design": (mg.MixedGLM.fit_laplace, {"integrate": "ccd"}, {"sizes": (12, 6, 4)}),
}


@pytest.mark.parametrize("case", FITS)
def test_rows_left_out_are_those_of_refits(case: str) -> None:
    method, options, data = FITS[case]
    given = arrays(**data)
    result = method(mg.MixedGLM(**given), **options)
    found = result.loo(exact=True, draws=100)
    assert found.exact is not None
    assert found.exact.all()
    assert found.n_unreliable == 0
    assert found.mcse == 0.0
    assert found.pareto_k is None
    for i in range(0, 60, 1 if len(data) < 2 and case != "mode" else 7):
        refitted = method(without(given, i), **options)
        expected, error = result.log_evidence - refitted.log_evidence, 0.02 if case == "design" else 0.01
        assert found.pointwise[i] == pytest.approx(expected, abs=error)


@pytest.mark.parametrize("case", ["laplace", "ep", "two"])
def test_groups_left_out_are_those_of_refits(case: str) -> None:
    method, options, data = FITS[case]
    given = arrays(**data)
    result = method(mg.MixedGLM(**given), **options)
    found = result.leave_out("VC_1", draws=100)
    group = given["exog_vc"][:, :12].argmax(axis=1)
    assert found.pointwise.shape == (12,)
    assert found.kind == "logo"
    for g in range(12):
        refitted = method(without(given, np.flatnonzero(group == g)), **options)
        assert found.pointwise[g] == pytest.approx(result.log_evidence - refitted.log_evidence, abs=0.02)
    np.testing.assert_allclose(
        result.leave_out(group, draws=100).pointwise[pd.unique(group).argsort()], found.pointwise
    )


def test_rows_left_out_by_brute_force() -> None:
    """Against exact integrals, also with few rows for each effect, where importance sampling fails."""
    data = one_factor(groups=20, rows=2, p=1, sd=2.0, seed=4)
    everything = data.reference().posterior().log_evidence
    found = data.model().fit_laplace(n_quad=15).loo(exact=True)
    for i in range(0, 40, 5):
        keep = np.arange(40) != i
        rest = one_factor(groups=20, rows=2, p=1, sd=2.0, seed=4)
        rest.y, rest.x, rest.group = data.y[keep], data.x[keep], data.group[keep]
        assert found.pointwise[i] == pytest.approx(
            everything - rest.reference().posterior().log_evidence, abs=0.01
        )


def test_priors_stay_those_of_all_rows() -> None:
    """Default priors are about means of the data: those of the rest are others."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(10.0, 1.0, 24), "g": np.arange(24) % 6})
    frame.loc[23, "x"] = 40.0
    frame["y"] = rng.poisson(np.exp(0.1 * frame["x"].clip(upper=15) + rng.normal(size=6)[frame["g"]]))
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="poisson").fit_laplace()
    spec, weights = result.fit.spec, np.ones(24)
    weights[23] = 0.0
    rest = spec.with_weights(weights)
    assert rest.coordinates is spec.coordinates
    assert rest.design.priors is spec.design.priors
    some = spec.of_rows(np.array([3, 1]))
    assert some.coordinates is spec.coordinates
    assert list(some.index) == [3, 1]
    # The same prior by numbers: N(loc, scale) of the predictor at the means, and of the slope.
    loc, scale = spec.design.priors.fe_loc[0], spec.design.priors.fe_scale
    centred = frame.assign(x=frame["x"] - frame["x"].mean())
    given = {"Intercept": mg.priors.Normal(loc, scale[0]), "x": mg.priors.Normal(0.0, scale[1])}
    kwargs = {"family": "poisson", "priors": given | {"sd": spec.design.priors.sd[0]}}
    other = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=centred.drop(index=23), **kwargs).fit_laplace()
    assert result.loo(exact=True).pointwise[23] == pytest.approx(
        result.log_evidence - other.log_evidence, abs=0.01
    )


def test_unreliable_rows_alone_are_made_exact() -> None:
    result = one_factor(groups=20, rows=2, p=1, sd=2.0, seed=4).model().fit_laplace(n_quad=15)
    sampled, exact, mixed = result.loo(300), result.loo(exact=True), result.loo(300, exact="unreliable")
    doubtful = sampled.pareto_k > 0.7
    assert 0 < doubtful.sum() < 40
    np.testing.assert_array_equal(mixed.exact, doubtful)
    np.testing.assert_allclose(mixed.pointwise[doubtful], exact.pointwise[doubtful])
    np.testing.assert_array_equal(mixed.pointwise[~doubtful], sampled.pointwise[~doubtful])
    np.testing.assert_array_equal(mixed.pareto_k, sampled.pareto_k)
    assert sampled.n_unreliable == doubtful.sum()
    assert mixed.n_unreliable == 0
    assert mixed.mcse < sampled.mcse
    assert "loo(exact='unreliable')" in str(sampled)
    assert f"exact, by differences of log evidences, at {doubtful.sum()} of 40 rows" in str(mixed)
    assert "mcse" not in str(exact)


def test_no_row_may_be_unreliable() -> None:
    result = one_factor("poisson", groups=4, rows=30, p=1, sd=0.3).model().fit_laplace()
    sampled, mixed = result.loo(), result.loo(exact="unreliable")
    assert sampled.n_unreliable == 0
    np.testing.assert_array_equal(mixed.pointwise, sampled.pointwise)
    assert not mixed.exact.any()


def test_a_row_that_counts_nothing_is_predicted_for_nothing() -> None:
    given = arrays()
    given["freq_weights"] = np.where(np.arange(60) == 5, 0.0, given["freq_weights"])
    found = mg.MixedGLM(**given).fit_laplace().loo(exact=True)
    assert found.pointwise[5] == pytest.approx(0.0, abs=1e-9)


def test_without_random_effects() -> None:
    given = arrays(sizes=(3,)) | {"exog_vc": None, "ident": None}
    result = mg.MixedGLM(**given).fit_laplace()
    found = result.loo(exact=True)
    given["exog_vc"] = np.zeros((60, 0))
    for i in (0, 30):
        cut = without(given | {"ident": np.zeros(0, int)}, i).fit_laplace()
        assert found.pointwise[i] == pytest.approx(result.log_evidence - cut.log_evidence, abs=1e-6)


def test_figures_in_a_frame() -> None:
    result = crossed(n=60).fit_laplace()
    found = result.loo(exact=True)
    row = found.to_frame().loc["loo"]
    assert row["elpd_loo"] == found.elpd
    assert row["p_loo"] == found.p
    assert row["se"] == found.se
    assert row["n_data_points"] == 60
    assert 2.0 < found.p < 20.0
    assert found.p == pytest.approx(result.loo(4000).p, abs=2.0)
    assert list(result.leave_out("VC_2").to_frame())[:2] == ["elpd_logo", "p_logo"]


def test_threads_change_nothing() -> None:
    result = crossed(n=60).fit_laplace()
    one, two = (result.loo(exact=True, n_jobs=n).pointwise for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_groups_by_label() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"x": rng.normal(size=40), "g": list("abcdefgh") * 5, "site": ["north", "south"] * 20}
    )
    frame["y"] = rng.poisson(1.0, 40).astype(float)
    frame.loc[[3, 20], "y"] = np.nan
    frame = frame.sample(frac=1.0, random_state=1)
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="poisson").fit_laplace()
    by_site = result.leave_out(frame["site"])
    assert sorted(by_site.index) == ["north", "south"]
    kept = frame["site"][result.model.index]
    np.testing.assert_allclose(result.leave_out(kept.to_numpy()).pointwise, by_site.pointwise)
    assert list(result.leave_out("g").index) == [f"g[{c}]" for c in "abcdefgh"]
    np.testing.assert_allclose(
        np.sort(result.leave_out("g").pointwise), np.sort(result.leave_out(frame["g"]).pointwise)
    )
    for bad, message in (
        ("site", r"groups must be the name of a component .*\(here 'g'\).*data\['site'\]"),
        (frame["site"].to_numpy(), r"each of the 38 rows of the model \(2 more had missing values\), got 40"),
        (np.zeros(38), "at least two groups of rows apart, got 1"),
        (np.where(np.arange(38) == 4, np.nan, 1.0), "must not be missing, got none at row 4"),
        (kept.reset_index(drop=True).set_axis(range(100, 138)), "must have the index of the data"),
        (3, "a label for each row"),
    ):
        with pytest.raises(ValueError, match=message):
            result.leave_out(bad)


def test_slopes_have_no_groups_of_their_own() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": np.arange(40) % 2, "g": np.arange(40) // 4, "y": rng.poisson(1.0, 40)})
    result = mg.MixedGLM.from_formula("y ~ x + (x || g)", data=frame, family="poisson").fit_laplace()
    assert len(result.leave_out("g").pointwise) == 10
    with pytest.raises(ValueError, match=r"here 'g'\)"):
        result.leave_out("x|g")


@pytest.mark.parametrize("method", ["fit_map", "fit_vb"])
def test_what_has_no_evidence_is_refused(method: str) -> None:
    result = getattr(one_factor("poisson", rows=10).model(), method)()
    for exact in (True, "unreliable"):
        with pytest.raises(ValueError, match=r"no estimate of log p\(y\).*fit_laplace"):
            result.loo(exact=exact)
    with pytest.raises(ValueError, match=r"no estimate of log p\(y\)"):
        result.leave_out("VC_1")


def test_exact_is_one_of_three() -> None:
    with pytest.raises(ValueError, match="exact must be True, False or 'unreliable', got 'all'"):
        one_factor().model().fit_laplace().loo(exact="all")


def test_fits_that_are_lost_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    result = one_factor().model().fit_laplace()
    monkeypatch.setattr(left_out_module, "_LEAST_SHARE", 2.0)
    monkeypatch.setattr(left_out_module._Densities, "by_refitting", lambda *_: np.nan)
    with pytest.warns(
        ConvergenceWarning, match="2 of 2 fits without some rows did not converge: number 0, 1"
    ):
        assert np.isnan(left_out(result.fit, [np.array([0]), np.array([1])], 1)).all()


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_nodes_have_the_moments_of_all_points(d: int) -> None:
    rng = np.random.default_rng(d)
    points = rng.normal(size=(120, d)) @ rng.normal(size=(d, d)) + 3.0
    weights = rng.random(120)
    weights[:10] = 0.0
    weights /= weights.sum()
    of = nodes_of(points, weights)
    nodes, found = of.points, of.weights
    assert len(nodes) == 3 if d == 1 else len(nodes) <= 20
    assert (found > 0.0).all()
    assert found.sum() == pytest.approx(1.0)
    slope = 0.3 * np.linalg.pinv(np.linalg.cholesky(np.cov(points.T, aweights=weights).reshape(d, d)).T)[:, 0]
    expected = np.log(weights @ np.exp(points @ slope))
    assert np.log(found @ np.exp(nodes @ slope)) == pytest.approx(expected, abs=2e-3)
    assert of.log_mean_exp((nodes @ slope)[None]) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("d", [2, 3])
def test_means_of_exponentials_of_quadratic_functions_are_those_of_all_points(d: int) -> None:
    rng = np.random.default_rng(d)
    points, weights = rng.normal(size=(120, d)) + 3.0, np.full(120, 1.0 / 120)
    of = nodes_of(points, weights)
    values, at_nodes = (-2.0 * ((p - 3.5) ** 2).sum(axis=1) + p[:, 0] * p[:, 1] for p in (points, of.points))
    np.testing.assert_allclose(of.log_mean_exp(at_nodes[None]), np.log(weights @ np.exp(values)), rtol=1e-8)


def test_few_points_are_their_own_nodes() -> None:
    for points in (np.zeros((1, 0)), np.array([[1.0, 2.0]]), np.array([[0.0], [1.0]])):
        weights = np.full(len(points), 1.0 / len(points))
        found = nodes_of(points, weights)
        np.testing.assert_array_equal(found.points, points)
        np.testing.assert_array_equal(found.weights, weights)


def test_in_parallel() -> None:
    main = threading.get_ident()
    assert in_parallel(lambda x: (x, threading.get_ident() == main), [1, 2], 1) == [(1, True), (2, True)]
    assert in_parallel(lambda x: x + 1, range(50), 2) == list(range(1, 51))
    done = []

    def fail(x: int) -> None:
        done.append(x)
        time.sleep(0.01)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        in_parallel(fail, range(500), 2)
    assert len(done) < 500


@pytest.mark.parametrize("integrate", ["line", "grid"])
def test_loo_of_a_conjugate_model(integrate: str) -> None:
    """Without covariates and with an effect that is next to nothing, rows are independent given one number."""
    y = np.array([0.0, 1.0, 3.0, 2.0, 2.0, 9.0])
    model = mg.MixedGLM(
        y, np.ones((6, 1)), np.eye(6), np.zeros(6, int), "poisson", fe_p=100.0,
        priors={"sd": mg.priors.LogNormal(-12.0, 0.1)},
    )  # fmt: skip
    found = model.fit_laplace(integrate=integrate).loo(exact=True)
    expected = [stats.nbinom.logpmf(y[i], y.sum() - y[i], 5.0 / 6.0) for i in range(6)]
    np.testing.assert_allclose(found.pointwise, expected, atol=0.02)


@pytest.mark.parametrize("name", ["Gaussian", "NegativeBinomial", "Gamma"])
def test_families_with_a_parameter_of_their_own(name: str) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.normal(size=48), "g": np.arange(48) % 8})
    mean = np.exp(0.5 + 0.6 * frame["x"] + rng.normal(size=8)[frame["g"]])
    frame["y"] = {
        "Gaussian": lambda: np.log(mean) + rng.normal(size=48),
        "NegativeBinomial": lambda: rng.poisson(mean * rng.gamma(2.0, 0.5, 48)).astype(float),
        "Gamma": lambda: mean * rng.gamma(3.0, 1.0 / 3.0, 48),
    }[name]()
    family = getattr(mg.families, name)()

    def fit(data: pd.DataFrame) -> mg.MixedGLMResults:
        own = mg.MixedGLM.from_formula("y ~ x", data=frame, family=family).spec.layout.family_names
        priors = dict.fromkeys(own, mg.priors.HalfNormal(2.0))
        model = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family=family, priors=priors, **PLAIN)
        return model.fit_laplace()

    result = fit(frame)
    found, groups = result.loo(exact=True), result.leave_out("g")
    for i in range(0, 48, 8):
        expected = result.log_evidence - fit(frame.drop(index=i)).log_evidence
        assert found.pointwise[i] == pytest.approx(expected, abs=0.01)
    expected = result.log_evidence - fit(frame[frame["g"] != 3]).log_evidence
    assert groups.pointwise[3] == pytest.approx(expected, abs=0.02)
    folds = result.kfold(np.arange(48), draws=2000)
    assert folds.elpd == pytest.approx(found.elpd, abs=5.0 * folds.mcse + 0.2)


def test_correlated_effects() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=96), "g": np.arange(96) % 12})
    effects = rng.multivariate_normal([0.0, 0.0], [[0.6, 0.3], [0.3, 0.5]], size=12)[frame["g"]]
    frame["y"] = rng.poisson(np.exp(0.5 + effects[:, 0] + (0.3 + effects[:, 1]) * frame["x"]))

    def fit(data: pd.DataFrame) -> mg.MixedGLMResults:
        return mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="poisson", **PLAIN).fit_laplace()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of a rough integration
        result = fit(frame)
        found, groups = result.loo(exact=True), result.leave_out("g")
        for i in (0, 40):
            expected = result.log_evidence - fit(frame.drop(index=i)).log_evidence
            assert found.pointwise[i] == pytest.approx(expected, abs=0.01)
        expected = result.log_evidence - fit(frame[frame["g"] != 2]).log_evidence
        assert groups.pointwise[2] == pytest.approx(expected, abs=0.03)
        folds = result.kfold(8, draws=1000)
    assert folds.elpd == pytest.approx(found.elpd, abs=6.0)
    assert np.isfinite(result.log_score(frame.assign(g=frame["g"] + 6)).elpd)
