"""``mixed-glm compare``."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from mixed_glm.cli._tables import TABLES, check_output, write_table
from mixed_glm.results import load

NAME = "compare"
HELP = "compare saved fits of the same response"
EXAMPLES = """\
The fit with the highest evidence comes first.

examples:
  mixed-glm compare simple.mglm larger.mglm
  mixed-glm compare fits/*.mglm --output comparison.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm compare``."""
    parser.add_argument(
        "fits", metavar="FIT.mglm", type=Path, nargs="+", help="what 'mixed-glm fit --save' wrote"
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the table: .csv, .json or .parquet"
    )


def run(options: argparse.Namespace) -> None:
    """Print the comparison, and write it where it is asked for."""
    check_output(options.output, "--output", TABLES)
    results = {str(path): load(path) for path in options.fits}
    table = pd.DataFrame(
        {
            "formula": [r.model.formula for r in results.values()],
            "log_evidence": [r.log_evidence for r in results.values()],
        },
        index=list(results),
    ).sort_values("log_evidence", ascending=False)
    print(table.to_string())
    if options.output is not None:
        write_table(table.reset_index(names="fit"), options.output)
