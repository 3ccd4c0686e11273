"""``mixed-glm fit``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from mixed_glm._fit.choose import METHODS
from mixed_glm._fit.variational import COVARIANCES
from mixed_glm._spec.approximation import INTEGRATE
from mixed_glm.cli._deliver import deliver
from mixed_glm.cli._form import add_form, form_of
from mixed_glm.cli._output import ESTIMATES, write_estimates
from mixed_glm.cli._paths import check_files, check_suffix
from mixed_glm.cli._pictures import PICTURES, require_matplotlib, save_picture
from mixed_glm.cli._report import require_report
from mixed_glm.cli._tables import read_table
from mixed_glm.families.given import family_class
from mixed_glm.model import MixedGLM
from mixed_glm.priors import Prior, as_prior

NAME = "fit"
HELP = "fit a model to a table and print its summary"
EXAMPLES = """\
examples:
  mixed-glm fit trial.csv "y ~ dose + (1 | clinic)" --family binomial --save trial.mglm
  mixed-glm fit cbpp.csv "incidence ~ C(period) + (1 | herd)" --family binomial --n-trials size \\
      --plot herds.png
  mixed-glm fit ticks.parquet "ticks ~ year + (1 | brood) + (1 | location)" --family poisson \\
      --exposure hours --save ticks.mglm --output ticks.json
  mixed-glm fit seizures.csv "y ~ trt * base + (1 | subject)" --family poisson --exposure weeks \\
      --output estimates.csv --plot sd.pdf --picture posterior
  mixed-glm fit trial.csv "y ~ dose + (1 | clinic)" --family binomial --report trial.html
  mixed-glm fit bacteria.csv "y ~ trt + (1 | ID)" --family binomial --method laplace --n-quad 25
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``mixed-glm fit``."""
    parser.add_argument(
        "data", metavar="DATA", help="table: .csv or .parquet; -: csv from the standard input"
    )
    parser.add_argument("formula", metavar="FORMULA", help="such as 'y ~ x + (1 | g)'")
    add_form(parser)
    model = parser.add_argument_group("model")
    model.add_argument("--family", required=True, help="gaussian, binomial, poisson, negative_binomial, gamma, exponential or cumulative")  # fmt: skip
    model.add_argument(
        "--link", help="binomial, cumulative: logit (default), probit, cloglog; binomial: loglog"
    )
    model.add_argument("--alpha", type=float, help="dispersion of the negative binomial family, where it is known")  # fmt: skip
    model.add_argument("--levels", metavar="A,B,...",
                       help="cumulative: the labels of the response from the lowest to the highest; not for whole numbers")  # fmt: skip
    model.add_argument("--n-trials", metavar="COL", help="column with binomial numbers of trials")
    model.add_argument("--offset", metavar="COL", help="column added to the linear predictor")
    model.add_argument("--exposure", metavar="COL", help="column whose logarithm is added to it")
    model.add_argument("--weights", metavar="COL", help="column that says how often each row counts")
    model.add_argument("--vcp-p", type=_numbers, metavar="SD[,SD...]",
                       help="prior sd of the log standard deviations, or one for each component (default: in units of the data)")  # fmt: skip
    model.add_argument("--fe-p", type=_numbers, metavar="SD[,SD...]",
                       help="prior sd of the fixed effects, or one for each (default: in units of the data)")  # fmt: skip
    model.add_argument("--prior", type=_prior, action="append", default=[], metavar="NAME=DIST",
                       help="prior of one parameter, as 'sd(herd)=halfnormal(1)' or 'x=normal(0, 0.5)'; several times")  # fmt: skip
    how = parser.add_argument_group("how to fit (fits are deterministic: there is no seed)")
    how.add_argument("--method", default="auto", help=f"auto (default), {', '.join(METHODS)}")
    how.add_argument("--n-quad", type=int, metavar="N",
                     help="quadrature nodes: with laplace over the groups of one component (1: none); with ep, vb")  # fmt: skip
    how.add_argument(
        "--leaf",
        metavar="NAME",
        help="laplace: a component that --n-quad integrates, with others of its groups",
    )
    how.add_argument("--integrate", choices=INTEGRATE, help="auto, laplace, ep: over the standard deviations")
    how.add_argument("--covariance", choices=COVARIANCES, help="vb: mean_field (default) or full")
    how.add_argument("--scale-fe", action="store_true", default=None, help="vb, map: standardize covariates")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--save", metavar="FILE.mglm", type=Path, help="keep the fit, for predict and compare"
    )
    output.add_argument("--output", metavar="FILE", type=Path, help="write all estimates: .json or .csv")
    output.add_argument("--plot", metavar="FILE", type=Path, help="draw a picture: .png, .pdf, .svg")
    output.add_argument("--picture", choices=sorted(PICTURES), default="random-effects",
                        help="which picture (random-effects)")  # fmt: skip
    output.add_argument("--report", metavar="FILE", type=Path, help="write everything as a page: .html")
    output.add_argument("--progress", action="store_true", help="show a progress bar")


def run(options: argparse.Namespace) -> None:
    """Fit, write what is asked for, and print."""
    _require_order(options)
    written = {"--save": options.save, "--output": options.output, "--plot": options.plot}
    written["--report"] = options.report
    check_files([("DATA", options.data)], written)
    check_suffix("--output", options.output, ESTIMATES)
    if options.plot is not None:
        require_matplotlib(options.plot)
    if options.report is not None:
        require_report("--report", options.report)
    result = _model(options).fit(options.method, progress=options.progress, **_how(options))
    drawn: list[str] = []
    deliver(
        [
            (options.save, result.save),
            (options.output, lambda path: write_estimates(result, path)),
            (options.plot, lambda path: drawn.append(save_picture(result, options.picture, path))),
            (options.report, result.report),
        ],
        lambda: [str(result.summary()), *drawn],
    )


def _require_order(options: argparse.Namespace) -> None:
    """Find out before any work whether data and formula stand in each other's place."""
    if "~" in options.data and "~" not in options.formula and not Path(options.data).exists():
        raise ValueError(
            f"expected the table first and then the formula: mixed-glm fit {options.formula} {options.data!r} ..."
        )


