"""Formulas against data: columns, responses, missing rows, new data, and what is refused."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from mixed_glm._formula.build import FormulaDesign, build

SCALE = 10.0  # a name that formulas below find here, not in the data


@pytest.fixture
def data() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "y": [0.0, 1, 0, 1, 1, 0],
            "won": [0, 1, 2, 3, 4, 5],
            "size": [5, 5, 5, 5, 6, 6],
            "lab": ["N", "Y", "Y", "N", "N", "Y"],
            "x": [1.0, 2, 3, 4, 5, 6],
            "g": ["b", "a", "b", "a", "c", "c"],
            "k": [1, 2, 1, 2, 3, 3],
            "my h": [1, 1, 1, 2, 2, 2],
            "t": [1.0, 2, 3, 4, 5, 6],
        },
        index=[7, 7, 8, 8, 9, 9],  # a row index may repeat
    )


def make(formula: str, data: object, vc: dict[str, str] | None = None, **options: object) -> FormulaDesign:
    return build(formula, vc, data, binomial=bool(options.pop("binomial", True)), **options)  # type: ignore[arg-type]


def dense(design: FormulaDesign) -> np.ndarray:
    return design.arguments["exog_vc"].toarray()


def test_intercepts_and_slopes_by_group(data: pd.DataFrame) -> None:
    design = make("y ~ x + (1 | g) + (0 + x | g)", data)
    indicator = (data.g.to_numpy()[:, None] == ["a", "b", "c"]).astype(float)
    np.testing.assert_array_equal(
        dense(design), np.hstack([indicator, indicator * data.x.to_numpy()[:, None]])
    )
    arguments = design.arguments
    assert arguments["vcp_names"] == ["g", "x|g"]
    assert arguments["vc_names"] == ["g[a]", "g[b]", "g[c]", "x|g[a]", "x|g[b]", "x|g[c]"]
    np.testing.assert_array_equal(arguments["ident"], [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(arguments["exog"], np.c_[np.ones(6), data.x])
    assert arguments["exog"].flags.f_contiguous
    assert arguments["fep_names"] == ["Intercept", "x"]


def test_double_bar_splits_into_components(data: pd.DataFrame) -> None:
    assert make("y ~ (x || g)", data).arguments["vcp_names"] == ["g", "x|g"]
    assert make("y ~ (0 + lab || k)", data).arguments["vcp_names"] == ["lab[N]|k", "lab[Y]|k"]


def test_single_bar_makes_the_same_components_correlated(data: pd.DataFrame) -> None:
    arguments = make("y ~ (x | g) + (1 | k)", data).arguments
    assert arguments["vcp_names"] == ["g", "x|g", "k"]
    (term,) = arguments["correlated"]
    assert (term.grouping, term.first, term.coordinates) == ("g", 0, ("Intercept", "x"))
    assert make("y ~ (x || g)", data).arguments["correlated"] == []
    np.testing.assert_array_equal(dense(make("y ~ (x | g)", data)), dense(make("y ~ (x || g)", data)))


def test_nested_and_interaction_use_only_groups_that_occur(data: pd.DataFrame) -> None:
    nested = make("y ~ (1 | g/`my h`)", data).arguments
    assert nested["vcp_names"] == ["g", "g:my h"]
    assert nested["vc_names"][3:] == ["g:my h[a:1]", "g:my h[a:2]", "g:my h[b:1]", "g:my h[c:2]"]
    same = make("y ~ (1 | g) + (1 | g:C(`my h`))", data)
    np.testing.assert_array_equal(dense(same), nested["exog_vc"].toarray())


def test_unused_categories_make_no_groups(data: pd.DataFrame) -> None:
    data["g"] = pd.Categorical(data.g, categories=["c", "z", "b", "a"])
    assert make("y ~ (1 | g)", data).arguments["vc_names"] == ["g[c]", "g[b]", "g[a]"]


def test_zero_slopes_are_not_stored(data: pd.DataFrame) -> None:
    data["x"] = [0.0, 1, 0, 1, 0, 1]
    z = make("y ~ (x || g)", data).arguments["exog_vc"]
    assert z.nnz == 9
    assert z.has_canonical_format


@pytest.mark.parametrize(
    ("formula", "options", "y", "trials"),
    [
        ("y ~ 1", {}, [0, 1, 0, 1, 1, 0], None),
        ("lab ~ 1", {}, [0, 1, 1, 0, 0, 1], None),
        ("(x > 3) ~ 1", {}, [0, 0, 0, 1, 1, 1], None),
        ("cbind(won, size - won) ~ 1", {}, range(6), [5, 5, 5, 5, 6, 6]),
        ("won + t ~ 1", {}, range(6), [1, 3, 5, 7, 9, 11]),
        ("won | trials(size) ~ 1", {}, range(6), [5, 5, 5, 5, 6, 6]),
        ("won ~ 1", {"n_trials": "size"}, range(6), [5, 5, 5, 5, 6, 6]),
        ("won ~ 1", {"n_trials": [6, 6, 6, 6, 6, 6]}, range(6), [6] * 6),
    ],
)
def test_responses(data: pd.DataFrame, formula: str, options: dict, y: list, trials: list | None) -> None:
    arguments = make(formula, data, by_row=options).arguments
    np.testing.assert_array_equal(arguments["endog"], y)
    if trials is None:
        assert "n_trials" not in arguments
    else:
        np.testing.assert_array_equal(arguments["n_trials"], trials)


def test_second_label_is_success(data: pd.DataFrame) -> None:
    assert make("lab ~ 1", data).arguments["response_levels"] == ("N", "Y")
    data["lab"] = pd.Categorical(data.lab, categories=["Y", "N"])
    flipped = make("lab ~ 1", data)
    assert flipped.arguments["response_levels"] == ("Y", "N")
    np.testing.assert_array_equal(flipped.arguments["endog"], [1, 0, 0, 1, 1, 0])


def test_offsets_add_up(data: pd.DataFrame) -> None:
    offset = make("y ~ offset(log(t)) + offset(x)", data, by_row={"offset": "size"}).arguments["offset"]
    np.testing.assert_allclose(offset, np.log(data.t) + data.x + data["size"])


def test_missing_rows_go_everywhere_together(data: pd.DataFrame) -> None:
    data["unused"] = np.nan
    data.loc[data.index[[0]], "y"] = np.nan  # rows 0 and 1 share the index 7
    data["g"] = ["b", "a", None, "a", "c", "c"]
    weights = np.array([1.0, 1, 1, np.nan, 1, 1])
    before = data.copy()
    design = make("y ~ x + (1 | g)", data, by_row={"freq_weights": weights, "offset": "t"})
    assert design.encoding.n_missing == 4
    np.testing.assert_array_equal(design.kept, [False, False, False, False, True, True])
    arguments = design.arguments
    np.testing.assert_array_equal(arguments["endog"], [1, 0])
    np.testing.assert_array_equal(arguments["exog"][:, 1], [5, 6])
    np.testing.assert_array_equal(arguments["freq_weights"], [1, 1])
    np.testing.assert_array_equal(arguments["offset"], [5, 6])
    assert arguments["vc_names"] == ["g[c]"]
    pd.testing.assert_frame_equal(data, before)


def test_nullable_columns(data: pd.DataFrame) -> None:
    data["x"] = pd.array([1, 2, None, 4, 5, 6], dtype="Int64")
    data["b"] = pd.array([True, None, True, False, True, False], dtype="boolean")
    design = make("b ~ x", data)
    assert design.encoding.n_missing == 2
    np.testing.assert_array_equal(design.arguments["endog"], [1, 0, 1, 0])
    np.testing.assert_array_equal(design.arguments["exog"][:, 1], [1, 4, 5, 6])


def test_no_complete_row(data: pd.DataFrame) -> None:
    data["x"] = np.nan
    with pytest.raises(ValueError, match="no complete row"):
        make("y ~ x", data)


def test_names_of_the_caller_are_seen(data: pd.DataFrame) -> None:
    shift = 2.0
    x = build("y ~ I(x * SCALE + shift)", None, data, binomial=True).arguments["exog"]
    np.testing.assert_array_equal(x[:, 1], data.x * SCALE + shift)


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("y ~ nope", "nope"),
        ("nope ~ x", "nope"),
        ("y ~ (1 | nope)", "nope"),
        ("y ~ (0 + nope | g)", "nope"),
        ("y ~ log(nope)", "nope"),
        ("y ~ offset(nope)", "nope"),
        ("y ~ `no pe`", "no pe"),
    ],
)
def test_unknown_column_is_named(data: pd.DataFrame, formula: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}', which is not a column of data; columns: 'y', 'won'"):
        make(formula, data)


def test_unknown_function_is_named(data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"calls 'nope', which is not a function"):
        make("y ~ nope(x)", data)
    with pytest.raises(ValueError, match=r"calls 'as.facter'.*did you mean 'as.factor'"):
        make("y ~ as.facter(x)", data)
    with pytest.raises(ValueError, match="calls 'x', which is not a function"):  # a column
        make("y ~ x(1)", data)


def test_unknown_column_in_vc_formulas_and_arguments(data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="'nope', which is not a column"):
        make("y ~ x", data, {"a": "0 + C(nope)"})
    with pytest.raises(ValueError, match="n_trials: data has no column 'nope'"):
        make("y ~ x", data, by_row={"n_trials": "nope"})


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("y ~ x", {"data": 3}, TypeError, "data must be a data frame"),
        ("y ~ x", {"data": {"y": [], "x": []}}, ValueError, "at least one row"),
        (
            "y ~ x",
            {"by_row": {"offset": [1.0, 2.0]}},
            ValueError,
            "offset must have one value for each of the 6",
        ),
        ("y ~ x", {"vc": ["0 + g"]}, TypeError, "vc_formulas must be a mapping"),
        ("y ~ x", {"vc": pd.DataFrame({"y": [1]})}, TypeError, "give the data as data="),
        ("y ~ (0 | g)", {}, ValueError, "no effect before the bar"),
        ("y ~ (1 | g) + (1 | C(g))", {}, ValueError, "'g' twice"),
        ("y ~ x +* z", {}, ValueError, "cannot understand"),
        ("y ~ .", {}, ValueError, "written out.* the others are won"),
        ("g ~ x", {}, ValueError, "two levels, failure and success, got 3"),
        ("lab ~ x", {"binomial": False}, ValueError, "must be numeric, got labels"),
        ("won + t ~ x", {"binomial": False}, ValueError, "only for the binomial family"),
        ("won | trials(size) ~ x", {"by_row": {"n_trials": "size"}}, ValueError, "its own trials"),
        ("y ~ offset(g)", {}, ValueError, "must be numeric"),
        ("y ~ log(g)", {}, ValueError, "cannot evaluate"),
        ("y ~ x", {"vc": {"a": "0"}}, ValueError, "has no columns"),
    ],
)
def test_bad_input(
    data: pd.DataFrame, formula: str, options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(formula, **({"data": data} | options))


def test_a_column_that_occurs_twice_is_refused(data: pd.DataFrame) -> None:
    twice = pd.concat([data.reset_index(drop=True)] * 2, axis=1).iloc[:, : data.shape[1] + 5]
    with pytest.raises(ValueError, match="data has the column 'x' more than once"):
        make("t ~ x", twice, binomial=False)
    make("t ~ k", twice, binomial=False)  # what is not used does no harm


def test_dates_are_groups_but_not_numbers(data: pd.DataFrame) -> None:
    data["day"] = pd.Timestamp("2024-03-01") + pd.to_timedelta(data["k"], unit="D")
    assert make("y ~ (1 | day)", data).arguments["vcp_names"] == ["day"]
    with pytest.raises(ValueError, match=r"formula: .*day"):
        make("y ~ day", data)


def test_whole_numbers_with_missing_ones_keep_their_labels(data: pd.DataFrame) -> None:
    data["k"] = [np.nan, 2, 1, 2, 3, 3]
    assert make("y ~ (1 | k)", data).arguments["vc_names"] == ["k[1]", "k[2]", "k[3]"]


def test_a_mapping_of_columns_is_data(data: pd.DataFrame) -> None:
    design = make("y ~ x + (1 | g)", {c: data[c].to_numpy() for c in ("y", "x", "g")})
    np.testing.assert_array_equal(dense(design), dense(make("y ~ x + (1 | g)", data)))


class TestNewData:
    def test_same_encoding_after_pickling(self, data: pd.DataFrame) -> None:
        design = make("y ~ center(x) + C(k) + lab:x + (1 | g)", data)
        encoding = pickle.loads(pickle.dumps(design.encoding))
        new = data.iloc[[3, 1]].drop(columns=["y", "g"])
        np.testing.assert_allclose(encoding.encode_fixed(new), design.arguments["exog"][[3, 1]])

    def test_names_of_the_caller_are_kept(self, data: pd.DataFrame) -> None:
        def double(values: pd.Series) -> pd.Series:
            return 2 * values

        encoding = build("y ~ double(x)", None, data, binomial=True).encoding
        assert encoding.encode_fixed(data)[2, 1] == 6.0
        with pytest.raises(ValueError, match="'double'"):  # a local function cannot be pickled
            pickle.loads(pickle.dumps(encoding)).encode_fixed(data)

    def test_quoted_columns(self, data: pd.DataFrame) -> None:
        design = make("y ~ `my h` + (1 | `my h`) + (0 + `my h` | g)", data)
        np.testing.assert_array_equal(design.encoding.encode_fixed(data), design.arguments["exog"])
        np.testing.assert_array_equal(design.encoding.encode_random(data).toarray(), dense(design))

    @pytest.mark.parametrize(
        ("formula", "vc"),
        [
            ("y ~ (1 | g/k) + (0 + center(x) | C(k))", {}),
            ("y ~ (0 + lab + center(x) || g:lab)", {}),
            ("y ~ 1", {"a": "0 + C(k)*center(x)", "b": "lab*g", "c": "0 + poly(x, 2)"}),
            ("y ~ x", {}),
        ],
    )
    def test_random_effects(self, data: pd.DataFrame, formula: str, vc: dict[str, str]) -> None:
        design = make(formula, data, vc)
        encoding = pickle.loads(pickle.dumps(design.encoding))
        rows = [4, 0, 3]
        np.testing.assert_allclose(encoding.encode_random(data.iloc[rows]).toarray(), dense(design)[rows])
        assert [c.name for c in encoding.components] == design.arguments["vcp_names"]

    def test_unknown_and_missing_groups_have_no_effects(self, data: pd.DataFrame) -> None:
        encoding = make("y ~ (1 | g) + (1 | g:k)", data, {"k": "0 + C(k)"}).encoding
        new = pd.DataFrame({"g": ["a", "z", None, "a"], "k": [2, 1, 1, 3]})
        entries = encoding.encode_random(new).toarray()
        np.testing.assert_array_equal(entries[:, :3].sum(axis=1), [1, 0, 0, 1])
        np.testing.assert_array_equal(entries[:, 3:6].sum(axis=1), [1, 0, 0, 0])  # a:3 was not met
        np.testing.assert_array_equal(entries[:, 6:].sum(axis=1), [1, 1, 1, 1])

    def test_missing_rows_are_nan(self, data: pd.DataFrame) -> None:
        encoding = make("y ~ x + lab", data).encoding
        data["lab"] = ["N", None, "Y", "N", "N", "Y"]
        encoded = encoding.encode_fixed(data)
        assert np.isnan(encoded[1]).all()
        np.testing.assert_array_equal(encoded[2], [1, 3, 1])

    def test_unseen_level_is_named(self, data: pd.DataFrame) -> None:
        encoding = make("y ~ lab + C(k)", data).encoding
        with pytest.raises(ValueError, match=r"lab has levels that were not in the data of the model: 'Q'"):
            encoding.encode_fixed(data.assign(lab="Q"))
        with pytest.raises(ValueError, match=r"C\(k\) has levels .* 17"):
            encoding.encode_fixed(data.assign(k=17))

    def test_offset_terms(self, data: pd.DataFrame) -> None:
        encoding = make("y ~ offset(log(t))", data).encoding
        np.testing.assert_allclose(encoding.encode_offset(data.head(2)), [0.0, np.log(2.0)])
        assert make("y ~ x", data).encoding.encode_offset(data) is None


@pytest.mark.slow
def test_a_million_rows_stay_sparse() -> None:
    n, groups = 1_000_000, 100_000
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {"y": rng.integers(0, 2, n), "x": rng.normal(size=n), "g": rng.integers(0, groups, n)}
    )
    tracemalloc.start()
    design = make("y ~ x + (1 | g)", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert design.arguments["exog_vc"].shape == (n, len(np.unique(data.g)))
    assert peak < 300e6
