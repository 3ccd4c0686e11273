"""The command ``mixed-glm``: fit a model to a csv file, or to data that ship with the package."""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mixed_glm import __version__, datasets
from mixed_glm.exceptions import MixedGLMWarning
from mixed_glm.families import as_family
from mixed_glm.model import METHODS, MixedGLM
from mixed_glm.results import MixedGLMResults

USER_ERROR = 2

_EXAMPLES = """\
examples:
  mixed-glm fit trial.csv "y ~ dose + (1 | clinic)" --family binomial
  mixed-glm fit cbpp.csv "incidence ~ C(period) + (1 | herd)" --family binomial --n-trials size \\
      --plot herds.png
  mixed-glm fit ticks.csv "ticks ~ year + (1 | brood) + (1 | location)" --family poisson --output fit.json
  mixed-glm demo
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; default those of the process.

    Returns
    -------
    int
        Exit status: 0, or 2 for an error of the user, after one line on stderr.
    """
    options = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", MixedGLMWarning)
            warnings.showwarning = _show_warning
            options.run(options)
    except (ValueError, TypeError, OSError, ImportError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"mixed-glm: error: {message}", file=sys.stderr)
        return USER_ERROR
    return 0


def _show_warning(message: Warning | str, *_where: object, **_options: object) -> None:
    print(f"mixed-glm: warning: {message}", file=sys.stderr)


class _OneLineParser(argparse.ArgumentParser):
    """Errors are one line; the usage is for --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"mixed-glm: error: {message} (try {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="mixed-glm",
        description="Bayesian generalized linear mixed models.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mixed-glm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    fit = commands.add_parser(
        "fit",
        help="fit a model to a csv file and print its summary",
        description="Fit a model to a csv file and print its summary.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fit.add_argument("data", metavar="DATA.csv", type=Path)
    fit.add_argument("formula", metavar="FORMULA", help="such as 'y ~ x + (1 | g)'")
    fit.add_argument("--family", required=True, help="binomial, poisson, negative_binomial or exponential")
    fit.add_argument("--link", help="binomial: logit (default), probit, cloglog or loglog")
    fit.add_argument("--alpha", type=float, help="dispersion of the negative binomial family")
    fit.add_argument("--method", default="auto", help=f"auto (default), {', '.join(_methods())}")
    fit.add_argument("--n-trials", metavar="COL", help="column with binomial numbers of trials")
    fit.add_argument("--offset", metavar="COL", help="column added to the linear predictor")
    fit.add_argument("--exposure", metavar="COL", help="column whose logarithm is added to it")
    fit.add_argument("--weights", metavar="COL", help="column that says how often each row counts")
    fit.add_argument("--vcp-p", type=float, default=1.0, help="prior sd of the log standard deviations (1)")
    fit.add_argument("--fe-p", type=float, default=2.0, help="prior sd of the fixed effects (2)")
    fit.add_argument("--output", metavar="FILE.json", type=Path, help="write all estimates here")
    fit.add_argument("--plot", metavar="FILE.png", type=Path, help="draw the random effects")
    fit.set_defaults(run=_fit)
    demo = commands.add_parser("demo", help="fit data that ship with the package (cbpp: 15 herds of cattle)")
    demo.add_argument("--plot", metavar="FILE.png", type=Path, default=Path("mixed_glm_demo.png"),
                      help="caterpillar plot (mixed_glm_demo.png)")  # fmt: skip
    demo.set_defaults(run=_demo)
    return parser


def _methods() -> list[str]:
    return [name for name in reversed(METHODS) if hasattr(MixedGLM, f"fit_{name}")]


def _fit(options: argparse.Namespace) -> None:
    named = {"link": options.link, "alpha": options.alpha}
    family = _family(options.family, {k: v for k, v in named.items() if v is not None})
    if options.plot is not None:
        _require_matplotlib()
    model = MixedGLM.from_formula(
        options.formula,
        data=pd.read_csv(options.data),
        family=family,
        vcp_p=options.vcp_p,
        fe_p=options.fe_p,
        n_trials=options.n_trials,
        offset=options.offset,
        exposure=options.exposure,
        freq_weights=options.weights,
    )
    result = model.fit(options.method)
    print(result.summary())
    if options.output is not None:
        options.output.write_text(json.dumps(_as_json(result), indent=1) + "\n", encoding="utf-8")
    if options.plot is not None:
        _plot(result, options.plot)


def _demo(options: argparse.Namespace) -> None:
    data = datasets.load_cbpp()
    print("Contagious bovine pleuropneumonia: new cases in 15 herds over four periods (Lesnoff et al. 2004)")
    print('MixedGLM.from_formula("incidence ~ period + (1 | herd)", data=load_cbpp(), family="binomial",')
    print('                      n_trials="size").fit()\n')
    model = MixedGLM.from_formula(
        "incidence ~ period + (1 | herd)", data=data, family="binomial", n_trials="size"
    )
    result = model.fit()
    print(result.summary())
    try:
        _require_matplotlib()
    except ImportError as error:
        print(f"\n{error}")
    else:
        _plot(result, options.plot)


def _family(name: str, options: dict[str, Any]) -> Any:
    family = as_family(name)
    try:
        return type(family)(**options) if options else family
    except TypeError:
        raise ValueError(
            f"the {family.name} family takes no {' or '.join('--' + o for o in options)}"
        ) from None


def _require_matplotlib() -> None:
    try:
        import matplotlib as mpl
    except ImportError:
        raise ImportError("the plot needs matplotlib: pip install 'mixed-glm[plot]'") from None
    mpl.use("Agg")


def _plot(result: MixedGLMResults, path: Path) -> None:
    """Draw every variance component into one figure, side by side."""
    from matplotlib import pyplot as plt

    components = result.model.k_vcp
    if components == 0:
        raise ValueError("--plot: the model has no random effects")
    largest = int(np.bincount(result.model.ident).max())
    height = min(max(3.0, 1.2 + 0.22 * largest), 12.0)
    figure, axes = plt.subplots(
        1, components, figsize=(5.5 * components, height), squeeze=False, layout="constrained"
    )
    for component, ax in enumerate(axes[0]):
        result.plot_random_effects(component, ax)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    print(f"\nrandom effects: {path}")


def _as_json(result: MixedGLMResults) -> dict[str, Any]:
    """Everything that a program would want of a fit; NaN becomes null."""
    model = result.model
    table = result.to_frame(random=True)
    rows = [
        {"name": name} | {k: _plain(v) for k, v in row.items()}
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    return {
        "mixed_glm": __version__,
        "formula": model.formula,
        "family": model.family.name,
        "link": model.family.link,
        "nobs": model.nobs,
        "n_missing": model.n_missing,
        "method": result.method,
        "status": result.status,
        "converged": result.converged,
        "n_iter": result.n_iter,
        "log_density": _plain(result.log_density),
        "log_evidence": _plain(result.log_evidence),
        "parameters": rows,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value
