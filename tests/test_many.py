"""fit_many: agreement with single fits, statuses, determinism, the results object."""

import pickle

import numpy as np
import pandas as pd
import pytest
from many_problems import assert_identical, crossed, one_factor, single_fit
from numpy.testing import assert_allclose

import mixed_glm as mg
from mixed_glm import ResponseStatus

METHODS = {
    "map": ("map", {}),
    "vb": ("vb", {}),
    "vb_full": ("vb", {"covariance": "full"}),
    "laplace": ("laplace", {}),
    "laplace at the mode": ("laplace", {"integrate": "mode"}),
    "laplace without correction": ("laplace", {"mean_correction": False, "integrate": "mode"}),
    "leaf": ("laplace", {"n_quad": 9}),
    "ep": ("ep", {}),
    "laplace ridge": ("laplace", {"integrate": "ridge"}),
    "ep ccd": ("ep", {"integrate": "ccd", "n_quad": 7}),
}
DESIGNS = {
    "one factor, binary": lambda: one_factor(),
    "one factor, Poisson": lambda: one_factor("poisson", seed=3),
    "slope, trials": lambda: one_factor(slope=True, trials=6, seed=4),
    "crossed, binary": lambda: crossed(),
    "crossed, Poisson": lambda: crossed("poisson", seed=5),
}


@pytest.mark.filterwarnings("ignore::mixed_glm.MixedGLMWarning")
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("name", METHODS)
def test_agrees_with_single_fits(name, design):
    method, options = METHODS[name]
    problem = DESIGNS[design]()
    many = problem.fit(method=method, keep_random_effects=True, n_jobs=2, **options)
    for j in range(problem.y.shape[1]):
        one = single_fit(problem.model(j), method, **options)
        assert many.method == one.method
        assert ResponseStatus(many.status[j]).label == one.status
        assert many.n_iter[j] == one.n_iter
        for field in ("fe_mean", "fe_sd", "vcp_mean", "vcp_sd", "vc_mean", "vc_sd"):
            assert_allclose(getattr(many, field)[j], getattr(one, field), rtol=1e-8, atol=1e-8, err_msg=field)
        if one.log_evidence is None:
            assert np.isnan(many.log_evidence[j])
        else:
            assert_allclose(many.log_evidence[j], one.log_evidence, rtol=1e-10)


@pytest.mark.filterwarnings("ignore::mixed_glm.MixedGLMWarning")
@pytest.mark.parametrize("name", METHODS)
def test_bitwise_the_same_for_any_threads_chunks_and_order(name):
    method, options = METHODS[name]
    problem = crossed(n=100, sizes=(6, 4), m=7, seed=8)
    y = problem.y.copy()
    y[:, 3] = 1.0  # separated, and slow
    problem = problem.with_responses(y)
    reference = problem.fit(method=method, n_jobs=1, keep_random_effects=True, **options)
    for n_jobs, chunk_size in [(1, 1), (2, 7), (3, 2), (-1, 3)]:
        other = problem.fit(
            method=method, n_jobs=n_jobs, chunk_size=chunk_size, keep_random_effects=True, **options
        )
        assert_identical(reference, other)
    backwards = problem.with_responses(y[:, ::-1]).fit(method=method, n_jobs=1, **options)
    np.testing.assert_array_equal(backwards.fe_mean[::-1], reference.fe_mean)
    np.testing.assert_array_equal(backwards.vcp_sd[::-1], reference.vcp_sd)


