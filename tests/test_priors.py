"""Priors: distributions, names, units of the data, and fits under them against exact quadrature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import mixed_glm as mg
from mixed_glm.cli import main
from mixed_glm.priors import (
    LKJ,
    PC,
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfT,
    InverseGamma,
    LogNormal,
    Normal,
    Prior,
    as_prior,
)

SDS = [
    LogNormal(0.3, 0.7), HalfNormal(0.8), HalfT(4, 0.6), HalfCauchy(1.3), Exponential(2), PC(2.0, 0.1), Gamma(2.5, 3.0),
    InverseGamma(3.0, 0.5),
]  # fmt: skip
UNITS: dict[str, Any] = {"fe_p": None, "vcp_p": None}


def grouped(groups: int = 8, rows: int = 6, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)
    x, t = rng.normal(size=len(g)), rng.uniform(1.0, 3.0, len(g))
    eta = (
        0.4
        + 0.5 * x
        + 0.3 * (t - 2.0)
        + rng.normal(0.0, 0.7, groups)[g]
        + x * rng.normal(0.0, 0.3, groups)[g]
    )
    return pd.DataFrame({"y": rng.poisson(np.exp(eta)), "x": x, "t": t, "g": g.astype(str)})


def model(formula: str, data: pd.DataFrame, **arguments: Any) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(formula, data=data, family="poisson", **arguments)


@pytest.mark.parametrize("prior", [*SDS, Normal(-1.0, 2.0), LKJ(2)], ids=repr)
def test_distributions_are_normalized_and_sampled(prior: Prior) -> None:
    """The slope of the quantiles is one over the density, from level 0 to 1."""
    level, h = np.linspace(0.005, 0.995, 199), 1e-6
    slope = (prior.quantile(level + h) - prior.quantile(level - h)) / (2 * h)
    np.testing.assert_allclose(np.exp(prior.log_density(prior.quantile(level))) * slope, 1.0, rtol=1e-5)
    drawn = prior.sample(20_000, rng=1)
    for level in (0.1, 0.5, 0.9):
        assert (drawn < prior.quantile(level)).mean() == pytest.approx(level, abs=0.012)
    assert eval(repr(prior), vars(mg.priors)) == prior


@pytest.mark.parametrize("prior", SDS, ids=repr)
def test_the_core_has_the_same_densities(prior: Prior) -> None:
    """Of psi = log sd: that of the sd times its Jacobian; and slopes, in the gradients of both densities."""
    data = grouped()
    plain = model("y ~ x + (1 | g)", data)
    other = model("y ~ x + (1 | g)", data, priors={"sd(g)": prior})
    for psi in (-2.0, -0.3, 0.9):
        params = np.r_[0.1, 0.2, psi, np.linspace(-0.5, 0.5, 8)]
        expected = float(prior.log_density(np.exp(psi))) + psi - stats.norm.logpdf(psi)
        assert other.logposterior(params) - plain.logposterior(params) == pytest.approx(expected, abs=1e-9)
        h = 1e-5
        for value, slope in (
            (lambda p: other.log_marginal([p]), other.log_marginal_grad([psi])[0]),
            (
                lambda p, at=params: other.logposterior(np.r_[at[:2], p, at[3:]]),
                other.logposterior_grad(params)[2],
            ),
        ):
            assert slope == pytest.approx((value(psi + h) - value(psi - h)) / (2 * h), rel=1e-6, abs=1e-6)
        curvature = other.logposterior_hess(params).toarray()[2]
        ends = [other.logposterior_grad(np.r_[params[:2], psi + s * h, params[3:]]) for s in (1, -1)]
        np.testing.assert_allclose(curvature, (ends[0] - ends[1]) / (2 * h), rtol=1e-5, atol=1e-5)


def exact(data: pd.DataFrame, beta_prior: Normal, sd_prior: Prior) -> dict[str, float]:
    """Moments of the intercept and of psi by quadrature over both, effects by 60 Gauss-Hermite nodes at their mode."""
    nodes, weights = special.roots_hermitenorm(60)
    counts = data.groupby("g")["y"].agg(["sum", "size"]).to_numpy(float)
    beta = np.linspace(beta_prior.loc - 9 * beta_prior.scale, beta_prior.loc + 9 * beta_prior.scale, 501)
    beta = beta[(beta > -4) & (beta < 5)]
    psi = np.linspace(-14.0, 2.5, 700)
    log_p = np.zeros((len(beta), len(psi)))
    for total, size in counts:
        for k, p in enumerate(psi):
            sd = np.exp(p)
            u = np.zeros_like(beta)
            for _ in range(40):
                mu = size * np.exp(beta + u)
                u += np.clip((total - mu - u / sd**2) / (mu + 1 / sd**2), -1.0, 1.0)
            scale = 1.0 / np.sqrt(size * np.exp(beta + u) + 1 / sd**2)
            at = u[:, None] + scale[:, None] * nodes
            value = total * (beta[:, None] + at) - size * np.exp(beta[:, None] + at) - 0.5 * (at / sd) ** 2
            log_p[:, k] += special.logsumexp(value + 0.5 * nodes**2, axis=1, b=weights) + np.log(scale / sd)
    log_p += beta_prior.log_density(beta)[:, None] + (sd_prior.log_density(np.exp(psi)) + psi)[None, :]
    mass = np.exp(log_p - log_p.max())
    mass /= mass.sum()
    out = {}
    for name, grid, margin in (("beta", beta, mass.sum(1)), ("psi", psi, mass.sum(0))):
        mean = float(margin @ grid)
        out |= {name: mean, f"{name}_sd": float(np.sqrt(margin @ (grid - mean) ** 2))}
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("beta_prior", "sd_prior"),
    [
        (Normal(0, 2), HalfNormal(1)), (Normal(0, 2), Exponential(2)), (Normal(0, 2), HalfCauchy(1)),
        (Normal(2, 0.3), LogNormal(-1, 0.5)), (Normal(-1, 0.5), HalfT(3, 0.5)), (Normal(1, 1), InverseGamma(2, 0.5)),
    ],
    ids=repr,
)  # fmt: skip
def test_fits_against_exact_quadrature(beta_prior: Normal, sd_prior: Prior) -> None:
    data = grouped(groups=10, rows=4, seed=3)
    known = exact(data, beta_prior, sd_prior)
    result = model("y ~ 1 + (1 | g)", data, priors={"Intercept": beta_prior, "sd": sd_prior}).fit_laplace(25)
    assert result.fe_mean[0] == pytest.approx(known["beta"], abs=0.02 * known["beta_sd"])
    assert result.vcp_mean[0] == pytest.approx(known["psi"], abs=0.02 * known["psi_sd"])
    assert result.fe_sd[0] == pytest.approx(known["beta_sd"], rel=0.03)
    assert result.vcp_sd[0] == pytest.approx(known["psi_sd"], rel=0.03)


def same(a: mg.MixedGLMResults, b: mg.MixedGLMResults, rel: float = 1e-6) -> None:
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=rel * abs(b.log_evidence))
    np.testing.assert_allclose(
        a.predict(random="conditional", draws=50), b.predict(random="conditional", draws=50), rtol=1e-5
    )


FITS = {
    "laplace": lambda m: m.fit_laplace(),
    "leaf": lambda m: m.fit_laplace(9),
    "ep": lambda m: m.fit_ep(),
    "vb full": lambda m: m.fit_vb(covariance="full"),
    "vb": lambda m: m.fit_vb(),
}


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_units_and_origins_do_not_matter(fit: Any) -> None:
    data = grouped()
    formula = "y ~ x + t + (1 + x || g)"
    there = data.assign(t=1e4 + 86_400.0 * data["t"], x=data["x"] / 1000.0)
    here, away = (fit(model(formula, d, **UNITS)) for d in (data, there))
    factors = np.array([1e-0, 1000.0, 1 / 86_400.0])
    np.testing.assert_allclose(away.fe_mean[1:], here.fe_mean[1:] * factors[1:], rtol=1e-4)
    np.testing.assert_allclose(away.fe_sd[1:], here.fe_sd[1:] * factors[1:], rtol=1e-4)
    shift = here.fe_mean[0] - here.fe_mean[2] * 1e4 / 86_400.0
    assert away.fe_mean[0] == pytest.approx(shift, rel=1e-4)
    np.testing.assert_allclose(away.vcp_mean, here.vcp_mean + np.array([0.0, np.log(1000.0)]), atol=1e-4)
    if here.log_evidence is not None:
        assert away.log_evidence == pytest.approx(here.log_evidence, abs=1e-5)
    eta = [r.predict(linear=True, random="conditional", interval=0.9, draws=200) for r in (here, away)]
    np.testing.assert_allclose(eta[0], eta[1], atol=1e-4)


def test_an_uncentred_year_is_no_other_model() -> None:
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(40), 25)
    year = np.tile(np.arange(1990, 2015), 40)
    eta = -0.4 + 0.12 * (year - 2002) + rng.normal(0, 0.7, 40)[g]
    data = pd.DataFrame({"g": g, "year": year, "y": rng.binomial(1, special.expit(eta))})
    fits = [
        mg.MixedGLM.from_formula(f, data=data, family="binomial", **UNITS).fit()
        for f in ("y ~ year + (1 | g)", "y ~ I(year - 2002) + (1 | g)")
    ]
    here, away = (f.to_frame().iloc[1] for f in fits)
    for name in ("mean", "sd", "lower", "upper"):
        assert here[name] == pytest.approx(away[name], rel=1e-5)
    assert here["mean"] == pytest.approx(0.12, abs=0.02)


def test_densities_in_units_have_their_derivatives() -> None:
    m = model("y ~ x + t + (1 | g)", grouped().assign(t=lambda d: 1.0 + 0.5 * d["t"]), **UNITS)
    rng = np.random.default_rng(0)
    x, sd = 0.1 * rng.normal(size=12), 0.1 + 0.1 * rng.random(12)
    x[2] = 0.01
    h = 1e-6
    steps = np.eye(12) * h
    numeric = [(m.logposterior(x + s) - m.logposterior(x - s)) / (2 * h) for s in steps]
    np.testing.assert_allclose(m.logposterior_grad(x), numeric, rtol=1e-5, atol=1e-3)
    rows = [(m.logposterior_grad(x + s) - m.logposterior_grad(x - s)) / (2 * h) for s in steps]
    np.testing.assert_allclose(m.logposterior_hess(x).toarray(), rows, rtol=1e-5, atol=1e-2)
    mean, spread = m.vb_elbo_grad(x, sd)
    np.testing.assert_allclose(
        mean, [(m.vb_elbo(x + s, sd) - m.vb_elbo(x - s, sd)) / (2 * h) for s in steps], rtol=1e-4, atol=1e-2
    )
    np.testing.assert_allclose(
        spread, [(m.vb_elbo(x, sd + s) - m.vb_elbo(x, sd - s)) / (2 * h) for s in steps], rtol=1e-4, atol=1e-2
    )


def test_the_joint_density_in_units_is_the_sum_of_its_parts() -> None:
    data = grouped()
    m = model("y ~ x + t + (1 | g)", data, **UNITS)
    beta, psi, u = np.array([0.2, 0.3, -0.1]), -0.4, np.linspace(-0.5, 0.5, 8)
    x = m.exog
    eta = x @ beta + u[data["g"].astype(int)]
    location = np.log((data["y"].sum() + 0.5) / len(data))
    expected = (
        stats.poisson.logpmf(data["y"], np.exp(eta)).sum()
        + stats.norm.logpdf(x.mean(axis=0) @ beta, location, 2.5)
        + stats.norm.logpdf(beta[1:], 0.0, 2.5 / x[:, 1:].std(axis=0)).sum()
        + stats.norm.logpdf(psi)
        + stats.norm.logpdf(u, 0.0, np.exp(psi)).sum()
    )
    assert m.logposterior(np.r_[beta, psi, u]) == pytest.approx(expected, rel=1e-10)


@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.VarianceCollapseWarning")
@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PriorPullWarning")
@pytest.mark.parametrize("arguments", [UNITS, {"fe_p": 2.0, "vcp_p": 1.0}, {"priors": {"x": Normal(1, 0.1)}}])
def test_the_log_density_of_a_joint_mode_is_that_of_its_parameters(arguments: dict[str, Any]) -> None:
    result = model("y ~ x + t + (1 | g)", grouped(), **arguments).fit_map()
    assert result.log_density == pytest.approx(result.model.logposterior(result.params), rel=1e-10)


@pytest.mark.parametrize("method", ["laplace", "ep", "vb"])
def test_fit_many_is_the_fit_of_each(method: str) -> None:
    data = grouped().assign(t=lambda d: 100 + d["t"])
    m = model("y ~ x + t + (1 | g)", data, **UNITS)
    rng = np.random.default_rng(2)
    y = rng.poisson(np.exp([0.2, 2.0]), size=(len(data), 2)).astype(float)
    many = m.fit_many(y, method)
    for j in range(2):
        single = getattr(
            mg.MixedGLM(y[:, j], m.exog, m.exog_vc, m.ident, "poisson", **UNITS), f"fit_{method}"
        )()
        np.testing.assert_allclose(many.fe_mean[j], single.fe_mean, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(many.fe_sd[j], single.fe_sd, rtol=1e-5)
        np.testing.assert_allclose(many.vcp_mean[j], single.vcp_mean, rtol=1e-6, atol=1e-7)


def test_saved_with_the_model(tmp_path: Any) -> None:
    priors = {"x": Normal(0.5, 0.2), "sd(g)": HalfNormal(0.5)}
    result = model("y ~ x + t + (1 | g)", grouped(), priors=priors, **UNITS).fit_laplace()
    result.save(tmp_path / "fit.mglm")
    loaded = mg.load(tmp_path / "fit.mglm")
    pd.testing.assert_frame_equal(loaded.priors, result.priors)
    np.testing.assert_array_equal(loaded.model.fit_laplace().params, result.params)
    np.testing.assert_array_equal(
        np.asarray(loaded.posterior_sample(5, rng=1)), np.asarray(result.posterior_sample(5, rng=1))
    )
    assert list(result.priors["prior"])[1:] == [
        "Normal(0.5, 0.2)",
        result.priors["prior"].iloc[2],
        "HalfNormal(0.5)",
    ]
    assert result.priors["of"].iloc[0] == "at the means of the columns"


def test_numbers_and_names() -> None:
    data = grouped()
    formula = "y ~ x + (1 | g)"
    by_name = model(formula, data, fe_p=pd.Series({"x": 0.1, "Intercept": 5.0}))
    np.testing.assert_array_equal(by_name.fe_p, [5.0, 0.1])
    np.testing.assert_array_equal(
        model(formula, data, fe_p={"Intercept": 5.0, "x": 0.1}, vcp_p={"g": 0.5}).vcp_p, [0.5]
    )
    np.testing.assert_array_equal(model(formula, data, fe_p=pd.Series([5.0, 0.1])).fe_p, [5.0, 0.1])
    some = model(formula, data, fe_p={"x": 0.1})
    assert some.priors["prior"].iloc[1] == "Normal(0, 0.1)"
    assert some.priors["of"].iloc[0] == "at the means of the columns"
    wrong = [
        ({"fe_p": {"z": 1.0}}, "fe_p: there is no 'z' among the fixed effects; there are 'Intercept', 'x'"),
        ({"vcp_p": {"x": 1.0}}, "vcp_p: there is no 'x' among the variance components"),
        ({"priors": {"sd(h)": HalfNormal(1)}}, "did you mean 'sd\\(g\\)'"),
        (
            {"priors": {"x": HalfNormal(1)}},
            "'x' is a coefficient, and HalfNormal\\(1\\) is for a standard deviation",
        ),
        (
            {"priors": {"sd": Normal(0, 1)}},
            "'sd' is a standard deviation, and Normal\\(0, 1\\) is for a coefficient",
        ),
        ({"priors": {"sd": LKJ(2)}}, "there are no correlations"),
        ({"fe_p": {"x": -1.0}}, "fe_p must be a positive, finite standard deviation"),
    ]
    for arguments, message in wrong:
        with pytest.raises(ValueError, match=message):
            model(formula, data, **arguments)
    with pytest.raises(TypeError, match=r"must have a distribution of mixed_glm\.priors"):
        model(formula, data, priors={"x": 2.0})
    with pytest.raises(TypeError, match="priors must be a mapping"):
        model(formula, data, priors=[HalfNormal(1)])


def test_parameters_of_distributions_are_checked() -> None:
    with pytest.raises(ValueError, match="scale of HalfNormal must be a positive number, got 0"):
        HalfNormal(0)
    with pytest.raises(TypeError, match="rate of Exponential must be a number, got 'a'"):
        Exponential("a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="prob of PC must be between 0 and 1"):
        PC(1.0, 1.5)
    with pytest.raises(TypeError, match="abstract"):
        Prior()


def test_fits_that_a_prior_rules_out_say_so() -> None:
    m = model("y ~ x + (1 | g)", grouped(), priors={"sd": HalfNormal(1)})
    with pytest.raises(
        ValueError, match=r"fit_map: the joint density .* unbounded .* 'g' .* HalfNormal\(1\)"
    ):
        m.fit_map()
    with pytest.raises(ValueError, match="fit_vb needs LogNormal priors"):
        m.fit_vb()
    model("y ~ x + (1 | g)", grouped(), priors={"sd": InverseGamma(2, 1)}).fit_map()


def test_check_and_draws_speak_of_the_same_posterior() -> None:
    data = grouped(groups=20).assign(t=lambda d: 1000 + d["t"])
    for arguments in ({"priors": {"sd": HalfNormal(1)}}, UNITS):
        result = model("y ~ x + t + (1 | g)", data, **arguments).fit_laplace(15)
        assert result.check(300).k < 0.7
        draws = result.posterior_sample(4000, rng=0)
        assert (abs(draws.params.mean(axis=0) - result.params) < 0.08 * result.bse).all()
        np.testing.assert_allclose(draws.params.std(axis=0), result.bse, rtol=0.06)


def test_distributions_as_text(tmp_path: Any, capsys: Any) -> None:
    assert as_prior("half_normal(0.5)") == HalfNormal(0.5)
    assert as_prior(" Normal(0, 1.5) ") == Normal(0, 1.5)
    assert as_prior("exponential") == Exponential()
    for wrong in ("uniform(0, 1)", "normal(0", "normal(a)", "halfnormal(1, 2)", "__import__('os')"):
        with pytest.raises(ValueError, match="prior: "):
            as_prior(wrong)
    table = tmp_path / "table.csv"
    grouped().to_csv(table, index=False)
    save = tmp_path / "fit.mglm"
    command = ["fit", str(table), "y ~ x + (1 | g)", "--family", "poisson", "--save", str(save)]
    assert main([*command, "--prior", "sd(g)=halfnormal(0.5)", "--prior", "x=normal(0, 0.1)"]) == 0
    assert list(mg.load(save).priors["prior"])[1:] == ["Normal(0, 0.1)", "HalfNormal(0.5)"]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main([*command, "--prior", "sd(g)=uniform(1)"])
    assert "expected one of Exponential" in capsys.readouterr().err


@pytest.mark.parametrize(
    "prior", [Gamma(1e-50, 1.0), Gamma(1e-3, 1.0), InverseGamma(1e-50, 1.0), Gamma(1e50, 1e-50)]
)
def test_the_width_of_priors_of_all_orders_of_magnitude(prior: Prior) -> None:
    with np.errstate(all="raise"):
        middle, width = model(
            "y ~ x + (1 | g)", grouped(), priors={"sd": prior}
        ).spec.design.priors.of_log_sds
    assert np.isfinite(middle).all()
    assert (width > 0.0).all()
