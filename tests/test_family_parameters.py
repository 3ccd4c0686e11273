"""Families with a parameter that the data estimate: Gaussian, negative binomial, gamma."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import mixed_glm as mg
from mixed_glm.families import Gamma, Gaussian, NegativeBinomial
from mixed_glm.priors import HalfNormal, LogNormal, Normal


def table(kind: str = "gaussian", groups: int = 12, rows: int = 8, seed: int = 3) -> pd.DataFrame:
    """Grouped data with a covariate."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)
    x = rng.normal(size=len(g))
    eta = 0.7 + 0.5 * x + 0.6 * rng.normal(size=groups)[g]
    y = {
        "gaussian": lambda: eta + 0.8 * rng.normal(size=len(g)),
        "negative_binomial": lambda: rng.poisson(np.exp(eta) * rng.gamma(2.0, 0.5, len(g))).astype(float),
        "gamma": lambda: np.exp(eta) * rng.gamma(4.0, 0.25, len(g)),
    }[kind]()
    return pd.DataFrame({"y": y, "x": x, "g": g})


FAMILIES: dict[str, Any] = {
    "gaussian": Gaussian(), "negative_binomial": NegativeBinomial(), "gamma": Gamma()
}  # fmt: skip


def model(kind: str, data: pd.DataFrame | None = None, term: str = "(1 | g)", **options: Any) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(
        f"y ~ x + {term}", data=table(kind) if data is None else data, family=FAMILIES[kind], **options
    )


def test_a_gaussian_fit_is_the_integral_of_its_closed_form() -> None:
    data = table(groups=8, rows=4)
    fitted = model("gaussian", data, fe_p=2.0, vcp_p=1.0, priors={"sigma": LogNormal(0.0, 2.0)}).fit()
    x = np.column_stack([np.ones(len(data)), data.x])
    z, y = np.eye(8)[data.g], data.y.to_numpy()

    def density(psi: float, phi: float) -> float:
        covariance = 4.0 * x @ x.T + np.exp(2 * psi) * z @ z.T + np.exp(2 * phi) * np.eye(len(y))
        root = np.linalg.cholesky(covariance)
        white = np.linalg.solve(root, y)
        prior = -0.5 * (psi**2 + (phi / 2) ** 2) - np.log(2 * np.pi * 2)
        return float(
            prior - 0.5 * white @ white - np.log(root.diagonal()).sum() - 0.5 * len(y) * np.log(2 * np.pi)
        )

    top = fitted.log_evidence
    ranges = [
        (m - 7 * s, m + 6 * s)
        for m, s in zip(
            [*fitted.vcp_mean, *fitted.family_mean], [*fitted.vcp_sd, *fitted.family_sd], strict=True
        )
    ]
    psi, phi = (np.linspace(*r, 37) for r in ranges)
    values = np.exp([[density(a, b) - top for b in phi] for a in psi])
    total = integrate.simpson(integrate.simpson(values, x=phi), x=psi)
    of_phi = integrate.simpson(values, x=psi, axis=0) / total
    mean = integrate.simpson(of_phi * phi, x=phi)
    sd = np.sqrt(integrate.simpson(of_phi * (phi - mean) ** 2, x=phi))
    assert fitted.method == "laplace"
    assert fitted.log_evidence == pytest.approx(top + np.log(total), abs=0.02)
    assert fitted.family_mean[0] == pytest.approx(mean, abs=0.02 * sd)
    assert fitted.family_sd[0] == pytest.approx(sd, rel=0.04)


def test_the_unit_and_origin_of_a_gaussian_response_do_not_matter() -> None:
    data = table()
    plain = model("gaussian", data).fit()
    other = model("gaussian", data.assign(y=1000 * data.y + 5e6)).fit()
    shift = np.array([5e6, 0.0])
    assert np.abs((other.fe_mean - shift) / 1000 - plain.fe_mean).max() < 1e-8 * plain.fe_sd.min()
    np.testing.assert_allclose(other.fe_sd / 1000, plain.fe_sd, rtol=1e-8)
    np.testing.assert_allclose(other.vc_mean / 1000, plain.vc_mean, atol=1e-8)
    for name in ("vcp_mean", "family_mean"):
        np.testing.assert_allclose(getattr(other, name) - np.log(1000), getattr(plain, name), atol=1e-8)
    assert other.log_evidence == pytest.approx(plain.log_evidence - len(data) * np.log(1000), abs=1e-6)


