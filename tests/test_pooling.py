"""Fits of several data sets made one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cbpp_fits import with_herds

import mixed_glm as mg


def frames(m: int = 4, n: int = 200, seed: int = 1) -> list[pd.DataFrame]:
    """Data sets that differ in the values of x that were missing."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(20), n // 20)
    x = rng.normal(size=n)
    y = rng.poisson(np.exp(0.5 + 0.6 * x + 0.5 * rng.normal(size=20)[g]))
    missing = rng.random(n) < 0.3
    return [pd.DataFrame({"y": y, "x": np.where(missing, rng.normal(size=n), x), "g": g}) for _ in range(m)]


def fits(formula: str = "y ~ x + (1 | g)", m: int = 4) -> list[mg.MixedGLMResults]:
    return [mg.MixedGLM.from_formula(formula, data=f, family="poisson").fit() for f in frames(m)]


@pytest.fixture(scope="module")
def parts() -> list[mg.MixedGLMResults]:
    return fits()


@pytest.fixture(scope="module")
def found(parts: list[mg.MixedGLMResults]) -> mg.PooledResults:
    return mg.pool(parts)


def test_moments_and_quantiles_are_those_of_the_mixture(parts, found) -> None:
    means, sds = np.array([p.params for p in parts]), np.array([p.bse for p in parts])
    np.testing.assert_allclose(found.params, means.mean(axis=0))
    np.testing.assert_allclose(found.bse**2, (sds**2).mean(axis=0) + means.var(axis=0))
    for level in (0.025, 0.5, 0.9):
        at = found.fit.posterior.quantile(level)
        np.testing.assert_allclose(np.mean([p.posterior.cdf(at) for p in parts], axis=0), level, atol=1e-9)
    ends = found.conf_int()
    inside = np.array([p.conf_int() for p in parts])
    assert (ends["lower"] >= inside[:, :, 0].min(axis=0) - 1e-9).all()
    assert (ends["upper"] <= inside[:, :, 1].max(axis=0) + 1e-9).all()


def test_pooling_one_fit_twice_is_that_fit() -> None:
    result = with_herds()
    twice = mg.pool([result, result])
    pd.testing.assert_frame_equal(
        twice.to_frame(random=True), result.to_frame(random=True), rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(twice.cov_params(), result.cov_params(), rtol=1e-8)
    lines = ["period[T.2] - period[T.3]", "period[T.4]", "herd"]
    np.testing.assert_allclose(twice.contrast(lines), result.contrast(lines), atol=1e-3)
    np.testing.assert_allclose(twice.varcorr(), result.varcorr(), rtol=1e-3)
    assert (twice.missing_information()["fraction"] == 0.0).all()
    rows = mg.datasets.load_cbpp().head(6)
    np.testing.assert_allclose(twice.predict(rows), result.predict(rows), rtol=1e-3)


def test_draws_are_of_all_fits(parts, found) -> None:
    draws = found.posterior_sample(8000, rng=1)
    np.testing.assert_allclose(draws.params.mean(axis=0), found.params, atol=0.06)
    np.testing.assert_allclose(draws.params.std(axis=0), found.bse, rtol=0.1)
    assert list(draws.to_frame()) == list(parts[0].posterior_sample(2).to_frame())
    rows = pd.DataFrame({"x": [0.0, 1.0], "g": [3, 99]})
    drawn = found.predict_draws(rows, random="conditional", draws=4000)
    own = np.concatenate([p.predict_draws(rows, random="conditional", draws=1000) for p in parts])
    np.testing.assert_allclose(drawn.mean(axis=0), own.mean(axis=0), rtol=0.1)
    np.testing.assert_allclose(np.quantile(drawn, 0.9, axis=0), np.quantile(own, 0.9, axis=0), rtol=0.12)
    np.testing.assert_array_equal(drawn, found.predict_draws(rows, random="conditional", draws=4000))


def test_tables_and_averages(parts, found) -> None:
    text = str(found.summary())
    assert "mixture of several fits" in text
    assert "nan" not in text
    assert len(found.random_effects()) == 20
    table = found.avg_comparisons("x", newdata=frames()[0])
    own = pd.concat([p.avg_comparisons("x", newdata=frames()[0]) for p in parts])
    assert table["estimate"][0] == pytest.approx(own["estimate"].mean(), rel=0.05)
    assert table["std_error"][0] > own["std_error"].mean()
    answer = found.hypothesis("x > 0.3")
    assert 0.0 < answer["probability"].iloc[0] <= 1.0
    assert "4 fits" in repr(found)
    assert "<table" in found._repr_html_()


def test_missing_information(parts, found) -> None:
    table = found.missing_information()
    between = np.var([p.fe_mean for p in parts], axis=0, ddof=1)
    np.testing.assert_allclose(table["between"][:2], between)
    assert 0.05 < table["fraction"]["x"] < 0.95
    assert len(found.missing_information(random=True)) == 23


def test_what_is_about_one_data_set_is_refused(found) -> None:
    for name in ("loo", "check", "posterior_predictive", "kfold", "r2"):
        with pytest.raises(AttributeError, match=f"no {name}, which is about the data of one fit"):
            getattr(found, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = found.nonsense
    with pytest.raises(ValueError, match="exog must be given"):
        found.predict(None)
    with pytest.raises(ValueError, match="newdata must be given"):
        found.avg_comparisons("x")


def test_models_that_are_not_the_same(parts) -> None:
    other = mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=frames()[0], family="poisson").fit()
    with pytest.raises(ValueError, match="the formula of result 0 is y ~ x"):
        mg.pool([*parts, other])
    fewer = frames()[0].query("g != 3")
    with pytest.raises(ValueError, match=r"same parameters: result 0 has g\[3\]"):
        mg.pool([parts[0], mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=fewer, family="poisson").fit()])
    with pytest.raises(ValueError, match="learnt other numbers"):
        mg.pool(fits("y ~ center(x) + (1 | g)", 2))
    with pytest.raises(ValueError, match="family"):
        mg.pool(
            [
                parts[0],
                mg.MixedGLM.from_formula(
                    "y ~ x + (1 | g)", data=frames()[0], family="negative_binomial"
                ).fit(),
            ]
        )


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, "at least two fits, got 0"),
        ([1, 2], TypeError, "got int at 0"),
        (7, TypeError, "iterable"),
    ],
)
def test_bad_arguments(given, error, message: str) -> None:
    with pytest.raises(error, match=message):
        mg.pool(given)
    with pytest.raises(TypeError, match="got one"):
        mg.pool(with_herds())
