"""Models from arrays and formulas: densities, fits, predictions, bad input."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from scipy.optimize import approx_fprime

import mixed_glm as mg
from mixed_glm.exceptions import ConvergenceWarning, RankDeficiencyWarning, VarianceCollapseWarning

N, GROUPS = 120, 6


def arrays(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    group = np.arange(N) % GROUPS
    slope = rng.normal(size=N)
    level = np.linspace(-2, 2, GROUPS)[group] + np.cos(3.0 * np.arange(GROUPS))[group] * slope
    z = np.zeros((N, 2 * GROUPS))
    z[np.arange(N), group] = 1
    z[np.arange(N), GROUPS + group] = slope
    return {
        "endog": (level + rng.logistic(size=N) > 0).astype(int),
        "exog": np.c_[np.ones(N), rng.normal(size=N), rng.normal(5, 3, size=N)],
        "exog_vc": z,
        "ident": np.repeat([0, 1], GROUPS),
        "family": "binomial",
        "vcp_p": 0.5,
    }


def make(**changes: Any) -> mg.MixedGLM:
    return mg.MixedGLM(**(arrays() | changes))


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    group = np.arange(N) % GROUPS
    return pd.DataFrame(
        {
            "y": rng.poisson(np.exp(np.linspace(-1, 2, GROUPS)[group])),
            "x": rng.normal(size=N),
            "trt": rng.choice(["a", "b"], N),
            "g": group,
            "t": rng.uniform(1, 2, N),
        }
    )


def test_log_density_is_that_of_scipy() -> None:
    model = make(vcp_p=[0.5, 2.0], fe_p=[1.0, 2.0, 3.0], n_trials=3, freq_weights=np.arange(N) % 3,
                 offset=np.linspace(-1, 1, N))  # fmt: skip
    params = np.random.default_rng(1).normal(size=3 + 2 + 2 * GROUPS)
    beta, psi, u = params[:3], params[3:5], params[5:]
    eta = np.linspace(-1, 1, N) + model.exog @ beta + arrays()["exog_vc"] @ u
    expected = (np.arange(N) % 3 * stats.binom.logpmf(model.endog, 3, 1 / (1 + np.exp(-eta)))).sum()
    expected += stats.norm.logpdf(beta, 0, [1, 2, 3]).sum() + stats.norm.logpdf(psi, 0, [0.5, 2.0]).sum()
    expected += stats.norm.logpdf(u, 0, np.exp(np.repeat(psi, GROUPS))).sum()
    assert model.logposterior(params) == pytest.approx(expected, rel=1e-12)


def test_derivatives_agree_with_differences() -> None:
    model = make()
    params = np.random.default_rng(2).normal(size=17) / 3
    np.testing.assert_allclose(
        model.logposterior_grad(params), approx_fprime(params, model.logposterior, 1e-6), atol=1e-3
    )
    hessian = model.logposterior_hess(params)
    assert sparse.issparse(hessian)
    np.testing.assert_allclose(
        hessian.toarray(), approx_fprime(params, model.logposterior_grad, 1e-6), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize(
    "convert",
    [np.asarray, np.asfortranarray, pd.DataFrame, sparse.csr_array, sparse.coo_matrix, sparse.lil_array],
)
def test_exog_vc_in_any_form(convert: Any) -> None:
    params = np.linspace(-1, 1, 17)
    given = convert(arrays()["exog_vc"])
    assert make(exog_vc=given).logposterior(params) == pytest.approx(make().logposterior(params), rel=1e-13)


def test_integer_labels_with_gaps_make_no_phantom_components() -> None:
    model = make(ident=np.repeat([7, -3], GROUPS))
    assert model.k_vcp == 2
    assert model.vcp_names == ["VC_1", "VC_2"]
    np.testing.assert_array_equal(model.ident, np.repeat([1, 0], GROUPS))


def test_string_labels_name_the_components() -> None:
    model = make(ident=["slope"] * GROUPS + ["level"] * GROUPS)
    assert model.vcp_names == ["slope", "level"]
    np.testing.assert_array_equal(model.ident, np.repeat([0, 1], GROUPS))


def test_names() -> None:
    given = arrays()
    model = make(
        endog=pd.Series(given["endog"], name="use"),
        exog=pd.DataFrame(given["exog"], columns=["one", "a", "b"]),
        exog_vc=pd.DataFrame(given["exog_vc"], columns=[f"u{j}" for j in range(12)]),
    )
    assert model.endog_names == "use"
    assert model.names == ["one", "a", "b", "VC_1", "VC_2", *(f"u{j}" for j in range(12))]
    assert make().names == ["FE_1", "FE_2", "FE_3", "VC_1", "VC_2"]


def test_exposure_is_an_offset_on_the_log_scale() -> None:
    t = np.linspace(1, 2, N)
    params = np.zeros(17)
    a = make(family="poisson", exposure=t, offset=0.5).logposterior(params)
    assert a == pytest.approx(make(family="poisson", offset=np.log(t) + 0.5).logposterior(params), rel=1e-14)


def test_two_columns_are_trials() -> None:
    y = np.c_[np.arange(N) % 3, np.arange(N) % 4]
    model = make(endog=y)
    np.testing.assert_array_equal(model.endog, y[:, 0])
    np.testing.assert_array_equal(model.n_trials, y.sum(axis=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"exog": None},
        {"exog": np.empty((N, 0))},
        {"exog_vc": None, "ident": None},
        {"exog_vc": np.empty((N, 0)), "ident": []},
        {"exog": None, "exog_vc": None, "ident": None},
        {"endog": np.ones(N)},  # all equal: the prior makes the posterior proper
        {"exog_vc": np.eye(N), "ident": np.zeros(N, dtype=int)},
        {"exog_vc": np.zeros((N, 1)), "ident": [0]},  # an empty column has its prior
        {"exog_vc": np.ones(N), "ident": [0]},
    ],
)
@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.VarianceCollapseWarning")
def test_odd_shapes_are_fitted(changes: dict[str, Any]) -> None:
    model = make(**changes)
    result = model.fit_map()
    assert result.converged
    assert np.isfinite(result.params).all()
    assert len(result.params) == model.k_fep + model.k_vcp + model.k_vc
    assert str(result.summary())


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"family": None}, ValueError, "family must be given"),
        ({"family": "tweedie"}, ValueError, "tweedie"),
        ({"endog": []}, ValueError, "endog must have at least one observation"),
        ({"endog": np.full(N, np.nan)}, ValueError, "endog must be finite, got nan at row 0"),
        ({"endog": np.full(N, 2)}, ValueError, "endog"),
        ({"endog": np.full(N, 0.5)}, ValueError, "endog"),
        ({"endog": np.full(N, -1), "family": "poisson"}, ValueError, "endog"),
        ({"endog": np.full(N, 1.5), "family": "poisson"}, ValueError, "endog"),
        ({"endog": np.full(N, 4), "n_trials": 3}, ValueError, "endog|n_trials"),
        ({"n_trials": 0, "endog": np.ones(N)}, ValueError, "n_trials|endog"),
        ({"n_trials": np.ones(3)}, ValueError, "n_trials must have one value for each of the 120"),
        ({"n_trials": 2, "family": "poisson"}, ValueError, "n_trials is only for the binomial family"),
        (
            {"n_trials": 2, "endog": np.ones((N, 2))},
            ValueError,
            "n_trials must not be given with a response of two",
        ),
        ({"exog": np.ones((3, 1))}, ValueError, "exog must have 120 rows"),
        ({"exog": np.full((N, 1), np.inf)}, ValueError, "exog must be finite, got inf at row 0, column 0"),
        ({"exog_vc": np.ones((3, 12))}, ValueError, "exog_vc must have 120 rows"),
        ({"exog_vc": np.full((N, 12), np.nan)}, ValueError, "exog_vc must be finite"),
        (
            {"ident": [0]},
            ValueError,
            "ident must have one label for each of the 12 columns of exog_vc, got 1",
        ),
        ({"ident": None}, ValueError, "ident must label"),
        ({"exog_vc": None}, ValueError, "ident was given without exog_vc"),
        ({"vcp_p": 0}, ValueError, "vcp_p must be a positive"),
        (
            {"fe_p": [1.0, -1.0, 1.0]},
            ValueError,
            "fe_p must be a positive, finite standard deviation, got -1",
        ),
        ({"fe_p": [1.0, 1.0]}, ValueError, "fe_p must be one number or one for each of the 3"),
        ({"offset": np.full(N, np.nan)}, ValueError, "offset must be finite"),
        ({"exposure": np.ones(N)}, ValueError, "exposure is only for a log link"),
        (
            {"exposure": np.zeros(N), "family": "poisson"},
            ValueError,
            "exposure must be positive, got 0 at row 0",
        ),
        ({"freq_weights": np.full(N, -1)}, ValueError, "freq_weights must not be negative, got -1 at row 0"),
        ({"freq_weights": "abc"}, TypeError, "freq_weights must be numeric"),
        ({"fep_names": ["a"]}, ValueError, "fep_names must have one name for each of the 3 fixed effects"),
        ({"vcp_names": ["a", "a"]}, ValueError, "vcp_names must be distinct"),
        ({"vc_names": ["a"]}, ValueError, "vc_names must have one name for each of the 12 random effects"),
    ],
)
def test_bad_input_is_named(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(**changes)


def test_rank_deficient_exog_is_warned_of() -> None:
    x = arrays()["exog"]
    with pytest.warns(RankDeficiencyWarning, match="exog has 4 columns but rank 3") as record:
        make(exog=np.c_[x, x[:, 1] - 2 * x[:, 2]])
    assert record[0].filename == __file__
    make(exog=np.c_[x[:, :1], 2000 + np.arange(N) * 1e-3, x[:, 1] * 1e-12])  # badly scaled, not deficient


def test_callers_arrays_are_not_changed() -> None:
    given = arrays()
    before = copy.deepcopy(given)
    model = mg.MixedGLM(**given)
    model.fit_map(scale_fe=True)
    for name in ("endog", "exog", "exog_vc", "ident"):
        np.testing.assert_array_equal(given[name], before[name])


class TestFitMap:
    def test_deterministic_and_without_a_trace_on_the_model(self) -> None:
        model = make(fe_p=2.0)
        before = {k: v for k, v in vars(model).items() if k != "_core_cache"}
        first, scaled, second = model.fit_map(), model.fit_map(scale_fe=True), model.fit_map()
        np.testing.assert_array_equal(first.params, second.params)
        assert not np.array_equal(first.params, scaled.params)
        after = {k: v for k, v in vars(model).items() if k != "_core_cache"}
        assert before.keys() == after.keys()
        assert all(before[k] is after[k] for k in before)

    def test_gradient_vanishes(self) -> None:
        model = make()
        assert np.abs(model.logposterior_grad(model.fit_map().params)).max() < 1e-6

    def test_sd_is_that_of_the_inverse_hessian(self) -> None:
        model = make()
        result = model.fit_map()
        inverse = np.linalg.inv(-model.logposterior_hess(result.params).toarray())
        np.testing.assert_allclose(result.bse, np.sqrt(inverse.diagonal()), rtol=1e-7)
        np.testing.assert_allclose(result.cov_params(), inverse, rtol=1e-6, atol=1e-10)

    def test_scale_fe_is_the_fit_of_standardized_columns(self) -> None:
        """The prior belongs to the standardized coefficients; the way back is linear, intercept included."""
        given = arrays()
        x = given["exog"].copy()
        mean, sd = x[:, 1:].mean(axis=0), x[:, 1:].std(axis=0)
        x[:, 1:] = (x[:, 1:] - mean) / sd
        direct = make(exog=x).fit_map()
        result = make().fit_map(scale_fe=True)
        back = np.eye(17)
        back[[1, 2], [1, 2]] = 1 / sd
        back[0, 1:3] = -mean / sd
        np.testing.assert_allclose(result.params, back @ direct.params, rtol=1e-6, atol=1e-8)
        covariance = back @ direct.cov_params() @ back.T
        np.testing.assert_allclose(result.cov_params(), covariance, rtol=1e-6, atol=1e-10)
        np.testing.assert_allclose(result.bse, np.sqrt(covariance.diagonal()), rtol=1e-6)
        np.testing.assert_allclose(result.predict(), direct.predict(), rtol=1e-7)

    def test_scale_fe_with_a_flat_prior_changes_nothing(self) -> None:
        plain, scaled = make(fe_p=1e6).fit_map(), make(fe_p=1e6).fit_map(scale_fe=True)
        np.testing.assert_allclose(plain.params, scaled.params, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(plain.bse, scaled.bse, rtol=1e-5)

    @pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "trust-ncg", "newton"])
    def test_methods_agree(self, method: str) -> None:
        result = make().fit_map(method=method)
        np.testing.assert_allclose(result.params, make().fit_map().params, atol=2e-3)

    def test_start_and_rng(self) -> None:
        model = make()
        legacy = np.random.RandomState(3)
        expected = model.fit_map().params
        np.testing.assert_allclose(model.fit_map(rng=3).params, expected, atol=1e-5)
        np.testing.assert_allclose(model.fit_map(rng=legacy).params, expected, atol=1e-5)
        np.testing.assert_allclose(model.fit_map(start=expected).params, expected, atol=1e-6)
        np.testing.assert_allclose(
            model.fit_map(start=expected, scale_fe=True).params,
            model.fit_map(scale_fe=True).params,
            atol=1e-6,
        )
        with pytest.raises(ValueError, match="start must have 17 entries"):
            model.fit_map(start=np.zeros(3))

    def test_collapse_is_told(self) -> None:
        rng = np.random.default_rng(0)
        y = np.tile([0, 1], 300)
        z = sparse.csr_array((np.ones(600), (np.arange(600), rng.integers(0, 100, 600))), shape=(600, 100))
        model = mg.MixedGLM(y, np.ones(600), z, np.zeros(100, dtype=int), "binomial", vcp_names=["village"])
        with pytest.warns(VarianceCollapseWarning, match="random effects of village") as record:
            result = model.fit_map()
        assert record[0].filename == __file__
        assert result.status == "collapsed"

    def test_no_convergence_is_told(self) -> None:
        with pytest.warns(ConvergenceWarning, match="did not converge"):
            result = make().fit_map(minim_opts={"maxiter": 1})
        assert not result.converged
        assert result.status == "not converged"

    def test_fit_calls_the_best_there_is(self) -> None:
        model = make(fe_p=2.0)
        assert model.fit().method in {"leaf", "laplace", "ep"}
        assert model.fit("map").method == "map"
        assert model.fit("map", scale_fe=True).params[1] != model.fit("map").params[1]
        with pytest.raises(ValueError, match=r"method must be one of 'auto', .*'map', got 'magic'"):
            model.fit("magic")

    def test_many_threads_one_model(self) -> None:
        model = make()
        expected = make().fit_map().params
        found: list[np.ndarray] = []
        threads = [threading.Thread(target=lambda: found.append(model.fit_map().params)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 8
        for params in found:
            np.testing.assert_array_equal(params, expected)


class TestFormula:
    def test_same_as_arrays(self, frame: pd.DataFrame) -> None:
        model = mg.MixedGLM.from_formula("y ~ x + trt + (1 | g)", data=frame, family="poisson", exposure="t")
        x = np.c_[np.ones(N), frame.x, frame.trt == "b"]
        z = np.equal.outer(frame.g.to_numpy(), np.arange(GROUPS)).astype(float)
        other = mg.MixedGLM(frame.y, x, z, np.zeros(GROUPS, int), "poisson", exposure=frame.t)
        np.testing.assert_allclose(model.fit_map().params, other.fit_map().params, atol=1e-7)
        assert model.fep_names == ["Intercept", "x", "trt[T.b]"]
        assert model.vc_names == [f"g[{j}]" for j in range(GROUPS)]
        assert (model.formula, other.formula) == ("y ~ x + trt + (1 | g)", None)

    def test_names_are_seen_from_the_caller(self, frame: pd.DataFrame) -> None:
        def half(values: pd.Series) -> pd.Series:
            return values / 2

        model = mg.MixedGLM.from_formula("y ~ half(x)", data=frame, family="poisson")
        np.testing.assert_allclose(model.exog[:, 1], frame.x / 2)

    def test_names_can_be_given(self, frame: pd.DataFrame) -> None:
        model = mg.MixedGLM.from_formula("y ~ (1 | g)", data=frame, family="poisson", vcp_names=["district"])
        assert model.vcp_names == ["district"]

    def test_data_must_be_given(self, frame: pd.DataFrame) -> None:
        with pytest.raises(TypeError, match="data must be given"):
            mg.MixedGLM.from_formula("y ~ x", family="poisson")
        with pytest.raises(TypeError, match="give the data as data="):
            mg.MixedGLM.from_formula("y ~ x", frame, frame, "poisson")
        with pytest.raises(TypeError, match="give the data as data="):
            mg.MixedGLM.from_formula("y ~ x", frame, family="poisson")

    def test_a_value_that_a_transform_spoils_is_named(self, frame: pd.DataFrame) -> None:
        frame["t"] -= frame["t"].min()
        with (
            np.errstate(divide="ignore"),
            pytest.raises(ValueError, match=r"got -inf at row \d+, column log\(t\)"),
        ):
            mg.MixedGLM.from_formula("y ~ log(t)", data=frame, family="poisson")

    def test_missing_rows_are_counted(self, frame: pd.DataFrame) -> None:
        frame.loc[3, "t"] = np.nan
        frame.loc[7, "x"] = np.nan
        model = mg.MixedGLM.from_formula("y ~ x + offset(log(t)) + (1 | g)", data=frame, family="poisson")
        assert (model.n_missing, model.nobs) == (2, N - 2)


class TestPredict:
    def test_forms_of_new_rows(self, frame: pd.DataFrame) -> None:
        model = mg.MixedGLM.from_formula("y ~ x + trt + (1 | g)", data=frame, family="poisson")
        result = model.fit_map()
        own = result.predict()
        x, covariance = model.exog, np.asarray(result.cov_params())[:3, :3]
        variance = np.einsum("ij,jk,ik->i", x, covariance, x)
        np.testing.assert_allclose(own, np.exp(x @ result.fe_mean + variance / 2))
        np.testing.assert_allclose(result.predict(linear=True), model.exog @ result.fe_mean)
        new = frame.iloc[[5, 2, 9]]
        for given in (
            new,
            model.exog[[5, 2, 9]],
            pd.DataFrame(model.exog[[5, 2, 9]], columns=model.fep_names),
        ):
            np.testing.assert_allclose(result.predict(given), own[[5, 2, 9]])
        at_mean = np.exp(x @ result.fe_mean)
        np.testing.assert_allclose(model.predict(result.params[:3], new), at_mean[[5, 2, 9]])

    def test_offset_is_required_again(self, frame: pd.DataFrame) -> None:
        model = mg.MixedGLM.from_formula("y ~ x", data=frame, family="poisson", offset="t", exposure="t")
        result = model.fit_map()
        np.testing.assert_allclose(
            result.predict(frame, offset=frame.t, exposure=frame.t), result.predict(), rtol=1e-12
        )
        with pytest.raises(ValueError, match="offset must be given for new rows"):
            result.predict(frame, exposure=frame.t)
        with pytest.raises(ValueError, match="exposure must be given for new rows"):
            result.predict(frame, offset=frame.t)

    def test_offset_of_the_formula_is_evaluated(self, frame: pd.DataFrame) -> None:
        result = mg.MixedGLM.from_formula("y ~ x + offset(log(t))", data=frame, family="poisson").fit_map()
        np.testing.assert_allclose(result.predict(frame), result.predict())
        with pytest.raises(ValueError, match="offset must be given"):
            result.predict(result.model.exog)

    def test_bad_new_rows(self, frame: pd.DataFrame) -> None:
        result = mg.MixedGLM.from_formula("y ~ x + trt", data=frame, family="poisson").fit_map()
        with pytest.raises(ValueError, match="exog must have 3 columns"):
            result.predict(np.ones((2, 2)))
        with pytest.raises(ValueError, match="levels that were not in the data of the model: 'z'"):
            result.predict(frame.assign(trt="z"))
        with pytest.raises(ValueError, match="'trt', which is not a column"):
            result.predict(frame[["x"]])
        with pytest.raises(ValueError, match="params must have at least the 3 fixed effects"):
            result.model.predict([1.0])


def test_pickle(frame: pd.DataFrame) -> None:
    model = mg.MixedGLM.from_formula("y ~ center(x) + trt + (1 | g)", data=frame, family="poisson")
    result = model.fit_map()
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.params, result.params)
    np.testing.assert_allclose(again.cov_params(), result.cov_params())
    np.testing.assert_allclose(again.predict(frame.head(3)), result.predict()[:3])
    np.testing.assert_array_equal(again.model.fit_map().params, result.params)


def test_params_are_checked() -> None:
    with pytest.raises(
        ValueError, match=r"params must have 17 entries \(3 fixed effects, 2 log standard deviations"
    ):
        make().logposterior(np.zeros(3))
    with pytest.raises(ValueError, match="params must be finite"):
        make().logposterior_grad(np.full(17, np.nan))


def test_repr() -> None:
    assert "binomial (logit), 120 observations, 3 fixed effects, 12 random effects in 2 components" in repr(
        make()
    )


@pytest.mark.parametrize("fit", ["fit_map", "fit_laplace"])
def test_unknown_minimizers_are_named(fit: str) -> None:
    model = mg.MixedGLM([0, 1, 1, 0], np.ones((4, 1)), np.eye(2)[[0, 0, 1, 1]], [0, 0], family="binomial")
    with pytest.raises(
        ValueError, match=r"method must be 'newton' or one of scipy.optimize.minimize.*got 'newtn'"
    ):
        getattr(model, fit)(method="newtn")
