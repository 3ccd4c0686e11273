"""``mixed-glm demo``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixed_glm import datasets
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
    """Fit the data, print the summary, and draw it if that is possible."""
    print("Contagious bovine pleuropneumonia: new cases in 15 herds over four periods (Lesnoff et al. 2004)")
    print('MixedGLM.from_formula("incidence ~ period + (1 | herd)", data=load_cbpp(), family="binomial",')
    print('                      n_trials="size").fit()\n')
    model = MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=datasets.load_cbpp(), family="binomial", n_trials="size"
    )
    result = model.fit()
    print(result.summary())
    try:
        require_matplotlib(options.plot)
    except ImportError as error:
        print(f"\n{error}")
    else:
        save_picture(result, "random-effects", options.plot)
