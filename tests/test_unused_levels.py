"""Levels of categoricals that no row has are left out, as R does, and told once."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg

N = 40
DATA = pd.DataFrame(
    {
        "y": np.arange(N) % 2,
        "x": np.linspace(0, 1, N),
        "c": pd.Categorical(np.array(list("pqr"))[np.arange(N) % 3], categories=list("zqprk")),
        "d": pd.Categorical(np.array(list("uv"))[np.arange(N) // 2 % 2], categories=list("uvw")),
        "s": np.array(list("uv"))[np.arange(N) // 3 % 2],
        "g": pd.Categorical(np.array(list("abcd"))[np.arange(N) % 4], categories=list("abcdefgh")),
    }
)
PLAIN = DATA.assign(c=DATA.c.cat.remove_unused_categories(), d=DATA.d.cat.remove_unused_categories())


@pytest.mark.parametrize(
    "term",
    [
        "c",
        "C(c)",
        "factor(c)",
        "c:x",
        "c*s",
        "C(c, contr.sum)",
        "0 + c",
        "(0 + c || g)",
        "relevel(c, ref='r')",
    ],
)
def test_as_if_they_were_not_there(term: str, tmp_path: Path) -> None:
    with pytest.warns(
        mg.UnusedLevelWarning, match=r"c has the levels 'z', 'k' in no row .* of reference is now 'q'"
    ) as told:
        came = mg.MixedGLM.from_formula(f"y ~ {term} + (1 | g)", data=DATA, family="binomial")
    assert sum("c has the levels" in str(w.message) for w in told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = mg.MixedGLM.from_formula(f"y ~ {term} + (1 | g)", data=PLAIN, family="binomial")
    assert came.fep_names == expected.fep_names
    assert came.vc_names == expected.vc_names
    np.testing.assert_array_equal(came.exog, expected.exog)
    came.fit_laplace(integrate="mode").save(tmp_path / "fit.mglm")
    kept = mg.load(tmp_path / "fit.mglm").model._encoding
    np.testing.assert_array_equal(kept.encode_fixed(DATA[5:9]), came.exog[5:9])


def test_one_level_and_no_reference() -> None:
    with pytest.warns(
        mg.UnusedLevelWarning, match="d has the level 'w' in no row that is used: left out, as R does$"
    ):
        mg.MixedGLM.from_formula("y ~ d", data=DATA, family="binomial")
    data = PLAIN.assign(x=PLAIN.x.where(PLAIN.c != "p"), c=PLAIN.c.cat.add_categories(["z"]))
    with pytest.warns(
        mg.UnusedLevelWarning, match="c has the levels"
    ):  # of which one goes with incomplete rows
        model = mg.MixedGLM.from_formula("y ~ x + c", data=data, family="binomial")
    assert model.fep_names == ["Intercept", "x", "c[T.r]"]


def test_a_new_row_with_such_a_level_is_refused() -> None:
    with pytest.warns(mg.UnusedLevelWarning):
        model = mg.MixedGLM.from_formula("y ~ c", data=DATA, family="binomial")
    with pytest.raises(ValueError, match="levels that were not in the data of the model: 'z'"):
        model._encoding.encode_fixed(DATA[:1].assign(c=pd.Categorical(["z"], categories=list("zqprk"))))


def test_of_the_caller_and_computed() -> None:
    variable = DATA.d
    assert len(variable.cat.categories) == 3
    with pytest.warns(mg.UnusedLevelWarning, match="variable has the level 'w'"):
        assert mg.MixedGLM.from_formula("y ~ variable", data=DATA, family="binomial").exog.shape == (N, 2)
    with pytest.warns(mg.UnusedLevelWarning, match=r"pd.cut\(x, \[0, 1, 5, 9\].* has the levels"):
        model = mg.MixedGLM.from_formula(
            "y ~ 0 + pd.cut(x, [0, 1, 5, 9], include_lowest=True)", data=DATA, family="binomial"
        )
    assert model.exog.shape == (N, 1)


def test_groups_and_responses_say_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mg.MixedGLM.from_formula("y ~ x + (1 | g) + (1 | c:d)", data=DATA, family="binomial").vc_names[:4] == [
            "g[a]", "g[b]", "g[c]", "g[d]",
        ]  # fmt: skip
        ones = DATA.assign(y=pd.Categorical(["no"] * N, categories=["no", "yes"]))
        assert mg.MixedGLM.from_formula("y ~ x", data=ones, family="binomial").endog.max() == 0
        kept = mg.MixedGLM.from_formula("y ~ 1", {"v": "0 + d"}, DATA, family="binomial")
        assert kept.vc_names == ["d[u]", "d[v]", "d[w]"]  # as statsmodels
