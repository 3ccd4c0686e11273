"""Correlated random effects ``(x | g)``: the model against dense algebra, and everything that a result tells of them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from scipy.special import betaln

import mixed_glm as mg
from mixed_glm import priors

Floats = npt.NDArray[np.float64]
pytestmark = pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PriorPullWarning")
NAME = "cor(g: Intercept, x)"


def simulated(
    groups: int = 40, rows: int = 12, rho: float = 0.6, seed: int = 1, binary: bool = False
) -> pd.DataFrame:
    """Counts, or binary responses, with an intercept and a slope for each group, standard deviations 0.7 and 0.5."""
    rng = np.random.default_rng(seed)
    covariance = [[0.49, 0.35 * rho], [0.35 * rho, 0.25]]
    u = rng.multivariate_normal([0.0, 0.0], covariance, groups)
    g = np.repeat(np.arange(groups), rows)
    x, z = rng.normal(size=(2, len(g)))
    eta = 0.3 + 0.4 * x + u[g, 0] + u[g, 1] * x
    y = rng.binomial(1, 1 / (1 + np.exp(-eta))) if binary else rng.poisson(np.exp(eta))
    return pd.DataFrame(
        {"y": y, "x": x, "z": z, "g": g, "h": g % 5, "f": np.array(["a", "b", "c"])[np.arange(len(g)) % 3]}
    )


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return simulated()


@pytest.fixture(scope="module")
def model(counts: pd.DataFrame) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula("y ~ x + (x | g)", data=counts, family="poisson")


@pytest.fixture(scope="module")
def result(model: mg.MixedGLM) -> mg.MixedGLMResults[Any]:
    return model.fit_laplace()


def dense_log_marginal(data: pd.DataFrame, theta: Floats, scale: float = 2.0) -> float:
    """Laplace's log p(y, psi, z) of ``y ~ x + (x | g)``, Poisson, in dense algebra; fe_p = scale, vcp_p = 1, LKJ(1)."""
    y, x = data["y"].to_numpy(float), data["x"].to_numpy()
    groups = data["g"].max() + 1
    a = np.zeros((len(y), 2 * groups + 2))
    rows = np.arange(len(y))
    a[rows, 2 * data["g"]], a[rows, 2 * data["g"] + 1] = 1.0, x
    a[:, -2], a[:, -1] = 1.0, x
    sd, rho = np.exp(theta[:2]), np.tanh(theta[2])
    sigma = np.array([[sd[0] ** 2, sd[0] * sd[1] * rho], [sd[0] * sd[1] * rho, sd[1] ** 2]])
    p = np.kron(np.eye(groups + 1), np.linalg.inv(sigma))
    p[-2:, -2:] = np.eye(2) / scale**2
    m = np.zeros(a.shape[1])
    for _ in range(100):
        mu = np.exp(a @ m)
        h = a.T @ (mu[:, None] * a) + p
        step = np.linalg.solve(h, a.T @ (y - mu) - p @ m)
        m = m + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-13:
            break
    value = stats.poisson.logpmf(y, np.exp(a @ m)).sum() - 0.5 * m @ p @ m
    value += 0.5 * np.linalg.slogdet(p)[1] - 0.5 * np.linalg.slogdet(h)[1]
    prior = stats.norm.logpdf(theta[:2]).sum() - 2.0 * np.log(np.cosh(theta[2]))
    return float(value + prior - betaln(0.5, 1.0))


def test_marginal_is_that_of_dense_algebra(counts: pd.DataFrame) -> None:
    model = mg.MixedGLM.from_formula(
        "y ~ x + (x | g)", data=counts[counts["g"] < 8], family="poisson", fe_p=2, vcp_p=1
    )
    data = counts[counts["g"] < 8].reset_index(drop=True)
    for theta in ([-0.3, -0.8, 0.7], [0.2, -2.0, -1.5], [-1.0, 0.1, 0.0]):
        point = np.array(theta)
        assert model.log_marginal(point) == pytest.approx(dense_log_marginal(data, point), rel=1e-10)
        h = 1e-4 * np.eye(3)
        slope = [
            (dense_log_marginal(data, point + e) - dense_log_marginal(data, point - e)) / 2e-4 for e in h
        ]
        np.testing.assert_allclose(model.log_marginal_grad(point), slope, rtol=1e-5, atol=1e-5)


