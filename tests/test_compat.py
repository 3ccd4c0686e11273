"""Drop-in for statsmodels: its own test file, run with our classes in the place of theirs."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mixed_glm import compat
from mixed_glm.exceptions import MixedGLMWarning

THEIRS = "statsmodels.genmod.bayes_mixed_glm"
# Figures in their file that carry the error of their quadrature (ten Gauss-Legendre nodes on [-5, 5]) beyond the
# file's own tolerance of 1e-4, and what they are with a fine rule; see test_true_figures_are_theirs_with_a_finer_rule.
TRUE_FIGURES = {
    "test_simple_logit_vb": {
        "np.r_[0.79338836, -0.7599833, -0.64149356, -0.24772884, 0.10775366]":
            "np.r_[0.79237864, -0.75896159, -0.63880511, -0.24938361, 0.10737644]",
    },
    "test_simple_poisson_vb": {
        "np.r_[-0.07088814, -0.06373107, -0.22770786, 1.12923746, -1.26161339]":
            "np.r_[-0.07089055, -0.06371681, -0.2267095, 1.12856555, -1.26287478]",
        "np.r_[0.00747782, 0.0092554, 0.04508904, 0.02934488, 0.20312746]":
            "np.r_[0.0075404, 0.00932921, 0.04507281, 0.02960455, 0.20420769]",
    },
    "test_crossed_logit_vb": {
        "np.r_[-0.70834417, -0.3571011, 0.19126823, -0.36074489, 0.058976]":
            "np.r_[-0.70742054, -0.35360727, 0.19132157, -0.36269002, 0.05869855]",
        "np.r_[0.05212492, 0.04729656, 0.03916944, 0.25921842, 0.25782576]":
            "np.r_[0.05260695, 0.04723411, 0.03916873, 0.26153022, 0.26019184]",
    },
    "test_crossed_poisson_vb": {
        "np.r_[-0.54691502, 0.22297158, -0.52673802, -0.06218684, 0.74385237]":
            "np.r_[-0.54690069, 0.2230772, -0.52610186, -0.06279205, 0.74320361]",
    },
}  # fmt: skip
MODULE = "statsmodels_test_file_with_our_classes"
OURS = ("BayesMixedGLMResults", "BinomialBayesMixedGLM", "PoissonBayesMixedGLM")


def _their_tests() -> dict[str, Callable[[], None]]:
    """Test functions of statsmodels' file, compiled with its import of the classes replaced by ours."""
    try:
        found = importlib.util.find_spec("statsmodels.genmod.tests.test_bayes_mixed_glm")
    except ModuleNotFoundError:
        return {}
    if found is None or found.origin is None:
        return {}
    source = Path(found.origin).read_text(encoding="utf-8")
    pattern = rf"from {re.escape(THEIRS)} import \(([^)]*)\)"
    match = re.search(pattern, source)
    if match is None or set(re.findall(r"\w+", match[1])) != set(OURS):
        return {}  # statsmodels before 0.15
    source = re.sub(pattern, f"from mixed_glm.compat import ({match[1]})", source)
    assert "bayes_mixed_glm" not in source
    for figures in TRUE_FIGURES.values():
        for theirs, true in figures.items():
            assert source.count(theirs) == 1
            source = source.replace(theirs, true)
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    exec(compile(source, found.origin, "exec"), module.__dict__)  # noqa: S102
    return {name: f for name, f in vars(module).items() if name.startswith("test_") and callable(f)}


TESTS = _their_tests()
NEEDS = {
    name: set(re.findall(r"\.(fit_vb|vb_elbo_grad|vb_elbo)\b", inspect.getsource(f)))
    for name, f in TESTS.items()
}
AVAILABLE = {name for name, needs in NEEDS.items() if all(hasattr(compat.MixedGLM, n) for n in needs)}

needs_statsmodels = pytest.mark.skipif(not TESTS, reason="needs the test file of statsmodels 0.15")


@pytest.mark.parametrize("name", sorted(AVAILABLE))
def test_statsmodels_own_test(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MixedGLMWarning)  # collapsed modes, rank-deficient exog
        TESTS[name]()


@needs_statsmodels
def test_every_map_test_of_theirs_is_run() -> None:
    assert {
        "test_simple_logit_map",
        "test_simple_poisson_map",
        "test_crossed_logit_map",
        "test_crossed_poisson_map",
        "test_logit_map_crossed_formula",
        "test_poisson_formula_vcp_vc_names",
        "test_scale_map",
        "test_fit_is_fit_map",
    } <= AVAILABLE


@needs_statsmodels
def test_every_variational_test_of_theirs_is_run() -> None:
    assert set(TESTS) == AVAILABLE
    assert set(TRUE_FIGURES) < AVAILABLE


