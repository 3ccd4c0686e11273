"""``mixed-glm loo``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from mixed_glm._assess.elpd import ELPD
from mixed_glm.cli._deliver import deliver
from mixed_glm.cli._paths import check_files, check_suffix
from mixed_glm.cli._tables import TABLES, write_table
from mixed_glm.model import load

NAME = "loo"
HELP = "how well a saved fit predicts rows, or groups, that are left out"
EXAMPLES = """\
elpd: expected log predictive density, added up over rows (or groups); higher is better, beside that of another fit of the same
rows: see 'mixed-glm compare'. Without options by importance sampling; --exact by differences of log evidences.

examples:
  mixed-glm loo trial.mglm
  mixed-glm loo trial.mglm --exact --output rows.csv
  mixed-glm loo trial.mglm --group clinic
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm loo``."""
    parser.add_argument("fit", metavar="FIT.mglm", type=Path, help="what 'mixed-glm fit --save' wrote")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--exact", action="store_true", help="leave each row out exactly")
    what.add_argument(
        "--exact-unreliable",
        action="store_true",
        help="leave those rows out exactly at which importance sampling is unreliable",
    )
    what.add_argument("--group", metavar="NAME", help="leave out each group of this grouping factor, exactly")
    parser.add_argument("--draws", type=int, default=1000, help="posterior draws (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write what each row contributes: .csv, .json or .parquet"
    )


def run(options: argparse.Namespace) -> None:
    """Write the contributions where they are asked for, and print the figures."""
    check_files([("FIT", options.fit)], {"--output": options.output})
    check_suffix("--output", options.output, TABLES)
    result = load(options.fit)
    if options.group is not None:
        found = result.leave_out(options.group)
    else:
        exact = "unreliable" if options.exact_unreliable else bool(options.exact)
        found = result.loo(options.draws, options.seed, exact=exact)
    deliver([(options.output, lambda path: write_table(_contributions(found), path))], lambda: [str(found)])


def _contributions(found: ELPD) -> pd.DataFrame:
    """A row for each that was left out."""
    labels = np.arange(len(found.pointwise)) if found.index is None else found.index
    table = pd.DataFrame({"left_out": labels, "elpd": found.pointwise})
    return table if found.pareto_k is None else table.assign(pareto_k=found.pareto_k)
