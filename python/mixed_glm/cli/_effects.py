"""``mixed-glm effects``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixed_glm._effects.averages import COMPARISONS
from mixed_glm.cli._deliver import deliver
from mixed_glm.cli._form import add_form, form_of
from mixed_glm.cli._paths import check_files, check_suffix
from mixed_glm.cli._tables import TABLES, read_table, write_table
from mixed_glm.model import load

NAME = "effects"
HELP = "average predictions, comparisons and slopes of a saved fit, on the scale of the response"
EXAMPLES = """\
Averages are over the rows of the table. Without options: what the mean response changes by if a number is one larger, or if a
factor has another level than its first. Columns are those of the package marginaleffects.

examples:
  mixed-glm effects trial.mglm trial.csv
  mixed-glm effects trial.mglm trial.csv --variables dose --comparison ratio --by clinic
  mixed-glm effects trial.mglm trial.csv --slopes --random marginal --output slopes.csv
  mixed-glm effects trial.mglm trial.csv --predictions --variables treatment
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm effects``."""
    parser.add_argument("fit", metavar="FIT.mglm", type=Path, help="what 'mixed-glm fit --save' wrote")
    parser.add_argument("data", metavar="DATA", help="table of rows: .csv or .parquet; -: csv from stdin")
    parser.add_argument(
        "--trusted", action="store_true", help="evaluate whatever the formula of the fit says"
    )
    add_form(parser)
    what = parser.add_argument_group("what")
    kind = what.add_mutually_exclusive_group()
    kind.add_argument(
        "--comparison", choices=sorted(COMPARISONS), help="how averages are compared (difference)"
    )
    kind.add_argument("--slopes", action="store_true", help="slopes in numbers, instead of comparisons")
    kind.add_argument("--predictions", action="store_true", help="the averages themselves")
    what.add_argument("--variables", metavar="NAME", nargs="+", help="variables to change (all)")
    what.add_argument(
        "--by", metavar="COL", nargs="+", help="an average for each combination of their values"
    )
    what.add_argument("--weights", metavar="COL", help="column with weights of the rows")
    what.add_argument("--random", choices=["population", "conditional", "marginal"],
                      help="whose mean: of a group whose effects are zero, of the rows' own groups (conditional, the default), "
                      "or of new groups on average (marginal)")  # fmt: skip
    rows = parser.add_argument_group("rows")
    rows.add_argument("--offset", metavar="COL", help="column with offsets, if the fit had them")
    rows.add_argument("--exposure", metavar="COL", help="column with exposures, if the fit had them")
    parser.add_argument("--level", type=float, default=0.95, help="probability of the intervals (0.95)")
    parser.add_argument("--draws", type=int, default=1000, help="posterior draws (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the table: .csv, .json or .parquet"
    )


def run(options: argparse.Namespace) -> None:
    """Write the table where it is asked for, and print it."""
    check_files([("FIT", options.fit), ("DATA", options.data)], {"--output": options.output})
    check_suffix("--output", options.output, TABLES)
    result = load(options.fit, trusted=options.trusted)
    common = {
        "newdata": read_table(options.data, form_of(options)),
        "by": options.by,
        "wts": options.weights,
        "random": options.random,
        "offset": options.offset,
        "exposure": options.exposure,
        "conf_level": options.level,
        "draws": options.draws,
        "rng": options.seed,
    }
    if options.predictions:
        table = result.avg_predictions(options.variables, **common)
    elif options.slopes:
        table = result.avg_slopes(options.variables, **common)
    else:
        table = result.avg_comparisons(
            options.variables, comparison=options.comparison or "difference", **common
        )
    deliver(
        [(options.output, lambda path: write_table(table, path))],
        lambda: [table.to_string(index=False, float_format=lambda value: f"{value:.4g}")],
    )
