"""Correlated random effects ``(x | g)``: how they are given, and everything that a result tells of them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from slopes import NAME, intercepts_and_slopes

import mixed_glm as mg
from mixed_glm import priors

pytestmark = pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PriorPullWarning")


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return intercepts_and_slopes()


@pytest.fixture(scope="module")
def model(counts: pd.DataFrame) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula("y ~ x + (x | g)", data=counts, family="poisson")


@pytest.fixture(scope="module")
def result(model: mg.MixedGLM) -> mg.MixedGLMResults[Any]:
    return model.fit_laplace()


def test_result_tells_correlations(result: mg.MixedGLMResults[Any]) -> None:
    assert result.status == "converged"
    names = result.to_frame().index.tolist()
    assert names == ["Intercept", "x", "g", "x|g", NAME]
    assert result.to_frame()["type"].tolist()[-1] == "correlation"
    assert abs(result.cor_mean[0] - 0.6) < 3 * result.cor_sd[0]
    ends = result.conf_int().loc[NAME]
    assert -1.0 < ends["lower"] < result.cor_mean[0] < ends["upper"] < 1.0
    inside = result.posterior.cdf(result.posterior.quantile(0.8))[result.fit.spec.layout.cor]
    assert inside == pytest.approx([0.8], abs=1e-3)
    rho, density = result.posterior.cor_density(0)
    assert ((rho >= -1.0) & (rho <= 1.0)).all()
    assert np.trapezoid(rho * density, rho) == pytest.approx(result.cor_mean[0], abs=0.02)
    covariance = result.cov_params()
    assert covariance.loc[NAME, NAME] == pytest.approx(result.cor_sd[0] ** 2)


def test_summary_has_standard_deviations_and_correlations(result: mg.MixedGLMResults[Any]) -> None:
    text = str(result.summary())
    assert NAME in text
    assert "Corr" in text
    assert f"{result.cor_mean[0]:.2f}" in text
    assert "cor(g) ~ LKJ(1)" in text
    table = result.varcorr()
    assert table.index.tolist() == [("g", "Intercept", ""), ("g", "x", ""), ("g", "Intercept", "x")]
    assert table.loc[("g", "Intercept", "x"), "mean"] == result.cor_mean[0]
    sd = table.loc[("g", "x", "")]
    assert sd["lower"] < np.exp(result.vcp_mean[1]) < sd["upper"]
    draws = np.exp(result.posterior_sample(4000, rng=0).vcp[:, 1])
    assert sd["mean"] == pytest.approx(draws.mean(), rel=0.02)
    assert sd["sd"] == pytest.approx(draws.std(), rel=0.06)


def test_random_effects_by_coordinate(result: mg.MixedGLMResults[Any]) -> None:
    table = result.random_effects("g")
    assert table.shape == (40, 8)
    assert table.columns.get_level_values(0).unique().tolist() == ["Intercept", "x"]
    assert table.index[3] == "3"
    np.testing.assert_array_equal(table["x", "Mean"], result.random_effects("x|g")["Mean"])


@pytest.mark.parametrize("integrate", ["auto", "mode", "grid"])
def test_draws_have_correlations_and_densities(model: mg.MixedGLM, integrate: str) -> None:
    result = model.fit_laplace(integrate=integrate)
    draws = result.posterior_sample(3000, rng=0)
    assert (np.abs(draws.cor) < 1.0).all()
    assert draws.cor.mean() == pytest.approx(result.cor_mean[0], abs=0.15 * result.cor_sd[0])
    assert draws.cor.std() == pytest.approx(result.cor_sd[0], rel=0.15)
    ratio = draws.log_p - draws.log_q
    assert np.isfinite(ratio).all()
    assert np.std(ratio) < 6.0


def test_mode_alone_is_near_the_integral(model: mg.MixedGLM, result: mg.MixedGLMResults[Any]) -> None:
    at_mode = model.fit_laplace(integrate="mode")
    assert at_mode.cor_mean[0] == pytest.approx(result.cor_mean[0], abs=result.cor_sd[0])
    ends = at_mode.conf_int().loc[NAME]
    assert -1.0 < ends["lower"] < at_mode.cor_mean[0] < ends["upper"] < 1.0


def test_check_and_loo(result: mg.MixedGLMResults[Any]) -> None:
    check = result.check(200)
    assert check.ok
    assert check.log_evidence == pytest.approx(result.log_evidence, abs=0.3)
    assert np.isfinite(result.loo().elpd)


def test_order_of_coordinates_does_not_matter(counts: pd.DataFrame, result: mg.MixedGLMResults[Any]) -> None:
    turned = mg.MixedGLM.from_formula(
        "y ~ x + (0 + x + z0 | g)", data=counts.assign(z0=1.0), family="poisson"
    )
    other = turned.fit_laplace()
    assert other.cor_mean[0] == pytest.approx(result.cor_mean[0], abs=0.05 * result.cor_sd[0])
    assert other.vcp_mean[::-1] == pytest.approx(result.vcp_mean, abs=0.02)
    assert other.log_evidence == pytest.approx(result.log_evidence, abs=0.05)


def test_units_of_the_covariate_do_not_matter(counts: pd.DataFrame, result: mg.MixedGLMResults[Any]) -> None:
    scaled = mg.MixedGLM.from_formula(
        "y ~ x + (x | g)", data=counts.assign(x=100 * counts["x"]), family="poisson"
    ).fit_laplace()
    assert scaled.cor_mean == pytest.approx(result.cor_mean, abs=1e-3)
    assert scaled.log_evidence == pytest.approx(result.log_evidence, abs=1e-2)
    assert scaled.vcp_mean[1] == pytest.approx(result.vcp_mean[1] - np.log(100.0), abs=1e-3)


def test_centring_the_covariate_turns_the_covariance() -> None:
    """With flat priors the likelihood is the same, and intercepts are those at the new origin."""
    frame = pd.read_csv(Path(__file__).resolve().parent / "data" / "peers" / "sleepstudy.csv.gz")
    flat = {"cor": priors.LKJ(1e-7), "dispersion": priors.LogNormal(0.0, 1e3)}
    origin, found = 4.5, []
    for data in (frame, frame.assign(Days=frame["Days"] - origin)):
        m = mg.MixedGLM.from_formula(
            "Reaction ~ Days + (Days | Subject)",
            data=data,
            family="gaussian",
            fe_p=1e7,
            vcp_p=1e3,
            priors=flat,
        )
        theta = m.fit_laplace(integrate="mode", minim_opts={"tol": 1e-12}).posterior.points[0]
        sd, rho = np.exp(theta[:2]), np.tanh(theta[2])
        covariance = np.outer(sd, sd) * np.array([[1.0, rho], [rho, 1.0]])
        found.append((covariance, m.log_marginal(theta), theta[3]))
    (as_given, value, sigma), (centred, other, other_sigma) = found
    way = np.array([[1.0, origin], [0.0, 1.0]])
    np.testing.assert_allclose(way @ as_given @ way.T, centred, rtol=1e-4)
    assert other == pytest.approx(value, abs=1e-4)
    assert other_sigma == pytest.approx(sigma, abs=1e-5)


@pytest.mark.parametrize(
    ("term", "components", "correlations"),
    [
        (
            "(x + z | g)",
            ["g", "x|g", "z|g"],
            ["cor(g: Intercept, x)", "cor(g: Intercept, z)", "cor(g: x, z)"],
        ),
        ("(0 + x + z | g)", ["x|g", "z|g"], ["cor(g: x, z)"]),
        ("(x || g)", ["g", "x|g"], []),
        ("(1 | h) + (x | g)", ["h", "g", "x|g"], ["cor(g: Intercept, x)"]),
        ("(x | h/g)", ["h", "x|h", "h:g", "x|h:g"], ["cor(h: Intercept, x)", "cor(h:g: Intercept, x)"]),
        ("(x | g) + (0 + z || g)", ["g", "x|g", "z|g"], ["cor(g: Intercept, x)"]),
        (
            "(0 + f | g)",
            ["f[a]|g", "f[b]|g", "f[c]|g"],
            ["cor(g: f[a], f[b])", "cor(g: f[a], f[c])", "cor(g: f[b], f[c])"],
        ),
    ],
)
def test_formulas(counts: pd.DataFrame, term: str, components: list[str], correlations: list[str]) -> None:
    model = mg.MixedGLM.from_formula(f"y ~ x + {term}", data=counts, family="poisson")
    assert model.vcp_names == components
    names = model.names
    assert names[2 : 2 + len(components) + len(correlations)] == components + correlations
    theta = np.full(len(components) + len(correlations), -0.4)
    slope = model.log_marginal_grad(theta)
    for k in range(len(theta)):
        e = 1e-4 * np.eye(len(theta))[k]
        difference = (model.log_marginal(theta + e) - model.log_marginal(theta - e)) / 2e-4
        assert slope[k] == pytest.approx(difference, rel=1e-5, abs=1e-4)


def test_too_many_coordinates(counts: pd.DataFrame) -> None:
    for j in range(6):
        counts = counts.assign(**{f"w{j}": np.roll(counts["z"], j + 1)})
    with pytest.raises(ValueError, match="7 correlated effects a level, 21 correlations; at most 6"):
        mg.MixedGLM.from_formula("y ~ 1 + (w0 + w1 + w2 + w3 + w4 + w5 | g)", data=counts, family="poisson")


def arrays(data: pd.DataFrame) -> dict[str, Any]:
    indicators = np.eye(data["g"].max() + 1)[data["g"]]
    z = np.hstack([indicators, indicators * data["x"].to_numpy()[:, None]])
    groups = indicators.shape[1]
    return {
        "endog": data["y"].to_numpy(),
        "exog": np.column_stack([np.ones(len(data)), data["x"]]),
        "exog_vc": z,
        "ident": ["int"] * groups + ["slope"] * groups,
        "family": "poisson",
        "levels": [*range(groups), *range(groups)],
        "correlated": [("int", "slope")],
    }


def test_arrays_are_formulas(counts: pd.DataFrame, result: mg.MixedGLMResults[Any]) -> None:
    given = arrays(counts)
    turned = np.r_[np.arange(40), 40 + np.random.default_rng(0).permutation(40)]
    given["exog_vc"], given["levels"] = given["exog_vc"][:, turned], np.array(given["levels"])[turned]
    model = mg.MixedGLM(**given)
    assert model.vcp_names == ["int", "slope"]
    other = model.fit_laplace()
    assert other.to_frame().index[-1] == "cor(int, slope)"
    assert other.cor_mean == pytest.approx(result.cor_mean, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"levels": None}, "correlated needs levels="),
        ({"levels": [0, 1]}, "levels must have one label for each of the 80 columns"),
        ({"levels": [0] * 80}, "two columns with the same level"),
        ({"levels": [*range(40), *range(1, 41)]}, "must have columns for the same levels"),
        ({"correlated": [("int", "slop")]}, "there is no component 'slop'"),
        ({"correlated": [("int",)]}, "two or more components a term"),
        ({"correlated": [("int", "slope"), ("slope", "int")]}, "'int' twice|'slope' twice"),
        ({"correlated": "int"}, "must be a list of tuples"),
        ({"correlated": ["int"]}, "must have tuples of components"),
    ],
)
def test_wrong_arrays(counts: pd.DataFrame, change: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        mg.MixedGLM(**arrays(counts) | change)


def test_priors_of_correlations(counts: pd.DataFrame, result: mg.MixedGLMResults[Any]) -> None:
    tight = mg.MixedGLM.from_formula(
        "y ~ x + (x | g)", data=counts, family="poisson", priors={"cor(g)": priors.LKJ(50)}
    )
    assert tight.priors.loc["cor(g)", "prior"] == "LKJ(50)"
    assert abs(tight.fit_laplace().cor_mean[0]) < abs(result.cor_mean[0]) - 0.1
    both = {"cor": priors.LKJ(3), "cor(g)": priors.LKJ(2)}
    model = mg.MixedGLM.from_formula("y ~ (x | g) + (x | h)", data=counts, family="poisson", priors=both)
    assert model.priors["prior"].tolist()[-2:] == ["LKJ(2)", "LKJ(3)"]
    with pytest.raises(ValueError, match=r"'cor' is a correlation.*LKJ\(eta\)"):
        mg.MixedGLM.from_formula(
            "y ~ (x | g)", data=counts, family="poisson", priors={"cor": priors.HalfNormal(1)}
        )
    with pytest.raises(ValueError, match="no 'cor'"):
        mg.MixedGLM.from_formula("y ~ (x || g)", data=counts, family="poisson", priors={"cor": priors.LKJ(2)})


def test_prior_draws_follow_the_prior(counts: pd.DataFrame) -> None:
    model = mg.MixedGLM.from_formula(
        "y ~ x + (x + z | g)", data=counts, family="poisson", priors={"cor": priors.LKJ(2.0)}
    )
    draws = model.prior_sample(4000, rng=0)
    for column in draws.cor.T:  # each is Beta(eta + 1/2, eta + 1/2) on (-1, 1)
        assert stats.kstest((column + 1) / 2, stats.beta(2.5, 2.5).cdf).pvalue > 1e-3
    scaled = draws.vc.reshape(4000, 3, 40) / np.exp(draws.vcp)[:, :, None]
    products = (scaled[:, 1] * scaled[:, 0]).mean(axis=1)
    assert np.corrcoef(products, draws.cor[:, 0])[0, 1] > 0.8


def test_predictions_for_new_groups_have_the_covariance(result: mg.MixedGLMResults[Any]) -> None:
    new = pd.DataFrame({"x": [-1.5, 0.0, 1.5], "g": [100, 100, 100]})
    draws = result.posterior_sample(4000, rng=1)
    variance, rho = np.exp(2 * draws.vcp), draws.cor[:, 0]
    between = np.exp(draws.vcp.sum(axis=1)) * rho
    eta = draws.fe @ np.column_stack([np.ones(3), new["x"]]).T
    sizes = [variance[:, 0] + x**2 * variance[:, 1] + 2 * x * between for x in new["x"]]
    expected = np.exp(eta + 0.5 * np.column_stack(sizes)).mean(axis=0)
    told = result.predict(new, random="conditional")
    np.testing.assert_allclose(
        np.asarray(told["mean"] if hasattr(told, "columns") else told), expected, rtol=0.05
    )


def test_draws_of_few_effects_are_those_of_all(counts: pd.DataFrame, result: mg.MixedGLMResults[Any]) -> None:
    from mixed_glm._posterior import few_effects

    posterior = result.posterior
    effects = np.array([3, 43])
    few = few_effects._surroundings(result.fit.spec.design, effects, 10**6)
    assert few is not None
    assert few.effects.tolist() == [3, 43]
    alone = few_effects._surroundings(result.fit.spec.design, effects[:1], 10**6)
    assert alone is not None
    assert alone.effects.tolist() == [3, 43]
    given = posterior.draw_some(effects[:0], 3000, np.random.default_rng(0))
    free = result.fit.spec.layout.free(given.hyper)
    import dataclasses

    drawn = few_effects.draw_few(
        result.fit.spec, posterior.approximation, few, dataclasses.replace(given, hyper=free), effects,
        np.random.default_rng(1),
    )  # fmt: skip
    np.testing.assert_allclose(
        drawn.vc.mean(axis=0), result.vc_mean[effects], atol=0.1 * result.vc_sd[effects].max()
    )
    np.testing.assert_allclose(drawn.vc.std(axis=0), result.vc_sd[effects], rtol=0.08)


def test_saved_results_come_back(tmp_path: Path, result: mg.MixedGLMResults[Any]) -> None:
    path = tmp_path / "result.mglm"
    result.save(path)
    back = mg.load(path)
    np.testing.assert_array_equal(back.cor_mean, result.cor_mean)
    pd.testing.assert_frame_equal(back.conf_int(), result.conf_int())
    assert str(back.summary()) == str(result.summary())
    np.testing.assert_array_equal(back.posterior_sample(5, rng=0), result.posterior_sample(5, rng=0))


def test_many_responses(counts: pd.DataFrame, model: mg.MixedGLM, result: mg.MixedGLMResults[Any]) -> None:
    y = counts["y"].to_numpy()
    many = model.fit_many(np.column_stack([y, y[::-1]]), n_jobs=1)
    np.testing.assert_allclose(many.cor_mean[0], result.cor_mean, atol=1e-9)
    np.testing.assert_allclose(many.cor_sd[0], result.cor_sd, atol=1e-9)
    assert f"{NAME} mean" in many.to_frame().columns
    assert "correlation" in many.to_frame(long=True)["type"].tolist()


def test_methods_that_cannot_say_so(model: mg.MixedGLM) -> None:
    for call in (
        model.fit_map,
        model.fit_vb,
        lambda: model.fit_vb(covariance="full"),
        lambda: model.fit_many(np.ones((model.nobs, 2)), method="vb"),
        lambda: model.fit_many(np.ones((model.nobs, 2)), method="map"),
        lambda: model.log_marginal(np.zeros(3), "vb"),
        lambda: model.vb_elbo(np.zeros(len(model.names)), np.ones(len(model.names))),
    ):
        with pytest.raises(ValueError, match=r"not for correlated random effects \(g\).*fit_laplace"):
            call()


def test_same_bits_for_any_number_of_threads(model: mg.MixedGLM, result: mg.MixedGLMResults[Any]) -> None:
    np.testing.assert_array_equal(model.fit_laplace(n_jobs=2).params, result.params)


def test_levels_alone_change_nothing(counts: pd.DataFrame) -> None:
    given = arrays(counts)
    given.pop("correlated")
    with_levels = mg.MixedGLM(**given).fit_laplace()
    given.pop("levels")
    np.testing.assert_array_equal(with_levels.params, mg.MixedGLM(**given).fit_laplace().params)
    assert with_levels.cor_mean.shape == (0,)


def test_pictures(result: mg.MixedGLMResults[Any]) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    axes = result.plot_posterior(NAME)
    assert axes.get_xlim() == (-1.0, 1.0)
    assert "prior" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(result.plot_random_effects("x|g").get_title()) > 0
    matplotlib.pyplot.close("all")


def test_datatree(result: mg.MixedGLMResults[Any]) -> None:
    if not any(importlib.util.find_spec(name) for name in ("arviz_base", "arviz")):
        pytest.skip("needs ArviZ")
    posterior = result.to_datatree(50, rng=1)["posterior"]
    matrices = posterior["R_g"].to_numpy()
    assert matrices.shape == (1, 50, 2, 2)
    np.testing.assert_array_equal(matrices[0, :, 1, 0], posterior["cor"].to_numpy()[0, :, 0])
    assert posterior["R_g"].coords["g_effect"].to_numpy().tolist() == ["Intercept", "x"]


def test_command_line(counts: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mixed_glm.cli import main

    counts.to_csv(tmp_path / "counts.csv", index=False)
    output = tmp_path / "fit.json"
    arguments = [
        "fit",
        str(tmp_path / "counts.csv"),
        "y ~ x + (x | g)",
        "--family",
        "poisson",
        "--prior",
        "cor=LKJ(2)",
    ]
    assert main([*arguments, "--output", str(output)]) == 0
    assert NAME in capsys.readouterr().out
    assert NAME in [p["name"] for p in json.loads(output.read_text())["parameters"]]
