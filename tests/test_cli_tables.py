"""Tables as the command line reads and writes them: every cell as it stands in the file, or one line that says why not."""

from __future__ import annotations

import gzip
import io
import json
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mixed_glm as mg
from mixed_glm.cli import main
from mixed_glm.cli._form import Form
from mixed_glm.cli._tables import read_table, write_table

FORMULA = "y ~ x + (1 | site)"


def read(tmp_path: Path, content: str | bytes) -> pd.DataFrame:
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)


def column(values: pd.Series[Any]) -> list[Any]:
    return [None if pd.isna(v) else v for v in values.tolist()]


def test_a_large_file_has_one_type_for_each_column(tmp_path: Path) -> None:
    """pandas reads pieces of some 250,000 cells, with types of their own, where it is not told otherwise."""
    rows = 300_000
    table = read(tmp_path, "site\n" + "5\n" * rows + "B\n")
    assert table["site"].unique().tolist() == ["5", "B"]


@pytest.mark.parametrize("first", [2**53, 10**18, 2**63 - 10, -(2**63), 2**63, 2**64 - 4])
def test_ids_are_exact_beside_missing_ones(tmp_path: Path, first: int) -> None:
    ids = [first + k for k in range(4)]
    table = read(tmp_path, "site,x\n" + "".join(f"{i},1\n" for i in ids) + ",2\nNA,3\n")
    assert column(table["site"]) == [*ids, None, None]
    assert table["x"].dtype == np.int64


@pytest.mark.parametrize("missing", ["", ",1\nnan,1\n"])
@pytest.mark.parametrize("ids", [[2**64, 2**64 + 1], [10**19, -1], [10**40, 10**40 + 1, 5]])
def test_ids_that_64_bits_do_not_hold_are_texts(tmp_path: Path, ids: list[int], missing: str) -> None:
    table = read(tmp_path, "site,x\n" + "".join(f"{i},1\n" for i in ids) + missing)
    assert column(table["site"]) == [str(i) for i in ids] + [None] * (2 * bool(missing))


