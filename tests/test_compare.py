"""Comparisons of fits, and the weights of their stack."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from simulated import one_factor

import mixed_glm as mg
from mixed_glm._assess.compare import stacking_weights


def test_compare() -> None:
    rng = np.random.default_rng(0)
    group, x = np.repeat(np.arange(12), 10), rng.normal(size=120)
    y = rng.poisson(np.exp(0.5 * x + rng.normal(size=12)[group]))
    z = np.eye(12)[group]
    full = mg.MixedGLM(y, np.c_[np.ones(120), x], z, np.zeros(12, int), "poisson").fit_laplace()
    without_x = mg.MixedGLM(y, np.ones((120, 1)), z, np.zeros(12, int), "poisson").fit_laplace()
    plain = mg.MixedGLM(y, np.c_[np.ones(120), x], family="poisson").fit_laplace()
    table = mg.compare({"no x": without_x, "plain": plain, "full": full}, draws=500)
    assert table.index[0] == "full"
    assert list(table["rank"]) == [0, 1, 2]
    assert table["elpd_diff"].iloc[0] == 0.0
    assert table["dse"].iloc[0] == 0.0
    assert (table["elpd_diff"].iloc[1:] > table["dse"].iloc[1:]).all()
    assert table["weight"].sum() == pytest.approx(1.0)
    assert table["weight"].iloc[0] > 0.7
    assert table.loc["plain", "log_evidence"] == plain.log_evidence
    assert list(mg.compare([full, plain], "waic", draws=300).index) == ["model 0", "model 1"]
    with pytest.raises(ValueError, match="'a' has 120 and 'b' has 48"):
        mg.compare({"a": full, "b": one_factor().model().fit_laplace()})
    for bad, message in (
        ([], "at least one"),
        (3, "mapping or a sequence"),
        ([1], "MixedGLMResults, got int"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            mg.compare(bad)
    with pytest.raises(ValueError, match="criterion must be 'loo' or 'waic'"):
        mg.compare([full], "aic")


def test_stacking_weights_maximize() -> None:
    rng = np.random.default_rng(1)
    pointwise = rng.normal(size=(3, 200))
    weights = stacking_weights(pointwise)

    def score(w: np.ndarray) -> float:
        return float(np.log(w @ np.exp(pointwise)).sum())

    others = rng.dirichlet(np.ones(3), 300)
    assert score(weights) >= max(score(w) for w in others) - 1e-9


def test_stacking_weights_at_the_boundary_and_of_equals() -> None:
    rng = np.random.default_rng(3)
    good = rng.normal(-1.0, 0.3, 400)
    pointwise = np.array([good, good - 0.05 - 0.1 * rng.random(400)])
    np.testing.assert_allclose(stacking_weights(pointwise), [1.0, 0.0], atol=1e-8)
    np.testing.assert_allclose(stacking_weights(np.array([good, good])), [0.5, 0.5], atol=1e-8)
    np.testing.assert_allclose(stacking_weights(pointwise[:1]), [1.0])


def test_a_fit_compared_with_itself_is_no_better() -> None:
    data = mg.datasets.load_cbpp()
    fit = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=data, family="binomial", n_trials="size"
    ).fit()
    for rng in (0, np.random.default_rng(1)):
        table = mg.compare({"a": fit, "b": fit}, rng=rng)
        np.testing.assert_array_equal(table[["elpd_diff", "dse"]], 0.0)
        np.testing.assert_allclose(table["weight"], 0.5)


def test_fits_of_different_rows_are_refused() -> None:
    data = mg.datasets.load_cbpp()

    def fit(rows: pd.DataFrame) -> mg.MixedGLMResults:
        model = mg.MixedGLM.from_formula("incidence ~ 1 + (1 | herd)", data=rows, family="poisson")
        return model.fit_laplace(integrate="mode")

    missing = data.assign(incidence=data["incidence"].where(data.index > 2))
    with pytest.raises(ValueError, match=r"'a' has 56 and 'b' has 53 \(3 dropped"):
        mg.compare({"a": fit(data), "b": fit(missing)})
    alike = data.assign(incidence=1)
    with pytest.raises(ValueError, match="row 0 of 'b' is 55 of its data, that of 'a' is 0"):
        mg.compare({"a": fit(alike), "b": fit(alike[::-1])})


def _counts(n: int = 120, **columns) -> dict:
    rng = np.random.default_rng(0)
    group = np.arange(n) % 6
    arrays = {"endog": rng.binomial(4, 0.5, n), "exog": np.ones((n, 1)), "exog_vc": np.eye(6)[group]}
    return arrays | {"ident": np.zeros(6, int), "family": "binomial", "n_trials": np.full(n, 5)} | columns


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_trials": np.r_[np.full(119, 5), 6]}, "n_trials of 'b' is 6 at row 119, that of 'a' is 5"),
        ({"freq_weights": np.r_[2, np.ones(119)]}, "freq_weights of 'b' is 2 at row 0, that of 'a' is 1"),
        ({"endog": np.r_[5, _counts()["endog"][1:]]}, "response of 'b' is 5 at row 0"),
        ({"family": "exponential", "n_trials": None, "endog": _counts()["endog"] + 1.0}, "response of 'b'"),
    ],
)
def test_fits_of_arrays_with_other_data_are_refused(changes: dict, message: str) -> None:
    one, other = (mg.MixedGLM(**_counts(**c)).fit_laplace(integrate="mode") for c in ({}, changes))
    with pytest.raises(ValueError, match=f"same responses: {message}"):
        mg.compare({"a": one, "b": other})


def test_densities_are_not_compared_with_probabilities() -> None:
    arrays = _counts(n_trials=None, endog=_counts()["endog"] + 1.0)
    fits = {
        family: mg.MixedGLM(**arrays | {"family": family}).fit_laplace(integrate="mode")
        for family in ("poisson", "exponential")
    }
    with pytest.raises(ValueError, match="not both densities or both probabilities"):
        mg.compare(fits)


def test_what_may_differ_between_fits_compared() -> None:
    plain = _counts(n_trials=None, endog=_counts()["endog"])
    fits = {
        "poisson": mg.MixedGLM(**plain | {"family": "poisson"}),
        "binomial": mg.MixedGLM(**_counts()),
        "ones": mg.MixedGLM(**_counts(freq_weights=np.ones(120), offset=np.full(120, 0.1))),
    }
    table = mg.compare({k: m.fit_laplace(integrate="mode") for k, m in fits.items()}, draws=100)
    assert len(table) == 3


@pytest.fixture(scope="module")
def nested() -> dict[str, mg.MixedGLMResults]:
    """Fits with and without the covariate that the responses hang on."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.arange(80) % 10, "x": rng.normal(size=80)})
    frame["y"] = rng.poisson(np.exp(0.6 * frame["x"] + rng.normal(size=10)[frame["g"]]))
    formulas = {"full": "y ~ x + (1 | g)", "no x": "y ~ 1 + (1 | g)"}
    return {
        name: mg.MixedGLM.from_formula(formula, data=frame, family="poisson").fit_laplace()
        for name, formula in formulas.items()
    }


