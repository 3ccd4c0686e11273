"""Log scores of new data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp
from simulated import crossed, one_factor

import mixed_glm as mg


def counts(seed: int, groups: int = 10) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"g": [f"g{i}" for i in rng.integers(0, groups, 60)], "x": rng.normal(size=60)})
    frame["t"] = rng.choice([1.0, 3.0], 60)
    effect = frame["g"].map({f"g{i}": np.sin(3.0 * i) for i in range(groups)})
    frame["y"] = rng.poisson(frame["t"] * np.exp(0.5 * frame["x"] + effect))
    return frame


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults:
    return mg.MixedGLM.from_formula(
        "y ~ x + (1 | g)", data=counts(0), family="poisson", exposure="t"
    ).fit_laplace()


def test_scores_are_means_over_draws(result: mg.MixedGLMResults) -> None:
    new = counts(1, groups=14).set_index(np.arange(100, 160))
    found = result.log_score(new, exposure="t", draws=4000)
    draws = result.posterior_sample(8000, rng=3)
    rng = np.random.default_rng(4)
    names = result.model.vc_names
    for i, (label, row) in enumerate(new.iterrows()):
        assert found.index[i] == label
        name = f"g[{row['g']}]"
        unknown = np.exp(draws.vcp[:, 0]) * rng.standard_normal(8000)
        u = draws.vc[:, names.index(name)] if name in names else unknown
        eta = draws.fe @ [1.0, row["x"]] + u + np.log(row["t"])
        expected = logsumexp(stats.poisson.logpmf(row["y"], np.exp(eta))) - np.log(8000)
        assert found.pointwise[i] == pytest.approx(expected, abs=0.2 if name in names else 0.4)
    assert found.kind == "score"
    assert np.isnan(found.p)
    assert found.elpd == pytest.approx(found.pointwise.sum())
    assert 0.0 < found.mcse < 1.0
    assert "elpd_score" in str(found)
    assert "p_score" not in str(found)


def test_scores_of_rows_left_out_are_those_of_folds(result: mg.MixedGLMResults) -> None:
    """A fold's score is that of a fit to the other rows, up to the priors, which look at all rows in the one."""
    data, options = counts(0), {"family": "poisson", "exposure": "t", "fe_p": 2.0, "vcp_p": 1.0}
    fold = np.arange(60) % 3
    folds = (
        mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, **options)
        .fit_laplace()
        .kfold(fold, draws=4000)
    )
    for j in range(3):
        rest = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data[fold != j], **options).fit_laplace()
        found = rest.log_score(data[fold == j], exposure="t", draws=4000)
        np.testing.assert_allclose(found.pointwise, folds.pointwise[fold == j], atol=0.15)


def test_scores_are_compared(result: mg.MixedGLMResults) -> None:
    new = counts(1)
    without = mg.MixedGLM.from_formula(
        "y ~ 1 + (1 | g)", data=counts(0), family="poisson", exposure="t"
    ).fit_laplace()
    scores = {"x": result.log_score(new, exposure="t"), "none": without.log_score(new, exposure="t")}
    table = mg.compare(scores)
    assert table.index[0] == "x"
    assert "elpd_score" in table
    for other, message in (
        (new.iloc[:50], "'a' has 60 and 'b' has 50"),
        (new.assign(y=new["y"] + 1), "response of 'b' is"),
        (new.set_index(np.arange(1, 61)), "same rows in the same order"),
    ):
        with pytest.raises(ValueError, match=message):
            mg.compare({"a": scores["x"], "b": without.log_score(other, exposure="t")})


def test_scores_of_arrays() -> None:
    model = crossed(n=80)
    found = model.fit_laplace().log_score(
        model.exog[:5], model.exog_vc[:5], endog=model.endog[:5], draws=3000
    )
    full = model.fit_laplace().predict_draws(kind="log_likelihood", random="conditional", draws=3000)
    expected = logsumexp(full[:, :5], axis=0) - np.log(3000)
    np.testing.assert_allclose(found.pointwise, expected, atol=0.05)


def test_what_is_missing_is_told(result: mg.MixedGLMResults) -> None:
    new = counts(1)
    new["y"] = new["y"].astype(float)
    new.loc[[7, 9], "y"] = np.nan
    with pytest.raises(ValueError, match="missing in 2 of 60 rows, the first of them row 7; leave them out"):
        result.log_score(new, exposure="t")
    with pytest.raises(ValueError, match="data must be given"):
        result.log_score(None)
    with pytest.raises(ValueError, match="exposure must be given"):
        result.log_score(counts(1))
    with pytest.raises(ValueError, match="endog must be given"):
        one_factor().model().fit_laplace().log_score(np.ones((3, 1)), np.eye(12)[:3])
