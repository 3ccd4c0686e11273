"""``mixed-glm demo``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixed_glm import datasets
from mixed_glm.cli._deliver import deliver
from mixed_glm.cli._paths import check_files
from mixed_glm.cli._pictures import require_matplotlib, save_picture
from mixed_glm.model import MixedGLM

NAME = "demo"
HELP = "fit data that ship with the package (cbpp: 15 herds of cattle)"
EXAMPLES = """\
examples:
  mixed-glm demo
  mixed-glm demo --plot herds.pdf
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm demo``."""
    parser.add_argument("--plot", metavar="FILE", type=Path, default=Path("mixed_glm_demo.png"),
                        help="caterpillar plot (mixed_glm_demo.png)")  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Fit the data, draw the fit if that is possible, and print the summary."""
    check_files([], {"--plot": options.plot})
    without_picture = _why_no_picture(options.plot)
    plot = None if without_picture else options.plot
    model = MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=datasets.load_cbpp(), family="binomial", n_trials="size"
    )
    result = model.fit()
    remarks = [f"\n{without_picture}"] if without_picture else []
    deliver(
        [(plot, lambda path: remarks.append(save_picture(result, "random-effects", path)))],
        lambda: [_WHAT, str(result.summary()), *remarks],
    )


def _why_no_picture(path: Path) -> str:
    try:
        require_matplotlib(path)
    except ImportError as error:
        return str(error)
    return ""


_WHAT = """\
Contagious bovine pleuropneumonia: new cases in 15 herds over four periods (Lesnoff et al. 2004)
MixedGLM.from_formula("incidence ~ period + (1 | herd)", data=load_cbpp(), family="binomial",
                      n_trials="size").fit()
"""
