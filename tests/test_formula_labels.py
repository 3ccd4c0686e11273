"""Labels of groups in new rows: matched with those of the model however they are spelt, never silently unknown."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm._formula.labels import find_levels

NUMBERS = pd.Index([1, 7, 10])
TEXTS = pd.Index(["h1", "h7"])


@pytest.mark.parametrize(
    "values",
    [
        [7, 1, 99],
        np.array([7, 1, 99], dtype=np.int8),
        np.array([7, 1, 99], dtype=np.uint64),
        [7.0, 1.0, 99.0],
        ["7", "1", "99"],
        ["007", "1.0", " 99"],
        pd.array(["7", "1", "99"], dtype="string"),
        pd.array([7, 1, 99], dtype="Int64"),
        pd.Categorical(["7", "1", "99"]),
        pd.Categorical([7, 1, 99], categories=[99, 7, 1]),
        np.array(["7", 1, 99.0], dtype=object),
    ],
)
def test_numbers_are_found_in_every_spelling(values):
    assert find_levels(values, NUMBERS, "g").tolist() == [1, 0, -1]
    assert find_levels(values, pd.Index([1.0, 7.0]), "g").tolist() == [1, 0, -1]


@pytest.mark.parametrize("values", [[7, 1, 99], [7.0, 1.0, np.nan], pd.Categorical([7, 1, 99])])
def test_texts_that_write_numbers(values):
    assert find_levels(values, pd.Index(["1", "007"]), "g").tolist() == [1, 0, -1]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_missing_labels_are_unknown(missing):
    assert find_levels(np.array([missing, 7], dtype=object), NUMBERS, "g").tolist() == [-1, 1]
    assert find_levels(np.array([missing, "h7"], dtype=object), TEXTS, "g").tolist() == [-1, 1]
    assert find_levels([missing], NUMBERS, "g").tolist() == [-1]


def test_texts_of_every_type():
    for values in (["h7", "h9"], pd.Categorical(["h7", "h9"]), pd.array(["h7", "h9"], dtype="string")):
        assert find_levels(values, TEXTS, "g").tolist() == [1, -1]


@pytest.mark.parametrize(
    ("levels", "label", "kinds"),
    [
        (TEXTS, 7, "texts such as 'h1', 'h7'.*got the number 7"),
        (NUMBERS, "seven", "numbers such as 1, 7, 10.*got the text 'seven'"),
        (NUMBERS, dt.date(2020, 1, 1), "got the date"),
        (pd.DatetimeIndex(["2020-01-01"]), "first", "Timestamps.*got the text"),
        (TEXTS, ("h1",), "got the tuple"),
    ],
)
def test_labels_of_another_kind_are_refused(levels, label, kinds):
    values = pd.Series([label], dtype=object)
    with pytest.raises(ValueError, match=f"herd must have labels of the same kind.*{kinds}"):
        find_levels(values, levels, "herd")


def test_a_number_that_two_levels_write_is_refused():
    with pytest.raises(ValueError, match="g: the label 1 could be '1' or '01'"):
        find_levels([1], pd.Index(["1", "01"]), "g")
    assert find_levels(["01"], pd.Index(["1", "01"]), "g").tolist() == [1]


@pytest.mark.parametrize("random_part", ["(1 | herd)", {"herd": "0 + C(herd)"}])
def test_predictions_do_not_depend_on_how_labels_are_spelt(random_part):
    cbpp = mg.datasets.load_cbpp()
    formula, vc = "incidence ~ 1", None
    if isinstance(random_part, str):
        formula += f" + {random_part}"
    else:
        vc = random_part
    model = mg.MixedGLM.from_formula(formula, vc, cbpp, family="binomial", n_trials="size")
    result = model.fit_laplace(integrate="mode")
    frame = pd.DataFrame({"herd": [3, 8, 99]})
    expected = result.predict(frame, random="conditional")
    assert len(np.unique(expected)) == 3
    for herd in (["3", "8", "99"], [3.0, 8.0, np.nan], pd.Categorical(["3", "8", "99"])):
        np.testing.assert_array_equal(result.predict(frame.assign(herd=herd), random="conditional"), expected)
    with pytest.raises(ValueError, match="herd"):
        result.predict(frame.assign(herd=["a", "b", "c"]), random="conditional")
