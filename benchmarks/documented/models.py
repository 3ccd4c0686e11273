"""The models, and their data as R exported them."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["MODELS", "Documented", "read_data", "read_estimates", "write_manifest"]

LIST = Path(__file__).with_name("models.csv")


@dataclass(frozen=True)
class Documented:
    """One model.

    Attributes
    ----------
    package, data : str
        The R package and its data set.
    family : str
        As mixed_glm calls it.
    formula : str
        As documented.
    trials : str
        Column of the numbers of trials, where R has them as weights; empty: none.
    columns : str
        Assignment in R of a column that the documentation makes before.
    """

    package: str
    data: str
    family: str
    formula: str
    trials: str = ""
    columns: str = ""

    @property
    def stem(self) -> str:
        """Name of the files that R writes, without the end."""
        key = zlib.crc32(f"{self.family} {self.formula} {self.columns}".encode())
        return f"{self.package}.{self.data}.{key:08x}"


def _read() -> list[Documented]:
    with LIST.open(encoding="utf-8", newline="") as file:
        return [Documented(**row) for row in csv.DictReader(file)]


MODELS = _read()


def write_manifest(models: Sequence[Documented], file: Path) -> None:
    """The list for R, with the names of the files to write."""
    pd.DataFrame([asdict(model) | {"stem": model.stem} for model in models]).to_csv(file, index=False)


def read_data(model: Documented, folder: Path) -> pd.DataFrame:
    """The data frame with R's factors as categoricals, their levels in R's order."""
    stem = str(folder / model.stem)
    factors: dict[str, dict[str, Any]] = json.loads(Path(stem + ".json").read_text(encoding="utf-8"))
    data = pd.read_csv(
        stem + ".csv", dtype=dict.fromkeys(factors, str), keep_default_na=False, na_values=[""]
    )
    for column, factor in factors.items():
        kind = pd.CategoricalDtype(factor["levels"], ordered=factor["ordered"])
        data[column] = data[column].astype(kind)
    response = model.formula.partition("~")[0].strip()
    if model.family == "cumulative" and isinstance(data[response].dtype, pd.CategoricalDtype):
        data[response] = data[response].cat.as_ordered()  # as clmm takes any factor
    return data


def read_estimates(model: Documented, folder: Path) -> dict[str, Any]:
    """R's estimates: names, fixed, sd; or the message of its error."""
    file = folder / f"{model.stem}.fit"
    if not file.exists():
        return {"error": "not fitted"}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for key in ("fixed", "sd"):
        if key in found:
            found[key] = np.array(found[key], dtype=float)
    return found
