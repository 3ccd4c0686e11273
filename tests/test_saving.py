"""Saved results: everything that a result can do, after reading it back."""

from __future__ import annotations

import copy
import datetime as dt
import errno
import json
import os
import pickle
import uuid
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import mixed_glm as mg
from mixed_glm._saving.values import Reader, Writer

Fit = Callable[[mg.MixedGLM], mg.MixedGLMResults]
from saved_files import assert_same, cbpp_model

FITS: dict[str, Fit] = {
    "map": lambda m: m.fit_map(),
    "map, standardized": lambda m: m.fit_map(scale_fe=True),
    "map by scipy": lambda m: m.fit_map("BFGS"),
    "vb": lambda m: m.fit_vb(),
    "vb by scipy": lambda m: m.fit_vb(fit_method="L-BFGS-B"),
    "vb, full": lambda m: m.fit_vb(covariance="full"),
    "vb, full, standardized": lambda m: m.fit_vb(covariance="full", scale_fe=True),
    "laplace": lambda m: m.fit_laplace(),
    "laplace, mode": lambda m: m.fit_laplace(integrate="mode"),
    "laplace, ccd": lambda m: m.fit_laplace(integrate="ccd"),
    "leaf": lambda m: m.fit_laplace(n_quad=7),
    "ep": lambda m: m.fit_ep(),
}


def saved_and_loaded(result: mg.MixedGLMResults, path: Path, **options: Any) -> mg.MixedGLMResults:
    result.save(path)
    return mg.load(path, **options)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS.keys())
def test_every_method(fit: Fit, tmp_path: Path) -> None:
    result = fit(cbpp_model())
    assert_same(saved_and_loaded(result, tmp_path / "fit.mglm"), result)
    assert_same(pickle.loads(pickle.dumps(result)), result)
    assert_same(copy.deepcopy(result), result)


def test_a_grid_in_two_dimensions(tmp_path: Path) -> None:
    result = cbpp_model("incidence ~ period + (1 | herd) + (1 | period:herd)").fit_laplace()
    loaded = saved_and_loaded(result, tmp_path / "fit.mglm")
    pd.testing.assert_frame_equal(loaded.conf_int(), result.conf_int(), check_exact=True)


def test_what_scipy_returned_is_kept_where_it_is_plain(tmp_path: Path) -> None:
    result = cbpp_model().fit_map("BFGS")
    optim = saved_and_loaded(result, tmp_path / "fit.mglm").optim_retvals
    np.testing.assert_array_equal(optim.x, result.optim_retvals.x)
    assert optim.message == result.optim_retvals.message
    operator = cbpp_model().fit_map("L-BFGS-B")
    assert "hess_inv" in operator.optim_retvals  # a linear operator, not an array
    assert "hess_inv" not in saved_and_loaded(operator, tmp_path / "fit.mglm").optim_retvals


def test_models_of_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 60
    z = sparse.random(n, 7, density=0.3, rng=rng, format="csc")
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = rng.negative_binomial(3, 0.5, n)
    model = mg.MixedGLM(
        y, x, z, ["b", "a", "b", "a", "b", "b", "a"], mg.families.NegativeBinomial(alpha=0.3), [0.3, 0.5], 3.0,
        exposure=rng.uniform(1, 2, n), offset=rng.normal(size=n), freq_weights=rng.integers(1, 3, n),
    )  # fmt: skip
    result = model.fit_laplace()
    loaded = saved_and_loaded(result, tmp_path / "fit.mglm")
    assert_same(loaded, result)
    np.testing.assert_array_equal(loaded.model.exog_vc.toarray(), z.toarray())
    np.testing.assert_array_equal(
        loaded.predict(x[:3], offset=1.0, exposure=np.ones(3)),
        result.predict(x[:3], offset=1.0, exposure=np.ones(3)),
    )
    assert_same(loaded.model.fit_laplace(), result)


