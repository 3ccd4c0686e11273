"""The printed account of a fit: laid out as users of statsmodels know it, as text, HTML and LaTeX."""

from __future__ import annotations

import html
import math
import textwrap
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixed_glm._fit.fit import Fit
from mixed_glm._posterior.information import uninformed
from mixed_glm._report.tables import named_estimates
from mixed_glm._report.varcorr import varcorr_table
from mixed_glm._spec.priors import AT_MEANS

Floats = npt.NDArray[np.float64]

METHOD_TITLES = {
    "map": "joint mode (MAP)",
    "laplace": "Laplace marginal",
    "leaf": "leaf quadrature",
    "vb": "variational Bayes, mean field",
    "vb_full": "variational Bayes, full covariance",
    "ep": "expectation propagation",
    "pooled": "mixture of several fits",
}

_GAP = 2  # spaces between columns
_PRIORS, _NAMES = 6, 4  # that are shown, and of how many parameters each
_WIDTH = 100


@dataclass(frozen=True)
class Summary:
    """A title, header fields, a table of strings and notes.

    Attributes
    ----------
    title : str
    header : list of (str, str)
        Label and value.
    table : DataFrame
        Formatted cells, one row a parameter.
    notes : list of str
    varcorr : DataFrame or None
        Standard deviations and correlations of the random effects, where some are correlated.
    """

    title: str
    header: list[tuple[str, str]]
    table: pd.DataFrame
    notes: list[str]
    varcorr: pd.DataFrame | None = None

    @property
    def tables(self) -> list[pd.DataFrame]:
        """The tables as data frames: header, parameters, and standard deviations with correlations where there are some."""
        more = [] if self.varcorr is None else [self.varcorr]
        return [pd.DataFrame(self.header, columns=["field", "value"]), self.table, *more]

    def as_text(self) -> str:
        """Plain text with ruled lines."""
        body = _table_lines(self.table)
        header = _header_lines(self.header, len(body[0]))
        more = [] if self.varcorr is None else _table_lines(self.varcorr)
        width = max(map(len, [*body, *header, *more, self.title]))
        return "\n".join(
            [
                self.title.center(width).rstrip(),
                "=" * width,
                *header,
                "-" * width,
                body[0],
                "-" * width,
                *body[1:],
                *(["-" * width, more[0], *more[1:]] if more else []),
                "=" * width,
                *self.notes,
            ]
        )

    def as_html(self) -> str:
        """One HTML fragment."""
        fields = "".join(
            f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
            for label, value in self.header
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        table = self.table.to_html(border=0)
        more = "" if self.varcorr is None else self.varcorr.to_html(border=0)
        return (
            f"<div><table><caption>{html.escape(self.title)}</caption><tbody>{fields}</tbody></table>"
            f"{table}{more}{notes}</div>"
        )

    def as_latex(self) -> str:
        """A LaTeX table (package booktabs).

        Raises
        ------
        ImportError
            If jinja2, which pandas needs for this, is not installed.
        """
        try:
            styler = self.table.style
        except (ImportError, AttributeError) as error:
            raise ImportError("as_latex needs jinja2: pip install 'mixed-glm[latex]'") from error
        escaped = (
            styler.format(escape="latex").format_index(escape="latex").format_index(escape="latex", axis=1)
        )
        align = "l" * 2 + "r" * (self.table.shape[1] - 1)
        latex = str(escaped.to_latex(caption=self.title, hrules=True, column_format=align))
        more = [] if self.varcorr is None else _table_lines(self.varcorr)
        lines = [f"{label} {value}" for label, value in self.header] + more + self.notes
        return latex + "".join(f"% {line}\n" for line in lines)

    def _repr_html_(self) -> str:
        return self.as_html()

    def __str__(self) -> str:
        return self.as_text()

    __repr__ = __str__


def summarize(fit: Fit, alpha: float = 0.05, random: bool = False) -> Summary:
    """Table of the posterior as statsmodels lays it out, to print or to convert to HTML or LaTeX.

    Parameters
    ----------
    alpha : float, default 0.05
        The intervals have probability ``1 - alpha``.
    random : bool, default False
        Whether the random effects are rows too.
    """
    return _summary_of(fit, _parameter_table(fit, alpha, random), alpha)


def summarize_as_statsmodels(fit: Fit, alpha: float = 0.05, random: bool = False) -> Summary:
    """Table of the posterior with the columns that statsmodels has.

    Parameters
    ----------
    alpha : float, default 0.05
        The intervals of the standard deviations have probability ``1 - alpha``.
    random : bool, default False
        Whether the random effects are rows too.
    """
    return _summary_of(fit, _parameter_table(fit, alpha, random).drop(columns=["LB", "UB"]), alpha)


def _summary_of(fit: Fit, table: pd.DataFrame, alpha: float) -> Summary:
    """Title, header and notes around a table of the parameters."""
    spec = fit.spec
    percent = f"{100 * (1 - alpha):g} %"
    thresholds = spec.layout.has_thresholds
    notes = [
        "Parameter types are mean structure (M)"
        + (", variance structure (V) and thresholds (T)" if thresholds else " and variance structure (V)"),
        "Variance parameters are modeled as log standard deviations",
        "SD, SD (LB), SD (UB): their exponential, with its interval",
        *(["Corr: correlations (C) of the random effects of one group"] if spec.design.correlated else []),
        f"LB, UB: ends of the {percent} credible intervals",
        *(
            f"{name} is a parameter of the family (F), modeled as its logarithm; in the columns of SD, {name} itself"
            for name in spec.layout.shape_names
        ),
        *_priors(fit),
    ]
    if "R" in table["Type"].tolist():
        notes.insert(1, "R: random effects, in the order of their groups")
    if thresholds:
        notes.append(f"A larger linear predictor makes higher categories of {spec.endog_name} more likely")
    elif spec.design.response_levels is not None:
        notes.append(f"Success is {spec.endog_name} = {spec.design.response_levels[1]!r}")
    if fit.method == "vb":
        notes.append(
            "Mean field: SDs ignore dependence and are too small (fixed effects: often 2 to 4 times)"
        )
    notes += [
        f"The posterior of {name} is nearly its prior: the data say next to nothing of this standard deviation"
        for name in uninformed(fit.posterior)
    ]
    return Summary(
        f"{spec.family.title} Mixed GLM Results",
        _header(fit),
        table,
        notes,
        varcorr_table(fit) if spec.design.correlated else None,
    )


def _priors(fit: Fit) -> list[str]:
    """The priors in force, one after another where they are few; parameters with the same one together."""
    names: dict[str, list[str]] = {}
    for name, prior, of in fit.spec.prior_rows():
        names.setdefault(prior + f" {AT_MEANS}" * (of == AT_MEANS), []).append(name)
    said = [
        f"{', '.join(its[:_NAMES])}{', ...' if len(its) > _NAMES else ''} ~ {text}"
        for text, its in names.items()
    ]
    more = [f"{len(said) - _PRIORS} more in .priors"] if len(said) > _PRIORS else []
    return textwrap.wrap("Priors: " + "; ".join(said[:_PRIORS] + more), _WIDTH, subsequent_indent="    ")


def _header(fit: Fit) -> list[tuple[str, str]]:
    spec, layout = fit.spec, fit.spec.layout
    fields = [
        ("Response:", spec.endog_name),
        ("Family:", spec.family.described),
        ("Link:", spec.family.link),
        ("No. Observations:", str(spec.nobs)),
        ("Method:", METHOD_TITLES.get(fit.method, fit.method)),
        ("Status:", fit.status),
        ("Converged:", f"{'yes' if fit.converged else 'no'} ({fit.n_iter} iterations)"),
        *_density(fit),
    ]
    groups = np.bincount(spec.design.ident, minlength=layout.k_vcp)
    fields += [
        (f"Effects of {name}:", str(size)) for name, size in zip(layout.vcp_names, groups, strict=True)
    ]
    if fit.integration is not None and (fit.integration.rule == "ridge" or fit.integration.probes):
        fields.append(("Integration:", str(fit.integration)))
    if spec.n_missing:
        fields.append(("Rows Dropped (Missing):", str(spec.n_missing)))
    return fields


def _density(fit: Fit) -> list[tuple[str, str]]:
    """The log evidence, or what there is in its place."""
    if fit.log_evidence is not None:
        return [("Log Evidence:", _number(fit.log_evidence))]
    return [] if np.isnan(fit.log_density) else [("Log Density:", _number(fit.log_density))]


def _parameter_table(fit: Fit, alpha: float, random: bool = False) -> pd.DataFrame:
    names, columns = named_estimates(fit, alpha, random)
    kinds, mean, sd, lower, upper = columns.values()
    letters = {
        "fixed": "M",
        "log sd": "V",
        "correlation": "C",
        "family": "F",
        "threshold": "T",
        "random": "R",
    }
    of_logarithm = [kind in ("log sd", "family") for kind in kinds]

    def exponential(values: Floats) -> list[str]:
        with np.errstate(over="ignore"):
            scale = np.exp(np.where(of_logarithm, values, 0.0))
        return [_number(v, 3) if log else "" for v, log in zip(scale.tolist(), of_logarithm, strict=True)]

    table = {
        "Type": [letters[kind] for kind in kinds],
        "Post. Mean": _numbers(mean),
        "Post. SD": _numbers(sd),
        "LB": _numbers(lower),
        "UB": _numbers(upper),
        "SD": exponential(mean),
        "SD (LB)": exponential(lower),
        "SD (UB)": exponential(upper),
    }
    return pd.DataFrame(table, index=names)


def _numbers(values: Floats) -> list[str]:
    return [_number(value) for value in values.tolist()]


def _number(value: float, digits: int = 4) -> str:
    """Fixed point as statsmodels prints it; scientific where that would show nothing or too much."""
    size = abs(value)
    if math.isfinite(value) and size and not 10.0**-digits <= size < 1e7:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{digits}f}"


