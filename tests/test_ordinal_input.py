"""Ordinal responses: what may be given for them, what is refused, and their priors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from surveys import LABELS, model, survey

import mixed_glm as mg
from mixed_glm.exceptions import RankDeficiencyWarning
from mixed_glm.families import Cumulative, as_family


def test_responses_of_all_kinds_are_one_model() -> None:
    data = survey()
    numbers = model("number ~ x + (1 | g)", data)
    assert numbers.response_levels == ("1", "2", "3", "4")
    np.testing.assert_array_equal(numbers.endog, data["answer"].cat.codes)
    z = np.eye(20)[data["g"]]
    for response in (
        data["answer"],
        data["number"].to_numpy(),
        list(data["number"]),
        data["number"].astype(float),
    ):
        m = mg.MixedGLM(response, data[["x"]], z, np.zeros(20, int), "cumulative")
        assert m.log_marginal([0.0]) == pytest.approx(numbers.log_marginal([0.0]), abs=1e-9)
    zero, one = model("number ~ 0 + x + (1 | g)", data), model("number ~ 1 + x + (1 | g)", data)
    assert zero.log_marginal([0.0]) == one.log_marginal([0.0]) == numbers.log_marginal([0.0])


@pytest.mark.parametrize(
    ("response", "error", "message"),
    [
        (np.array(["no", "yes"] * 10), ValueError, r"without an order \(texts\).*categories=\['no', 'yes'\], ordered=True"),
        (pd.Categorical(["no", "yes"] * 10), ValueError, "a categorical that is not ordered"),
        (np.arange(20) / 2, ValueError, "whole numbers, or an ordered categorical.*0.5 at row 1"),
        (np.ones(20), ValueError, "two categories or more.*only '1'"),
        (pd.Categorical(["a", "c"] * 10, categories=list("abc"), ordered=True), ValueError, "no observation in category 'b'"),
        (pd.Categorical([None, "c"] * 10, categories=list("ac"), ordered=True), ValueError, "missing labels, got one at row 0"),
        (np.r_[np.nan, np.arange(19)], ValueError, "must be finite"),
    ],
)  # fmt: skip
def test_responses_that_are_refused(response: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mg.MixedGLM(
            response, np.linspace(-1, 1, 20), np.eye(5)[np.arange(20) % 5], np.zeros(5, int), "cumulative"
        )
    frame = pd.DataFrame({"y": response, "x": np.linspace(-1, 1, 20), "g": np.arange(20) % 5})
    if not frame["y"].isna().any():
        with pytest.raises(error, match=message):
            mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=frame, family="cumulative")


def test_an_outer_category_may_be_empty() -> None:
    data = survey()
    wider = data["answer"].cat.set_categories(["never", *LABELS])
    result = model("answer ~ z + (1 | g)", data.assign(answer=wider)).fit()
    assert result.converged
    assert np.isfinite(result.family_sd).all()
    assert result.predict()["never"].max() < 0.05


def test_a_constant_is_refused() -> None:
    data = survey()
    with pytest.raises(
        ValueError, match=r"column 'one' is constant, and the thresholds.*in the place of a constant"
    ):
        mg.MixedGLM(data["answer"], data[["x"]].assign(one=2.0), None, None, "cumulative")
    dummies = pd.get_dummies(np.where(data["z"] > 0, "a", "b"), dtype=float)
    with pytest.warns(RankDeficiencyWarning, match="with a constant"):
        mg.MixedGLM(data["answer"], dummies, None, None, "cumulative")


def test_family_arguments() -> None:
    assert as_family("cumulative") == Cumulative() == as_family(Cumulative)
    with pytest.raises(ValueError, match="link must be one of logit, probit, cloglog, got 'cauchit'"):
        Cumulative("cauchit")
    with pytest.raises(ValueError, match="write 'cumulative'"):
        as_family("ordinal")
    with pytest.raises(
        ValueError, match=r"Cumulative\(categories=3\) does not fit a response with 4 categories"
    ):
        mg.MixedGLM.from_formula("answer ~ x", data=survey(), family=Cumulative(categories=3))
    with pytest.raises(ValueError, match="at least 2"):
        Cumulative(categories=1)
    for call in (
        lambda: Cumulative().mean(0.0),
        lambda: Cumulative().sample(0.0),
        lambda: Cumulative().derivatives([0], [0]),
    ):
        with pytest.raises(ValueError, match="cumulative family"):
            call()
    with pytest.raises(ValueError, match="n_trials is only for the binomial family"):
        model(n_trials=2)
    with pytest.raises(ValueError, match="exposure is only for a log link"):
        model(exposure=np.ones(400))


def test_variational_methods_are_refused() -> None:
    m = model()
    size = 6 + m.k_vc
    for call in (
        m.fit_vb, lambda: m.fit("vb", covariance="full"), lambda: m.log_marginal([0.0], "vb"),
        lambda: m.vb_elbo(np.zeros(size), np.ones(size)), lambda: m.vb_elbo_grad(np.zeros(size), np.ones(size)),
        lambda: m.fit_many(m.endog[:, None] + 1, "vb"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"not for the cumulative family.*use fit"):
            call()


def test_prior_draws_are_in_order() -> None:
    for arguments in (
        {},
        {"fe_p": 1.5},
        {"priors": {"c[no|perhaps]": mg.priors.Normal(1.0, 0.5)}, "fe_p": 2.0},
    ):
        m = model("answer ~ z + (1 | g)", **arguments)
        draws = m.prior_sample(40_000, 0)
        assert (np.diff(draws.family) > 0).all()
        priors = m.spec.design.priors
        plain = np.random.default_rng(1).normal(priors.fe_loc[:3], priors.fe_scale[:3], (400_000, 3))
        kept = plain[(np.diff(plain) > 0).all(axis=1)]
        shift = draws.fe @ m.exog.mean(axis=0) if priors.constant >= 0 else np.zeros(len(draws))
        np.testing.assert_allclose((draws.family - shift[:, None]).mean(axis=0), kept.mean(axis=0), atol=0.05)
        np.testing.assert_allclose((draws.family - shift[:, None]).std(axis=0), kept.std(axis=0), atol=0.05)
        assert set(np.unique(m.prior_predictive(20, 0))) <= {0.0, 1.0, 2.0, 3.0}


def test_priors_by_name() -> None:
    normal = mg.priors.Normal(-1.0, 0.2)
    m = model(priors={"c[no|perhaps]": normal})
    assert m.priors.loc["c[no|perhaps]"].tolist() == ["Normal(-1, 0.2)", "threshold"]
    given = model(fe_p={"c[yes|sure]": 0.5, "x": 1.0}, vcp_p=1.0)
    assert given.fe_p[[2, 3]].tolist() == [0.5, 1.0]
    assert model(fe_p=[1.0, 2.0, 3.0, 4.0, 5.0]).fe_p.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    with pytest.raises(ValueError, match="fixed effects and thresholds"):
        model(fe_p=[1.0, 2.0])
