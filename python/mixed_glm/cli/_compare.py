"""``mixed-glm compare``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixed_glm._assess.compare import compare
from mixed_glm.cli._deliver import deliver
from mixed_glm.cli._paths import check_files, check_suffix
from mixed_glm.cli._tables import TABLES, write_table
from mixed_glm.model import load

NAME = "compare"
HELP = "compare saved fits of the same response"
EXAMPLES = """\
The fit that is expected to predict new data best comes first. elpd: expected log predictive density, by leaving one
row out (loo) or by WAIC; elpd_diff: how much lower than the best, with its standard error dse; log_evidence:
log p(y) of the fits that estimate it.

examples:
  mixed-glm compare trial.mglm other.mglm
  mixed-glm compare trial.mglm other.mglm --exact
  mixed-glm compare fits/*.mglm --criterion waic --output comparison.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm compare``."""
    parser.add_argument(
        "fits", metavar="FIT.mglm", type=Path, nargs="+", help="what 'mixed-glm fit --save' wrote"
    )
    parser.add_argument("--criterion", choices=["loo", "waic"], default="loo", help="what is compared (loo)")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="leave each row out exactly, instead of by importance sampling (loo)",
    )
    parser.add_argument("--draws", type=int, default=1000, help="posterior draws of each fit (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the table: .csv, .json or .parquet"
    )


def run(options: argparse.Namespace) -> None:
    """Write the comparison where it is asked for, and print it."""
    check_files([("FIT", path) for path in options.fits], {"--output": options.output})
    check_suffix("--output", options.output, TABLES)
    twice = next((path for path in options.fits if options.fits.count(path) > 1), None)
    if twice is not None:
        raise ValueError(f"FIT: {str(twice)!r} is given twice")
    results = {str(path): load(path) for path in options.fits}
    table = compare(results, options.criterion, draws=options.draws, rng=options.seed, exact=options.exact)
    deliver(
        [(options.output, lambda path: write_table(table.reset_index(names="fit"), path))],
        lambda: [table.to_string(float_format=lambda value: f"{value:.2f}")],
    )