@pytest.mark.parametrize("kind", FAMILIES)
def test_results_have_the_parameter_of_the_family(kind: str) -> None:
    fitted = model(kind).fit()
    name = FAMILIES[kind].shape_names[0]
    layout = fitted.fit.spec.layout
    assert layout.names[layout.family] == [name]
    assert fitted.params[layout.family] == fitted.family_mean
    frame = fitted.to_frame()
    assert list(frame["type"]) == ["fixed", "fixed", "log sd", "family"]
    ends = fitted.conf_int().loc[name]
    assert ends["lower"] < fitted.family_mean[0] < ends["upper"]
    row = fitted.summary().table.loc[name]
    assert float(row["SD"]) == pytest.approx(np.exp(fitted.family_mean[0]), rel=1e-2)
    draws = fitted.posterior_sample(4000, rng=1)
    assert draws.family[:, 0].mean() == pytest.approx(fitted.family_mean[0], abs=0.1 * fitted.family_sd[0])
    assert draws.family[:, 0].std() == pytest.approx(fitted.family_sd[0], rel=0.1)
    assert fitted.check(200).ok
    assert fitted.cov_params().shape == (len(fitted.params),) * 2


@pytest.mark.parametrize("kind", FAMILIES)
def test_log_likelihoods_and_responses_are_those_of_the_drawn_parameter(kind: str) -> None:
    fitted = model(kind).fit()
    draws = fitted.posterior_sample(5, rng=1)
    eta, shape = draws.linear_predictor(), np.exp(draws.family)
    y = fitted.model.endog
    mu = np.exp(eta)
    exact = {
        "gaussian": lambda: stats.norm.logpdf(y, eta, shape),
        "negative_binomial": lambda: stats.nbinom.logpmf(y, 1 / shape, 1 / (1 + shape * mu)),
        "gamma": lambda: stats.gamma.logpdf(y, 1 / shape, scale=shape * mu),
    }[kind]()
    np.testing.assert_allclose(draws.log_likelihood(), exact, rtol=1e-10)
    np.testing.assert_allclose(draws.log_p.shape, (5,))
    many = np.repeat(eta[:1], 40_000, axis=0)[:, :3]
    drawn = FAMILIES[kind].sample(many, 0, shape=shape[0, 0])
    variance = {
        "gaussian": lambda: shape[0] ** 2 + 0 * mu[0, :3],
        "negative_binomial": lambda: mu[0, :3] + shape[0] * mu[0, :3] ** 2,
        "gamma": lambda: shape[0] * mu[0, :3] ** 2,
    }[kind]()
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.1)


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("approx", ["laplace", "leaf", "ep"])
def test_gradients_in_the_parameter(kind: str, approx: str) -> None:
    own = model(kind)
    at = np.array([-0.4, -0.6])
    gradient = own.log_marginal_grad(at, approx)
    for j in range(2):
        h = 1e-3 * np.eye(2)[j]
        difference = (own.log_marginal(at + h, approx) - own.log_marginal(at - h, approx)) / 2e-3
        assert gradient[j] == pytest.approx(difference, abs=2e-3)


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize(
    ("term", "at"),
    [
        ("(1 + x || g)", [-0.4, -0.9, -0.6]),
        ("(1 + x + z || g)", [-0.4, -0.9, -0.7, -0.6]),
        ("(x | g)", [-0.4, -0.9, 0.5, -0.6]),
        ("(x | g) + (1 | h)", [-0.4, -0.9, -0.7, 0.5, -0.6]),
    ],
)
def test_gradients_with_several_effects_of_a_group(kind: str, term: str, at: list[float]) -> None:
    data = table(kind).assign(z=lambda d: np.cos(7.0 * d.x), h=lambda d: np.arange(len(d)) % 7)
    own = model(kind, data, term)
    gradient = own.log_marginal_grad(at, "leaf")
    for j in range(len(at)):
        h = 1e-3 * np.eye(len(at))[j]
        difference = (own.log_marginal(at + h, "leaf") - own.log_marginal(at - h, "leaf")) / 2e-3
        assert gradient[j] == pytest.approx(difference, abs=4e-3)
    if kind == "gaussian":  # for which Laplace is exact
        assert own.log_marginal(at, "leaf") == pytest.approx(own.log_marginal(at), abs=1e-8)
        np.testing.assert_allclose(gradient, own.log_marginal_grad(at), atol=1e-6)


