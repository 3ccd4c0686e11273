"""Tables from and to files, by the suffix of their names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import pandas as pd

TABLES = (".csv", ".json", ".parquet")

T = TypeVar("T")


def read_table(path: Path) -> pd.DataFrame:
    """Read a csv file, or a parquet file where the name says so.

    Raises
    ------
    OSError, ValueError, ImportError
        If it cannot be read.
    """
    try:
        return _parquet(pd.read_parquet, path) if _is_parquet(path) else pd.read_csv(path)
    except ValueError as error:  # of pandas, pyarrow and codecs
        raise ValueError(f"{str(path)!r} is not a csv or parquet table: {error}") from error


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a csv, json or parquet file.

    Raises
    ------
    OSError, ImportError
        If it cannot be written.
    """
    if _is_parquet(path):
        _parquet(lambda p: table.to_parquet(p, index=False), path)
    elif path.suffix == ".json":
        table.to_json(path, orient="records", indent=1, double_precision=15)
    else:
        table.to_csv(path, index=False)


def check_output(path: Path | None, option: str, suffixes: Collection[str] = ()) -> None:
    """Find out before long work whether its result could be written.

    Raises
    ------
    OSError, ValueError
        If there is no such directory, or the name ends in none of `suffixes`.
    """
    if path is None:
        return
    if suffixes and path.suffix not in suffixes:
        raise ValueError(f"{option}: the name must end in {' or '.join(suffixes)}, got {str(path)!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{option}: there is no directory {str(path.parent)!r}")


def _is_parquet(path: Path) -> bool:
    return path.suffix == ".parquet"


def _parquet(action: Callable[[Path], T], path: Path) -> T:
    try:
        return action(path)
    except ImportError as error:
        raise ImportError("parquet files need pyarrow: pip install 'mixed-glm[parquet]'") from error
