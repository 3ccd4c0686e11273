"""New rows are encoded as the rows of the model were, whatever the types of their columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "y": rng.poisson(2, 60),
            "level": pd.Categorical(rng.permutation(np.repeat([1, 2, 3], 20))),
            "letter": rng.permutation(np.repeat(list("abc"), 20)),
            "x": rng.normal(size=60),
            "group": pd.Categorical(np.repeat(np.arange(6), 10)),
        }
    )


@pytest.fixture(scope="module")
def model(data):
    return mg.MixedGLM.from_formula(
        "y ~ level + letter + x + (x || group) + (0 + level || letter)", data=data, family="poisson"
    )


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("level", lambda column: column.astype(int)),
        ("level", lambda column: column.astype(float)),
        ("level", lambda column: column.cat.reorder_categories([3, 1, 2])),
        ("group", lambda column: column.astype(int)),
        ("letter", lambda column: pd.Categorical(column, categories=list("cab"))),
    ],
    ids=["integers", "floats", "reordered", "integer groups", "reordered letters"],
)
def test_factors_may_come_as_numbers_or_in_another_order(data, model, column, values):
    new = data.assign(**{column: values(data[column])})
    np.testing.assert_array_equal(model.spec.encoding.encode_fixed(new), model.exog)
    assert abs(model.spec.encoding.encode_random(new) - model.exog_vc).max() == 0


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("level", 4, "level has levels that were not in the data of the model: 4"),
        ("level", "1", "level has levels that were not in the data of the model: '1'"),
        ("x", "1", "x must be numeric, as in the data of the model"),
    ],
)
def test_what_cannot_be_meant_is_refused(data, model, column, value, message):
    with pytest.raises(ValueError, match=message):
        model.spec.encoding.encode_fixed(data.assign(**{column: value}))


def test_encoding_leaves_the_model_as_it_was(data, model):
    with pytest.raises(ValueError, match="x must be numeric"):
        model.spec.encoding.encode_fixed(data.assign(x="1"))
    model.spec.encoding.encode_fixed(data.assign(level=data["level"].astype(int)))
    np.testing.assert_array_equal(model.spec.encoding.encode_fixed(data), model.exog)
