"""Text with commas or the like between cells: the cells as they stand in the file, each under its own name, or an error that names the line."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from mixed_glm.cli._form import COMMAS, Form
from mixed_glm.cli._whole_numbers import NUMBER, with_whole_numbers
from mixed_glm.exceptions import MixedGLMWarning

# Later versions read numbers to the last digit anyway, and warn of the option.
_VERSION = tuple(int(part) for part in pd.__version__.split(".")[:2])
_TO_THE_LAST_DIGIT: Any = {"float_precision": "round_trip"} if _VERSION < (3, 1) else {}

_BOM = b"\xef\xbb\xbf"
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_LEADING_ZERO = re.compile(rb"(?:^|[,\"\s])[+-]?0[0-9]")
_NUMBER_WITH_COMMAS = re.compile(r"\s*[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+,[0-9]+)\s*")


def parse_csv(content: bytes, name: str, form: Form = COMMAS) -> pd.DataFrame:
    """Read a table with a header from UTF-8 text.

    Numbers are numbers, quoted or not; whole ones stay whole and exact; those with leading zeros are texts. Rows with
    too few cells, or with empty ones too many, are warned of.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for warnings.
    form : Form, optional
        What separates cells, and which are missing.

    Raises
    ------
    ValueError
        If it is no such text, columns have one name, or a row has more cells than there are columns.
    """
    content = content.removeprefix(_BOM)
    _check_text(content)
    content = _LONE_RETURN.sub(b"\n", content)  # after blank lines that end so pandas drops a leading comma
    names, remarks = _check_shape(content, form.separator)

    missing: dict[str, Any] = {
        "keep_default_na": form.missing is None,
        "na_values": None if form.missing is None else ["", *form.missing],
    }

    def read(columns: list[str], dtype: type[str] | None, **options: Any) -> pd.DataFrame:
        try:
            cells: pd.DataFrame = pd.read_csv(
                io.BytesIO(content),
                header=0,
                names=names,
                usecols=columns,
                index_col=False,
                sep=form.separator,
                dtype=dtype,
                low_memory=False,  # else large files are taken in pieces, each with types of its own
                **(missing | options),
                **_TO_THE_LAST_DIGIT,
            )
        except pd.errors.ParserError:  # numbers of cells were checked before
            *_, (line, _) = _records(content, form.separator)
            raise ValueError(f"line {line}: a quote is never closed") from None
        return cells

    zeros = _LEADING_ZERO.search(content) is not None
    table = with_whole_numbers(read(names, None), lambda columns: read(columns, str), zeros)
    for remark in [*remarks, *_mixed_columns(table, content, form), *_missing_texts(table, read, form)]:
        warnings.warn(f"{name}: {remark}", MixedGLMWarning, stacklevel=2)
    return table


def _check_text(content: bytes) -> None:
    if not content.strip():
        raise ValueError("it is empty")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it is UTF-16 text; save it as UTF-8")
    at = content.find(b"\0")
    if at >= 0:
        raise ValueError(f"line {_line_at(content, at)} holds a NUL byte, so it is no text")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line, byte = _line_at(content, error.start), content[error.start]
        raise ValueError(
            f"line {line} is not UTF-8 text (byte 0x{byte:02x}, as of Latin-1); save it as UTF-8"
        ) from None


def _check_shape(content: bytes, separator: str) -> tuple[list[str], list[str]]:
    """Names of the columns, and what to tell of rows with other numbers of cells."""
    records = _records(content, separator)
    _, header = next(records)
    names = _names(header, separator)
    short: list[tuple[int, int]] = []
    long: list[tuple[int, int]] = []
    for line, cells in records:
        if len(cells) == len(names):
            continue
        (short if len(cells) < len(names) else long).append((line, len(cells)))
        extra = next((c for c in cells[len(names) :] if c.strip()), None)
        if extra is not None:
            raise ValueError(
                f"line {line} has {_cells(len(cells))}, the header {len(names)} (too many from {extra!r} on); a cell "
                'with a comma in it needs quotes: "1,5"'
            )
    remarks = []
    for found, what in ((long, "empty cells too many are left out"), (short, "what it lacks is missing")):
        if found:
            (line, count), others = found[0], len(found) - 1
            more = f", and {others} other{'s' * (others > 1)} like it" if others else ""
            remarks.append(f"line {line} has {_cells(count)}, the header {len(names)}{more}: {what}")
    return names, remarks


def _cells(count: int) -> str:
    return f"{count} cell{'s' * (count != 1)}"


def _records(content: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The line at which a row begins, and its cells; blank lines are none, as for pandas."""
    with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="") as text:
        reader = csv.reader(text, delimiter=separator)
        line = 1
        try:
            for cells in reader:
                if len(cells) > 1 or cells == [""] or "".join(cells).strip(" \t"):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(f"line {line}: {error}; is a quote never closed?") from None