def test_decimals_beside_long_numbers(tmp_path: Path) -> None:
    for cells in (["1.5", "18446744073709551617"], ["18446744073709551617", "1.5", "inf"]):
        assert read(tmp_path, "x\n" + "\n".join(cells))["x"].tolist() == [float(c) for c in cells]
    assert read(tmp_path, "x\n18446744073709551617\n٣\n")["x"].tolist() == ["18446744073709551617", "٣"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_groups_of_long_ids(tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same fit and predictions as with names for the ids; rows without an id are left out of the fit."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    codes = np.arange(90) % 9
    ids = pd.array([1234567890123456780 + int(k) for k in codes], dtype="Int64")
    data = pd.DataFrame({"y": rng.poisson(2.0 + codes), "x": rng.normal(size=90), "site": ids})
    data.loc[::7, "site"] = pd.NA
    named = data.assign(site=pd.Series([None if i % 7 == 0 else f"s{k}" for i, k in enumerate(codes)]))
    table, saved = tmp_path / f"table{suffix}", tmp_path / "fit.mglm"
    write_table(data, table)
    assert main(["fit", str(table), FORMULA, "--family", "poisson", "--save", str(saved)]) == 0
    model = mg.MixedGLM.from_formula(FORMULA, data=named, family="poisson")
    result = model.fit()
    assert mg.load(saved).params == pytest.approx(result.params, rel=1e-8)
    output = tmp_path / f"predicted{suffix}"
    options = ["--random", "conditional", "--output", str(output)]
    assert main(["predict", str(saved), str(table), *options]) == 0
    predicted = read_table(output)
    expected = result.predict(named, random="conditional")
    np.testing.assert_allclose(predicted["predicted"], expected, rtol=1e-8)
    assert column(predicted["site"]) == column(data["site"])


def test_whole_numbers_of_parquet_files(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    big = 2**60 + 1
    columns = {"a": pd.array([big, None], "Int64"), "b": pd.array([1, 2], "int8"), "c": pd.array([2**64 - 1, None], "UInt64")}  # fmt: skip
    pd.DataFrame(columns).assign(d=["x", None], e=[0.5, np.nan]).to_parquet(tmp_path / "T.PARQUET")
    table = read_table(tmp_path / "T.PARQUET")
    assert [column(table[c]) for c in "abcde"] == [[big, None], [1, 2], [2**64 - 1, None], ["x", None], [0.5, None]]  # fmt: skip
    assert table["b"].dtype == np.int8


def test_columns_of_one_name_in_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table([[1], [2]], names=["x", "x"]), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"several columns are called 'x'|duplicate field names"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2,\n3,4,\n", "line 2 has 3 cells, the header 2, and 1 other like it: empty cells too many"),
        (
            'a,b\n"1\n1",2\n3,4\n5,6,,\n',
            "line 5 has 4 cells, the header 2: empty cells too many are left out",
        ),
        ("a,b\n1,2\n3\n", "line 3 has 1 cell, the header 2: what it lacks is missing"),
    ],
)
def test_rows_of_other_lengths_are_told(tmp_path: Path, content: str, said: str) -> None:
    with pytest.warns(mg.exceptions.MixedGLMWarning, match=f"table.csv': {said}"):
        table = read(tmp_path, content)
    assert table.iloc[0, 1] == 2
    assert list(table.columns) == ["a", "b"]
    assert list(table.index) == list(range(len(table)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2,3\n4,5,6\n", "line 2 has 3 cells, the header 2 .too many from '3' on"),
        ("a,b\n1,2\n\n4,5\n4,5,,x\n", "line 5 has 4 cells, the header 2 .too many from 'x' on"),
        ("a,b\n1,2\n3,1,234\n", 'with a comma in it needs quotes: "1,5"'),
        ("a;b\n1;2\n", "its columns are separated by ';': give --sep ';'"),
        ("a\tb\n1\t2\n", "separated by '.t': give --sep tab"),
        ("a,b,a\n1,2,3\n", "several columns are called 'a'"),
        (",,Unnamed: 1\n1,2,3\n", "several columns are called 'Unnamed: 1'"),
        ("", "it is empty"),
        ("\ufeff\n \n", "it is empty"),
        ("a,b\n1,\0\n", "line 2 holds a NUL byte"),
        ("name,b\nJos\u00e9,1\n".encode("latin-1"), "line 2 is not UTF-8 text .byte 0xe9"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quote is never closed"),
        ('a,b\n1,2\n3,"4\n' + "5,6\n" * 50_000, "line 3: .*is a quote never closed"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=f"table.csv' is not a csv or parquet table: .*{said}"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["1", "2", ".", "4"], r"'\.' in line 4 among numbers, .* missing cells empty"),
        (["1", "2", " NA", "4"], "' NA' in line 4"),
        (['"1,234"', "2", "3"], "'1,234' in line 2 .*write 1234.5 for 1,234.5"),
        (['"1,5"', '"2,5"', ""], "'1,5' in line 2 .*or 1234,5"),
    ],
)
def test_numbers_that_a_stray_cell_makes_texts_are_told(tmp_path: Path, cells: list[str], said: str) -> None:
    with pytest.warns(mg.exceptions.MixedGLMWarning, match=f"column 'x' holds {said}"):
        read(tmp_path, "x,y\n" + "".join(f"{c},1\n" for c in cells))


def test_texts_are_not_told(tmp_path: Path) -> None:
    cells = ["A,7,2020-01-02,007", "B,C7,2020-02-03,08", '"x, y",8,2020-03-04,10', "D,D9,,"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read(tmp_path, "a,b,c,d\n" + "\n".join(cells))
    assert table["b"].tolist() == ["7", "C7", "8", "D9"]


def test_numbers_are_read_to_the_last_digit(tmp_path: Path) -> None:
    numbers = [*np.random.default_rng(0).normal(size=200), 0.1 + 0.2, -1.4619727100442108e71, 5e-324]
    assert read(tmp_path, "x\n" + "".join(f"{x!r}\n" for x in map(float, numbers)))["x"].tolist() == numbers


@pytest.mark.parametrize("large", ["1e400", "-1e400", "32093510761218599685193728.000", "1" * 400 + ".5"])
def test_numbers_that_are_too_large_stay_numbers(tmp_path: Path, large: str) -> None:
    table = read(tmp_path, f"x,y\n{large},1\n2.5,1\n,1\n")
    assert column(table["x"]) == [float(large), 2.5, None]


def test_leading_zeros_are_kept(tmp_path: Path) -> None:
    table = read(tmp_path, 'id,n,x,t\n007,7,00.5,08:30\n7,10,1,09:00\n"010",8,2,10:00\n,0,0,\n')
    assert column(table["id"]) == ["007", "7", "010", None]
    assert table["n"].dtype == np.int64
    assert table["x"].tolist() == [0.5, 1, 2, 0]


def test_byte_order_marks_quotes_and_line_ends(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        content = end.join(['\ufeff"id",x', '"5",1', "5,2", "", " ", ",3", '" 6",4', ""])
        table = read(tmp_path, content)
        assert column(table["id"]) == [5, 5, None, 6], repr(end)
        assert table["x"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip"])
def test_compressed_tables(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table.csv{suffix}"
    pd.DataFrame({"a": [1, 2]}).to_csv(path, index=False)
    assert read_table(path)["a"].tolist() == [1, 2]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=f"it is no {suffix} file, or is damaged"):
        read_table(path)


def test_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = mg.datasets.load_cbpp().to_csv(index=False)
    path = tmp_path / "cbpp.csv"
    path.write_text(content)
    arguments = ["incidence ~ C(period) + (1 | herd)", "--family", "binomial", "--n-trials", "size"]
    assert main(["fit", str(path), *arguments]) == 0
    printed = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert main(["fit", "-", *arguments]) == 0
    assert capsys.readouterr().out == printed
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a;b\n")))
    assert main(["fit", "-", *arguments]) == 2
    assert "the standard input is not a csv or parquet table: its columns" in capsys.readouterr().err


def test_numbers_in_json(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"a": [1e-20, 1 / 3, np.nan, np.inf], "b": pd.array([2**63 - 1, None, 1, 2], "Int64"), "c": ["é", None, "", "x"], "d": [True, False, True, True]}
    )  # fmt: skip
    table["e"] = pd.to_datetime(["2020-01-02", None, None, None])
    write_table(table, tmp_path / "t.JSON")
    rows = json.loads((tmp_path / "t.JSON").read_text())
    assert rows[0] == {"a": 1e-20, "b": 2**63 - 1, "c": "é", "d": True, "e": "2020-01-02T00:00:00"}
    assert rows[1] == {"a": 1 / 3, "b": None, "c": None, "d": False, "e": None}
    assert [row["a"] for row in rows[2:]] == [None, None]


def test_a_damaged_archive_names_no_internals(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("a.csv", "x\n1\n")
        archive.writestr("b.csv", "x\n1\n")
    with pytest.raises(ValueError, match="a zip archive must hold one file, got 2"):
        read_table(tmp_path / "t.zip")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,a\n"))
    with pytest.raises(ValueError, match="several columns"):
        read_table(tmp_path / "t.csv.gz")


@pytest.mark.parametrize(
    ("written", "char"), [(";", ";"), ("tab", "\t"), ("\\t", "\t"), ("space", " "), ("|", "|")]
)
def test_other_separators(
    tmp_path: Path, written: str, char: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{k % 2}{char}{k}{char}g{k % 4}" for k in range(24)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([char.join(["y", "x", "g"]), *rows]) + "\n")
    fit = tmp_path / "fit.mglm"
    assert (
        main(
            [
                "fit",
                str(path),
                "y ~ x + (1 | g)",
                "--family",
                "binomial",
                "--sep",
                written,
                "--save",
                str(fit),
            ]
        )
        == 0
    )
    assert (
        main(["predict", str(fit), str(path), "--sep", written, "--output", str(tmp_path / "out.csv")]) == 0
    )
    assert len(pd.read_csv(tmp_path / "out.csv")) == 24
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["fit", str(path), "y ~ x", "--family", "binomial", "--sep", "::"])
    assert "must be one character, or tab" in capsys.readouterr().err


def test_labels_that_are_read_as_missing_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "table.csv"
    regions = ["EU", "NA", "SA"]
    path.write_text("y,region\n" + "".join(f"{k // 3 % 2},{regions[k % 3]}\n" for k in range(30)))
    command = ["fit", str(path), "y ~ region", "--family", "binomial"]
    assert main(command) == 0
    said = capsys.readouterr().err
    assert (
        "column 'region' holds the text 'NA' in 10 of 30 rows, read as missing: these rows are dropped"
        in said
    )
    assert "--na ''" in said
    assert main([*command, "--na", ""]) == 0
    kept = capsys.readouterr()
    assert kept.err == ""
    assert "region[T.NA]" in kept.out


def test_other_texts_for_missing_cells(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,NA\n-99,x\n.,y\n")
    table = read_table(path, Form(missing=("-99", ".")))
    assert table["a"].isna().tolist() == [False, True, True]
    assert table["b"].tolist() == ["NA", "x", "y"]


@pytest.mark.parametrize(
    ("formula", "family", "said"),
    [
        ("y ~ x", "tweedie", "it is not part of the model"),
        (
            "y ~ .",
            "binomial",
            "'.' for all other columns must be written out, in 'y ~ .': the others are x + g",
        ),
    ],
)
def test_plain_words(
    tmp_path: Path, formula: str, family: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("y,x,g\n0,1,a\n1,2,b\n0,3,a\n1,1,b\n")
    assert main(["fit", str(path), formula, "--family", family]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "__" not in error
    assert main(["fit", str(path), "y ~ x", "--family", "nbinom2", "--alpha", "0.5"]) == 0
    capsys.readouterr()
    assert main(["fit", str(path), "x ~ 1", "--family", "gaussian", "--prior", "sigma=halfnormal(1)"]) == 0
    assert "sigma ~ HalfNormal(1)" in capsys.readouterr().out
    assert main(["fit", str(path), "x ~ 1", "--family", "negbinomial"]) == 0
    assert "alpha" in capsys.readouterr().out
