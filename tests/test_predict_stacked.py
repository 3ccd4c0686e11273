"""Predictions by several fits together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg


@pytest.fixture(scope="module")
def fits() -> dict[str, mg.MixedGLMResults]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.arange(60) % 6, "x": rng.normal(size=60), "z": rng.normal(size=60)})
    frame["y"] = rng.poisson(np.exp(0.4 * frame["x"] + 0.4 * frame["z"]))
    return {
        name: mg.MixedGLM.from_formula(f"y ~ {name} + (1 | g)", data=frame, family="poisson").fit_laplace()
        for name in ("x", "z")
    }


def test_draws_are_those_of_each_fit(fits: dict[str, mg.MixedGLMResults]) -> None:
    new = pd.DataFrame({"x": [0.0, 1.0, 2.0], "z": [1.0, 0.0, -1.0], "g": [0, 1, 17]})
    found = mg.predict_stacked(
        fits, {"z": 1.0, "x": 3.0}, new, draws=401, rng=1, kind="linear", random="conditional"
    )
    assert found.shape == (401, 3)
    rng = np.random.default_rng(1)
    options = {"kind": "linear", "random": "conditional"}
    parts = [
        fits[name].predict_draws(new, draws=n, rng=rng, **options) for name, n in (("x", 301), ("z", 100))
    ]
    np.testing.assert_array_equal(found, np.concatenate(parts))


def test_default_weights_are_those_of_compare(fits: dict[str, mg.MixedGLMResults]) -> None:
    weights = mg.compare(fits)["weight"]
    assert 0.05 < weights["x"] < 0.95
    np.testing.assert_array_equal(
        mg.predict_stacked(fits, draws=200), mg.predict_stacked(fits, weights, draws=200)
    )
    alone = mg.predict_stacked(list(fits.values()), [0, 1], draws=100)
    np.testing.assert_array_equal(alone, fits["z"].predict_draws(draws=100, rng=0))


def test_weights_that_do_not_fit(fits: dict[str, mg.MixedGLMResults]) -> None:
    for bad, message in (
        ({"x": 1.0, "y": 1.0}, "names of the results, 'x', 'z', got 'x', 'y'"),
        ([1.0], r"one for each of the 2 results, got shape \(1,\)"),
        ([1.0, -1.0], "must not be negative"),
        ([0.0, 0.0], "nor all zero"),
    ):
        with pytest.raises(ValueError, match=message):
            mg.predict_stacked(fits, bad)
    with pytest.raises(TypeError, match="got an ELPD for 'x'"):
        mg.predict_stacked({"x": fits["x"].loo(50)})
