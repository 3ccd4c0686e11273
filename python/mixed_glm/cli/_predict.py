"""``mixed-glm predict``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from mixed_glm.cli._tables import TABLES, check_output, read_table, write_table
from mixed_glm.results import MixedGLMResults, load

NAME = "predict"
HELP = "predict the rows of a table by a saved fit"
EXAMPLES = """\
The output has the columns of the table and "predicted", the mean response of a row (per trial for binomial
responses) at random effects of zero. Rows in which something is missing are predicted as empty.

examples:
  mixed-glm predict trial.mglm new_patients.csv
  mixed-glm predict trial.mglm new_patients.parquet --output predicted.parquet
  mixed-glm predict ticks.mglm sites.csv --exposure hours --linear --output predicted.csv

The formula of the file is evaluated as Python: only use files from people whom you trust.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm predict``."""
    parser.add_argument("fit", metavar="FIT.mglm", type=Path, help="what 'mixed-glm fit --save' wrote")
    parser.add_argument("data", metavar="DATA", type=Path, help="table with new rows: .csv or .parquet")
    parser.add_argument("--offset", metavar="COL", help="column with offsets, if the fit had them")
    parser.add_argument("--exposure", metavar="COL", help="column with exposures, if the fit had them")
    parser.add_argument("--linear", action="store_true", help="predict the linear predictor, not the mean")
    parser.add_argument("--output", metavar="FILE", type=Path, help=".csv, .json or .parquet; default stdout")


def run(options: argparse.Namespace) -> None:
    """Predict, and write or print the table."""
    check_output(options.output, "--output", TABLES)
    result = load(options.fit)
    data = read_table(options.data)
    table = _with_predictions(data, _predictions(result, data, options))
    if options.output is None:
        table.to_csv(sys.stdout, index=False)
    else:
        write_table(table, options.output)


def _predictions(result: MixedGLMResults, data: pd.DataFrame, options: argparse.Namespace) -> dict[str, Any]:
    predicted = result.predict(
        data,
        options.linear,
        offset=_column(data, options.offset, "--offset"),
        exposure=_column(data, options.exposure, "--exposure"),
    )
    return {"predicted": predicted}


def _column(data: pd.DataFrame, name: str | None, option: str) -> Any:
    if name is None:
        return None
    if name not in data.columns:
        raise ValueError(f"{option}: the table has no column {name!r}; columns: {', '.join(data.columns)}")
    return data[name]


def _with_predictions(data: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    for name in columns:
        if name in data.columns:
            raise ValueError(f"the table already has a column {name!r}")
    return data.assign(**columns)
