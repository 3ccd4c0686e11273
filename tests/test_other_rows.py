"""What an expression learns of the rows of the model is kept; what depends on other rows has no value for new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg

RNG = np.random.default_rng(5)
N = 60
DATA = pd.DataFrame(
    {
        "y": RNG.integers(0, 2, N), "x": RNG.normal(50, 9, N), "z": RNG.normal(size=N), "g": np.arange(N) % 5,
        "f": RNG.choice(list("abc"), N), "day": pd.date_range("2020", periods=N),
    }
)  # fmt: skip


def deviation(v: Any) -> Any:
    return v - v.mean()


def squared(v: Any) -> Any:
    return v**2


REMEMBERED = [
    "I(x - x.mean())", "I(x - np.mean(x))", "I((x - x.mean()) / x.std())", "I(x / x.max())", "I(x - mean(x))", "I(x / sd(x))",
    "I(x > np.median(x))", "I(x > x.quantile(0.3))", "np.digitize(x, np.quantile(x, [0.2, 0.8]))", "I((day - day.min()).dt.days)",
    "cut(x, quantile(x, c(0, 0.5, 1)), include.lowest=TRUE)", "I(x - sum(x) / len(x))", "(0 + I(x - x.mean()) || g)",
    "offset(log(x / x.sum()))", "I(x - x.mean()) * f", "I(center(x) / center(x).std())", "squared(x)", "x.map(squared)",
    "x.clip(40, 60)", "f.str.upper()", "I(x - x.mean() + z.min())",
]  # fmt: skip


@pytest.mark.parametrize("term", REMEMBERED)
def test_values_are_those_of_the_fit(term: str, tmp_path: Path) -> None:
    result = mg.MixedGLM.from_formula(f"y ~ z + {term}", data=DATA, family="binomial").fit_laplace(
        integrate="mode"
    )
    result.save(tmp_path / "fit.mglm")
    own = np.asarray(result.predict(random="conditional"))
    for kept in (result, mg.load(tmp_path / "fit.mglm", trusted=True, context={"squared": squared})):
        for rows in ([7], [3, 1], list(range(20))):
            came = np.asarray(kept.predict(DATA.iloc[rows], random="conditional"))
            np.testing.assert_allclose(
                came, own[rows], rtol=1e-8
            )  # draws of few effects have a search of their own


def test_files_that_are_not_trusted_know_means(tmp_path: Path) -> None:
    result = mg.MixedGLM.from_formula(
        "y ~ I(x - x.mean()) + I(z / z.std())", data=DATA, family="binomial"
    ).fit()
    result.save(tmp_path / "fit.mglm")
    np.testing.assert_allclose(mg.load(tmp_path / "fit.mglm").predict(DATA[3:5]), result.predict()[3:5])


@pytest.mark.parametrize(
    "term",
    [
        "np.cumsum(x)", "I(x.rank())", "x.shift(1, fill_value=0)", "deviation(x)", "I(x - x.groupby(g).transform('mean'))",
        "pd.cut(x, 3)", "C(pd.qcut(x, 3))", "C(f.astype('category').cat.codes)", "I(x - x.iloc[0])", "I(x - x[0])", "I(x / x.size)",
        "(0 + np.cumsum(x) || g)", "offset(np.cumsum(z))", "I(x.diff().fillna(0))",
    ],
)  # fmt: skip
def test_what_depends_on_other_rows_is_refused(term: str, tmp_path: Path) -> None:
    result = mg.MixedGLM.from_formula(f"y ~ z + {term}", data=DATA, family="binomial").fit_laplace(
        integrate="mode"
    )
    assert len(result.predict(random="conditional")) == N  # of the model's own rows
    result.save(tmp_path / "fit.mglm")
    loaded = mg.load(tmp_path / "fit.mglm", trusted=True, context={"deviation": deviation, "pd": pd})
    for kept in (result, loaded):
        with pytest.raises(ValueError, match=r"depends on the other rows .* write center\(x\)"):
            kept.predict(DATA[3:5], random="conditional")


def test_summaries_of_the_callers_values_change_nothing() -> None:
    table = pd.Series([1.0, 2.0, 6.0])
    model = mg.MixedGLM.from_formula("y ~ I(x - table.mean())", data=DATA, family="binomial")
    np.testing.assert_allclose(model._encoding.encode_fixed(DATA[:3])[:, 1], DATA.x[:3] - table.mean())
