"""``mixed-glm predict``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixed_glm.cli._form import add_form, form_of
from mixed_glm.cli._messages import standard_output
from mixed_glm.cli._paths import check_files, check_suffix
from mixed_glm.cli._tables import TABLES, read_table, write_table
from mixed_glm.model import load
from mixed_glm.results import MixedGLMResults

NAME = "predict"
HELP = "predict the rows of a table by a saved fit"
EXAMPLES = """\
The output has the columns of the table and "predicted", the mean response of a row (per trial for binomial
responses), with --interval also "median", "lower" and "upper". Rows in which something is missing are predicted as empty,
but a missing group is an unknown one.

examples:
  mixed-glm predict trial.mglm new_patients.csv
  mixed-glm predict trial.mglm new_patients.csv --random conditional --interval 0.95 --output predicted.csv
  mixed-glm predict ticks.mglm sites.parquet --exposure hours --interval 0.9 --predictive \\
      --output predicted.parquet

Of the formula in the file only names, arithmetic and known functions are evaluated. --trusted evaluates anything, as
Python: only use it with files from people whom you trust.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm predict``."""
    parser.add_argument("fit", metavar="FIT.mglm", type=Path, help="what 'mixed-glm fit --save' wrote")
    parser.add_argument(
        "data", metavar="DATA", help="table with new rows: .csv or .parquet; -: csv from stdin"
    )
    parser.add_argument(
        "--trusted", action="store_true", help="evaluate whatever the formula of the fit says"
    )
    add_form(parser)
    rows = parser.add_argument_group("new rows")
    rows.add_argument("--offset", metavar="COL", help="column with offsets, if the fit had them")
    rows.add_argument("--exposure", metavar="COL", help="column with exposures, if the fit had them")
    rows.add_argument("--n-trials", metavar="COL", help="column with numbers of trials, for --predictive")
    what = parser.add_argument_group("what to predict")
    what.add_argument("--random", choices=["population", "conditional", "marginal"],
                      help="random effects: zero (population), those of each row's groups (conditional), or the "
                      "mean over those of new groups (marginal)")  # fmt: skip
    what.add_argument("--include", metavar="TERM", nargs="+",
                      help="random terms that count, by the names of the summary; the effects of others are zero")  # fmt: skip
    what.add_argument("--interval", metavar="P", type=float, help="probability of intervals, such as 0.95")
    what.add_argument("--predictive", action="store_true", help="predict new responses, not their mean")
    what.add_argument("--linear", action="store_true", help="predict the linear predictor, not the mean")
    what.add_argument("--draws", type=int, default=1000, help="posterior draws behind intervals (1000)")
    what.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument("--output", metavar="FILE", type=Path, help=".csv, .json or .parquet; default stdout")


def run(options: argparse.Namespace) -> None:
    """Predict, and write or print the table."""
    check_files([("FIT", options.fit), ("DATA", options.data)], {"--output": options.output})
    check_suffix("--output", options.output, TABLES)
    result = load(options.fit, trusted=options.trusted)
    data = read_table(options.data, form_of(options))
    table = _with_predictions(data, _predictions(result, data, options))
    if options.output is not None:
        write_table(table, options.output)
        return
    with standard_output() as file:
        table.to_csv(file, index=False)


def _predictions(result: MixedGLMResults, data: pd.DataFrame, options: argparse.Namespace) -> dict[str, Any]:
    predicted = result.predict(
        data,
        offset=options.offset,
        linear=options.linear,
        random=options.random,
        interval=options.interval,
        exposure=options.exposure,
        n_trials=options.n_trials,
        predictive=options.predictive,
        include=options.include,
        draws=options.draws,
        rng=options.seed,
    )
    if isinstance(predicted, np.ndarray):
        return {"predicted": predicted}
    return {
        "predicted": predicted["mean"],
        **{name: predicted[name] for name in ("median", "lower", "upper")},
    }


def _with_predictions(data: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    for name in columns:
        if name in data.columns:
            raise ValueError(f"the table already has a column {name!r}")
    return data.assign(**columns)
