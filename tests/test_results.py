"""What a fit returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mixed_glm as mg


@pytest.fixture(scope="module")
def result() -> mg.MixedGLMResults:
    model = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd) + (1 | period:herd)", data=mg.datasets.load_cbpp(), family="binomial",
        n_trials="size", vcp_p=[0.3, 0.1], fe_p=2.0,
    )  # fmt: skip
    return model.fit_map()


def test_parts_and_whole(result: mg.MixedGLMResults) -> None:
    np.testing.assert_array_equal(np.r_[result.fe_mean, result.vcp_mean, result.vc_mean], result.params)
    np.testing.assert_array_equal(np.r_[result.fe_sd, result.vcp_sd, result.vc_sd], result.bse)
    assert (len(result.fe_mean), len(result.vcp_mean), len(result.vc_mean)) == (4, 2, 71)
    assert result.log_density == pytest.approx(result.model.logposterior(result.params), rel=1e-12)
    assert result.status == "converged"
    assert result.n_iter > 0


def test_cov_params_by_name(result: mg.MixedGLMResults) -> None:
    covariance = result.cov_params()
    assert isinstance(covariance, pd.DataFrame)
    assert list(covariance.index) == result.model.names
    assert covariance.loc["herd", "herd"] == pytest.approx(result.vcp_sd[0] ** 2)
    np.linalg.cholesky(covariance)


def test_conf_int_is_gaussian(result: mg.MixedGLMResults) -> None:
    interval = result.conf_int(0.2)
    expected = stats.norm.ppf([0.1, 0.9], result.params[:, None], result.bse[:, None])
    np.testing.assert_allclose(interval, expected)
    assert list(interval.columns) == ["lower", "upper"]
    with pytest.raises(ValueError, match="alpha must be between 0 and 1, got 5"):
        result.conf_int(5)


def test_random_effects_by_term(result: mg.MixedGLMResults) -> None:
    herds = result.random_effects("herd")
    assert list(herds.columns) == ["Mean", "SD", "Lower", "Upper"]
    np.testing.assert_array_equal(herds[["Lower", "Upper"]], result.conf_int().iloc[6:21])
    assert (result.random_effects("herd", alpha=0.5)["Lower"] > herds["Lower"]).all()
    assert list(herds.index) == [f"herd[{j}]" for j in range(1, 16)]
    np.testing.assert_array_equal(herds["Mean"], result.vc_mean[:15])
    pd.testing.assert_frame_equal(result.random_effects(0), herds)
    assert len(result.random_effects()) == 71
    for bad in ("hers", 2, -1, "0"):
        with pytest.raises(ValueError, match="term must be one of 'herd', 'period:herd'"):
            result.random_effects(bad)


def test_to_frame(result: mg.MixedGLMResults) -> None:
    table = result.to_frame()
    assert list(table["type"]) == ["fixed"] * 4 + ["log sd"] * 2
    np.testing.assert_array_equal(table["mean"], result.params[:6])
    np.testing.assert_array_equal(table[["lower", "upper"]], result.conf_int().iloc[:6])
    assert len(result.to_frame(random=True)) == 77


def test_effects_without_names() -> None:
    rng = np.random.default_rng(0)
    model = mg.MixedGLM(
        rng.integers(0, 2, 30), np.ones(30), np.eye(30)[:, :5], ["a"] * 5, "binomial", vcp_p=0.3
    )
    fitted = model.fit_map()
    assert isinstance(fitted.cov_params(), np.ndarray)
    assert list(fitted.random_effects("a").index) == list(range(5))
    assert list(fitted.conf_int().index) == ["FE_1", "a", *(f"u[{j}]" for j in range(5))]


def test_repr(result: mg.MixedGLMResults) -> None:
    assert repr(result).startswith("<MixedGLMResults: map, converged, of <MixedGLM: binomial")


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda r: r.conf_int(0.95), "alpha=0.95 gives intervals of 5 %; for those of 95 % write alpha=0.05"),
        (lambda r: r.summary(alpha=0.9), "alpha=0.9 gives intervals of 10 %"),
        (lambda r: r.contrast("x", alpha=0.95), "alpha=0.05"),
        (lambda r: r.avg_predictions(conf_level=0.05), "for those of 95 % write conf_level=0.95"),
    ],
)
def test_the_probability_of_intervals_is_not_taken_for_its_complement(ask: Any, told: str) -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.integers(2, size=60), "x": rng.normal(size=60), "g": np.arange(60) % 6})
    result = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="binomial").fit("laplace")
    with pytest.warns(mg.NarrowIntervalWarning, match=told) as caught:
        ask(result)
    assert caught[0].filename == __file__
