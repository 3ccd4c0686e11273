"""The report: everything that a fit says, as one page that needs no network and no program but a browser."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mixed_glm import _core
from mixed_glm._effects.variables import as_rows
from mixed_glm._fit.fit import HasFit
from mixed_glm._input.arrays import as_count
from mixed_glm._input.files import check_writable, replacing
from mixed_glm._input.intervals import as_alpha
from mixed_glm._page import pictures, quality
from mixed_glm._page.figures import Picture
from mixed_glm._page.pictures import Rows
from mixed_glm._page.tables import Table, fixed_table, pairs_table, prior_table, variance_table
from mixed_glm._page.words import formulas, method_title, sentences

_LEAST_DRAWS, _ENTRIES = 100, 10_000_000  # draws of a large fit, and numbers that are drawn
_OF_CHECK = "The computation is approximate. To see how far, the approximation is compared with the exact density at draws from it."
_PACKAGES = ("numpy", "scipy", "pandas", "formulaic")


@dataclass
class Section:
    """A heading with what stands below it.

    Attributes
    ----------
    name, title : str
    texts : list of str
    formulas : list of str
    tables : list of Table
    pictures : list of Picture
    missing : list of str
        Why something is not there.
    """

    name: str
    title: str
    texts: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def add(self, into: list[Any], what: str, make: Callable[[], Iterable[Any]]) -> None:
        """Add what can be made; where it cannot, why."""
        try:
            into.extend(make())
        except (ValueError, RuntimeError) as error:
            self.missing.append(f"{what}: {error}")


def report(
    result: HasFit,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    newdata: Any = None,
    offset: Any = None,
    exposure: Any = None,
    n_trials: Any = None,
    alpha: float = 0.05,
    draws: int = 1000,
    rng: Any = 0,
) -> None:
    """Write everything that a fit says into one web page, for readers without Python; needs Jinja2 and matplotlib.

    The page is a single file without links to others: data and model in words and formulas, estimates, standard deviations
    and correlations, random effects, a predictive check, conditional effects, priors, the check of the approximation,
    leave-one-out cross-validation and the versions of the software.

    Parameters
    ----------
    path : path
        ``.html`` is a fitting suffix; none is added. A file that exists is replaced when the page is complete.
    title : str, optional
        Default: the formula, or the name of the response.
    newdata : DataFrame, optional
        Rows that conditional effects are drawn with. Default those of the model, as long as it has its data frame: a result
        that was loaded from a file has none.
    offset, exposure, n_trials : array_like or str, optional
        Of the rows of `newdata`, as for `MixedGLMResults.plot_effect`.
    alpha : float, default 0.05
        Intervals have probability ``1 - alpha``.
    draws : int, default 1000
        Posterior draws behind pictures, check and cross-validation. Fewer, but not below 100 (25 for the check), where there are many
        thousands of rows and random effects.
    rng : int or numpy.random.Generator, default 0

    Raises
    ------
    ImportError
        Without Jinja2 or matplotlib.
    OSError
        If the file cannot be written.
    ValueError, TypeError
        If an argument does not fit.
    """
    as_alpha(alpha)
    as_count(draws, "draws")
    check_writable(Path(path))
    require_packages()
    if newdata is not None and result.fit.spec.encoding is not None:
        _, newdata = as_rows(result.fit.spec, newdata)
    rows = Rows(newdata, {"offset": offset, "exposure": exposure, "n_trials": n_trials})
    spec = result.fit.spec
    formula = None if spec.encoding is None else spec.encoding.formula
    draws = min(draws, max(_LEAST_DRAWS, _ENTRIES // (spec.nobs + spec.layout.k_vc)))
    page = _template().render(
        title=title or formula or f"A model of {spec.endog_name}",
        formula=formula,
        sections=[s for s in _sections(result, rows, alpha, draws, rng) if _has_content(s)],
        day=dt.datetime.now(dt.UTC).date().isoformat(),
        version=_core.__version__,
    )
    with replacing(path) as file:
        file.write(page.encode())


def require_packages() -> None:
    """Find out before any work whether a report can be made.

    Raises
    ------
    ImportError
        Without Jinja2 or matplotlib.
    """
    for name, shown in (("jinja2", "Jinja2"), ("matplotlib", "matplotlib")):
        try:
            importlib.import_module(name)
        except ImportError:
            raise ImportError(f"the report needs {shown}: pip install 'mixed-glm[report]'") from None


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mixed_glm._page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")


def _sections(result: HasFit, rows: Rows, alpha: float, draws: int, rng: Any) -> list[Section]:
    fit = result.fit
    spec = fit.spec
    model = Section("model", "Data and model", sentences(fit), formulas(spec))
    model.texts += quality.of_fit(fit)
    fixed = Section("fixed", "Estimates")
    fixed.add(fixed.tables, "Table", lambda: filter(None, [fixed_table(fit, alpha)]))
    if spec.layout.k_fep:
        fixed.add(fixed.pictures, "Picture", lambda: [pictures.coefficients(result, alpha)])
    groups = Section("groups", "Differences between groups")
    groups.add(groups.tables, "Table", lambda: filter(None, [variance_table(fit, alpha)]))
    groups.add(groups.pictures, "Densities", lambda: pictures.deviations(result, alpha))
    groups.add(groups.pictures, "Random effects", lambda: pictures.caterpillars(result, alpha))
    effects = Section("effects", "Effects on the scale of the response")
    if spec.encoding is None:
        effects.missing.append(
            "Conditional effects: the model was made from arrays, and not from a formula with variables."
        )
    elif rows.frame(result) is None:
        effects.missing.append(
            "Conditional effects: the fit was loaded from a file, which has no data; they need the data table."
        )
    else:
        effects.add(
            effects.pictures,
            "Conditional effects",
            lambda: pictures.conditional(result, rows, alpha, draws, rng),
        )
    seen = Section("predictive", "Does the model reproduce the data?")
    seen.add(seen.pictures, "Predictive check", lambda: [pictures.predictive(result, alpha, draws, rng)])
    trust = Section("check", "Is the computation accurate?", [_OF_CHECK])
    trust.add(trust.texts, "Check", lambda: quality.of_check(fit, draws, rng))
    left_out = Section("loo", "How well does it predict?")
    left_out.add(left_out.texts, "Cross-validation", lambda: quality.of_loo(fit, draws, rng))
    priors = Section("priors", "Priors", tables=[prior_table(fit)])
    software = Section("software", "Software", tables=[_software(result)])
    return [model, fixed, groups, effects, seen, trust, left_out, priors, software]


def _has_content(section: Section) -> bool:
    return any((section.texts, section.tables, section.pictures, section.missing))


def _software(result: HasFit) -> Table:
    pairs = [("Method", method_title(result.fit)), ("mixed_glm", _core.__version__)]
    pairs += [(name, importlib.metadata.version(name)) for name in _PACKAGES]
    pairs += [("Python", platform.python_version())]
    return pairs_table("Software", ("Package", "Version"), pairs)
