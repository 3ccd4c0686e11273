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
responses; of ordinal ones the probability of each category, "predicted[label]"), with --interval also "median", "lower" and "upper". Rows in which something is missing are predicted as empty,
but a missing group is an unknown one.

examples:
  mixed-glm predict trial.mglm new_patients.csv
  mixed-glm predict trial.mglm new_patients.csv --random conditional --interval 0.95 --output predicted.csv
  mixed-glm predict ticks.mglm sites.parquet --exposure hours --interval 0.9 --predictive \\
      --output predicted.parquet
  mixed-glm predict trial.mglm new_patients.csv --draws 500 --save-draws draws.parquet --output predicted.csv

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
    parser.add_argument("--save-draws", metavar="FILE", type=Path,
                        help="write the draws themselves, a row for each draw and row of the table: .csv, .json or .parquet")  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Predict, and write or print the table."""
    written = {"--output": options.output, "--save-draws": options.save_draws}
    check_files([("FIT", options.fit), ("DATA", options.data)], written)
    for option, path in written.items():
        check_suffix(option, path, TABLES)
    result = load(options.fit, trusted=options.trusted)
    data = read_table(options.data, form_of(options))
    table = _with_predictions(data, _predictions(result, data, options))
    if options.save_draws is not None:
        write_table(_draws(result, data, options), options.save_draws)
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
    if result.model.family.is_ordinal and not options.linear:
        return _of_categories(predicted)
    return {
        "predicted": predicted["mean"],
        **{name: predicted[name] for name in ("median", "lower", "upper")},
    }


def _draws(result: MixedGLMResults, data: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    """A row for each draw of each row of the table, counted from 1."""
    kind = "response" if options.predictive else "linear" if options.linear else "mean"
    n_trials = {"n_trials": options.n_trials} if options.predictive else {}
    drawn = result.predict_draws(
        data, kind=kind, offset=options.offset, exposure=options.exposure, random=options.random, include=options.include,
        draws=options.draws, rng=options.seed, **n_trials,
    )  # fmt: skip
    n, m = drawn.shape
    row, draw = np.tile(np.arange(1, m + 1), n), np.repeat(np.arange(1, n + 1), m)
    return pd.DataFrame({"draw": draw, "row": row, "value": drawn.ravel()})


def _of_categories(predicted: pd.DataFrame) -> dict[str, Any]:
    """A column for the probability of each category, as ``predicted[agree]``, and for ends of intervals."""
    if isinstance(predicted.columns, pd.MultiIndex):
        pairs = predicted.columns.to_list()
        named = {
            f"{'predicted' if what == 'mean' else what}[{label}]": (label, what) for label, what in pairs
        }
        return {name: predicted[pair] for name, pair in named.items()}
    limits = list(predicted.columns) == ["median", "lower", "upper"]
    return {name if limits else f"predicted[{name}]": predicted[name] for name in map(str, predicted.columns)}


def _with_predictions(data: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    for name in columns:
        if name in data.columns:
            raise ValueError(f"the table already has a column {name!r}")
    return data.assign(**columns)