@pytest.mark.parametrize("method", ["map", "vb", "laplace", "ep"])
def test_bad_responses_leave_the_others_alone(method):
    problem = one_factor("poisson", m=8, seed=6)
    options = {"vcp_p": 0.3} if method == "map" else {}  # it would collapse
    good = problem.fit(method=method, **options)
    y = problem.y.copy()
    y[7, 1] = np.nan
    y[0, 2] = -1.0
    y[-1, 4] = 0.5
    y[:, 6] = np.inf
    with pytest.warns(mg.ConvergenceWarning, match="4 of 8 responses .* 4 invalid response") as caught:
        bad = problem.with_responses(y).fit(method=method, **options)
    assert [w.category for w in caught if w.category is not mg.PriorPullWarning] == [mg.ConvergenceWarning]
    broken = [1, 2, 4, 6]
    rest = [0, 3, 5, 7]
    assert (bad.status[broken] == ResponseStatus.INVALID_RESPONSE).all()
    assert bad.status_counts() == {ResponseStatus.CONVERGED: 4, ResponseStatus.INVALID_RESPONSE: 4}
    np.testing.assert_array_equal(bad.converged, [True, False, False, True, False, True, False, True])
    for field in ("fe_mean", "fe_sd", "vcp_mean", "vcp_sd", "log_evidence"):
        assert np.isnan(getattr(bad, field)[broken]).all()
        np.testing.assert_array_equal(getattr(bad, field)[rest], getattr(good, field)[rest])


@pytest.mark.parametrize(
    ("family", "value", "trials"),
    [("binomial", 2.0, 1), ("binomial", 4.0, 3), ("binomial", 0.5, 3), ("exponential", -0.1, 1)],
)
def test_outside_of_the_support(family, value, trials):
    problem = one_factor(family, m=2, trials=trials)
    y = problem.y.copy()
    y[5, 1] = value
    with pytest.raises(ValueError, match="endog must"):
        problem.with_responses(y).model(1)
    with pytest.warns(mg.ConvergenceWarning, match="1 invalid response"):
        results = problem.with_responses(y).fit()
    np.testing.assert_array_equal(results.status, [ResponseStatus.CONVERGED, ResponseStatus.INVALID_RESPONSE])


def test_collapsed_joint_modes_are_told():
    problem = one_factor(m=3, n=40, groups=20)
    with pytest.warns(mg.ConvergenceWarning, match="3 collapsed"):
        results = problem.fit(method="map", vcp_p=3.0)
    assert (results.status == ResponseStatus.COLLAPSED).all()
    assert results.converged.all()
    assert (results.vcp_mean < -50).all()


def test_not_converged():
    problem = one_factor(m=2)
    with pytest.warns(mg.ConvergenceWarning, match="2 not converged"):
        results = problem.fit(minim_opts={"maxiter": 1})
    assert (results.status == ResponseStatus.NOT_CONVERGED).all()
    assert not results.converged.any()
    assert np.isfinite(results.fe_mean).all()


@pytest.mark.parametrize("kind", ["no fixed effects", "no random effects", "weights"])
def test_other_designs(kind):
    problem = one_factor(m=3)
    x = None if kind == "no fixed effects" else problem.x
    z, ident = (None, None) if kind == "no random effects" else (problem.z, problem.ident)
    weights = np.arange(len(problem.x)) % 3 if kind == "weights" else None
    results = mg.fit_many(problem.y, x, z, ident, "binomial", freq_weights=weights)
    for j in range(3):
        one = mg.MixedGLM(problem.y[:, j], x, z, ident, "binomial", freq_weights=weights).fit_laplace()
        assert_allclose(results.fe_mean[j], one.fe_mean, rtol=1e-8)
        assert_allclose(results.vcp_mean[j], one.vcp_mean, rtol=1e-8)
        assert_allclose(results.log_evidence[j], one.log_evidence, rtol=1e-10)


def test_from_a_formula():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"y": rng.integers(0, 2, 60), "x": rng.normal(size=60), "g": np.arange(60) % 6})
    model = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="binomial")
    others = pd.DataFrame({"a": rng.integers(0, 2, 60), "b": data.y})
    results = model.fit_many(others)
    assert results.names == ["a", "b"]
    assert results.fep_names == model.fep_names
    assert results.vcp_names == model.vcp_names
    one = model.fit_laplace()
    assert_allclose(results.fe_mean[1], one.fe_mean, rtol=1e-8)
    data.loc[4, "x"] = np.nan
    shorter = mg.MixedGLM.from_formula("y ~ x + (1 | g)", data=data, family="binomial")
    with pytest.raises(ValueError, match=r"endogs must have 59 rows.*1 more had missing values.*got 60"):
        shorter.fit_many(others)


