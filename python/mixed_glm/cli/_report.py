"""``mixed-glm report``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixed_glm._page.report import require_packages
from mixed_glm.cli._form import add_form, form_of
from mixed_glm.cli._paths import check_files, check_suffix
from mixed_glm.cli._tables import read_table
from mixed_glm.model import load

NAME = "report"
HELP = "write everything that a saved fit says into one web page"
EXAMPLES = """\
The page is one file that any browser shows, without a network: model, estimates, pictures, checks. Conditional effects are
drawn with the rows of --data, which a saved fit does not have.

examples:
  mixed-glm report trial.mglm -o trial.html
  mixed-glm report cbpp.mglm --data cbpp.csv --n-trials size -o cbpp.html --title "Cattle herds"
"""
PAGES = (".html", ".htm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm report``."""
    parser.add_argument("fit", metavar="FIT.mglm", type=Path, help="what 'mixed-glm fit --save' wrote")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the page: .html")
    parser.add_argument("--title", help="heading of the page (the formula)")
    parser.add_argument(
        "--draws", type=int, default=1000, help="posterior draws behind pictures and checks (1000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument(
        "--trusted", action="store_true", help="evaluate whatever the formula of the fit says"
    )
    rows = parser.add_argument_group("rows behind conditional effects")
    rows.add_argument(
        "--data", metavar="DATA", help="table: .csv or .parquet; -: csv from the standard input"
    )
    add_form(parser)
    rows.add_argument("--offset", metavar="COL", help="column with offsets, if the fit had them")
    rows.add_argument("--exposure", metavar="COL", help="column with exposures, if the fit had them")
    rows.add_argument("--n-trials", metavar="COL", help="column with numbers of trials, if the fit had them")


def run(options: argparse.Namespace) -> None:
    """Write the page."""
    read = [("FIT", options.fit), *([] if options.data is None else [("--data", options.data)])]
    check_files(read, {"--output": options.output})
    require_report("--output", options.output)
    of_rows = {name: getattr(options, name) for name in ("offset", "exposure", "n_trials")}
    given = [f"--{name.replace('_', '-')}" for name, value in of_rows.items() if value is not None]
    if options.data is None and given:
        raise ValueError(f"{given[0]} is a column of --data, which is not given")
    data = None if options.data is None else read_table(options.data, form_of(options))
    result = load(options.fit, trusted=options.trusted)
    result.report(
        options.output, title=options.title, newdata=data, draws=options.draws, rng=options.seed, **of_rows
    )


def require_report(option: str, path: Path) -> None:
    """Find out before any work whether a page can be made, and whether its name is that of one.

    Raises
    ------
    ImportError
        Without Jinja2 or matplotlib.
    ValueError
        If the name has another suffix.
    """
    check_suffix(option, path, PAGES)
    require_packages()
