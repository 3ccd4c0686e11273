"""What someone meets who knows other packages and has a table that is not clean."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "healed": rng.choice(["yes", "no"], 40), "Klinik-Nr": np.tile([1.0, 2.0, np.nan, 4.0], 10), "sex": ["w", " w", "m", "w"] * 10,
            "dose": rng.normal(size=40),
        }
    )  # fmt: skip


def test_a_name_that_needs_backticks(table):
    with pytest.raises(ValueError, match="did you mean 'Klinik-Nr', in backticks: `Klinik-Nr`"):
        mg.MixedGLM.from_formula("healed ~ dose + (1 | Klinik-Nr)", data=table, family="binomial")


def test_the_name_of_a_file():
    with pytest.raises(TypeError, match=r"got str: read it first, as pandas.read_csv\('my.csv'\)"):
        mg.MixedGLM.from_formula("y ~ x", data="my.csv", family="binomial")


def test_labels_where_numbers_are_wanted(table):
    with pytest.raises(
        ValueError, match=r"got labels; those are for the family 'binomial' .two of them. or 'cum"
    ):
        mg.MixedGLM.from_formula("healed ~ dose", data=table, family="poisson")


def test_labels_that_differ_in_spaces(table):
    with pytest.warns(mg.DesignWarning, match="sex has the labels 'w' and ' w', .* differ only in spaces"):
        mg.MixedGLM.from_formula("healed ~ sex + (1 | `Klinik-Nr`)", data=table, family="binomial")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clean = table.assign(sex=table["sex"].str.strip())
        mg.MixedGLM.from_formula("healed ~ sex + (1 | `Klinik-Nr`)", data=clean, family="binomial")


def test_names_of_other_packages(table):
    result = mg.MixedGLM.from_formula("healed ~ dose", data=table, family="binomial").fit_laplace()
    with pytest.raises(AttributeError, match=r"no attribute 'aic': see loo"):
        _ = result.aic
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        _ = result.nothing
    assert not hasattr(result, "pvalues")
    for again in (copy.copy(result), pickle.loads(pickle.dumps(result))):
        assert np.array_equal(again.params, result.params)
