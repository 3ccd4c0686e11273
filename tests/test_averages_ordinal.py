"""Averages, comparisons and slopes of ordinal responses: of the probability of each category."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import mixed_glm as mg

LEVELS = ["low", "mid", "high"]


def ratings(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"x": rng.normal(size=n), "arm": rng.choice(["a", "b"], n), "g": rng.integers(0, 12, n)}
    )
    eta = 0.8 * data["x"] + (data["arm"] == "b") + 0.7 * rng.normal(size=12)[data["g"]]
    codes = np.digitize(eta + rng.logistic(size=n), [-0.5, 1.5])
    return data.assign(y=pd.Categorical.from_codes(codes, LEVELS, ordered=True))


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula("y ~ x + arm + (1 | g)", data=ratings(), family="cumulative").fit()


@pytest.mark.parametrize("random", ["conditional", "marginal", "population"])
def test_predictions_are_averages_of_those_of_rows(result, random: str) -> None:
    table = result.avg_predictions(random=random)
    assert list(table["group"]) == LEVELS
    expected = result.predict(random=random).mean()
    np.testing.assert_allclose(table["estimate"], expected[LEVELS], atol=0.004)
    assert table["estimate"].sum() == pytest.approx(1.0)
    assert (table["conf_low"] < table["estimate"]).all()
    assert (table["conf_high"] > table["estimate"]).all()


def test_by_and_values(result) -> None:
    table = result.avg_predictions(by="arm")
    assert list(table["group"]) == ["low", "low", "mid", "mid", "high", "high"]
    assert list(table["arm"]) == ["a", "b"] * 3
    rows = ratings()
    for arm in ("a", "b"):
        expected = result.predict(rows[rows["arm"] == arm], random="conditional").mean()
        found = table[table["arm"] == arm].set_index("group")["estimate"]
        np.testing.assert_allclose(found[LEVELS], expected[LEVELS], atol=0.004)
    table = result.avg_predictions({"x": [0.0, 1.0]})
    assert list(table["x"]) == [0.0] * 3 + [1.0] * 3
    for x in (0.0, 1.0):
        expected = result.predict(rows.assign(x=x), random="conditional").mean()
        np.testing.assert_allclose(table.loc[table["x"] == x, "estimate"], expected[LEVELS], atol=0.004)


def test_comparisons_add_up_to_nothing(result) -> None:
    table = result.avg_comparisons("arm")
    assert list(table.columns[:3]) == ["group", "term", "contrast"]
    assert list(table["group"]) == LEVELS
    assert set(table["contrast"]) == {"b - a"}
    rows = ratings()
    means = {
        arm: result.predict(rows.assign(arm=arm), random="conditional").mean()[LEVELS] for arm in ("a", "b")
    }
    np.testing.assert_allclose(table["estimate"], means["b"] - means["a"], atol=0.004)
    assert table["estimate"].sum() == pytest.approx(0.0, abs=1e-12)
    assert table["P(> 0)"].iloc[0] < 0.01
    assert table["P(> 0)"].iloc[-1] > 0.99
    ratios = result.avg_comparisons("arm", comparison="ratio")
    np.testing.assert_allclose(ratios["estimate"], means["b"] / means["a"], rtol=0.03)


def test_log_odds_ratios_of_a_row_are_coefficients(result) -> None:
    """Of a typical group, below the first threshold and above the last, they are minus and plus the coefficient."""
    table = result.comparisons("arm", comparison="lnor", random="population", newdata=ratings().head(2))
    own = result.to_frame().loc["arm[T.b]", "mean"]
    assert len(table) == 6
    by_category = table.groupby("group")["estimate"].mean()
    assert by_category["low"] == pytest.approx(-own, rel=0.02)
    assert by_category["high"] == pytest.approx(own, rel=0.02)


def test_slopes(result) -> None:
    table = result.avg_slopes("x", random="population")
    rows = ratings()
    beta = result.to_frame()["mean"]
    eta = beta["x"] * rows["x"] + beta["arm[T.b]"] * (rows["arm"] == "b")
    cuts = result.family_mean
    above = expit(eta.to_numpy()[:, None] - cuts)
    density = beta["x"] * (above * (1.0 - above)).mean(axis=0)
    np.testing.assert_allclose(
        table["estimate"], [-density[0], density[0] - density[1], density[1]], atol=0.005
    )


def test_two_categories_are_a_binomial_response() -> None:
    data = ratings()
    data["two"] = pd.Categorical(np.where(data["y"] == "low", "no", "yes"), ["no", "yes"], ordered=True)
    ordinal = mg.MixedGLM.from_formula("two ~ x + (1 | g)", data=data, family="cumulative").fit()
    binomial = mg.MixedGLM.from_formula("two ~ x + (1 | g)", data=data, family="binomial").fit()
    for random in ("conditional", "marginal"):
        one = ordinal.avg_comparisons("x", random=random, draws=4000)
        other = binomial.avg_comparisons("x", random=random, draws=4000)
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            assert one[column].iloc[1] == pytest.approx(other[column].iloc[0], rel=0.06, abs=0.001)


def test_new_groups_and_missing_rows(result) -> None:
    rows = ratings().head(40).assign(g=lambda d: d["g"] + 100)
    rows.loc[rows.index[:5], "x"] = np.nan
    table = result.avg_predictions(newdata=rows, draws=4000)
    known = rows.dropna()
    expected = result.predict(known, random="marginal")[LEVELS].mean()
    np.testing.assert_allclose(table["estimate"], expected, atol=0.01)


def test_a_column_that_is_called_group_keeps_its_name(result) -> None:
    rows = ratings().assign(group=["p", "q"] * 150)
    table = result.avg_predictions(newdata=rows, by="group")
    assert list(table.columns[:2]) == ["category", "group"]
    assert list(table["group"]) == ["p", "q"] * 3


def test_effect_has_a_curve_for_each_category(result) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    ax = result.plot_effect("x")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == LEVELS
    assert ax.get_ylabel() == "probability of y"
    grid = result.datagrid(x=list(ax.lines[0].get_xdata()))
    expected = result.predict(grid, interval=0.95)
    for line, level in zip(ax.lines, LEVELS, strict=True):
        np.testing.assert_allclose(line.get_ydata(), expected[level]["mean"])
    assert len(result.plot_effect("arm").collections) == 6
    with pytest.raises(ValueError, match="by must be left out for an ordinal response"):
        result.plot_effect("x", by="arm")
    plt.close("all")