def test_compare_exactly(nested: dict[str, mg.MixedGLMResults]) -> None:
    table = mg.compare(nested, exact=True)
    exact = {name: fit.loo(exact=True) for name, fit in nested.items()}
    difference = exact["full"].pointwise - exact["no x"].pointwise
    assert list(table.index) == ["full", "no x"]
    assert table.loc["full", "elpd_loo"] == exact["full"].elpd
    assert table.loc["no x", "elpd_diff"] == pytest.approx(difference.sum())
    assert table.loc["no x", "dse"] == pytest.approx(np.sqrt(80 * difference.var()))
    assert (table["mcse"] == 0.0).all()
    with pytest.raises(ValueError, match="exact is only for criterion 'loo', got it with 'waic'"):
        mg.compare(nested, "waic", exact=True)


@pytest.mark.parametrize("kind", ["kfold", "logo", "loo"])
def test_compare_what_was_left_out(nested: dict[str, mg.MixedGLMResults], kind: str) -> None:
    how = {
        "kfold": lambda fit: fit.kfold(5, draws=300),
        "logo": lambda fit: fit.leave_out("g", draws=300),
        "loo": lambda fit: fit.loo(300),
    }[kind]
    found = {name: how(fit) for name, fit in nested.items()}
    table = mg.compare(found)
    assert list(table.columns[:3]) == ["rank", f"elpd_{kind}", f"p_{kind}"]
    assert table.index[0] == "full"
    assert table.loc["no x", "elpd_diff"] == pytest.approx(found["full"].elpd - found["no x"].elpd)
    assert table["weight"].sum() == pytest.approx(1.0)
    assert mg.compare([found["full"], found["full"]])["weight"].tolist() == [0.5, 0.5]


def test_what_was_left_out_must_be_the_same(nested: dict[str, mg.MixedGLMResults]) -> None:
    one, other = nested.values()
    five = one.kfold(5, draws=50)
    for bad, message in (
        (
            other.kfold(4, draws=50),
            "left out the same rows together: those of 'b' are others than those of 'a'",
        ),
        (other.kfold(5, draws=50, rng=1), "give both the same folds, groups or rng"),
        (other.leave_out("g", draws=50), "'a' is 'kfold', 'b' is 'logo'"),
        (other, "'a' is 'kfold', 'b' is 'loo'"),
        (
            dataclasses.replace(five, pointwise=np.where(np.arange(80) < 2, np.nan, -1.0)),
            "2 of 'b' are missing",
        ),
        (dataclasses.replace(five, spec=None), "'b' does not tell which rows"),
        (one_factor().model().fit_laplace().kfold(5, draws=50), "'a' has 80 and 'b' has 48"),
    ):
        with pytest.raises(ValueError, match=message):
            mg.compare({"a": five, "b": bad})


@pytest.mark.parametrize("seed", range(40))
def test_stacking_weights_are_best_to_within_their_certificate(seed: int) -> None:
    """Whatever the scale of the differences, where densities of a row are zero but for one model, too."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(2, 12)), int(10 ** rng.uniform(0.5, 3.5))
    pointwise = rng.normal(size=n) + 10 ** rng.uniform(-4.0, 3.0) * rng.normal(size=(m, n)) * rng.random(
        (m, 1)
    )
    pointwise[1] = pointwise[seed % 2]
    weights = stacking_weights(pointwise)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0.0).all()
    density = np.exp(pointwise - pointwise.max(axis=0))
    assert (density / (weights @ density)).mean(axis=1).max() <= 1.0 + 1e-7