def _names(header: list[str], separator: str) -> list[str]:
    if len(header) == 1:
        other = next((s for s in (",", ";", "\t", "|") if s != separator and s in header[0]), None)
        if other is not None:
            shown = "tab" if other == "\t" else repr(other)
            raise ValueError(f"its columns are separated by {other!r}: give --sep {shown}")
    names = [name or f"Unnamed: {i}" for i, name in enumerate(header)]  # as pandas calls them
    twice = [repr(name) for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"several columns are called {', '.join(twice)}; give each a name of its own")
    return names


def _mixed_columns(table: pd.DataFrame, content: bytes, form: Form) -> Iterator[str]:
    """Columns of texts which seem to have been meant as numbers: one stray cell makes texts of all."""
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name].dtype):
            continue
        cells = table[name].dropna().unique()
        if not all(isinstance(c, str) for c in cells):
            continue
        odd = {c for c in cells if not NUMBER.fullmatch(c)}
        commas = {c for c in odd if _NUMBER_WITH_COMMAS.fullmatch(c)}
        if odd and len(odd - commas) <= len(cells) / 4:  # else they are names, of which some are numbers
            position = int(table[name].isin(list(odd)).to_numpy().argmax())
            line = _line_of(position, content, form.separator)
            hint = "leave missing cells empty, or name them with --na"
            if commas:
                hint = "write 1234.5 for 1,234.5 or 1234,5"
            yield (
                f"column {name!r} holds {table[name].iloc[position]!r} in line {line} among numbers, so all its "
                f"cells are taken as texts ({hint})"
            )


def _missing_texts(table: pd.DataFrame, read: Callable[..., pd.DataFrame], form: Form) -> Iterator[str]:
    """Columns of labels in which a text, such as NA, is taken for a missing cell."""
    labels = [
        c
        for c in table.columns
        if table[c].isna().any() and not pd.api.types.is_numeric_dtype(table[c].dtype)
    ]
    if not labels:
        return
    cells = read(labels, str, keep_default_na=False, na_values=None, na_filter=False)
    for name in labels:
        present = table[name].dropna().astype(str)
        if all(map(NUMBER.fullmatch, present)):  # numbers that are too long for 64 bits
            continue
        texts = cells[name][table[name].isna().to_numpy()]
        found = Counter(text for text in texts if form.is_missing(text.strip()))
        if found:
            shown = ", ".join(repr(text) for text, _ in found.most_common(3))
            n = sum(found.values())
            yield (
                f"column {name!r} holds the text {shown} in {n} of {len(table)} rows, read as missing: these rows are dropped "
                "where it is used; give --na '' if it is a label"
            )


def _line_of(position: int, content: bytes, separator: str) -> int:
    """Line of a row of the table."""
    return next(line for row, (line, _) in enumerate(_records(content, separator), -1) if row == position)


def _line_at(content: bytes, offset: int) -> int:
    return len((content[:offset] + b".").splitlines())