def test_a_negative_binomial_with_alpha_given_is_the_one_at_that_alpha() -> None:
    data = table("negative_binomial")
    free = model("negative_binomial", data, fe_p=2.0, vcp_p=1.0)
    given = mg.MixedGLM.from_formula(
        "y ~ x + (1 | g)", data=data, family=NegativeBinomial(0.4), fe_p=2.0, vcp_p=1.0
    )
    prior = stats.norm.logpdf(np.log(0.4), 0.0, 2.0)
    for approx in ("laplace", "leaf", "ep"):
        at = free.log_marginal([-0.3, np.log(0.4)], approx)
        assert at - prior == pytest.approx(given.log_marginal([-0.3], approx), abs=1e-6)


@pytest.mark.parametrize("kind", FAMILIES)
def test_saved_and_loaded(kind: str, tmp_path: Any) -> None:
    fitted = model(kind, priors={FAMILIES[kind].shape_names[0]: HalfNormal(1.5)}).fit()
    fitted.save(tmp_path / "fit.mglm")
    again = mg.load(tmp_path / "fit.mglm")
    np.testing.assert_array_equal(again.params, fitted.params)
    assert again.model.family == fitted.model.family
    assert again.model.priors.equals(fitted.model.priors)
    assert (
        again.posterior_sample(3, rng=0).family.tolist() == fitted.posterior_sample(3, rng=0).family.tolist()
    )


def test_an_exponential_model_is_saved(tmp_path: Any) -> None:
    data = table("gamma")
    own = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="exponential")
    own.fit("laplace").save(tmp_path / "fit.mglm")
    assert mg.load(tmp_path / "fit.mglm").model.family == mg.families.Exponential()


def test_priors_by_name() -> None:
    own = model("gaussian", priors={"sigma": HalfNormal(2), "x": Normal(0, 1)})
    assert own.priors.loc["sigma", "prior"] == "HalfNormal(2)"
    assert (
        model("gamma", priors={"dispersion": HalfNormal(2)}).priors.loc["dispersion", "prior"]
        == "HalfNormal(2)"
    )
    assert model("negative_binomial", priors={"dispersion": HalfNormal(2)}).priors.loc["alpha", "prior"]
    with pytest.raises(ValueError, match="no 'alpha' among the parameters"):
        model("gaussian", priors={"alpha": HalfNormal(2)})
    with pytest.raises(ValueError, match="parameter of the family must have one for positive numbers"):
        model("gaussian", priors={"sigma": Normal(0, 1)})
    sd = table().y.std(ddof=0)
    (prior,) = model("gaussian").spec.design.priors.family
    assert isinstance(prior, LogNormal)
    assert (prior.mu, prior.sigma) == (pytest.approx(np.log(sd)), 2.0)
    drawn = own.prior_sample(2000, rng=0)
    assert np.quantile(np.exp(drawn.family), 0.5) == pytest.approx(HalfNormal(2).quantile(0.5), rel=0.1)
    assert own.prior_predictive(3, rng=0).shape == (3, 96)


@pytest.mark.parametrize("kind", FAMILIES)
def test_what_has_no_place_for_the_parameter_says_so(kind: str) -> None:
    own = model(kind)
    for method in ("map", "vb"):
        with pytest.raises(ValueError, match=r"is estimated.*use fit\(\) or fit_laplace\(\)"):
            own.fit(method)
    with pytest.raises(ValueError, match="shape must be given"):
        FAMILIES[kind].sample(np.zeros(3))


def test_wrong_responses() -> None:
    data = table("gamma")
    with pytest.raises(ValueError, match="must be positive for the gamma family, got 0 at row 3"):
        model("gamma", data.assign(y=np.where(np.arange(len(data)) == 3, 0.0, data.y)))
    with pytest.raises(ValueError, match="whole numbers"):
        model("negative_binomial", data)


