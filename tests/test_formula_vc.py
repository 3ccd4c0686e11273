"""statsmodels' vc_formulas: the same columns, names and order as statsmodels has, without dense dummies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mixed_glm._formula.build import build


@pytest.fixture
def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 80
    return pd.DataFrame(
        {
            "y": rng.integers(0, 4, n),
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "v": rng.integers(0, 6, n),
            "f": rng.integers(0, 3, n) / 2,
            "g": rng.choice(list("abc"), n),
            "c": pd.Categorical(rng.choice(list("pqr"), n), categories=list("rqps")),
        }
    )


CASES = [
    ("y ~ x + g", {"a": "0 + C(v)", "b": "0 + C(v)*x"}),
    ("y ~ x*g + z", {"a": "0 + C(v):x", "b": "x*C(v)", "c": "C(v)*g", "d": "0 + x + z + g:x + C(v):g:z"}),
    ("y ~ 1", {"a": "0 + g*v*x", "b": "0 + x:C(v) + C(v)", "d": "0 + g + g:v:x"}),
    ("y ~ np.log(z**2) + x:g", {"q": "0 + np.exp(x):C(v)", "w": "0 + g:C(v)"}),
    ("y ~ f", {"c": "0 + c", "f": "0 + C(f)"}),
    ("y ~ 0 + x", {"v": "~ 0 + C(v)"}),
]


@pytest.mark.parametrize(("formula", "vc"), CASES)
def test_same_as_statsmodels(data: pd.DataFrame, formula: str, vc: dict[str, str]) -> None:
    bayes = pytest.importorskip("statsmodels.genmod.bayes_mixed_glm")
    theirs = bayes.PoissonBayesMixedGLM.from_formula(formula, vc, data)
    ours = build(formula, vc, data, binomial=False).arguments
    assert ours["fep_names"] == list(theirs.exog_names)
    np.testing.assert_allclose(ours["exog"], theirs.exog)
    assert ours["vcp_names"] == theirs.vcp_names
    assert ours["vc_names"] == theirs.vc_names
    np.testing.assert_array_equal(ours["ident"], theirs.ident)
    np.testing.assert_allclose(ours["exog_vc"].toarray(), theirs.exog_vc.toarray())


def test_contrasts_and_splines_go_through_formulaic(data: pd.DataFrame) -> None:
    arguments = build(
        "y ~ 1", {"s": "0 + bs(x, df=4)", "l": "0 + C(g, levels=['c', 'b', 'a'])"}, data, binomial=False
    )
    z = arguments.arguments["exog_vc"].toarray()
    assert z.shape == (80, 7)
    np.testing.assert_array_equal(z[:, 4:], (data.g.to_numpy()[:, None] == ["c", "b", "a"]).astype(float))


def test_both_habits_together(data: pd.DataFrame) -> None:
    arguments = build("y ~ x + (1 | g)", {"v": "0 + C(v)"}, data, binomial=False).arguments
    assert arguments["vcp_names"] == ["g", "v"]
    np.testing.assert_array_equal(arguments["ident"], [0] * 3 + [1] * 6)


def test_formula_that_cannot_be_understood(data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="cannot understand"):
        build("y ~ 1", {"a": "0 + C(v"}, data, binomial=False)


def test_many_levels_are_quick_and_sparse() -> None:
    n = 200_000
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"y": 0.0, "x": rng.normal(size=n), "v": rng.integers(0, 50_000, n)})
    arguments = build("y ~ 1", {"a": "0 + C(v)", "b": "0 + C(v):x"}, data, binomial=False).arguments
    z = arguments["exog_vc"]
    assert z.nnz == 2 * n  # the dense matrices would take 160 GB
    np.testing.assert_array_equal(z[:, : z.shape[1] // 2].sum(axis=1), np.ones(n))
    np.testing.assert_allclose(z[:, z.shape[1] // 2 :].sum(axis=1), data.x)
