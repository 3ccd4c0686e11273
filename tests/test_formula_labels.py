"""Labels of groups in new rows: matched with those of the model however they are spelt, never silently unknown."""

import datetime as dt
from decimal import Decimal

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


@pytest.mark.parametrize(
    "label",
    ["12_1", "1e2", "1.21e2", "+121", "١٢١", "0x79", "nan", "inf", "True", "121.", ".5", "121\n", "9" * 9000],
)
def test_texts_that_python_alone_takes_for_numbers(label):
    """A text writes a number if it is digits, with a minus before or a fraction after them: no other spelling counts."""
    with pytest.raises(ValueError, match=r"numbers such as 121, 34, 100.*got the text"):
        find_levels([label], pd.Index([121, 34, 100]), "g")
    for levels in (["12_1", "3_4"], [label, "x"]):
        with pytest.raises(ValueError, match="texts such as"):
            find_levels([121], pd.Index(levels), "g")


def test_spellings_that_count():
    found = find_levels(
        ["121", " 121 ", "0121", "121.0", "-3", "0.1", "-0"], pd.Index([121, -3, 0.1, 0]), "g"
    )
    assert found.tolist() == [0, 0, 0, 0, 1, 2, 3]


LONG = [2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, -(2**70), 1245678901234567890]


@pytest.mark.parametrize("kind", ["objects", "Decimal", "texts"])
def test_long_whole_numbers_compare_exactly(kind):
    written = {"objects": int, "Decimal": Decimal, "texts": str}[kind]
    levels = pd.Index(LONG, dtype=object)
    values = np.array([written(v) for v in LONG], dtype=object)
    assert find_levels(values, levels, "g").tolist() == list(range(len(LONG)))
    near = np.array([written(v + 90) for v in LONG], dtype=object)
    assert (find_levels(near, levels, "g") == -1).all()
    texts = pd.Index([str(v) for v in LONG])
    assert find_levels(values, texts, "g").tolist() == list(range(len(LONG)))
    assert find_levels([Decimal("1.00000000000000000001")], pd.Index([1, 2]), "g").tolist() == [-1]


@pytest.mark.parametrize(
    "ids",
    [
        np.array([2**64 - 1, 2**64 - 2, 5, 7], "u8"),
        pd.array([2**64 - 1, 2**64 - 2, 5, 7], dtype="UInt64"),
        pd.array([2**62 + 1, 2**62 + 2, 5, 7], dtype="Int64"),
        [2**64 + k for k in range(4)],
        [Decimal(2**60 + k) for k in range(4)],
        [Decimal("0.1"), Decimal("0.1000000000000000055511151231257827"), Decimal(1), Decimal("1.5")],
        [Decimal(2**52) + Decimal("0.25"), Decimal(2**52), Decimal(3), Decimal("4503599627370495.5")],
        [2**53 + 1, 2**53, Decimal(2**60), 1.5],
        np.array([0.5, 1.5, 2.0, -3.0], "f2"),
    ],
)
@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | g)", "y ~ C(g) + (1 | g)", "y ~ 1 + (1 | C(g):h)"])
def test_models_keep_labels_apart(ids, formula):
    frame = pd.DataFrame({"y": [0, 1, 1, 0], "g": ids, "h": "h"})
    data = pd.concat([frame] * 10, ignore_index=True)
    if "y ~ C" in formula and isinstance(ids, list) and 1.5 in ids and 2**53 in ids:
        # pandas makes floats of such categories
        with pytest.raises(ValueError, match="must be unique"):
            mg.MixedGLM.from_formula(formula, data=data, family="binomial")
        return
    model = mg.MixedGLM.from_formula(formula, data=data, family="binomial")
    assert model.k_vc == 4
    assert len(set(model.vc_names)) == 4
    np.testing.assert_array_equal(model._encoding.encode_random(frame).toarray(), model.exog_vc.toarray()[:4])
    np.testing.assert_array_equal(model._encoding.encode_fixed(frame), model.exog[:4])
    some = frame.assign(g=pd.Series([*list(ids)[:3], None], dtype=object))
    assert model._encoding.encode_random(some).nnz == 3


def test_floats_that_may_have_been_other_numbers():
    exact = pd.DataFrame({"y": [0, 1] * 5, "g": [2**53, 2**53 + 1] * 5})
    model = mg.MixedGLM.from_formula("y ~ C(g) + (1 | g)", data=exact, family="binomial")
    rounded = exact.astype({"g": "f8"})
    with pytest.raises(ValueError, match=r"g holds 9007199254740992 as a float.*Int64"):
        model._encoding.encode_random(rounded)
    with pytest.raises(ValueError, match=r"C\(g\) holds 9007199254740992 as a float"):
        model._encoding.encode_fixed(rounded)
    with pytest.raises(ValueError, match="g holds 9007199254740992 as a float"):
        mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=rounded, family="binomial")


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | g)", "y ~ g", "y ~ C(g)"])
def test_labels_that_would_be_one(formula):
    for labels, message in (
        ([1, "1"], "1 and '1', which are different and written in the same way"),
        ([True, 1], "booleans and numbers"),
    ):
        data = pd.DataFrame({"y": [0, 1] * 5, "g": pd.Series(labels * 5, dtype=object)})
        with pytest.raises(ValueError, match=message):
            mg.MixedGLM.from_formula(formula, data=data, family="binomial")


def test_times_with_and_without_a_zone():
    naive = pd.DatetimeIndex(["2020-01-01", "2020-02-01"])
    aware = naive.tz_localize("UTC")
    with pytest.raises(ValueError, match=r"time-zone aware Timestamps such as.*got the Timestamp"):
        find_levels(naive, aware, "g")
    with pytest.raises(ValueError, match=r"Timestamps such as.*got the time-zone aware Timestamp"):
        find_levels(aware, naive, "g")
    assert find_levels(aware.tz_convert("Asia/Tokyo"), aware, "g").tolist() == [0, 1]  # the same instants
    assert find_levels(naive.as_unit("s"), naive, "g").tolist() == [0, 1]
    assert find_levels(naive.to_pydatetime() + dt.timedelta(1), naive, "g").tolist() == [-1, -1]
    with pytest.raises(ValueError, match=r"Period\[M\]s such as"):
        find_levels(naive.to_period("D"), naive.to_period("M"), "g")


def test_what_is_no_label():
    data = pd.DataFrame({"y": [0, 1] * 5, "g": [1, 2] * 5})
    lists = data.assign(g=pd.Series([[1], [2]] * 5))
    with pytest.raises(TypeError, match=r"g must hold one label a row, .* got a list"):
        mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=lists, family="binomial")
    result = mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=data, family="binomial").fit_map()
    with pytest.raises(TypeError, match=r"g must hold one label a row, .* got a list"):
        result.predict(lists, random="conditional")
