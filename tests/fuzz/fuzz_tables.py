"""Csv tables of ids, numbers, texts and missing cells, in every spelling, some of them spoilt, against a reading in plain Python.

What a cell is follows from the cells of its column alone: `expected` says it in a few lines, without pandas.
"""

from __future__ import annotations

import gzip
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from judge import Defect, sound
from problems import pick

import mixed_glm as mg
from mixed_glm.cli._tables import read_table, write_table

MISSING = ["", "NA", "nan", "NaN", "None", "null", "NULL", "N/A", "#N/A", "n/a", "<NA>"]
NAMES = ["y", "x", "id", "a b", "é", "1", "x.1", "C(x)", " s", 'q"', "a,b", "line\nbreak", "None"]
TEXTS = ["a", "B", " a", "a ", "x,y", 'say "no"', "two\nlines", "é", "日本", "A7", "7A", "1_000", "0x1F", "1e", "- 1", "--", ".", "?",
         "1,234", "1,5", "2020-01-02", "08:30", "1.2.3", "True", "yes", "#1", "'5'", "+", "e5", "1 2", "٣", "\x1b[31m", "5\t", "\tb", "dos\r\nlines"]  # fmt: skip
LINE_ENDS = ["\n", "\n", "\n", "\r\n", "\r"]


def ids(rng: np.random.Generator) -> list[str]:
    start = pick(
        rng,
        [
            0,
            5,
            10**15,
            2**53,
            10**18,
            2**62,
            2**63 - 3,
            2**63,
            2**64 - 3,
            2**64,
            10**20,
            10**30,
            -5,
            -(2**53) - 9,
            -(2**63),
        ],
    )
    width = int(rng.integers(2, 6)) if rng.random() < 0.2 else 0
    return [str(start + k).zfill(width) for k in range(6)]


def numbers(rng: np.random.Generator) -> list[str]:
    values = [
        *rng.normal(size=3),
        *rng.normal(size=2) * 10.0 ** rng.integers(-300, 300),
        float(rng.integers(99)),
    ]
    spell = pick(
        rng, [repr, repr, "{:.3f}".format, "{:e}".format, "{:+.17g}".format, " {!r}".format, "{!r} ".format]
    )
    return [spell(float(v)) for v in values] + list(
        rng.permutation(["1.", ".5", "-0", "1E3", "1e400", "inf", "-inf", "7", "007"])
    )[:2]


def flags(rng: np.random.Generator) -> list[str]:
    return [["True", "False"], ["TRUE", "FALSE"], ["true", "false", "True"], ["0", "1"]][int(rng.integers(4))]


KINDS = [
    ids,
    ids,
    ids,
    numbers,
    numbers,
    flags,
    lambda rng: list(rng.permutation(TEXTS))[:4],
    lambda rng: MISSING,
]


def case(rng: np.random.Generator) -> str:
    names = [str(n) for n in rng.permutation(NAMES)[: int(rng.integers(1, 6))]]
    table = [column(rng, int(rng.integers(1, 12))) for _ in names]
    length = min(map(len, table))
    table = [cells[:length] for cells in table]
    spoil = pick(rng, SPOILS) if rng.random() < 0.5 else None
    content, words = text(rng, names, table, spoil)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = Path(folder, pick(rng, ["t.csv", "T.CSV", "t.txt", "t", "t.csv.gz"]))
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        try:
            read = read_table(path)
        except ValueError as error:
            if (
                words is None
                or not str(error).startswith(repr(str(path)))
                or not re.search(words, str(error))
            ):
                raise Defect(
                    f"{content!r}: expected {words!r}, got {type(error).__name__}: {error}"
                ) from error
            return f"ValueError: {spoil}"
        if words is not None and spoil not in WARNED:
            raise Defect(f"{content!r}: read as {read}")
        said = [str(w.message) for w in caught]
        if any(not isinstance(w.message, mg.MixedGLMWarning) for w in caught):
            raise Defect(f"{content!r}: warnings {said}")
        if words is not None and not any(re.search(str(words), s) for s in said):
            raise Defect(f"{content!r}: no warning of {words!r} among {said}")
        compare(content, read, names, table)
        written = Path(folder, "again.csv")
        write_table(read, written)
        compare(written.read_bytes(), read_table(written), names, table)
        return f"read, {spoil}" if rng.random() < 0.9 else groups(read, table)


def column(rng: np.random.Generator, rows: int) -> list[str]:
    choices = pick(rng, KINDS)(rng)
    cells = [str(pick(rng, choices)) for _ in range(rows)]
    strange = pick(rng, TEXTS + ids(rng)) if rng.random() < 0.1 else None
    missing = rng.random() * 0.5 if rng.random() < 0.5 else 0.0
    cells = [str(pick(rng, MISSING)) if rng.random() < missing else c for c in cells]
    if strange is not None:
        cells[int(rng.integers(rows))] = str(strange)
    return cells