VARIATIONAL = [
    ("gen_simple_logit", (10, 10, 0), "BinomialBayesMixedGLM", {"fe_p": 0.5}),
    ("gen_simple_poisson", (10, 10, 1), "PoissonBayesMixedGLM", {}),
    ("gen_crossed_logit", (10, 10, 1, 2), "BinomialBayesMixedGLM", {"fe_p": 0.5}),
    ("gen_crossed_poisson", (10, 10, 1, 0.5), "PoissonBayesMixedGLM", {"fe_p": 0.5}),
]


@needs_statsmodels
@pytest.mark.parametrize(("generator", "sizes", "kind", "priors"), VARIATIONAL)
def test_true_figures_are_theirs_with_a_finer_rule(
    generator: str, sizes: tuple, kind: str, priors: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, exog, exog_vc, ident = vars(sys.modules[MODULE])[generator](*sizes)
    exog_vc = sparse.csr_array(exog_vc)
    ours = getattr(compat, kind)(y, exog, exog_vc, ident, vcp_p=0.5, **priors)
    module = importlib.import_module(THEIRS)
    theirs = getattr(module, kind)(y, exog, exog_vc, ident, vcp_p=0.5, **priors)
    fit = ours.fit_vb()
    point = fit.params, np.sqrt(fit.cov_params())
    coarse = np.abs(theirs.vb_elbo_grad(*point)).max()
    nodes, weights = np.polynomial.legendre.leggauss(80)
    monkeypatch.setattr(module, "glw", list(zip(weights, nodes, strict=True)))
    monkeypatch.setattr(theirs, "rng", 9)
    fine = np.abs(theirs.vb_elbo_grad(*point)).max()
    assert fine < 1e-4 < 1e-2 < coarse
    # The bounds differ by what theirs leaves out, which does not depend on the point.
    other = np.zeros_like(point[0]), np.full_like(point[1], 0.4)
    difference = ours.vb_elbo(*point) - ours.vb_elbo(*other)
    assert difference == pytest.approx(theirs.vb_elbo(*point) - theirs.vb_elbo(*other), rel=1e-6)


@needs_statsmodels
@pytest.mark.parametrize(("generator", "sizes", "kind", "priors"), VARIATIONAL)
def test_variational_optimum_is_not_below_theirs(
    generator: str, sizes: tuple, kind: str, priors: dict
) -> None:
    y, exog, exog_vc, ident = vars(sys.modules[MODULE])[generator](*sizes)
    exog_vc = sparse.csr_array(exog_vc)
    ours = getattr(compat, kind)(y, exog, exog_vc, ident, vcp_p=0.5, **priors)
    theirs = getattr(importlib.import_module(THEIRS), kind)(y, exog, exog_vc, ident, vcp_p=0.5, **priors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # precision loss in their line search
        their_fit = theirs.fit_vb(rng=0)
    fit = ours.fit_vb()
    assert fit.elbo >= ours.vb_elbo(their_fit.params, np.sqrt(their_fit.cov_params()))
    np.testing.assert_allclose(fit.params, their_fit.params, atol=0.02)


# What their tests that go on to variational Bayes say of the joint mode before: generator, its arguments, class,
# the first five parameters and, where given, the first five entries of the covariance.
MODES = [
    (
        "gen_simple_logit", (10, 10, 0), "BinomialBayesMixedGLM", {"fe_p": 0.5},
        [0.75330405, -0.71643228, -2.49091288, -0.00959806, 0.00450254], None,
    ),
    (
        "gen_simple_poisson", (10, 10, 1), "PoissonBayesMixedGLM", {},
        [-0.07233493, -0.06706505, -0.47159649, 1.12575122, -1.02442201],
        [0.00790914, 0.00080666, -0.00050719, 0.00022648, 0.00046235],
    ),
    (
        "gen_crossed_logit", (10, 10, 1, 2), "BinomialBayesMixedGLM", {"fe_p": 0.5},
        [-5.43073978e-01, -2.46197518, -2.36582801, -9.64030461e-03, 2.32701078e-03],
        [4.12927123e-02, -2.04448923e-04, 4.64829219e-05, 1.20377543e-04, -1.45003234e-04],
    ),
    (
        "gen_crossed_poisson", (10, 10, 1, 0.5), "PoissonBayesMixedGLM", {"fe_p": 0.5},
        [-0.54855281, 0.10458834, -0.68777741, -0.01699925, 0.77200546], None,
    ),
]  # fmt: skip


@needs_statsmodels
@pytest.mark.filterwarnings("ignore::mixed_glm.exceptions.VarianceCollapseWarning")
@pytest.mark.parametrize(("generator", "sizes", "kind", "priors", "params", "cov"), MODES)
def test_modes_of_their_variational_tests(
    generator: str, sizes: tuple, kind: str, priors: dict, params: list[float], cov: list[float] | None
) -> None:
    y, exog, exog_vc, ident = vars(sys.modules[MODULE])[generator](*sizes)
    result = getattr(compat, kind)(y, exog, exog_vc, ident, vcp_p=0.5, **priors).fit_map()
    np.testing.assert_allclose(result.params[:5], params, rtol=1e-4, atol=1e-4)
    if cov is not None:
        np.testing.assert_allclose(result.cov_params().flat[:5], cov, rtol=1e-4, atol=1e-4)


@needs_statsmodels
@pytest.mark.parametrize("kind", ["BinomialBayesMixedGLM", "PoissonBayesMixedGLM"])
def test_signatures_begin_like_theirs(kind: str) -> None:
    theirs, ours = getattr(importlib.import_module(THEIRS), kind), getattr(compat, kind)
    for method in (
        "__init__",
        "from_formula",
        "fit",
        "fit_map",
        "fit_vb",
        "predict",
        "logposterior",
        "logposterior_grad",
    ):
        expected = list(inspect.signature(getattr(theirs, method)).parameters)
        assert list(inspect.signature(getattr(ours, method)).parameters)[: len(expected)] == expected


@needs_statsmodels
def test_attributes_are_theirs() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {
            "y": rng.integers(0, 2, 60),
            "x": rng.normal(size=60),
            "g": rng.integers(0, 6, 60),
            "h": rng.choice(list("ab"), 60),
        }
    )
    formulas = {"g": "0 + C(g)", "s": "0 + C(g):x"}
    theirs = importlib.import_module(THEIRS).BinomialBayesMixedGLM.from_formula("y ~ x*h", formulas, data)
    ours = compat.BinomialBayesMixedGLM.from_formula("y ~ x*h", formulas, data)
    for name in (
        "k_fep",
        "k_vcp",
        "k_vc",
        "names",
        "fep_names",
        "vcp_names",
        "vc_names",
        "exog_names",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("endog", "exog", "ident", "vcp_p", "fe_p"):  # their priors are numbers, ours one for each
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name))
    for name in ("exog_vc", "exog_vc2"):
        np.testing.assert_allclose(getattr(ours, name).toarray(), getattr(theirs, name).toarray())
    assert ours.data.frame is data
    assert ours.data.xnames == theirs.data.xnames
    params = rng.normal(size=len(ours.names))
    zero = np.zeros_like(params)
    np.testing.assert_allclose(  # the same function up to a constant
        ours.logposterior(params) - ours.logposterior(zero),
        theirs.logposterior(params) - theirs.logposterior(zero),
    )
    np.testing.assert_allclose(ours.logposterior_grad(params), theirs.logposterior_grad(params))
    np.testing.assert_allclose(ours.predict(params, ours.exog[:5]), theirs.predict(params, theirs.exog[:5]))


