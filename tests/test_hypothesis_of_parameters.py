"""Hypotheses about parameters: probabilities by hand from draws, evidence ratios by densities, and what is no hypothesis."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import mixed_glm as mg
from mixed_glm.priors import Normal

N = 20_000


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"g": np.repeat(np.arange(15), 10), "x": rng.normal(size=150), "z": rng.normal(size=150)}
    )
    u, v = rng.normal(scale=0.7, size=15), rng.normal(scale=0.3, size=15)
    frame["y"] = rng.poisson(np.exp(0.5 + 0.4 * frame.x + u[frame.g] + v[frame.g] * frame.x))
    priors = {"z": Normal(0.0, 0.5)}
    model = mg.MixedGLM.from_formula("y ~ x + z + (x || g)", data=frame, family="poisson", priors=priors)
    return model.fit_laplace()


@pytest.fixture(scope="module")
def draws(result: mg.MixedGLMResults) -> pd.DataFrame:
    return result.posterior_sample(N, 5).to_frame()


def test_by_hand_from_draws(result, draws) -> None:
    sd, slope = np.exp(draws["g"]), np.exp(draws["x|g"])
    hypotheses = {
        "sd(g) > 0.7": sd - 0.7,
        "sd(x|g) < sd(g) / 2": slope - sd / 2,
        "x / Intercept > 0.5": draws["x"] / draws["Intercept"] - 0.5,
        "g[3] > 2 * g[5] + 0.1": draws["g[3]"] - 2 * draws["g[5]"] - 0.1,
        "exp(x) >= 1.4": np.exp(draws["x"]) - 1.4,
        "sd(g) ** 2 / (sd(g)^2 + `sd(x|g)` ^ 2) > 0.8": sd**2 / (sd**2 + slope**2) - 0.8,
        "-abs(z) < expit(g[1]) - 0.6": -draws["z"].abs() - 1 / (1 + np.exp(-draws["g[1]"])) + 0.6,
        "x <= 0.4": draws["x"] - 0.4,
    }
    table = result.hypothesis(list(hypotheses), draws=N)
    assert list(table.index) == list(hypotheses)
    assert list(table.columns) == ["mean", "sd", "lower", "upper", "probability", "evidence_ratio"]
    for text, values in hypotheses.items():
        found = table.loc[text]
        holds = (values < 0 if "<" in text else values > 0).mean()
        assert found["probability"] == pytest.approx(holds, abs=0.02), text
        assert found["evidence_ratio"] == pytest.approx(found["probability"] / (1 - found["probability"])), (
            text
        )
        for column, level in {"lower": 0.025, "upper": 0.975}.items():
            assert (values < found[column]).mean() == pytest.approx(level, abs=0.006), text


def test_linear_ones_are_contrasts(result) -> None:
    for text, contrast in {
        "x > 0.2": "x - 0.2",
        "z < x": "z - x",
        "g[1] - g[7] > 0": "g[1] - g[7]",
        "g > x|g": "g - `x|g`",
    }.items():
        found, expected = (
            result.hypothesis(text, alpha=0.1).iloc[0],
            result.contrast(contrast, alpha=0.1).iloc[0],
        )
        np.testing.assert_allclose(
            found[["mean", "sd", "lower", "upper"]], expected[["mean", "sd", "lower", "upper"]]
        )
        holds = 1 - expected["P(> 0)"] if "<" in text else expected["P(> 0)"]
        assert found["probability"] == pytest.approx(holds)


def test_equations_have_the_ratio_of_densities(result) -> None:
    found = result.hypothesis("z = 0", draws=N).iloc[0]
    fixed = result.posterior.fixed_effects()
    means, sds = fixed.combinations(np.array([[0.0, 0.0, 1.0]]))
    after = fixed.weights @ norm.pdf(0.0, means[:, 0], sds[:, 0])
    assert found["evidence_ratio"] == pytest.approx(after / norm.pdf(0.0, 0.0, 0.5), rel=0.08)
    assert found["probability"] == pytest.approx(found["evidence_ratio"] / (1 + found["evidence_ratio"]))
    assert result.hypothesis("x = 0")["evidence_ratio"].iloc[0] < 0.1
    assert result.hypothesis("sd(g) == 0.7")["evidence_ratio"].iloc[0] > 1.0
    with pytest.raises(
        ValueError, match=r"'sd\(g\) = 0' is at the end of what the prior allows.*log_evidence"
    ):
        result.hypothesis("sd(g) = 0")


def test_expressions_alone_and_labels(result, draws) -> None:
    table = result.hypothesis({"share": "sd(g) / (sd(g) + sd(x|g))", "effect": "x"}, draws=N)
    assert list(table.index) == ["share", "effect"]
    assert table[["probability", "evidence_ratio"]].isna().all(axis=None)
    sd, slope = np.exp(draws["g"]), np.exp(draws["x|g"])
    assert table.loc["share", "mean"] == pytest.approx((sd / (sd + slope)).mean(), abs=0.01)
    assert table.loc["effect", "mean"] == pytest.approx(result.fe_mean[1])


def test_names_that_look_like_functions_and_relations() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.arange(80) % 8, "x": rng.uniform(1, 3, 80), "y": rng.poisson(2.0, 80)})
    model = mg.MixedGLM.from_formula("y ~ log(x) + I(x > 2) + (1 | g)", data=frame, family="poisson")
    result = model.fit_laplace()
    second = result.model.fep_names[2]
    for text, contrast in {"log(x) > 0": "log(x)", f"{second} > log(x)": f"`{second}` - `log(x)`"}.items():
        found = result.hypothesis(text)["probability"].iloc[0]
        assert found == pytest.approx(result.contrast(contrast)["P(> 0)"].iloc[0])


def test_parameters_of_families_mean_themselves() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"g": np.repeat(np.arange(12), 10), "x": rng.normal(size=120)})
    frame["y"] = 3.0 + frame.x + rng.normal(size=12)[frame.g] + 0.7 * rng.normal(size=120)
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="gaussian").fit()
    sigma, sd = (
        np.exp(v[:, 0]) for v in (result.posterior_sample(N, 3).family, result.posterior_sample(N, 3).vcp)
    )
    table = result.hypothesis(
        ["sigma > 0.7", "sd(g)**2 / (sd(g)**2 + sigma**2) > 0.6", "log(sigma) < -0.35"], draws=N
    )
    expected = [
        (sigma > 0.7).mean(),
        (sd**2 / (sd**2 + sigma**2) > 0.6).mean(),
        (np.log(sigma) < -0.35).mean(),
    ]
    np.testing.assert_allclose(table["probability"], expected, atol=0.02)
    assert table["mean"].iloc[0] == pytest.approx(sigma.mean() - 0.7, abs=0.01)
    assert result.hypothesis("sigma = 0.7")["evidence_ratio"].iloc[0] > 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "w > 0",
            r"there is no 'w'; fixed effects: Intercept, x, z.*standard deviations: sd\(g\), sd\(x\|g\)",
        ),
        ("sd(h) > 0", "cannot understand"),
        ("x > 0 > z", "one of <, > and =, once"),
        ("x != 0", "one of <, > and =, once"),
        ("1 > 0", "names no parameter"),
        ("sin(x) > 0", r"the functions are exp, log.*got 'sin\(x\)'"),
        ("exp(x, z) > 0", "of one number"),
        ("x > ", "no expression"),
        ("", "no expression"),
        ("x.real > 0", "there is no"),
        ("x[0] > 0", "there is no"),
        ("__import__('os') > 0", "the functions are"),
        ("`x > 0", "back-tick"),
        ("log(z) > 0", "has no value at .* of 4000 draws"),
    ],
)
def test_what_is_no_hypothesis(result, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^hypothesis: ") as caught:
        result.hypothesis(text)
    assert re.search(message, str(caught.value))


def test_other_arguments(result) -> None:
    for wrong in (3, [], [1], {"a": 2}):
        with pytest.raises(TypeError, match=r"^hypothesis must be a text"):
            result.hypothesis(wrong)
    with pytest.raises(ValueError, match="alpha"):
        result.hypothesis("x > 0", alpha=2)
    for text in ("x / z > 1", "exp(g) > 1", "x > 0"):
        with pytest.raises(ValueError, match=r"hypothesis\(\)"):
            result.contrast(text)