def text(
    rng: np.random.Generator, names: list[str], table: list[list[str]], spoil: str | None
) -> tuple[bytes, str | None]:
    """The file, and a pattern of what is to be said of it where it is spoilt; what its short rows lack is missing."""
    quoted = rng.random() * 0.5
    end, last = pick(rng, LINE_ENDS), len(table[0]) - 1
    rows = [list(names), *map(list, zip(*table, strict=True))]
    at = (
        int(rng.integers(len(rows)))
        if spoil in ("quote", "latin", "nul")
        else int(rng.integers(1, len(rows)))
    )
    line = 1 + sum(1 + sum(len(re.findall(r"\r\n|\r|\n", c)) for c in row) for row in rows[:at])
    words: str | None = None
    if spoil == "twice" and len(names) > 1:
        rows[0][1], words = rows[0][0], "several columns are called"
    elif spoil == "many":
        rows[at] += ["", "b"] if rng.random() < 0.5 else ["1"]
        words = rf"line {line} has \d+ cells?, the header {len(names)} "
    elif spoil == "few" and len(names) > 1 and rows[at][0].strip(" \t"):
        del rows[at][1:]
        for cells in table[1:]:
            cells[at - 1] = ""
        words = f"line {line} has 1 cell, the header {len(names)}"
    elif spoil == "trailing":
        rows[at:] = [[*row, *[""] * int(rng.integers(1, 3))] for row in rows[at:]]
        words = rf"line {line} has \d+ cells?, the header {len(names)}.*left out"
    elif spoil == "semicolons" and len(names) > 1:
        rows = [[";".join(row).replace(",", "").replace('"', "").replace("\n", "")] for row in rows]
        words = "separated by ';'"
    lines = [
        ",".join(cell(c, rng.random() < quoted or (len(row) == 1 and len(names) == 1)) for c in row)
        for row in rows
    ]
    if spoil == "blank":
        lines.insert(at, pick(rng, ["", " ", " \t"]))
    out = end.join(lines) + (end if rng.random() < 0.8 else "")
    raw = out.encode()
    if spoil == "bom":
        raw = b"\xef\xbb\xbf" + raw
    elif spoil == "quote":
        raw, words = (
            raw.rstrip(b"\r\n") + end.encode() + b'"' + b",1" * last,
            "never closed|has [0-9]+ cells?, the header",
        )
    elif spoil == "latin":
        raw, words = raw + b"\xe9" + end.encode(), "not UTF-8 text .byte 0xe9"
    elif spoil == "nul":
        raw, words = raw + b"a\0b", "NUL byte"
    elif spoil == "utf-16":
        raw, words = out.encode("utf-16"), "UTF-16"
    return raw, words


SPOILS = ["twice", "many", "few", "trailing", "semicolons", "blank", "bom", "quote", "latin", "nul", "utf-16"]
WARNED = ["few", "trailing"]


def cell(content: str, quoted: bool) -> str:
    if quoted or any(c in content for c in ',"\r\n'):
        return '"' + content.replace('"', '""') + '"'
    return content


def expected(cells: list[str]) -> list[Any]:
    """What the cells of a column are: None where missing."""
    present = [c for c in cells if c not in MISSING]
    trimmed = [c.strip(" \t") for c in present]
    if all(re.fullmatch("true|TRUE|True|false|FALSE|False", c) for c in present):
        return [None if c in MISSING else c[0] in "tT" for c in cells]
    if all(re.fullmatch(r"[+-]?[0-9]+", c) for c in trimmed):
        values = [int(c) for c in trimmed]
        zeros = any(re.match(r"[+-]?0[0-9]", c) for c in trimmed)
        fits = min(values) >= -(2**63) and max(values) < (2**63 if min(values) < 0 else 2**64)
        convert: Any = int if fits and not zeros else str
    elif all(re.fullmatch(r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|inf)", c) for c in trimmed):
        convert = float
    else:
        convert = str
    return [None if c in MISSING else convert(c) for c in cells]


def compare(content: bytes, read: pd.DataFrame, names: list[str], table: list[list[str]]) -> None:
    if list(read.columns) != names:
        raise Defect(f"{content!r}: columns {list(read.columns)}, expected {names}")
    for name, cells in zip(names, table, strict=True):
        want = expected(cells)
        got = [None if pd.isna(v) else v for v in read[name].tolist()]
        if len(got) != len(want) or not all(map(same, got, want)):
            raise Defect(f"{content!r}: {name!r} is {got} ({read[name].dtype}), expected {want}")


def same(got: Any, want: Any) -> bool:
    return type(got) is type(want) and got == want


def groups(read: pd.DataFrame, table: list[list[str]]) -> str:
    """As many groups as different cells, and a fit of them."""
    known = [value for value in expected(table[0]) if value is not None]
    if len(known) < 2:
        return "too few rows"
    data = pd.DataFrame({"y": np.arange(len(read)) % 3, "g": read.iloc[:, 0]})
    if any(isinstance(value, float) and 2.0**53 <= abs(value) < np.inf for value in known):
        return refused(data)
    model = mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=data, family="poisson")
    if model.k_vc != len(set(known)):
        raise Defect(f"{model.k_vc} groups of {known}")
    return sound(model.fit_laplace(), flagged=True)


def refused(data: pd.DataFrame) -> str:
    """Numbers that may be rounded whole ones are no labels."""
    try:
        mg.MixedGLM.from_formula("y ~ 1 + (1 | g)", data=data, family="poisson")
    except ValueError as error:
        if str(error).startswith("g holds "):
            return "groups refused"
        raise
    raise Defect("labels that may have been rounded were taken")
