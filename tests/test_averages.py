"""Average predictions, comparisons and slopes: by hand from draws, and what variables may be asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

import mixed_glm as mg
from mixed_glm._predict import row_draws

N = 4000


@pytest.fixture(scope="module")
def trial() -> tuple[pd.DataFrame, mg.MixedGLMResults]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "g": np.repeat(np.arange(20), 15),
            "dose": rng.uniform(0, 10, 300),
            "drug": rng.choice(["new", "old", "none"], 300),
            "old": rng.random(300) < 0.4,
            "w": rng.integers(1, 4, 300),
        }
    )
    u = rng.normal(scale=0.8, size=20)[frame.g]
    eta = -0.8 + 0.15 * frame.dose + 0.7 * (frame.drug == "new") - 0.4 * frame.old + u
    frame["y"] = rng.binomial(1, expit(eta))
    model = mg.MixedGLM.from_formula("y ~ dose * C(drug) + old + (1 | g)", data=frame, family="binomial")
    return frame, model.fit_laplace()


def by_hand(result: mg.MixedGLMResults, frame: pd.DataFrame, random: str, **changed) -> np.ndarray:
    """Draws of the mean of every row with some variables changed, shape (n, rows)."""
    draws = result.posterior_sample(N, 7)
    x = result.model.spec.encoding.encode_fixed(frame.assign(**changed))
    eta = draws.fe @ x.T
    if random == "conditional":
        eta += (result.model.exog_vc @ draws.vc.T).T
    if random == "marginal":
        nodes, weights = np.polynomial.hermite_e.hermegauss(15)
        return expit(eta[:, :, None] + np.exp(draws.vcp)[:, :, None] * nodes) @ weights / weights.sum()
    return expit(eta)


def agrees(found: pd.Series, values: np.ndarray) -> None:
    """Within Monte-Carlo error of other draws."""
    sd = values.std()
    assert found["estimate"] == pytest.approx(values.mean(), abs=0.1 * sd)
    assert found["std_error"] == pytest.approx(sd, rel=0.08)
    for column, level in {"conf_low": 0.025, "conf_high": 0.975}.items():
        assert (values < found[column]).mean() == pytest.approx(level, abs=0.012)


def test_average_predictions(trial) -> None:
    frame, result = trial
    table = result.avg_predictions(draws=N)
    assert list(table.columns) == ["estimate", "std_error", "conf_low", "conf_high"]
    agrees(table.iloc[0], by_hand(result, frame, "conditional").mean(axis=1))
    assert table["estimate"][0] == pytest.approx(
        result.predict(random="conditional", draws=N).mean(), rel=1e-10
    )
    for random in ("conditional", "population", "marginal"):
        table = result.avg_predictions("drug", random=random, draws=N)
        assert table["drug"].tolist() == ["new", "none", "old"]
        agrees(table.iloc[1], by_hand(result, frame, random, drug="none").mean(axis=1))
    grid = result.avg_predictions({"dose": [0, 5], "drug": ["new", "old"]}, draws=N)
    assert grid[["dose", "drug"]].to_numpy().tolist() == [[0, "new"], [0, "old"], [5, "new"], [5, "old"]]
    agrees(grid.iloc[3], by_hand(result, frame, "conditional", dose=5.0, drug="old").mean(axis=1))
    assert len(result.avg_predictions("dose", draws=50)) == 5


def test_averages_by_groups_and_weights(trial) -> None:
    frame, result = trial
    values = by_hand(result, frame, "conditional")
    table = result.avg_predictions(by=["drug", "old"], draws=N)
    assert list(table.columns[:2]) == ["drug", "old"]
    assert len(table) == 6
    rows = (frame.drug == "none") & frame.old
    agrees(table[(table["drug"] == "none") & table["old"]].iloc[0], values[:, rows].mean(axis=1))
    for wts in ("w", frame["w"].to_numpy()):
        weighted = result.avg_predictions(wts=wts, draws=N)
        agrees(weighted.iloc[0], values @ frame["w"] / frame["w"].sum())
    some = result.avg_predictions(newdata=frame.iloc[:20], draws=N)
    agrees(some.iloc[0], values[:, :20].mean(axis=1))


def test_average_comparisons(trial) -> None:
    frame, result = trial
    table = result.avg_comparisons(draws=N)
    assert table["term"].tolist() == ["dose", "drug", "drug", "old"]
    assert table["contrast"].tolist() == ["+1", "none - new", "old - new", "True - False"]
    at = {
        level: by_hand(result, frame, "conditional", drug=level).mean(axis=1)
        for level in ("new", "none", "old")
    }
    agrees(table.iloc[1], at["none"] - at["new"])
    assert table["P(> 0)"][1] == pytest.approx((at["none"] > at["new"]).mean(), abs=0.02)
    more = by_hand(result, frame, "conditional", dose=frame.dose + 1).mean(axis=1)
    agrees(table.iloc[0], more - by_hand(result, frame, "conditional").mean(axis=1))
    ratio = result.avg_comparisons({"drug": "pairwise"}, comparison="ratio", draws=N)
    assert ratio["contrast"].tolist() == ["none / new", "old / new", "old / none"]
    agrees(ratio.iloc[2], at["old"] / at["none"])
    assert "P(> 1)" in ratio
    logs = result.avg_comparisons({"drug": ["old", "new"]}, comparison="lnratio", draws=N)
    assert logs["contrast"].tolist() == ["ln(new / old)"]
    agrees(logs.iloc[0], np.log(at["new"] / at["old"]))
    odds = result.avg_comparisons({"drug": "sequential"}, comparison="lnor", draws=N)
    assert odds["contrast"].tolist() == ["ln(odds(none) / odds(new))", "ln(odds(old) / odds(none))"]
    agrees(odds.iloc[0], logit(at["none"]) - logit(at["new"]))


def test_kinds_of_changes_of_numbers(trial) -> None:
    frame, result = trial
    low, high = frame.dose.min(), frame.dose.max()
    sd = frame.dose.std() / 2
    ends = {
        "minmax": ("Max - Min", high, low),
        "sd": ("(x+sd/2) - (x-sd/2)", frame.dose + sd, frame.dose - sd),
        "iqr": ("Q3 - Q1", frame.dose.quantile(0.75), frame.dose.quantile(0.25)),
        5: ("+5", frame.dose + 5, frame.dose),
    }
    for how, (label, more, less) in ends.items():
        found = result.avg_comparisons({"dose": how}, random="population", draws=N)
        assert found["contrast"].tolist() == [label]
        values = by_hand(result, frame, "population", dose=more) - by_hand(
            result, frame, "population", dose=less
        )
        agrees(found.iloc[0], values.mean(axis=1))


def test_slopes(trial) -> None:
    frame, result = trial
    table = result.avg_slopes(by="drug", draws=N)
    assert table["contrast"].tolist() == ["dY/dX"] * 3
    assert table["term"].tolist() == ["dose"] * 3
    names = result.model.fep_names
    draws = result.posterior_sample(N, 7)
    p = by_hand(result, frame, "conditional")
    slope = draws.fe[:, [names.index("dose")]] + draws.fe[:, [names.index("dose:C(drug)[T.old]")]]
    old = (frame.drug == "old").to_numpy()
    agrees(table.iloc[2], (p * (1 - p) * slope)[:, old].mean(axis=1))
    rows = result.slopes("dose", newdata=frame.iloc[[3, 8]], draws=N)
    assert rows.index.tolist() == [3, 8]
    assert rows["dose"].tolist() == frame["dose"].iloc[[3, 8]].tolist()


def test_comparisons_of_each_row(trial) -> None:
    frame, result = trial
    table = result.comparisons("drug", newdata=frame.iloc[[3, 8]], draws=N)
    assert table.index.tolist() == [3, 8, 3, 8]
    assert table["contrast"].tolist() == ["none - new"] * 2 + ["old - new"] * 2
    difference = by_hand(result, frame, "conditional", drug="old") - by_hand(
        result, frame, "conditional", drug="new"
    )
    agrees(table.iloc[3], difference[:, 8])


def test_rows_of_one_new_group_are_averaged_with_one_effect(trial) -> None:
    frame, result = trial
    one, many = frame.iloc[:60].assign(g=99), frame.iloc[:60].assign(g=np.arange(100, 160))
    wide, narrow = (result.avg_predictions(newdata=rows, draws=N)["std_error"][0] for rows in (one, many))
    assert wide > 2 * narrow
    average = result.avg_predictions(newdata=one, random="marginal", draws=N)["estimate"][0]
    for rows in (one, many):
        assert result.avg_predictions(newdata=rows, draws=N)["estimate"][0] == pytest.approx(
            average, abs=0.02
        )


def test_blocks_of_rows_make_no_difference(trial, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, result = trial
    rows = frame.assign(g=frame.g + 10)  # half of the groups are new
    whole = result.avg_comparisons("drug", newdata=rows, by="old", draws=200)
    monkeypatch.setattr(row_draws, "_ENTRIES", 200 * 7)
    pd.testing.assert_frame_equal(result.avg_comparisons("drug", newdata=rows, by="old", draws=200), whole)


def test_missing_rows_do_not_count(trial) -> None:
    frame, result = trial
    holes = frame.copy()
    holes.loc[:49, "dose"] = np.nan
    for table in ("avg_predictions", "avg_comparisons"):
        pd.testing.assert_frame_equal(
            getattr(result, table)("drug", newdata=holes, draws=100),
            getattr(result, table)("drug", newdata=frame.iloc[50:], draws=100),
        )
    without = frame.assign(
        g=frame["g"].where(frame["g"] > 2)
    )  # rows that a model drops are no rows of unknown groups
    part = mg.MixedGLM.from_formula(
        "y ~ dose * C(drug) + old + (1 | g)", data=without, family="binomial"
    ).fit_laplace()
    pd.testing.assert_frame_equal(
        part.avg_predictions(draws=100), part.avg_predictions(newdata=without.dropna(), draws=100)
    )
    nothing = result.avg_predictions(by="g", newdata=holes.iloc[:20], draws=100)
    assert nothing["estimate"].isna().all()


def test_offsets_and_arrays_by_row() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.arange(90) % 15, "x": rng.normal(size=90), "t": rng.uniform(1, 4, 90)})
    frame["y"] = rng.poisson(frame.t * np.exp(0.3 * frame.x + rng.normal(scale=0.5, size=15)[frame.g]))
    formula = mg.MixedGLM.from_formula(
        "y ~ x + offset(log(t)) + (1 | g)", data=frame, family="poisson"
    ).fit_laplace()
    given = mg.MixedGLM.from_formula(
        "y ~ x + (1 | g)", data=frame, family="poisson", exposure="t"
    ).fit_laplace()
    table = formula.avg_comparisons(draws=200)
    assert table["term"].tolist() == ["x"]
    for exposure in ("t", frame["t"].to_numpy()):
        pd.testing.assert_frame_equal(given.avg_comparisons(exposure=exposure, draws=200), table, rtol=1e-6)
    assert (
        formula.avg_predictions({"t": [1, 2]}, draws=200)["estimate"].diff()[1] > 0
    )  # a variable of the offset
    pd.testing.assert_frame_equal(given.avg_comparisons(draws=200), table, rtol=1e-6)  # own rows: known
    with pytest.raises(ValueError, match="exposure must be given"):
        given.avg_comparisons(newdata=frame)
    both = mg.MixedGLM.from_formula(
        "y ~ x + offset(log(t) / 2) + (1 | g)", data=frame, family="poisson", offset=np.log(frame["t"]) / 2
    ).fit_laplace()
    pd.testing.assert_frame_equal(both.avg_comparisons(draws=200), table, rtol=1e-6)


def test_frequencies_count_as_rows() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.arange(60) % 10, "x": rng.normal(size=60), "w": rng.integers(1, 4, 60)})
    frame["y"] = rng.poisson(np.exp(0.4 * frame.x))
    weighted = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="poisson", freq_weights="w")
    repeated = frame.loc[frame.index.repeat(frame["w"])].reset_index(drop=True)
    expanded = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=repeated, family="poisson")
    tables = [m.fit_laplace().avg_comparisons(by="g", draws=200) for m in (weighted, expanded)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-3)


def test_categories_and_polars(trial) -> None:
    frame, _ = trial
    kinds = frame.assign(drug=pd.Categorical(frame["drug"], categories=["old", "none", "new"]))
    result = mg.MixedGLM.from_formula("y ~ drug + (1 | g)", data=kinds, family="binomial").fit_laplace()
    table = result.avg_comparisons()
    assert table["contrast"].tolist() == ["none - old", "new - old"]
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    pd.testing.assert_frame_equal(result.avg_comparisons(newdata=polars.from_pandas(kinds)), table)


def test_factors_that_are_numbers() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.arange(80) % 10, "k": rng.integers(1, 4, 80), "y": rng.poisson(2.0, 80)})
    result = mg.MixedGLM.from_formula("y ~ C(k) + (1 | g)", data=frame, family="poisson").fit_laplace()
    assert result.avg_comparisons()["contrast"].tolist() == ["2 - 1", "3 - 1"]
    assert result.avg_predictions("k")["k"].tolist() == [1, 2, 3]


def test_means_that_need_not_exist_are_told() -> None:
    rng = np.random.default_rng(13)
    frame = pd.DataFrame({"g": np.repeat(list("abc"), 12), "x": np.arange(36) % 2})
    frame["y"] = rng.poisson(np.exp(1 + np.repeat(rng.normal(0, 0.6, 3), 12)))
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="poisson").fit()
    with pytest.warns(mg.PredictionWarning, match="random='conditional'"):
        result.avg_predictions(random="marginal")
    result.avg_predictions()  # a warning would be an error


def test_comparisons_that_are_not_defined() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.arange(90) % 15, "x": rng.normal(size=90)})
    frame["y"] = 0.3 * frame.x + rng.normal(size=90)
    gaussian = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="gaussian").fit_laplace()
    frame["k"] = rng.poisson(3.0, 90)
    counts = mg.MixedGLM.from_formula("k ~ x + (1 | g)", data=frame, family="poisson").fit_laplace()
    for result, comparison in ((gaussian, "lnratio"), (counts, "lnor")):
        with pytest.raises(ValueError, match=f"comparison='{comparison}' is not defined"):
            result.avg_comparisons(comparison=comparison)
    slope, coefficient = gaussian.avg_slopes().iloc[0], gaussian.contrast("x").iloc[0]
    assert slope["estimate"] == pytest.approx(coefficient["mean"], rel=1e-6)
    assert slope["conf_low"] == pytest.approx(coefficient["lower"], abs=0.1 * coefficient["sd"])


def test_what_does_not_fit_is_refused(trial, tmp_path) -> None:
    frame, result = trial
    refused = {
        "newdata has no column 'dsoe'; did you mean 'dose'": lambda: result.avg_comparisons("dsoe"),
        "by: newdata has no column 'sex'": lambda: result.avg_predictions(by="sex"),
        "'drug' is a factor and has no slope": lambda: result.avg_slopes("drug"),
        "comparison must be one of 'difference', 'ratio'": lambda: result.avg_comparisons(comparison="minus"),
        "'drug' is a factor and must come with one of 'reference'": lambda: result.avg_comparisons(
            {"drug": "sd"}
        ),
        "'dose' is a number and must come with what is added": lambda: result.avg_comparisons(
            {"dose": "pairwise"}
        ),
        "'dose' must come with two values": lambda: result.avg_comparisons({"dose": [1, 2, 3]}),
        "variables must name a number, or a factor": lambda: result.avg_comparisons([]),
        "levels that were not in the data": lambda: result.avg_comparisons({"drug": ["old", "odd"]}),
        "conf_level": lambda: result.avg_comparisons(conf_level=95),
        "by and variables must name different columns": lambda: result.avg_predictions("drug", by="drug"),
        "wts must not be negative": lambda: result.avg_predictions(wts=-frame["w"]),
    }
    for message, call in refused.items():
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="variables: 'dose' must come with a list of values"):
        result.avg_predictions({"dose": 3})
    with pytest.raises(TypeError, match="variables must be a name"):
        result.avg_comparisons(3)
    result.save(tmp_path / "fit.mglm")
    loaded = mg.load(tmp_path / "fit.mglm")
    with pytest.raises(ValueError, match="newdata must be given"):
        loaded.avg_comparisons()
    pd.testing.assert_frame_equal(loaded.avg_comparisons(newdata=frame), result.avg_comparisons(), rtol=1e-6)
    model = result.model
    arrays = mg.MixedGLM(model.endog, model.exog, model.exog_vc, model.ident, "binomial").fit_laplace()
    with pytest.raises(ValueError, match="need a model from a formula"):
        arrays.avg_comparisons()
