"""Options of fits, and of what is asked of them, that once passed without a word or gave an error that did not name them."""

from __future__ import annotations

import numpy as np
import pytest

import mixed_glm as mg
from mixed_glm import priors

N = 20
G = np.eye(4)[np.arange(N) % 4]
Y = np.random.default_rng(1).binomial(1, 0.5, N).astype(float)


@pytest.fixture(scope="module")
def result():
    return mg.MixedGLM(Y, np.ones((N, 1)), G, np.zeros(4, int), family="binomial").fit_laplace(
        integrate="mode"
    )


@pytest.mark.parametrize(
    ("method", "arguments", "error", "message"),
    [
        ("to_frame", {"random": "no"}, TypeError, "random must be True or False, got 'no'"),
        ("summary", {"random": np.ones(3)}, TypeError, "random must be True or False"),
        ("power_scale", {"random": "conditional"}, TypeError, "random must be True or False"),
        ("predict", {"linear": "no"}, TypeError, "linear must be True or False, got 'no'"),
        ("predict", {"predictive": "no"}, TypeError, "predictive must be True or False"),
        ("predict", {"random": np.zeros(2)}, ValueError, "random must be one of 'population'"),
        ("predict", {"exog": 1.0}, TypeError, "exog must be a table or an array"),
        ("predict", {"exog": np.array(1.0)}, TypeError, "exog must be a table or an array"),
        ("predict", {"include": np.array(3)}, ValueError, "include must list random terms"),
        ("kfold", {"groups": np.zeros(N, [("a", float), ("b", int)])}, TypeError, "groups must hold one label for each row"),
        ("predict", {"exog": np.ones((2, 1)), "exog_vc": 1.0, "random": "conditional"}, ValueError, "exog_vc must have rows and columns"),
        ("predict_draws", {"kind": np.zeros(2)}, ValueError, "kind must be one of 'linear'"),
        ("predict_draws", {"kind": "log_likelihood", "exog": np.ones((2, 1)), "random": "population", "endog": 1.0}, ValueError, "endog must have one value for each"),
        ("plot_coefficients", {"ratio": np.ones(2)}, TypeError, "ratio must be True or False"),
        ("predict_draws", {"as_xarray": "no"}, TypeError, "as_xarray must be True or False"),
        ("random_effects", {"term": np.zeros(2)}, ValueError, "term must be one of 'VC_1'"),
        ("refine", {"method": np.zeros(2)}, ValueError, "method must be one of 'psis'"),
        ("loo", {"exact": np.ones(3)}, TypeError, "exact must be True or False"),
        ("loo", {"correct": "no"}, TypeError, "correct must be True or False"),
        ("waic", {"draws": 1}, ValueError, "draws must be at least 2"),
        ("posterior_sample", {"n": 10**30}, ValueError, "n must be at most"),
        ("leave_out", {"groups": 3}, ValueError, "groups must be the name of a component or a label"),
        ("r2", {"approximation": np.zeros(2)}, ValueError, "approximation must be one of"),
    ],
)  # fmt: skip
def test_questions(result, method, arguments, error, message):
    with pytest.raises(error, match=message):
        getattr(result, method)(**arguments)


@pytest.mark.parametrize(
    ("method", "arguments", "error", "message"),
    [
        ("fit_laplace", {"integrate": np.zeros(2)}, ValueError, "integrate must be one of 'auto'"),
        ("fit_laplace", {"mean_correction": "no"}, TypeError, "mean_correction must be True or False"),
        ("fit_map", {"scale_fe": "no"}, TypeError, "scale_fe must be True or False"),
        ("fit_vb", {"covariance": np.zeros(2)}, ValueError, "covariance must be one of"),
        ("fit", {"method": ["map"]}, ValueError, "method must be one of 'auto'"),
        ("fit_many", {"endogs": Y[:, None], "method": ["map"]}, ValueError, "method must be one of 'laplace'"),
    ],
)  # fmt: skip
def test_fits(result, method, arguments, error, message):
    with pytest.raises(error, match=message):
        getattr(result.model, method)(**arguments)


def test_one_draw_has_no_spread(result):
    assert np.isnan(result.r2(draws=1)["sd"]).all()


@pytest.mark.parametrize(
    ("method", "message"), [("map", "the joint density .* is unbounded"), ("vb", "needs LogNormal priors")]
)
def test_priors_that_a_method_has_no_answer_for(method, message):
    """Once fit_many gave log standard deviations of -1e156 and called them not converged."""
    with pytest.raises(ValueError, match=rf"fit_many\(method='{method}'\):? {message}"):
        mg.fit_many(
            Y[:, None], np.ones((N, 1)), G, np.zeros(4, int), "binomial", method=method,
            priors={"sd": priors.HalfNormal(1.0)},
        )  # fmt: skip


@pytest.mark.parametrize("method", ["map", "vb"])
def test_families_that_a_method_has_no_answer_for(method):
    with pytest.raises(ValueError, match=rf"fit_many\(method='{method}'\) is not available where sigma"):
        mg.fit_many(Y[:, None], np.ones((N, 1)), G, np.zeros(4, int), "gaussian", method=method)
    model = mg.MixedGLM(Y, np.ones((N, 1)), G, np.zeros(4, int), family="gaussian")
    with pytest.raises(ValueError, match="approx='vb' is not available where sigma"):
        model.log_marginal(np.zeros(2), "vb")


@pytest.mark.parametrize("endog", [{1, 2}, [set(), {1}], [{}, {}]])
def test_ordered_categories_that_are_none(endog):
    with pytest.raises(TypeError, match="endog must hold one label"):
        mg.MixedGLM(endog, None, family="cumulative")


def test_levels_that_can_change():
    with pytest.raises(TypeError, match="levels must hold one label a column"):
        mg.MixedGLM(
            Y, None, np.hstack([G, G]), np.repeat([0, 1], 4), family="binomial", levels=[{}] * 8, correlated=[(0, 1)]
        )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: priors.HalfNormal(10**400), "scale of HalfNormal must be a number that a float can hold"),
        (lambda: priors.PC(1e-300), "upper of PC must be a positive number, got 1e-300 .from 1e-50 to 1e.50"),
        (
            lambda: priors.LogNormal(1e3),
            "mu of LogNormal must be a finite number, got 1000 .from -115.129 to",
        ),
        (lambda: priors.Normal(-1e60), "loc of Normal must be a finite number"),
    ],
)
def test_numbers_of_priors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_wide_priors_without_warnings():
    assert np.isinf(priors.LogNormal(0.0, 1e3).quantile(0.9))
    assert len(priors.InverseGamma(1e-3, 1.0).sample(5, rng=1)) == 5


@pytest.mark.parametrize("odd", [np.zeros(N, [("a", float), ("b", int)]), np.array([["a", "b"]] * N)])
def test_ordered_categories_are_one_label_a_row(odd):
    with pytest.raises(TypeError, match="endog must hold one label for each row"):
        mg.MixedGLM(odd, np.ones((N, 1)), G, np.zeros(4, int), family="cumulative")


def test_correlated_is_a_list():
    with pytest.raises(TypeError, match="correlated must be a list"):
        mg.MixedGLM(Y, np.ones((N, 1)), G, np.zeros(4, int), "binomial", correlated=np.array(3))