def _model(options: argparse.Namespace) -> MixedGLM:
    named = {"link": options.link, "alpha": options.alpha}
    return MixedGLM.from_formula(
        options.formula,
        data=_with_levels(read_table(options.data, form_of(options)), options),
        family=_family(options.family, {k: v for k, v in named.items() if v is not None}),
        vcp_p=options.vcp_p,
        fe_p=options.fe_p,
        n_trials=options.n_trials,
        offset=options.offset,
        exposure=options.exposure,
        freq_weights=options.weights,
        priors=dict(options.prior),
    )


def _with_levels(data: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    """The response as an ordered categorical, where its labels are given."""
    if options.levels is None:
        return data
    if not family_class(options.family).is_ordinal:
        raise ValueError("--levels is only for the cumulative family")
    name, levels = options.formula.partition("~")[0].strip().strip("`"), options.levels.split(",")
    if name not in data.columns:
        raise ValueError(f"--levels: the response of the formula, {name!r}, is no column of the table")
    if len(set(levels)) < len(levels) or len(levels) < 2:
        raise ValueError(
            f"--levels must be two labels or more with commas between, each once, got {options.levels!r}"
        )
    texts = data[name].map(lambda v: str(v).removesuffix(".0"), na_action="ignore")
    unknown = [repr(v) for v in texts.dropna().unique() if v not in levels]
    if unknown:
        raise ValueError(
            f"--levels: column {name!r} has {', '.join(unknown[:5])}, which is none of {', '.join(levels)}"
        )
    return data.assign(**{name: pd.Categorical(texts, categories=levels, ordered=True)})


def _how(options: argparse.Namespace) -> dict[str, Any]:
    """Options of the fit that were given; those that the method does not have are refused by it."""
    names = ("n_quad", "leaf", "integrate", "covariance", "scale_fe")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _numbers(text: str) -> float | list[float]:
    """One number, or several with commas between."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers with commas between, got {text!r}") from None
    return numbers if len(numbers) > 1 else numbers[0]


def _prior(text: str) -> tuple[str, Prior]:
    """A name and a distribution with "=" between."""
    name, sign, distribution = text.rpartition("=")
    if not sign or not name.strip():
        raise argparse.ArgumentTypeError(
            f"must be a name and a distribution, as sd(herd)=halfnormal(1), got {text!r}"
        )
    try:
        return name.strip(), as_prior(distribution)
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _family(name: str, options: dict[str, Any]) -> Any:
    family = family_class(name)
    try:
        return family(**options)
    except TypeError:
        raise ValueError(
            f"the {family.name} family takes no {' or '.join('--' + o for o in options)}"
        ) from None