def test_families_of_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    assert mg.families.as_family(sm.families.Gaussian()) == Gaussian()
    assert mg.families.as_family(sm.families.Gamma(sm.families.links.Log())) == Gamma()
    assert mg.families.as_family(sm.families.NegativeBinomial) == NegativeBinomial()
    assert mg.families.as_family(sm.families.NegativeBinomial(alpha=0.3)) == NegativeBinomial(0.3)
    with pytest.raises(ValueError, match="must have link log"):
        mg.families.as_family(sm.families.Gamma())
    assert [type(mg.families.as_family(n)) for n in ("gaussian", "negbin", "gamma")] == [
        Gaussian, NegativeBinomial, Gamma,
    ]  # fmt: skip


@pytest.mark.parametrize("y", ["constant", "explained", "groups"])
def test_responses_without_noise(y: str) -> None:
    data = table()
    exact = {
        "constant": np.full(len(data), 3.5), "explained": 1.0 + 2.0 * data.x, "groups": data.g.astype(float)
    }[y]  # fmt: skip
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        fitted = model("gaussian", data.assign(y=exact)).fit()
    assert fitted.status != "converged"
    assert any("explains the response completely" in str(w.message) for w in warned)
    assert ("same in all rows" in str(warned[0].message)) == (y == "constant")
    assert np.isfinite(fitted.params).all()
    assert np.isfinite(fitted.fe_sd).all()
    assert fitted.family_mean[0] < np.log(exact.std() if y != "constant" else 1.0) - 2.0


def test_counts_without_overdispersion() -> None:
    data = table("negative_binomial")
    rng = np.random.default_rng(5)
    fitted = model("negative_binomial", data.assign(y=rng.poisson(np.exp(0.5 + 0.5 * data.x)))).fit()
    assert np.isfinite(fitted.params).all()
    assert np.exp(fitted.family_mean[0]) < 0.2


@pytest.mark.parametrize("kind", FAMILIES)
def test_many_responses(kind: str) -> None:
    data = table(kind)
    second = table(kind, seed=9)
    y = np.column_stack([data.y, 10.0 * second.y + 4.0 * (kind == "gaussian")])
    x = np.column_stack([np.ones(len(data)), data.x])
    z = np.eye(12)[data.g]
    found = mg.fit_many(y, x, z, np.zeros(12, int), family=FAMILIES[kind], keep_random_effects=True)
    for j in range(2):
        one = mg.MixedGLM(y[:, j], x, z, np.zeros(12, int), family=FAMILIES[kind]).fit_laplace()
        np.testing.assert_allclose(found.fe_mean[j], one.fe_mean, atol=1e-6 * one.fe_sd.max())
        np.testing.assert_allclose(found.vcp_mean[j], one.vcp_mean, atol=1e-6)
        np.testing.assert_allclose(found.family_mean[j], one.family_mean, atol=1e-6)
        np.testing.assert_allclose(found.family_sd[j], one.family_sd, rtol=1e-6)
        np.testing.assert_allclose(found.vc_sd[j], one.vc_sd, rtol=1e-6)
        assert found.log_evidence[j] == pytest.approx(one.log_evidence, abs=1e-6)
    name = FAMILIES[kind].shape_names[0]
    assert f"{name} mean" in found.to_frame()
    assert set(found.to_frame(long=True)["type"]) == {"fixed", "log sd", "family"}


def test_many_gaussian_responses_want_all_priors_or_none() -> None:
    data = table()
    x, z = np.ones((len(data), 1)), np.eye(12)[data.g]
    with pytest.raises(ValueError, match="give no priors"):
        mg.fit_many(data[["y"]], x, z, np.zeros(12, int), family="gaussian", fe_p=2.0)
    given = mg.fit_many(
        data[["y"]], x, z, np.zeros(12, int), family="gaussian", fe_p=2.0, vcp_p=1.0,
        priors={"sigma": LogNormal(0, 2)},
    )  # fmt: skip
    one = mg.MixedGLM(
        data.y,
        x,
        z,
        np.zeros(12, int),
        family="gaussian",
        fe_p=2.0,
        vcp_p=1.0,
        priors={"sigma": LogNormal(0, 2)},
    ).fit_laplace()
    np.testing.assert_allclose(given.family_mean[0], one.family_mean, atol=1e-6)