def _table_lines(table: pd.DataFrame) -> list[str]:
    """Column heads and rows; names to the left, the rest to the right."""
    names = ["", *map(str, table.index)]
    width = max(map(len, names))
    lines = [name.ljust(width) for name in names]
    for column in table:
        cells = [str(column), *table[column].tolist()]
        width = max(map(len, cells)) + _GAP
        cells = [cell.center(len(column)) if column == "Type" else cell for cell in cells]
        lines = [line + cell.rjust(width) for line, cell in zip(lines, cells, strict=True)]
    return [line.rstrip() for line in lines]


def _header_lines(fields: list[tuple[str, str]], width: int) -> list[str]:
    """Two fields a line: the first half of them on the left."""
    half = (len(fields) + 1) // 2
    left, right = _aligned(fields[:half]), _aligned(fields[half:])
    right += [""] * (len(left) - len(right))
    indent = max([len(line) for line in left], default=0) + _GAP
    indent = max(indent, width - max([len(line) for line in right], default=0))
    return [(a.ljust(indent) + b).rstrip() for a, b in zip(left, right, strict=True)]


def _aligned(fields: list[tuple[str, str]]) -> list[str]:
    width = max([len(label) for label, _ in fields], default=0) + 1
    return [label.ljust(width) + value for label, value in fields]