def test_posterior_is_that_of_a_fine_lattice(counts: pd.DataFrame) -> None:
    data = counts[counts["g"] < 12].reset_index(drop=True)
    model = mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="poisson", fe_p=2, vcp_p=1)
    result = model.fit_laplace()
    mode, sd = result.posterior.points.mean(axis=0), result.posterior.points.std(axis=0)
    axes = [np.linspace(m - 4.0 * s, m + 4.0 * s, 13) for m, s in zip(mode, sd, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    values = np.array([model.log_marginal(p) for p in points])
    weights = np.exp(values - values.max())
    weights /= weights.sum()
    rho = np.tanh(points[:, 2])
    mean = weights @ rho
    spread = np.sqrt(weights @ (rho - mean) ** 2)
    assert result.cor_mean[0] == pytest.approx(mean, abs=0.06 * spread)
    assert result.cor_sd[0] == pytest.approx(spread, rel=0.05)
    np.testing.assert_allclose(result.vcp_mean, weights @ points[:, :2], atol=0.03)


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


def test_expectation_propagation_and_choice() -> None:
    data = simulated(groups=60, rows=6, binary=True)
    model = mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, family="binomial")
    ep, chosen = model.fit_ep(), model.fit()
    assert ep.status == "converged"
    assert chosen.method in ("laplace", "leaf", "ep")
    assert chosen.cor_mean.shape == (1,)


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


@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.DesignWarning")
@pytest.mark.parametrize(
    ("term", "data"),
    [
        ("(x | g)", simulated(groups=6, rows=8, rho=0.999)),
        ("(x | g)", simulated(groups=20).assign(y=lambda d: np.random.default_rng(0).poisson(2.0, len(d)))),
        ("(w | g)", simulated(groups=20).assign(w=lambda d: d["g"] % 2 + 0.0)),  # does not vary within groups
        (
            "(x + z | h2)",
            simulated(groups=20).assign(h2=lambda d: d["g"] % 2),
        ),  # fewer levels than coordinates
        ("(x | g)", simulated(groups=15, rows=1)),
    ],
)
def test_degenerate_data(term: str, data: pd.DataFrame) -> None:
    result = mg.MixedGLM.from_formula(f"y ~ x + {term}", data=data, family="poisson").fit_laplace()
    table = result.to_frame()
    assert np.isfinite(table[["mean", "sd", "lower", "upper"]].to_numpy()).all()
    correlations = table[table["type"] == "correlation"]
    assert ((correlations["lower"] >= -1.0) & (correlations["upper"] <= 1.0)).all()
    assert (correlations["sd"] > 0).all()


def test_same_bits_for_any_number_of_threads(model: mg.MixedGLM, result: mg.MixedGLMResults[Any]) -> None:
    np.testing.assert_array_equal(model.fit_laplace(n_jobs=2).params, result.params)


def test_levels_alone_change_nothing(counts: pd.DataFrame) -> None:
    given = arrays(counts)
    given.pop("correlated")
    with_levels = mg.MixedGLM(**given).fit_laplace()
    given.pop("levels")
    np.testing.assert_array_equal(with_levels.params, mg.MixedGLM(**given).fit_laplace().params)
    assert with_levels.cor_mean.shape == (0,)


def test_gaussian_responses_are_exact(counts: pd.DataFrame) -> None:
    rng = np.random.default_rng(3)
    data = counts[counts["g"] < 10]
    u = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]], 10)[data["g"]]
    data = data.assign(y=lambda d: u[:, 0] + (0.5 + u[:, 1]) * d["x"] + rng.normal(size=len(d)))
    sd = priors.LogNormal(0, 1)
    model = mg.MixedGLM.from_formula(
        "y ~ x + (x | g)", data=data, family="gaussian", fe_p=2, priors={"sd": sd, "sigma": sd}
    )
    theta = np.array([-0.2, -0.7, 0.6, -0.3])
    x, z = model.exog, model.exog_vc.toarray()
    scale, rho = np.exp(theta[:2]), np.tanh(theta[2])
    block = np.diag(scale) @ [[1.0, rho], [rho, 1.0]] @ np.diag(scale)
    covariance = 4.0 * x @ x.T + np.exp(2 * theta[3]) * np.eye(len(x)) + z @ np.kron(block, np.eye(10)) @ z.T
    value = stats.multivariate_normal(np.zeros(len(x)), covariance).logpdf(model.endog)
    prior = stats.norm.logpdf(theta[[0, 1, 3]]).sum() - 2.0 * np.log(np.cosh(theta[2])) - betaln(0.5, 1.0)
    assert model.log_marginal(theta) == pytest.approx(value + prior, rel=1e-10)
    result = model.fit()
    assert result.to_frame()["type"].tolist()[-2:] == ["correlation", "family"]
    table = result.conf_int()
    assert table.index[4:6].tolist() == [NAME, "sigma"]
    draws = result.posterior_sample(2000, rng=0)
    assert draws.cor.mean() == pytest.approx(result.cor_mean[0], abs=0.2 * result.cor_sd[0])
    assert np.std(draws.log_p - draws.log_q) < 3.0


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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_calibration(family: str) -> None:
    """Probabilities below the parameters that responses were drawn with are uniform."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 10)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=len(g)), "y": rng.integers(0, 2, len(g))})
    given = {"family": family, "fe_p": 0.7, "priors": {"sd": priors.LogNormal(-0.5, 0.5)}}
    draws = mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data, **given).prior_sample(100, rng=2)
    responses = draws.predictive(rng)
    below = []
    for params, y in zip(draws.params, responses, strict=True):
        result = mg.MixedGLM.from_formula("y ~ x + (x | g)", data=data.assign(y=y), **given).fit()
        below.append(result.posterior.cdf(params)[:5])
    for column in np.transpose(below):
        assert stats.kstest(column, "uniform").pvalue > 1e-3