def test_models_without_effects(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for arguments in [(np.ones(20), None, None), (None, np.eye(20)[:, :4], [0] * 4)]:
        result = mg.MixedGLM(rng.poisson(2.0, 20), *arguments, "poisson").fit_laplace()
        assert_same(saved_and_loaded(result, tmp_path / "fit.mglm"), result)


def test_drop_in_classes_keep_their_class(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    z = np.kron(np.eye(6), np.ones((10, 1)))
    model = mg.BinomialBayesMixedGLM(rng.integers(0, 2, 60), np.ones((60, 1)), z, np.zeros(6, int), vcp_p=0.3)
    result = model.fit()
    loaded = saved_and_loaded(result, tmp_path / "fit.mglm")
    assert type(loaded.model) is mg.BinomialBayesMixedGLM
    assert_same(loaded, result)


def test_models_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.mglm"
    model = cbpp_model()
    model.save(path)
    assert_same(mg.MixedGLM.load(path).fit_map(), model.fit_map())
    with pytest.raises(ValueError, match=r"holds a model without a result; read it with MixedGLM\.load"):
        mg.load(path)
    with pytest.raises(ValueError, match="its model is a 'MixedGLM', expected a PoissonBayesMixedGLM"):
        mg.PoissonBayesMixedGLM.load(path)
    model.fit_map().save(path)
    assert repr(mg.MixedGLM.load(path)) == repr(model)


def frame(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.date_range("2026-01-01", periods=5, tz="Europe/Berlin")
    values = rng.normal(size=n)
    return pd.DataFrame({
        "y": rng.poisson(2.0, n),
        "yes": rng.choice(["never", "ever"], n),
        "x": values,
        "t": rng.uniform(1, 3, n),
        "g": rng.choice(list("abcdef"), n),
        "h": rng.integers(1, 5, n),
        "my group": pd.Categorical(rng.choice(["lo", "mid", "hi"], n), ["lo", "mid", "hi"]),
        "day": days[rng.integers(0, 5, n)],
        "flag": rng.random(n) < 0.5,
        "bin": pd.cut(pd.Series(np.clip(values, -1.9, 1.9)), [-2, -1, 0, 1, 2]),
        "nullable": pd.array(rng.integers(0, 3, n), dtype="Int64"),
    })  # fmt: skip


FORMULAS = [
    "y ~ 0 + x",
    "y ~ x * C(h) + flag + (1 | g)",
    "y ~ center(x) + scale(t) + (1 | g)",
    "y ~ poly(x, 3) + (1 | g)",
    "y ~ bs(x, df=5, lower_bound=-5, upper_bound=5) + (1 | g)",
    "y ~ 0 + cr(x, df=4) + (1 | g)",
    "y ~ C(h, contr.sum) + C(g, contr.helmert) + (1 | my_group)",
    "y ~ C(h, levels=[4, 3, 2, 1]) + (1 | `my group`)",
    "y ~ C(h, {'late': [-1, -1, 1, 1], 'odd': [1, -1, 1, -1]}) + (1 | g)",
    "y ~ `my group` + x:`my group` + (1 | g/h)",
    "y ~ np.log(t) + I(x ** 2) + (1 | g:h) + (0 + x || g)",
    "y ~ x + (1 + center(x) + flag || g)",
    "y ~ x + (1 | day)",
    "y ~ bin + (1 | bin)",
    "y ~ nullable + (1 | nullable)",
    "y ~ I(x * scalar) + (1 | g) + offset(np.log(t))",
    "yes ~ x + (1 | g)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_new_rows_are_encoded_as_before(formula: str, tmp_path: Path) -> None:
    scalar = 2.5  # noqa: F841  (the formula refers to it)
    data, new = frame(200, 1), frame(40, 2)
    data["my_group"], new["my_group"] = data["my group"], new["my group"]
    family = "binomial" if formula.startswith("yes") else "poisson"
    result = mg.MixedGLM.from_formula(formula, data=data, family=family, vcp_p=0.3).fit_laplace(
        integrate="mode"
    )
    loaded = saved_and_loaded(result, tmp_path / "fit.mglm")
    assert_same(loaded, result)
    for rows in (data, new):
        np.testing.assert_array_equal(loaded.predict(rows), result.predict(rows))
        before, after = (r.model.spec.encoding.encode_random(rows) for r in (result, loaded))
        np.testing.assert_array_equal(after.toarray(), before.toarray())
    again = saved_and_loaded(loaded, tmp_path / "again.mglm")
    assert_same(again, result)
    assert (tmp_path / "again.mglm").read_bytes() == (tmp_path / "fit.mglm").read_bytes()


@pytest.mark.parametrize("vc", ["0 + C(g)", "0 + C(g):x", "0 + bs(x, df=4, lower_bound=-5, upper_bound=5)"])
def test_formulas_of_statsmodels(vc: str, tmp_path: Path) -> None:
    result = mg.PoissonBayesMixedGLM.from_formula("y ~ x + C(h)", {"a": vc}, frame(200, 1)).fit_vb()
    loaded = saved_and_loaded(result, tmp_path / "fit.mglm")
    assert_same(loaded, result)
    new = frame(40, 2)
    np.testing.assert_array_equal(loaded.predict(new), result.predict(new))
    before, after = (r.model.spec.encoding.encode_random(new) for r in (result, loaded))
    np.testing.assert_array_equal(after.toarray(), before.toarray())


def test_functions_in_a_formula_are_given_again(tmp_path: Path) -> None:
    def halved(x: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return np.asarray(x) / 2

    data = frame(200, 1)
    result = mg.MixedGLM.from_formula("y ~ halved(x) + (1 | g)", data=data, family="poisson").fit_laplace()
    loaded = saved_and_loaded(result, tmp_path / "fit.mglm")
    assert_same(loaded, result)
    for kept in (loaded, pickle.loads(pickle.dumps(result)), saved_and_loaded(loaded, tmp_path / "2.mglm")):
        with pytest.raises(
            ValueError, match=r"value of 'halved' was not kept .* context=\{'halved': \.\.\.\}"
        ):
            kept.predict(data)
    given = mg.load(tmp_path / "fit.mglm", context={"halved": halved})
    np.testing.assert_array_equal(given.predict(data), result.predict(data))


class Colour:
    def __init__(self, name: str) -> None:
        self.name = name

    def __lt__(self, other: Colour) -> bool:
        return self.name < other.name


def test_levels_that_are_not_plain(tmp_path: Path) -> None:
    colours = [Colour(name) for name in "abc"]
    data = pd.DataFrame({"y": np.arange(12), "g": colours * 4})
    result = mg.MixedGLM.from_formula("y ~ (1 | g)", data=data, family="poisson").fit_laplace()
    with pytest.raises(
        TypeError, match="levels/0/values/0 is of type Colour, which a saved file cannot hold"
    ):
        result.save(tmp_path / "fit.mglm")
    assert list(tmp_path.iterdir()) == []


VALUES = [
    None, True, 3, 10**30, 0.1, float("inf"), "ä\n", [1, [2.0]], (1, (2,)), {1, 2}, {"a": 1}, {1: "b", None: 2}, {},
    np.float32(0.1), np.int8(3), np.bool_(True), pd.Timestamp("2026-01-01 12:00:00.123456789", tz="UTC"),
    pd.Timedelta("1ns"), pd.Timestamp("2026-01-01").date(), pd.Interval(0, 1.5, closed="left"), uuid.UUID(int=7),
    dt.time(12, 30, 0, 5), dt.timedelta(days=-1, microseconds=3), pd.Period("2026-01", "M"), pd.Period("2026-01-05", "W-SUN"),
    Decimal("0.10"), b"\x00\xff", b"", np.bytes_(b"a"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_values(value: Any) -> None:
    writer = Writer({})
    tree = json.loads(json.dumps(writer.write(value, "v"), allow_nan=False))
    back = Reader({}, writer.arrays.__getitem__).read(tree)
    assert back == value
    assert np.float32 is type(value) or isinstance(back, (type(value), int, bool, bytes))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates()
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(SCALARS, inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(NESTED)
def test_any_nesting_of_plain_values(value: Any) -> None:
    writer = Writer({})
    tree = json.loads(json.dumps(writer.write(value, "v"), allow_nan=False))
    assert Reader({}, writer.arrays.__getitem__).read(tree) == value


@given(
    hypothesis.extra.numpy.arrays(
        st.sampled_from([np.float64, np.int32, np.bool_, "datetime64[ns]", "<U3"]),
        hypothesis.extra.numpy.array_shapes(min_dims=0, min_side=0),
    )
)
def test_any_array(array: npt.NDArray[Any]) -> None:
    writer = Writer({})
    back = Reader({}, writer.arrays.__getitem__).read(writer.write(array, "v"))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


LABELS = {
    "uuid": [uuid.UUID(int=i) for i in range(4)],
    "period": [pd.Period("2026-01", "M") + i for i in range(4)],
    "bytes": [b"a", b"b", b"c", b"d"],
    "decimal": [Decimal("0.1"), Decimal("2.50"), Decimal(3), Decimal(-4)],
    "time": [dt.time(i) for i in range(4)],
    "date": [dt.date(2026, 1, i + 1) for i in range(4)],
    "datetime": [dt.datetime(2026, 1, 1, i, tzinfo=dt.UTC) for i in range(4)],
    "duration": [dt.timedelta(hours=i) for i in range(4)],
    "interval": [pd.Interval(i, i + 1) for i in range(4)],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("as_objects", [True, False])
def test_labels_of_groups(labels: list[Any], as_objects: bool, tmp_path: Path) -> None:
    data = pd.DataFrame(
        {"y": np.arange(12) % 5, "g": pd.Series(labels * 3, dtype=object if as_objects else None)}
    )
    result = mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=data, family="poisson").fit_laplace(
        integrate="mode"
    )
    loaded = saved_and_loaded(result, tmp_path / "fit.mglm")
    assert_same(loaded, result)
    rows = data.iloc[[2, 0]]
    np.testing.assert_array_equal(
        loaded.predict(rows, random="conditional"), result.predict(rows, random="conditional")
    )
    before, after = (r.model._encoding.encode_random(data).toarray() for r in (result, loaded))
    np.testing.assert_array_equal(after, before)
    assert before.sum() == len(data)


def test_names_with_slashes_do_not_collide() -> None:
    writer = Writer({})
    tree = writer.write({"a/b": np.arange(2), "a": {"b": np.arange(3)}}, "v")
    back = Reader({}, writer.arrays.__getitem__).read(tree)
    assert (len(back["a/b"]), len(back["a"]["b"])) == (2, 3)


# Writing


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "fit.mglm"
    cbpp_model().fit_laplace(integrate="mode").save(path)
    return path.read_bytes()


def test_a_failure_leaves_the_old_file(saved: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fit.mglm"
    path.write_bytes(saved)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cbpp_model().fit_map().save(path)
    assert path.read_bytes() == saved
    assert list(tmp_path.iterdir()) == [path]


def test_an_old_file_is_replaced(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fit.mglm"
    path.write_bytes(saved)
    link = tmp_path / "link.mglm"
    link.symlink_to(path)
    result = cbpp_model().fit_map()
    result.save(str(link))
    assert link.is_symlink()
    assert_same(mg.load(path), result)


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cbpp_model().fit_map().save(tmp_path / "none" / "fit.mglm")


# Files of earlier versions

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("name", ["format_1_laplace", "format_1_vb", "format_1_vb_full"])
def test_files_of_earlier_versions(name: str) -> None:
    """Their results are in a JSON file beside them."""
    loaded = mg.load(DATA / f"{name}.mglm")
    expected = json.loads((DATA / f"{name}.json").read_text())
    new = pd.DataFrame(expected["new"])
    of_means = loaded.model.family.mean(loaded.predict(new, linear=True))
    np.testing.assert_allclose(of_means, expected["predicted"], rtol=1e-10)
    np.testing.assert_allclose(loaded.conf_int().to_numpy(), expected["conf_int"], rtol=1e-6)
    assert list(loaded.conf_int().index) == expected["names"]
    assert loaded.log_evidence == expected["log_evidence"]
    assert np.isfinite(np.asarray(loaded.cov_params())).all()


def test_the_checked_in_files_hold_every_kind_of_record() -> None:
    """Otherwise they would not tell when one can no longer be read."""
    text = "".join(zipfile.ZipFile(p).read("header.json").decode() for p in DATA.glob("format_1*.mglm"))
    for record in ("Encoding", "FormulaText", "GroupTerm", "Component", "Grouping", "Standardization",
                   "FullVariationalPosterior", "MarginalPosterior", "Poisson"):  # fmt: skip
        assert f'{{"record": ["{record}"' in text
