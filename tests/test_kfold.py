"""K-fold cross-validation."""

from __future__ import annotations

import concurrent.futures as cf

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from simulated import crossed, one_factor

import mixed_glm as mg
from mixed_glm._assess import draw_density
from mixed_glm._assess import kfold as kfold_module
from mixed_glm._fit.refit import refit
from mixed_glm.exceptions import ConvergenceWarning


@pytest.fixture(scope="module")
def poisson() -> mg.MixedGLMResults:
    return one_factor("poisson", groups=8, rows=5, p=2, seed=3).model().fit_laplace()


def test_folds_of_one_row_are_leave_one_out(poisson: mg.MixedGLMResults) -> None:
    found, exact = poisson.kfold(np.arange(40), draws=4000), poisson.loo(exact=True)
    np.testing.assert_allclose(found.pointwise, exact.pointwise, atol=0.1)
    assert found.elpd == pytest.approx(exact.elpd, abs=4.0 * found.mcse + 0.1)
    assert found.p == pytest.approx(exact.p, abs=1.0)
    assert 0.0 < found.mcse < 0.5


@pytest.mark.parametrize("weighted", [True, False])
def test_folds_of_a_leaf_are_weighted_draws(weighted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws that take long are replaced by quick ones with weights, unless these are too unequal."""
    result = one_factor(groups=15, rows=3, p=1, sd=1.5, seed=4).model().fit_laplace(n_quad=15)
    drawn = []
    real = draw_density._weighted
    monkeypatch.setattr(draw_density, "_weighted", lambda *args: drawn.append(real(*args)) or drawn[-1])
    if not weighted:
        monkeypatch.setattr(draw_density, "_LEAST_SHARE", 1.1)
    found, exact = result.kfold(np.arange(45), draws=2000), result.loo(exact=True)
    assert all((d is not None) == weighted for d in drawn[:46])
    np.testing.assert_allclose(found.pointwise, exact.pointwise, atol=0.12)
    assert found.elpd == pytest.approx(exact.elpd, abs=4.0 * found.mcse + 0.05)
    assert found.p == pytest.approx(exact.p, abs=0.3)


def test_means_over_weighted_draws() -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.normal(-800.0, 1.0, size=(50, 3)), rng.dirichlet(np.ones(50))
    values[:, 2] = -np.inf
    found, variance = draw_density.log_mean(values, weights)
    np.testing.assert_allclose(found[:2], logsumexp(values[:, :2], b=weights[:, None], axis=0))
    assert found[2] == -np.inf
    relative = np.exp(values[:, :2] - found[:2]) - 1.0
    np.testing.assert_allclose(variance[:2], weights**2 @ relative**2)


def test_folds_of_groups_predict_new_groups(poisson: mg.MixedGLMResults) -> None:
    """With one row in each group, rows of a fold that is a group are those of a group left out."""
    data = one_factor("poisson", groups=20, rows=1, p=1, seed=3)
    result = data.model().fit_laplace()
    found, groups = result.kfold("VC_1", draws=4000), result.leave_out("VC_1")
    np.testing.assert_allclose(found.pointwise, groups.pointwise[found.folds], atol=0.15)
    assert found.elpd == pytest.approx(groups.elpd, abs=4.0 * found.mcse + 0.1)


def test_random_folds(poisson: mg.MixedGLMResults) -> None:
    one, again = poisson.kfold(4, draws=200, rng=5), poisson.kfold(4, draws=200, rng=5, n_jobs=2)
    np.testing.assert_array_equal(one.pointwise, again.pointwise)
    np.testing.assert_array_equal(np.bincount(one.folds), [10, 10, 10, 10])
    assert one.kind == "kfold"
    assert list(one.to_frame())[:2] == ["elpd_kfold", "p_kfold"]
    other = crossed(n=40).fit_laplace().kfold(4, draws=100, rng=5)
    np.testing.assert_array_equal(one.folds, other.folds)
    assert (poisson.kfold(4, draws=200, rng=6).folds != one.folds).any()
    by_hand = poisson.kfold(one.folds, draws=2000)
    assert by_hand.elpd == pytest.approx(one.elpd, abs=4.0 * (one.mcse + by_hand.mcse))


def test_groups_stay_together(poisson: mg.MixedGLMResults) -> None:
    group = poisson.model.exog_vc.indices
    for given in ("VC_1", group):
        found = poisson.kfold(3, groups=given, draws=100)
        torn = pd.Series(found.folds).groupby(group).nunique()
        assert torn.max() == 1
        assert sorted(np.bincount(found.folds)) == [10, 15, 15]
    with pytest.raises(ValueError, match="from 2 to the number of groups, 8, got 9"):
        poisson.kfold(9, groups="VC_1")
    with pytest.raises(ValueError, match="groups is only for a number of folds"):
        poisson.kfold("VC_1", groups="VC_1")


@pytest.mark.parametrize("pool", [cf.ThreadPoolExecutor, cf.ProcessPoolExecutor])
def test_executors(poisson: mg.MixedGLMResults, pool: type[cf.Executor]) -> None:
    with pool(1) as executor:  # type: ignore[call-arg]
        found = poisson.kfold(3, draws=100, executor=executor)
    np.testing.assert_array_equal(found.pointwise, poisson.kfold(3, draws=100).pointwise)
    with pytest.raises(TypeError, match="executor must be"):
        poisson.kfold(3, executor=3)


@pytest.mark.parametrize(
    ("method", "options"),
    [("fit_map", {}), ("fit_vb", {}), ("fit_vb", {"covariance": "full"}), ("fit_ep", {}), ("fit_laplace", {"n_quad": 7})],
)  # fmt: skip
def test_fits_are_made_as_the_first(method: str, options: dict[str, object]) -> None:
    data = one_factor("poisson", groups=8, rows=10, p=1, seed=3)
    result = getattr(data.model(), method)(**options)
    again = refit(result.fit, result.fit.spec.with_weights(np.ones(80)))
    assert again.method == result.method
    np.testing.assert_allclose(again.posterior.mean, result.params, atol=2e-3)
    np.testing.assert_allclose(again.posterior.sd, result.bse, rtol=1e-2)
    found = result.kfold(5, draws=300)
    assert np.isfinite(found.pointwise).all()
    assert found.elpd == pytest.approx(data.model().fit_laplace().kfold(5, draws=300).elpd, abs=5.0)


def test_standardized_columns_are_refused() -> None:
    result = one_factor("poisson", rows=10, p=2).model().fit_vb(scale_fe=True)
    with pytest.raises(ValueError, match="scale_fe"):
        result.kfold(3)


def test_folds_that_do_not_fit(poisson: mg.MixedGLMResults) -> None:
    for bad, message in (
        (1, "folds must be from 2 to the number of rows, 40, got 1"),
        (41, "got 41"),
        (np.zeros(40), "at least two groups"),
        (np.zeros(39), "each of the 40 rows of the model, got 39"),
        ("herd", r"\(here 'VC_1'\)"),
        (True, "a label for each row"),
    ):
        with pytest.raises(ValueError, match=message):
            poisson.kfold(bad)


def test_rows_of_a_frame() -> None:
    frame = mg.datasets.load_cbpp().sample(frac=1.0, random_state=0)
    result = mg.MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=frame, family="binomial", n_trials="size"
    ).fit_laplace()
    found = result.kfold(frame["herd"], draws=200)
    assert pd.Series(found.pointwise, found.index).index.equals(frame.index)
    herds = pd.Series(found.folds, found.index).groupby(frame["herd"]).nunique()
    assert (herds == 1).all()


def test_fits_that_fail_are_told(poisson: mg.MixedGLMResults, monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = kfold_module.refit, []

    def fail_once(*arguments):
        made.append(1)
        if len(made) == 2:
            raise RuntimeError("the fit failed")
        return real(*arguments)

    monkeypatch.setattr(kfold_module, "refit", fail_once)
    with pytest.warns(ConvergenceWarning, match="1 of 4 fits did not simply converge: 1 failed"):
        found = poisson.kfold(4, draws=50, n_jobs=1)
    np.testing.assert_array_equal(np.isnan(found.pointwise), found.folds == 1)
