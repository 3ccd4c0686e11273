"""Leave-one-out cross-validation and WAIC by importance sampling."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from arviz_0 import arviz_0
from cbpp_fits import with_herds
from scipy import stats
from scipy.special import logsumexp
from simulated import PLAIN, one_factor

import mixed_glm as mg
from mixed_glm._assess import loo as loo_module
from mixed_glm._posterior.draws import PosteriorDraws


@pytest.fixture
def cbpp() -> mg.MixedGLMResults:
    return with_herds()


def test_loo_by_refitting() -> None:
    """Left out by fitting anew without each row: random effects stay, so brute force is the same integral."""
    data = one_factor("poisson", groups=6, rows=4, p=1, seed=4)
    model = data.model()
    loo = model.fit_laplace().loo(4000)
    assert loo.corrected
    exact = []
    for i in range(len(data.y)):
        keep = np.arange(len(data.y)) != i
        fit = mg.MixedGLM(
            data.y[keep], data.x[keep], model.exog_vc[keep], model.ident, family="poisson", **PLAIN
        ).fit_laplace()
        draws = fit.posterior_sample(2000, rng=i)
        eta = draws.fe @ data.x[i] + draws.vc[:, data.group[i]]
        exact.append(logsumexp(stats.poisson.logpmf(data.y[i], np.exp(eta))) - np.log(2000))
    np.testing.assert_allclose(loo.pointwise, exact, atol=0.25)
    assert loo.elpd == pytest.approx(sum(exact), abs=0.8)
    assert loo.elpd == pytest.approx(loo.pointwise.sum())
    assert 1.0 < loo.p < 7.0


def test_blocks_and_threads_change_nothing(cbpp: mg.MixedGLMResults, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cbpp.loo(200)
    monkeypatch.setattr(loo_module, "_ENTRIES", 200 * 10)
    for n_jobs in (1, 2):
        found = cbpp.loo(200, n_jobs=n_jobs)
        np.testing.assert_array_equal(found.pointwise, whole.pointwise)
        np.testing.assert_array_equal(found.pareto_k, whole.pareto_k)
    assert cbpp.waic(200).elpd == pytest.approx(whole.elpd, abs=2.0)


def test_loo_and_waic_of_arviz(cbpp: mg.MixedGLMResults) -> None:
    az = arviz_0()
    tree = cbpp.to_datatree(1000, rng=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large k and of variances
        theirs, their_waic = az.loo(tree, pointwise=True, reff=1.0), az.waic(tree)
    ours, waic = cbpp.loo(correct=False), cbpp.waic()
    assert not ours.corrected
    assert ours.elpd == pytest.approx(theirs.elpd_loo, abs=1e-6)
    assert ours.se == pytest.approx(theirs.se, rel=1e-6)
    assert ours.p == pytest.approx(theirs.p_loo, abs=1e-6)
    np.testing.assert_allclose(ours.pareto_k, theirs.pareto_k, atol=1e-6)
    assert waic.elpd == pytest.approx(their_waic.elpd_waic, rel=1e-3)
    assert "elpd_loo" in str(ours)


@pytest.mark.parametrize("criterion", ["loo", "waic"])
def test_monte_carlo_error_is_that_of_other_seeds(criterion: str) -> None:
    data = mg.datasets.load_cbpp()
    fit = mg.MixedGLM.from_formula("incidence ~ 1 + (1 | herd)", data=data, family="poisson").fit()
    found = [getattr(fit, criterion)(400, rng=seed) for seed in range(60)]
    told = float(np.mean([f.mcse for f in found]))
    assert 0.5 * told < np.std([f.elpd for f in found]) < 2.0 * told


@pytest.mark.parametrize("criterion", ["loo", "waic"])
def test_blocks_of_rows_change_nothing(criterion: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"g": np.arange(90) % 9, "o": rng.normal(size=90), "w": 1.0 + np.arange(90) % 2})
    frame["n"], frame["y"] = 4, rng.binomial(4, 0.4, 90)
    result = mg.MixedGLM.from_formula(
        "y ~ 1 + (1 | g)", data=frame, family="binomial", n_trials="n", offset="o", freq_weights="w"
    ).fit_laplace(integrate="mode")
    whole = getattr(result, criterion)(200)
    widths = []
    real = PosteriorDraws.log_likelihood_by_row
    monkeypatch.setattr("mixed_glm._assess.loo._ENTRIES", 200 * 7)
    monkeypatch.setattr(
        PosteriorDraws,
        "log_likelihood_by_row",
        lambda self, *rows: [real(self, *rows), widths.append(len(real(self, *rows)))][0],
    )
    parts = getattr(result, criterion)(200)
    assert max(widths) == 7
    np.testing.assert_allclose(parts.pointwise, whole.pointwise, rtol=1e-12)
    assert parts.elpd == pytest.approx(whole.elpd, rel=1e-12)
    assert parts.p == pytest.approx(whole.p, rel=1e-10)
    assert parts.mcse == pytest.approx(whole.mcse, rel=1e-10)