@pytest.mark.parametrize("kind", FAMILIES)
def test_pictures(kind: str) -> None:
    pytest.importorskip("matplotlib")
    fitted = model(kind).fit()
    name = FAMILIES[kind].shape_names[0]
    assert fitted.plot_posterior(name).get_xlabel() == name
    assert fitted.plot_posterior().get_title() == "Standard deviations of the random effects"
    fitted.plot_predictive_check(draws=60)


@pytest.mark.parametrize("kind", FAMILIES)
def test_predictions(kind: str) -> None:
    data = table(kind)
    fitted = model(kind, data).fit()
    mean = fitted.predict(data, interval=0.9)
    new = fitted.predict(data, interval=0.9, predictive=True)
    assert (new.upper - new.lower > mean.upper - mean.lower).all()
    inside = fitted.predict(data, random="conditional", interval=0.9, predictive=True)
    share = ((data.y >= inside.lower) & (data.y <= inside.upper)).mean()
    assert 0.8 < share <= 1.0


@pytest.mark.parametrize("kind", FAMILIES)
def test_few_effects_are_drawn_with_the_parameter_of_the_family(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = model(kind).fit("laplace")
    monkeypatch.setattr("mixed_glm._posterior.few_effects._CHEAP", 0)
    monkeypatch.setattr("mixed_glm._posterior.few_effects._STEPS_OF_COPY", 1)
    some = fitted.posterior.draw_some(np.array([2, 5]), 4000, np.random.default_rng(0))
    np.testing.assert_allclose(some.vc.mean(axis=0), fitted.vc_mean[[2, 5]], atol=0.08 * fitted.vc_sd.max())
    np.testing.assert_allclose(some.vc.std(axis=0), fitted.vc_sd[[2, 5]], rtol=0.06)


@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PriorPullWarning")
@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("term", ["(1 + x || g)", "(x | g)"])
def test_draws_with_several_effects_of_a_group(kind: str, term: str) -> None:
    """Of all and of few of them, by leaf quadrature over these together."""
    fitted = model(kind, table(kind), term).fit_laplace(n_quad=7)
    assert fitted.method == "leaf"
    drawn = fitted.posterior_sample(2000, rng=0)
    np.testing.assert_allclose(drawn.vc.mean(axis=0), fitted.vc_mean, atol=0.12 * fitted.vc_sd.max())
    np.testing.assert_allclose(drawn.vc.std(axis=0), fitted.vc_sd, rtol=0.15)
    assert drawn.family.mean() == pytest.approx(fitted.family_mean[0], abs=0.1 * fitted.family_sd[0])


def test_a_leaf_with_nothing_beside_it_is_right_about_the_family_too() -> None:
    """Thin groups, of which expectation propagation is off by more in alpha than in the standard deviations."""
    rng = np.random.default_rng(0)
    g, x = np.repeat(np.arange(60), 3), rng.normal(size=180)
    eta = 0.2 + 0.4 * x + rng.normal(size=60)[g] + 0.5 * rng.normal(size=60)[g] * x
    data = pd.DataFrame({"y": rng.poisson(np.exp(eta) * rng.gamma(1.0, 1.0, 180)), "x": x, "g": g})
    own = model("negative_binomial", data, "(1 + x || g)")
    chosen, fine = own.fit(), own.fit_laplace(n_quad=15)
    assert chosen.method == "leaf"
    assert chosen.family_mean[0] == pytest.approx(fine.family_mean[0], abs=0.01 * fine.family_sd[0])


def test_no_random_effects() -> None:
    data = table()
    fitted = mg.MixedGLM.from_formula("y ~ x", data=data, family="gaussian").fit()
    residual = data.y - np.polyval(np.polyfit(data.x, data.y, 1), data.x)
    assert np.exp(fitted.family_mean[0]) == pytest.approx(
        np.sqrt((residual**2).sum() / (len(data) - 2)), rel=0.02
    )
    assert np.isfinite(fitted.conf_int().to_numpy()).all()
    assert fitted.loo().n_unreliable == 0
