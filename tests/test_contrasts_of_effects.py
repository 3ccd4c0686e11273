"""Contrasts of fixed effects: against draws, and in all their forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cbpp_fits import with_herds

import mixed_glm as mg


@pytest.fixture
def cbpp() -> mg.MixedGLMResults:
    return with_herds()


def test_contrasts_of_single_effects_are_the_reported_ones(cbpp: mg.MixedGLMResults) -> None:
    table, reported = cbpp.contrast(np.eye(4)), cbpp.to_frame()
    np.testing.assert_allclose(table[["mean", "sd"]], reported[["mean", "sd"]].iloc[:4], rtol=1e-6)
    np.testing.assert_allclose(table[["lower", "upper"]], reported[["lower", "upper"]].iloc[:4], atol=0.02)
    assert list(table.index) == cbpp.model.fep_names


def test_contrasts_are_those_of_draws(cbpp: mg.MixedGLMResults) -> None:
    model = cbpp.model
    a, b = model.fep_names[1], model.fep_names[3]
    for fit in (cbpp, model.fit_map(), model.fit_vb(), model.fit_vb(covariance="full", scale_fe=True),
                model.fit_vb(scale_fe=True), model.fit_ep()):  # fmt: skip
        values = fit.posterior_sample(8000, rng=1).fe @ [0.0, 1.0, 0.0, -2.0]
        row = fit.contrast(f"{a} - 2 * {b}").iloc[0]
        assert row["mean"] == pytest.approx(values.mean(), abs=0.06 * row["sd"])
        assert row["sd"] == pytest.approx(values.std(), rel=0.04)
        assert row["P(> 0)"] == pytest.approx((values > 0).mean(), abs=0.02)
        shares = (values < row["lower"]).mean(), (values > row["upper"]).mean()
        np.testing.assert_allclose(shares, 0.025, atol=0.008)


def test_forms_of_contrasts(cbpp: mg.MixedGLMResults) -> None:
    a, b = cbpp.model.fep_names[1], cbpp.model.fep_names[3]
    expected = cbpp.contrast([0, 1, 0, -1]).to_numpy()
    for given in (f"{a} - {b}", f"{a} = {b}", f"`{a}` - `{b}` = 0", {a: 1, b: -1}, [f"{a} - {b}"],
                  {"difference": {a: 1, b: -1}}, {"difference": f"{a} - {b}"},
                  pd.DataFrame([[0, 1, 0, -1]], columns=cbpp.model.fep_names)):  # fmt: skip
        np.testing.assert_allclose(cbpp.contrast(given), expected)
    shifted = cbpp.contrast("Intercept = 1")
    assert shifted["mean"].iloc[0] == pytest.approx(cbpp.fe_mean[0] - 1)
    assert list(cbpp.contrast({"u": "Intercept", "v": {a: 2}}).index) == ["u", "v"]
    assert list(cbpp.contrast([0, 1, 0, -2]).index) == [f"{a} - 2 * {b}"]
    for bad, message in (
        ([1, 2], "must have 4 columns"), ("nothing - Intercept", "cannot understand"), ({"x": 1}, "no fixed effect 'x'"),
        ({}, "at least one"), ([[1, 2, 3, np.nan]], "finite"), ("Intercept +", "cannot understand"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            cbpp.contrast(bad)
    with pytest.raises(ValueError, match="alpha must be between"):
        cbpp.contrast("Intercept", alpha=2)