@needs_statsmodels
def test_results_have_the_attributes_of_theirs() -> None:
    rng = np.random.default_rng(1)
    group = np.arange(60) % 6
    data = pd.DataFrame({"y": rng.poisson(group + 1.0), "x": rng.normal(size=60), "g": group})
    their_module = importlib.import_module(THEIRS)
    fits = []
    for module in (compat, their_module):
        model = module.PoissonBayesMixedGLM.from_formula("y ~ x", {"g": "0 + C(g)"}, data, vcp_p=0.5)
        fits.append(model.fit_map(rng=0) if module is their_module else model.fit_map())
    ours, theirs = fits
    names = {n for n in vars(theirs) if not n.startswith("_")} | {
        "cov_params",
        "summary",
        "random_effects",
        "predict",
    }
    assert all(hasattr(ours, n) for n in names)
    pd.testing.assert_index_equal(ours.cov_params().index, theirs.cov_params().index)
    assert list(ours.random_effects("g").columns) == list(theirs.random_effects("g").columns)
    assert list(ours.random_effects("g").index) == list(theirs.random_effects("g").index)
    their_table = theirs.summary().tables[0]
    assert list(ours.summary().table.columns) == list(their_table.columns)
    assert list(ours.summary().table.index) == list(their_table.index)


def test_binomial_takes_zero_and_one_only() -> None:
    x, z = np.ones((4, 1)), np.eye(4)
    with pytest.raises(ValueError, match="endog"):
        compat.BinomialBayesMixedGLM([0, 1, 2, 1], x, z, [0] * 4)
    with pytest.raises(ValueError, match="use MixedGLM for responses with trials"):
        compat.BinomialBayesMixedGLM([[0, 1], [1, 4], [0, 2], [1, 1]], x, z, [0] * 4)
