"""Parquet files, by pyarrow where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pandas as pd


def read_parquet(path: str | Path) -> pd.DataFrame:
    """As pandas does it, but whole numbers stay whole and exact where some are missing.

    Raises
    ------
    OSError, ValueError, ImportError
        If it cannot be read, or columns have one name.
    """
    _require_pyarrow()
    import pyarrow as pa
    from pyarrow import parquet

    data = parquet.ParquetDataset(path)
    names = data.schema.names
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"several columns are called {', '.join(map(repr, sorted(twice)))}")
    nullable = {getattr(pa, kind.lower())(): getattr(pd, f"{kind}Dtype")() for kind in _WHOLE}
    frame: pd.DataFrame = data.read_pandas().to_pandas(types_mapper=nullable.get)
    return frame.assign(**{str(name): _without_mask(frame[name]) for name in frame.columns})


def write_parquet(table: pd.DataFrame, file: IO[bytes]) -> None:
    """Write without the index."""
    _require_pyarrow()
    table.to_parquet(file, index=False)


_WHOLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")


def _without_mask(column: pd.Series) -> pd.Series:
    """Whole numbers of numpy, where none is missing."""
    dtype = str(column.dtype)
    if dtype not in _WHOLE or column.isna().any():
        return column
    return pd.Series(column.to_numpy(dtype.lower()), index=column.index)


def _require_pyarrow() -> None:
    try:
        import pyarrow as pa  # noqa: F401
    except ImportError:
        raise ImportError("parquet files need pyarrow: pip install 'mixed-glm[parquet]'") from None
