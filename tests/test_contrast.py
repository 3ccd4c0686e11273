"""Linear combinations of all parameters: right by quadrature and draws, clear about what is none."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from brute_force import BruteForce
from simulated import PLAIN, crossed

import mixed_glm as mg
from mixed_glm._posterior.fixed_effects import point_covariances
from mixed_glm._posterior.linear_text import read_linear


@pytest.fixture(scope="module")
def cbpp() -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=mg.datasets.load_cbpp(), family="binomial", n_trials="size"
    ).fit()


@pytest.mark.parametrize("groups", [3, 8])
def test_a_single_coefficient_with_few_groups(groups: int) -> None:
    """Its conditional variance depends on psi very much: each point of the mixture has its own."""
    rng = np.random.default_rng(28)
    group = np.repeat(np.arange(8), 8)
    y = rng.poisson(np.exp(0.5 + np.repeat(rng.normal(0, 0.5, 8), 8)))
    y, group = y[group < groups], group[group < groups]
    n = len(y)
    model = mg.MixedGLM(y, np.ones((n, 1)), np.eye(groups)[group], np.zeros(groups, int), "poisson", **PLAIN)
    result = model.fit_laplace()
    row, reported = result.contrast("FE_1").iloc[0], result.to_frame().iloc[0]
    columns = ["mean", "sd", "lower", "upper"]
    np.testing.assert_allclose(row[columns].astype(float), reported[columns].astype(float), atol=1e-6)
    exact = BruteForce(y, np.ones((n, 1)), group, "poisson", groups=groups).posterior(step=0.5)
    assert exact.cdf(row["lower"]) == pytest.approx(0.025, abs=0.004)
    assert exact.cdf(row["upper"]) == pytest.approx(0.975, abs=0.004)
    assert 1 - row["P(> 0)"] == pytest.approx(exact.cdf(0.0), abs=0.004)


def test_ends_of_the_intercept_by_quadrature() -> None:
    rng = np.random.default_rng(28)
    frame = pd.DataFrame({"g": np.repeat([f"g{i:02d}" for i in range(8)], 8)})
    frame["y"] = rng.poisson(np.exp(0.5 + np.repeat(rng.normal(0, 0.5, 8), 8)))
    result = mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=frame, family="poisson", **PLAIN).fit()
    found = result.contrast("Intercept")[["lower", "upper"]].to_numpy()[0]
    np.testing.assert_allclose(found, [-0.029, 0.964], atol=0.01)


@pytest.mark.parametrize("n_quad", [1, 15])
def test_combinations_have_the_covariance_of_the_fit(n_quad: int) -> None:
    result = crossed(n=150, p=3).fit_laplace(n_quad=n_quad)
    matrix = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, -1.0], [1.0, 2.0, 0.5]])
    table = result.contrast(matrix)
    cov = result.posterior.fe_cov
    np.testing.assert_allclose(table["sd"] ** 2, np.einsum("ij,jk,ik->i", matrix, cov, matrix), rtol=1e-8)
    values = result.posterior_sample(20_000, rng=1).fe @ matrix.T
    shares = (values < table["lower"].to_numpy()).mean(axis=0)
    np.testing.assert_allclose(shares, 0.025, atol=0.005)


def test_covariances_of_points_with_what_is_known_of_them() -> None:
    rng = np.random.default_rng(0)
    weights, means = rng.dirichlet(np.ones(5)), rng.normal(size=(5, 3))
    root = rng.normal(size=(3, 3))
    correlation = np.corrcoef(root @ root.T + np.eye(3))
    sds = rng.uniform(0.5, 2.0, size=(5, 3))
    given = sds[:, :, None] * correlation * sds[:, None, :]
    off = means - weights @ means
    total = np.tensordot(weights, given, 1) + (weights[:, None] * off).T @ off
    np.testing.assert_allclose(point_covariances(weights, means, sds, total), given, rtol=1e-10)


def test_group_effects_and_log_sds(cbpp: mg.MixedGLMResults) -> None:
    table = cbpp.contrast(
        ["herd[1] - herd[7]", "u[0] = u[6]", "2 * herd[1] - Intercept / 2", "herd - period[T.2]"],
        draws=20_000,
    )
    draws = cbpp.posterior_sample(20_000, rng=5).to_frame()
    expected = [
        draws["herd[1]"] - draws["herd[7]"],
        draws["herd[1]"] - draws["herd[7]"],
        2 * draws["herd[1]"] - draws["Intercept"] / 2,
        draws["herd"] - draws["period[T.2]"],
    ]
    for (_, row), values in zip(table.iterrows(), expected, strict=True):
        assert row["mean"] == pytest.approx(values.mean(), abs=0.05 * row["sd"])
        assert row["sd"] == pytest.approx(values.std(), rel=0.04)
        assert row["P(> 0)"] == pytest.approx((values > 0).mean(), abs=0.02)
        assert (values < row["lower"]).mean() == pytest.approx(0.025, abs=0.006)
    exact = cbpp.vc_mean[0] - cbpp.vc_mean[6]
    np.testing.assert_allclose(table["mean"].iloc[:2], exact, atol=1e-10)
    np.testing.assert_array_equal(table.iloc[0], table.iloc[1])  # by default always the same draws
    pd.testing.assert_frame_equal(
        cbpp.contrast({"herd[1]": 1, "herd[7]": -1}), cbpp.contrast("herd[1] - herd[7]"), check_like=True
    )


def test_single_parameters_are_those_of_the_tables(cbpp: mg.MixedGLMResults) -> None:
    names = ["herd", "herd[3]", "u[4]"]
    frame = cbpp.to_frame(random=True)
    rows = [frame.index.get_loc("herd"), 4 + 1 + 2, 4 + 1 + 4]
    table = cbpp.contrast([*names, "herd", "-2 * herd[3] = 1"])
    columns = ["mean", "sd", "lower", "upper"]
    np.testing.assert_allclose(table[columns].iloc[:3], frame[columns].iloc[rows], rtol=1e-12)
    assert (table.iloc[0] == table.iloc[3]).all()
    double, single = table.iloc[4], table.iloc[1]
    np.testing.assert_allclose(double[["lower", "upper"]], -2 * single[["upper", "lower"]].to_numpy() - 1)
    below = cbpp.posterior.cdf(np.where(np.arange(20) == rows[1], -0.5, 0.0))[rows[1]]
    assert double["P(> 0)"] == pytest.approx(below)
    sd = cbpp.posterior_sample(20_000, rng=1).vcp[:, 0]
    assert table["P(> 0)"].iloc[0] == pytest.approx((sd > 0).mean(), abs=0.02)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("period[T.2] / Intercept", "divides by a parameter.*posterior_sample"),
        ("period[T.2] * herd[1]", "product of parameters.*posterior_sample"),
        ("exp(herd)", "function of a parameter.*posterior_sample"),
        ("Intercept ** 2", "not a sum.*posterior_sample"),
        ("period[T.2] > 0", r"hypothesis.*difference of both sides.*P\(> 0\)"),
        ("herd[1] >= herd[7]", "hypothesis"),
        ("Intercept != 0", "hypothesis"),
        ("Intercept / 0", "divides by zero"),
        ("herd[99]", r"there is no 'herd\[99\]'; fixed effects: .*random effects: herd\["),
        ("u[15]", r"there is no 'u\[15\]'"),
        ("Interceptor", "there is no 'Interceptor'"),
        ("`herd[1", "back-tick is not closed"),
        ("Intercept = herd = 1", "more than one equals sign"),
        ("Intercept, herd", "as a list"),
        ("", "no sum of parameters"),
    ],
)
def test_what_is_no_linear_combination(cbpp: mg.MixedGLMResults, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^L: cannot understand") as caught:
        cbpp.contrast(text)
    assert re.search(message, str(caught.value))
    assert "\x1b" not in str(caught.value)


def test_names_of_all_kinds() -> None:
    names = {"a", "b", "a-b", "x[T.<1, 2>]", "I(x ** 2)", "aa", "1st"}
    read = {
        "a - b": {"a": 1.0, "b": -1.0},
        "a-b": {"a-b": 1.0},  # the longest name
        "`a` -b": {"a": 1.0, "b": -1.0},
        "x[T.<1, 2>] = 2*I(x ** 2)": {"x[T.<1, 2>]": 1.0, "I(x ** 2)": -2.0},
        "aa + a + a": {"aa": 1.0, "a": 2.0},
        "-(a - 2 * (b + a)) / 4": {"a": 0.25, "b": 0.5},
        "3e-1 * `1st`": {"1st": 0.3},
    }
    for text, expected in read.items():
        assert dict(read_linear(text, names.__contains__).weights) == pytest.approx(expected), text
    found = read_linear("a + 1 = b - 2", names.__contains__)
    assert found.constant == 3.0


def test_a_name_of_two_kinds_is_the_fixed_effect() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.arange(60) % 6, "y": rng.poisson(2.0, 60)})
    result = mg.MixedGLM.from_formula("y ~ g + (1 | g)", data=frame, family="poisson").fit_laplace()
    assert result.contrast("g")["mean"].iloc[0] == pytest.approx(result.fe_mean[1])
    z = np.eye(6)[np.arange(60) % 6]
    twice = mg.MixedGLM(
        frame["y"].to_numpy(),
        np.ones((60, 1)),
        z,
        np.zeros(6, int),
        "poisson",
        vc_names=["e"] * 2 + list("abcd"),
    ).fit_laplace()
    with pytest.raises(ValueError, match="L: there are 2 parameters called 'e'"):
        twice.contrast("e - a")
    assert twice.contrast("u[1] - a").notna().all(axis=None)


def test_labelled_coefficients_are_found_by_name(cbpp: mg.MixedGLMResults) -> None:
    expected = cbpp.contrast("period[T.2] - period[T.4]")
    names = cbpp.model.fep_names
    in_order = pd.DataFrame([[0, 1, 0, -1]], columns=names, index=["d"])
    for given in (in_order, in_order[names[::-1]], in_order[[names[3], names[1]]], in_order.iloc[0][::-1]):
        np.testing.assert_allclose(cbpp.contrast(given), expected)
    assert list(cbpp.contrast(in_order).index) == ["d"]
    np.testing.assert_allclose(cbpp.contrast(pd.Series([0, 1, 0, -1])), expected)  # no names: by position
    groups = pd.DataFrame({"herd[1]": [1.0, 0.5], "herd[7]": [-1.0, 0.5]}, index=["difference", "mean"])
    np.testing.assert_array_equal(cbpp.contrast(groups).iloc[0], cbpp.contrast("herd[1] - herd[7]").iloc[0])
    with pytest.raises(ValueError, match="L: there is no fixed effect 'x'"):
        cbpp.contrast(in_order.rename(columns={names[1]: "x"}))
    with pytest.raises(ValueError, match="L must name each parameter once"):
        cbpp.contrast(in_order[[names[1], names[1]]])
    with pytest.raises(ValueError, match="L must be finite"):
        cbpp.contrast(in_order * np.nan)
