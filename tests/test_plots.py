"""Pictures: what is drawn is what the fit says, labels are complete and do not overlap, matplotlib is optional."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import trapezoid
from simulated import one_factor

import mixed_glm as mg
from mixed_glm.plots._axes import significant

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

FITS: dict[str, Callable[[mg.MixedGLM], mg.MixedGLMResults]] = {
    "map": lambda m: m.fit_map(),
    "vb": lambda m: m.fit_vb(),
    "vb, full": lambda m: m.fit_vb(covariance="full"),
    "laplace": lambda m: m.fit_laplace(),
    "laplace, mode": lambda m: m.fit_laplace(integrate="mode"),
    "laplace, ccd": lambda m: m.fit_laplace(integrate="ccd"),
    "leaf": lambda m: m.fit_laplace(n_quad=7),
    "ep": lambda m: m.fit_ep(),
}


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults:
    formula = "incidence ~ period + (1 | herd) + (1 | period:herd)"
    data = mg.datasets.load_cbpp()
    return mg.MixedGLM.from_formula(
        formula, data=data, family="binomial", n_trials="size", vcp_p=[0.3, 0.1]
    ).fit_map()


@pytest.fixture(scope="module")
def slopes() -> mg.MixedGLMResults:
    """300 groups with intercepts and slopes."""
    rng = np.random.default_rng(0)
    n, q = 1500, 300
    data = pd.DataFrame({"x": rng.normal(size=n), "g": np.r_[np.arange(q), rng.integers(0, q, n - q)]})
    eta = 0.5 + 0.3 * data["x"] + 0.5 * rng.normal(size=q)[data["g"]]
    data["y"] = rng.poisson(np.exp(eta))
    return mg.MixedGLM.from_formula("y ~ x + (1 + x || g)", data=data, family="poisson").fit_laplace()


def labels_overlap(ax: Any) -> bool:
    """Whether the labels of the vertical axis run into each other, as they are drawn."""
    ax.figure.canvas.draw()
    boxes = [t.get_window_extent() for t in ax.get_yticklabels() if t.get_text()]
    bottoms = sorted((b.y0, b.y1) for b in boxes)
    return any(above < below_top for (_, below_top), (above, _) in itertools.pairwise(bottoms))


# Random effects


def test_effects_in_order_with_intervals(result: mg.MixedGLMResults) -> None:
    _, ax = plt.subplots()
    assert result.plot_random_effects("herd", ax=ax) is ax
    intervals, dots = ax.collections
    np.testing.assert_allclose(dots.get_offsets()[:, 0], np.sort(result.vc_mean[:15]))
    segments = np.array(intervals.get_segments())[:, :, 0]
    order = np.argsort(result.vc_mean[:15])
    bounds = result.conf_int().loc["herd[1]":"herd[15]"].to_numpy()[order]
    np.testing.assert_allclose(segments, bounds)
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels == [str(j + 1) for j in order]
    assert ax.get_ylabel() == "herd"
    assert ax.get_xlabel() == "random effect (log odds)"
    assert ax.get_title() == "herd: posterior mode and 95 % interval"


def test_intervals_without_zero_have_a_colour_of_their_own(result: mg.MixedGLMResults) -> None:
    ax = result.plot_random_effects("herd", alpha=0.5)
    intervals, _ = ax.collections
    clear = [np.prod(np.sign(s[:, 0])) > 0 for s in intervals.get_segments()]
    blue = [tuple(c[:3]) != tuple(c[:1]) * 3 for c in intervals.get_colors()]
    assert 0 < sum(clear) < 15
    assert blue == clear
    assert ax.get_title().endswith("50 % interval\nblue: zero is not in the interval")


def test_many_effects(slopes: mg.MixedGLMResults) -> None:
    ax = slopes.plot_random_effects("g")
    assert ax.get_ylabel() == "g: 300 effects, in order of size"
    order = np.argsort(slopes.random_effects("g")["Mean"].to_numpy())
    assert [t.get_text() for t in ax.get_yticklabels()] == [str(order[0]), str(order[-1])]
    assert len(ax.collections[0].get_segments()) == 300
    assert ax.figure.get_size_inches()[1] < 10
    assert ax.get_xlabel() == "random effect (log of the mean)"


@pytest.mark.parametrize("height", [1.5, 3.0, 6.0, 12.0])
def test_names_do_not_overlap(height: float, result: mg.MixedGLMResults) -> None:
    _, ax = plt.subplots(figsize=(5, height), layout="constrained")
    result.plot_random_effects("herd", ax=ax)
    assert not labels_overlap(ax)
    assert len(ax.get_yticks()) == (15 if height > 2 else 2)
    assert not labels_overlap(result.plot_random_effects("period:herd"))


def test_units_of_slopes(slopes: mg.MixedGLMResults) -> None:
    ax = slopes.plot_random_effects("x|g")
    assert ax.get_xlabel() == "random slope of x (log of the mean per unit)"


def test_one_effect() -> None:
    model = mg.MixedGLM([1, 0, 3, 2], np.ones(4), np.ones((4, 1)), ["a"], "poisson")
    ax = model.fit_laplace().plot_random_effects()
    assert [t.get_text() for t in ax.get_yticklabels()] == ["u[0]"]


def test_which_component(result: mg.MixedGLMResults) -> None:
    with pytest.raises(ValueError, match="'herd', 'period:herd'; the model has several"):
        result.plot_random_effects()
    for plot in (result.plot_random_effects, result.plot_posterior):
        with pytest.raises(ValueError, match=r"term must be one of 'herd'.*got 'hers'"):
            plot("hers")
        with pytest.raises(ValueError, match="alpha must be between 0 and 1, got 2"):
            plot("herd", alpha=2)


# Fixed effects


def test_coefficients(result: mg.MixedGLMResults) -> None:
    ax = result.plot_coefficients()
    intervals, dots = ax.collections
    np.testing.assert_allclose(dots.get_offsets()[::-1, 0], result.fe_mean)
    segments = np.array(intervals.get_segments())[::-1, :, 0]
    np.testing.assert_allclose(segments, result.conf_int().to_numpy()[:4])
    assert [t.get_text() for t in ax.get_yticklabels()][::-1] == result.model.fep_names
    assert ax.get_xlabel() == "coefficient (log odds)"
    assert not labels_overlap(ax)


def test_ratios(result: mg.MixedGLMResults) -> None:
    _, ax = plt.subplots()
    assert result.plot_coefficients(["period[T.3]"], ax, ratio=True) is ax
    assert ax.get_xscale() == "log"
    np.testing.assert_allclose(ax.collections[1].get_offsets()[0, 0], np.exp(result.fe_mean[2]))
    assert ax.get_xlabel() == "odds ratio"
    assert ax.get_title() == "Fixed effects: exp of posterior mode and 95 % interval"
    ax.figure.canvas.draw()
    assert all("$" not in t.get_text() for t in ax.get_xticklabels())
    with pytest.raises(ValueError, match=r"names must be among 'Intercept', .* got 'perio'"):
        result.plot_coefficients(["perio"])


def test_ratios_only_where_they_mean_something() -> None:
    probit = mg.MixedGLM([1, 0, 1, 0], np.ones(4), family=mg.families.Binomial("probit")).fit_laplace()
    assert probit.plot_coefficients().get_xlabel() == "coefficient (probit scale)"
    with pytest.raises(ValueError, match="means nothing with the probit link"):
        probit.plot_coefficients(ratio=True)


# Standard deviations


def herds() -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size",
        vcp_p=0.3,
    )  # fmt: skip


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS.keys())
def test_densities_have_the_quantiles_of_the_fit(fit: Any) -> None:
    fitted = fit(herds())
    psi, density = fitted.posterior.psi_density(0)
    assert trapezoid(density, psi) == pytest.approx(1.0, abs=1e-3)
    assert (np.diff(psi) > 0).all()
    cumulative = np.concatenate([[0], np.cumsum(np.diff(psi) * (density[1:] + density[:-1]) / 2)])
    for level in (0.025, 0.25, 0.5, 0.975):
        quantile = fitted.posterior.quantile(level)[4]
        assert np.interp(quantile, psi, cumulative) == pytest.approx(level, abs=2e-3)


def test_densities_on_a_lattice(slopes: mg.MixedGLMResults) -> None:
    for k in (0, 1):
        psi, density = slopes.posterior.psi_density(k)
        mean = trapezoid(psi * density, psi)
        sd = np.sqrt(trapezoid((psi - mean) ** 2 * density, psi))
        assert mean == pytest.approx(slopes.vcp_mean[k], abs=0.05 * slopes.vcp_sd[k])
        assert sd == pytest.approx(slopes.vcp_sd[k], rel=0.05)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS.keys())
def test_posterior_with_prior_behind(fit: Any) -> None:
    _, ax = plt.subplots()
    fitted = fit(herds())
    assert fitted.plot_posterior(ax=ax) is ax
    prior, posterior = ax.lines
    assert prior.get_label() == "prior"
    sd, drawn = prior.get_data()
    np.testing.assert_allclose(drawn, stats.lognorm.pdf(sd, 0.3), rtol=1e-10)
    sd, drawn = posterior.get_data()
    assert trapezoid(drawn, sd) == pytest.approx(1.0, abs=2e-3)
    assert posterior.get_label().startswith("herd: ")
    low, high = np.exp(fitted.conf_int().loc["herd"])
    shown = re.fullmatch(r"herd: \S+ \((\S+) to (\S+)\)", posterior.get_label())
    assert shown is not None
    np.testing.assert_allclose([float(end) for end in shown.groups()], [low, high], rtol=6e-3)
    assert ax.get_xlim()[0] == 0.0
    assert ax.get_xlabel() == "standard deviation of the random effects (log odds)"
    assert ax.get_legend().get_title().get_text() == "median and 95 % interval"


def test_numbers_of_a_legend() -> None:
    shown = [significant(x) for x in (15.84, 42.0, 0.012, -0.4861, 123.4, 10053.0, 0.0)]
    assert shown == ["15.8", "42.0", "0.0120", "-0.486", "123", "10053", "0.00"]


def test_components_in_one_picture(result: mg.MixedGLMResults) -> None:
    labels = [line.get_label() for line in result.plot_posterior().lines]
    assert labels[:2] == ["prior LogNormal(0, 0.3)", "prior LogNormal(0, 0.1)"]
    assert [label.partition(": ")[0] for label in labels[2:]] == ["herd", "period:herd"]
    assert len(result.plot_posterior("herd").lines) == 2
    priors = result.plot_posterior().lines[:2]
    assert priors[0].get_linestyle() != priors[1].get_linestyle()


def test_the_legend_of_a_rootogram_has_room() -> None:
    _, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
    one_factor("poisson", groups=12, rows=10).model().fit_laplace().plot_predictive_check(ax=ax, draws=50)
    ax.figure.canvas.draw()
    bottom = ax.get_legend().get_window_extent().y0
    (expected,) = (line for line in ax.lines if line.get_label() == "expected")
    assert ax.transData.transform(np.array(expected.get_data()).T)[:, 1].max() < bottom


def test_the_legend_has_room(slopes: mg.MixedGLMResults) -> None:
    _, ax = plt.subplots(figsize=(5, 3.5), layout="constrained")
    slopes.plot_posterior(ax=ax)
    ax.figure.canvas.draw()
    bottom = ax.get_legend().get_window_extent().y0
    top = max(ax.transData.transform(np.array(line.get_data()).T)[:, 1].max() for line in ax.lines)
    assert top < bottom


def test_nothing_to_draw() -> None:
    fixed = mg.MixedGLM([1, 0, 1, 0], np.ones(4), family="poisson").fit_laplace()
    with pytest.raises(ValueError, match="the model has no random effects"):
        fixed.plot_posterior()
    model = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size"
    )
    with pytest.warns(mg.VarianceCollapseWarning):
        collapsed = model.fit_map()
    assert len(collapsed.plot_posterior().lines) == 2


# All of them


def test_given_axes_leave_pyplot_alone(result: mg.MixedGLMResults) -> None:
    from matplotlib.figure import Figure

    for plot in (
        lambda ax: result.plot_random_effects(0, ax),
        result.plot_posterior,
        result.plot_coefficients,
    ):
        ax = Figure().subplots()
        assert plot(ax=ax) is ax
    assert plt.get_fignums() == []


def test_without_matplotlib(result: mg.MixedGLMResults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for plot in (lambda: result.plot_random_effects(0), result.plot_posterior, result.plot_coefficients):
        with pytest.raises(ImportError, match=r"pip install 'mixed-glm\[plot\]'"):
            plot()


def test_dollars_are_no_mathematics() -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["$0-$20k", "$20k-$50k", "$x^$"])
    data = pd.DataFrame(
        {
            "$y^$": rng.integers(0, 2, 90),
            "inc": labels[np.arange(90) % 3],
            "$g_$": labels[np.arange(90) // 3 % 3],
        }
    )
    for response in ("`$y^$`", "ifelse(`$y^$` > 0, '$_$', '$^$')"):
        fit = mg.MixedGLM.from_formula(
            f"{response} ~ 0 + inc + (1 + `$y^$` || `$g_$`)", data=data, family="binomial"
        ).fit_laplace(integrate="mode")
        pictures = [
            fit.plot_coefficients(),
            fit.plot_random_effects(0),
            fit.plot_random_effects(1),
            fit.plot_posterior(),
            fit.plot_predictive_check(),
        ]
        for ax in pictures:
            ax.figure.canvas.draw()
    assert next(t.get_text() for t in pictures[0].get_yticklabels()) == r"inc[\$x^\$]"
