"""Default priors of products and powers of covariates: those of the coefficients with covariates at their means."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg

pytestmark = pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.PriorPullWarning")
PRODUCT = "y ~ year * tr + (1 | g)"


def panel(origin: float, slope: float = 0.12) -> pd.DataFrame:
    """A covariate whose slope differs between two groups by `slope`, and that curves."""
    rng = np.random.default_rng(1)
    g, since = np.repeat(np.arange(40), 25), np.tile(np.arange(25), 40) - 12.0
    eta = -0.4 + slope * since * (g % 2) - 0.01 * since**2 + rng.normal(0.0, 0.7, 40)[g]
    y = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame({"y": y, "year": since + origin, "tr": np.where(g % 2, "b", "a"), "g": g})


def model(formula: str, origin: float, **arguments: Any) -> mg.MixedGLM:
    return mg.MixedGLM.from_formula(formula, data=panel(origin), family="binomial", **arguments)


@pytest.mark.parametrize(
    "formula", [PRODUCT, "y ~ year + I(year**2) + tr + (1 | g)", "y ~ poly(year, 2, raw=True) + (1 | g)"]
)
def test_a_year_is_a_year_since(formula: str) -> None:
    """Slopes and curvatures are the same, which independent priors of the columns as they stand would hold near zero."""
    since, year = (model(formula, origin).fit_laplace() for origin in (0.0, 2002.0))
    assert year.log_evidence == pytest.approx(since.log_evidence, abs=1e-6)
    last = [name for name in year.model.fep_names if "year" in name][-1]
    mean, sd = year.to_frame().loc[last, ["mean", "sd"]]
    assert mean == pytest.approx(since.to_frame().loc[last, "mean"], rel=1e-6)
    assert abs(mean) > 4 * sd
    np.testing.assert_allclose(year.predict(panel(2002.0)), since.predict(panel(0.0)), rtol=1e-6)


def test_the_prior_is_that_of_the_effects_at_the_means() -> None:
    at_means, plain = "at the means of the columns", "coefficient"
    of = model(PRODUCT, 2002.0).priors["of"]
    assert of.to_dict() == {
        "Intercept": at_means, "year": plain, "tr[T.b]": at_means, "year:tr[T.b]": plain, "sd(g)": "standard deviation"
    }  # fmt: skip
    draws = model(PRODUCT, 2002.0).prior_sample(20_000, rng=1).to_frame()
    at_mean = draws["tr[T.b]"] + 2002.0 * draws["year:tr[T.b]"]
    assert at_mean.std() == pytest.approx(2.5 / 0.5, rel=0.02)
    assert draws["year:tr[T.b]"].std() == pytest.approx(
        2.5 / np.std(panel(0.0).year * (panel(0.0).tr == "b")), rel=0.02
    )


def test_numbers_and_named_priors_are_of_the_coefficients_as_they_stand() -> None:
    assert model(PRODUCT, 2002.0, fe_p=2.0).spec.design.priors.mixing is None
    of_the_group = {"tr[T.b]": mg.priors.Normal(0.0, 3.0)}
    assert model(PRODUCT, 2002.0, priors=of_the_group).spec.design.priors.mixing is None
    of_the_product = {"year:tr[T.b]": mg.priors.Normal(0.0, 3.0)}
    assert model(PRODUCT, 2002.0, priors=of_the_product).spec.design.priors.mixing is not None


@pytest.mark.parametrize(
    "formula", ["y ~ year + tr + (1 | g)", "y ~ year:tr + (1 | g)", "y ~ log(year) * tr + (1 | g)"]
)
def test_origins_that_do_not_mix_or_are_not_free(formula: str) -> None:
    assert model(formula, 2002.0).spec.design.priors.mixing is None


def test_repeated_rows_and_weights_have_one_prior() -> None:
    data = panel(2002.0)
    times = np.random.default_rng(3).integers(1, 4, len(data))
    weighted = mg.MixedGLM.from_formula(PRODUCT, data=data, family="binomial", freq_weights=times)
    repeated = mg.MixedGLM.from_formula(PRODUCT, data=data.loc[data.index.repeat(times)], family="binomial")
    assert weighted.fit_laplace().log_evidence == pytest.approx(repeated.fit_laplace().log_evidence, abs=1e-6)


def test_files_pickles_and_many_responses(tmp_path: Path) -> None:
    result = model(PRODUCT, 2002.0).fit_laplace()
    result.save(tmp_path / "fit.mglm")
    for other in (mg.load(tmp_path / "fit.mglm"), pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        mixing = other.model.spec.design.priors.mixing
        assert mixing is not None
        assert not mixing.flags.writeable
        assert other.model.fit_laplace().log_evidence == result.log_evidence
    many = result.model.fit_many(result.model.endog[:, None])
    np.testing.assert_allclose(many.fe_mean[0], result.fe_mean, rtol=1e-6)
    np.testing.assert_allclose(many.fe_sd[0], result.fe_sd, rtol=1e-6)
    draws = result.posterior_sample(500, rng=1)
    np.testing.assert_allclose(
        draws.log_p[:3], [result.model.logposterior(row) for row in draws.params[:3]], rtol=1e-10
    )
    assert result.check(500).ok


def test_a_column_that_is_zero_only_where_origins_are() -> None:
    """About their means a product is not zero, so that the origins are not free, and M has no inverse."""
    data = panel(0.0).assign(a=lambda d: (d.tr == "a").astype(float), b=lambda d: (d.tr == "b").astype(float))
    with pytest.warns(mg.MixedGLMWarning):
        found = mg.MixedGLM.from_formula("y ~ 0 + a:b + (1 | g)", data=data, family="binomial")
    assert found.fep_names == ["a:b"]