def test_the_models_own_offset_holds_unless_another_is_given():
    problem = one_factor("poisson", m=2)
    offset = np.linspace(-1, 1, len(problem.x))
    model = problem.model(0, offset=offset, exposure=np.full(len(offset), 2.0))
    own = model.fit_many(problem.y)
    assert_allclose(own.fe_mean[0], model.fit_laplace().fe_mean, rtol=1e-8)
    without = model.fit_many(problem.y, offset=0.0)
    assert_allclose(without.fe_mean, problem.fit().fe_mean, rtol=1e-12)
    assert np.abs(without.fe_mean - own.fe_mean).max() > 0.1


def test_frames():
    problem = crossed(m=4)
    y = pd.DataFrame(problem.y, columns=["w", "x", "y", "z"])
    y.iloc[0, 2] = 7
    with pytest.warns(mg.ConvergenceWarning):
        results = problem.with_responses(y).fit(fep_names=["one", "slope"], vcp_names=["s", "t"])
    wide = results.to_frame()
    assert list(wide.index) == ["w", "x", "y", "z"]
    assert wide.index.name == "response"
    names = ["one", "slope", "s", "t"]
    about = ["status", "converged", "n_iter", "log_evidence"]
    assert list(wide.columns) == about + [f"{n} {what}" for n in names for what in ("mean", "sd")]
    assert list(wide.status) == ["converged", "converged", "invalid response", "converged"]
    np.testing.assert_array_equal(wide["slope sd"], results.fe_sd[:, 1])
    np.testing.assert_array_equal(wide["t mean"], results.vcp_mean[:, 1])
    assert wide.loc["y"].isna().sum() == 9
    tall = results.to_frame(long=True)
    assert len(tall) == 16
    row = tall[(tall.response == "z") & (tall.name == "s")].iloc[0]
    assert row["type"] == "log sd"
    assert row["mean"] == results.vcp_mean[3, 0]
    assert row["sd"] == results.vcp_sd[3, 0]
    assert row["status"] == "converged"
    assert list(tall.response[:4]) == ["w"] * 4
    assert list(tall.name[:4]) == names


def test_results_tell_what_happened():
    results = one_factor(m=3).fit()
    assert len(results) == 3
    assert results.summary() == "3 responses fitted by laplace\n         3 converged"
    assert repr(results) == "<ManyResults: laplace, 3 responses: 3 converged>"
    assert results.vc_mean is None
    assert_identical(pickle.loads(pickle.dumps(results)), results)


def test_no_responses():
    problem = one_factor(m=1)
    results = problem.with_responses(problem.y[:, :0]).fit(keep_random_effects=True)
    assert len(results) == 0
    assert results.fe_mean.shape == (0, 2)
    assert results.vc_sd.shape == (0, 10)
    assert len(results.to_frame()) == 0
    assert len(results.to_frame(long=True)) == 0


@pytest.mark.parametrize("offset", [None, 0.7])
def test_a_prior_that_expects_a_slope_moves_the_constant_as_in_a_single_fit(offset):
    """Where the slope is expected to be has no part in what the constant is expected to be."""
    problem = one_factor("poisson", m=3)
    options = {"priors": {"FE_2": mg.priors.Normal(1.0, 0.5)}, "fep_names": ["FE_1", "FE_2"]}
    if offset is not None:
        options["offset"] = offset * problem.x[:, 1]
    many = problem.fit(**options)
    for j in range(3):
        single = single_fit(problem.model(j, **options), "laplace")
        assert_allclose(many.fe_mean[j], single.fe_mean, rtol=1e-9)
        assert_allclose(many.vcp_mean[j], single.vcp_mean, rtol=1e-8)
        assert_allclose(many.log_evidence[j], single.log_evidence, rtol=1e-11)
