"""Tables from and to files, by the suffix of their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

import pandas as pd

from mixed_glm._input.files import replacing
from mixed_glm.cli._csv import parse_csv
from mixed_glm.cli._form import COMMAS, Form
from mixed_glm.cli._json import plain_value, write_json
from mixed_glm.cli._parquet import read_parquet, write_parquet
from mixed_glm.cli._paths import STANDARD_INPUT, suffix
from mixed_glm.cli._source import all_bytes


def read_table(source: str | Path, form: Form = COMMAS) -> pd.DataFrame:
    """Read a csv file (``-``: the standard input) of this form, or a parquet file where the name says so.

    Raises
    ------
    OSError, ValueError, ImportError
        If it cannot be read.
    """
    name = "the standard input" if str(source) == STANDARD_INPUT else repr(str(source))
    try:
        return (
            read_parquet(source) if suffix(source) == ".parquet" else parse_csv(all_bytes(source), name, form)
        )
    except ValueError as error:  # of pandas and pyarrow too
        raise ValueError(f"{name} is not a csv or parquet table: {error}") from error


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a csv, json or parquet file.

    Raises
    ------
    OSError, ImportError
        If it cannot be written.
    """
    with replacing(path) as file:
        TABLES[suffix(path)](table, file)


def _write_csv(table: pd.DataFrame, file: IO[bytes]) -> None:
    table.to_csv(file, mode="wb", index=False)


def _write_json(table: pd.DataFrame, file: IO[bytes]) -> None:
    rows = zip(*(table[name].tolist() for name in table.columns), strict=True)
    write_json([dict(zip(table.columns, map(plain_value, row), strict=True)) for row in rows], file)


TABLES: dict[str, Callable[[pd.DataFrame, IO[bytes]], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": write_parquet,
}
