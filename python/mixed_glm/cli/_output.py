"""Estimates as files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mixed_glm import _core
from mixed_glm._input.files import replacing
from mixed_glm.cli._json import plain_value, write_json
from mixed_glm.cli._paths import suffix
from mixed_glm.cli._tables import write_table
from mixed_glm.results import MixedGLMResults

ESTIMATES = (".json", ".csv")


def write_estimates(result: MixedGLMResults, path: Path) -> None:
    """Write all parameters: a json file with everything, or a csv file with the table alone.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if suffix(path) == ".json":
        with replacing(path) as file:
            write_json(as_json(result), file)
    else:
        write_table(result.to_frame(random=True).reset_index(names="name"), path)


def as_json(result: MixedGLMResults) -> dict[str, Any]:
    """Everything that a program would want of a fit; NaN becomes null."""
    model = result.model
    table = result.to_frame(random=True)
    rows = [
        {"name": name} | {k: plain_value(v) for k, v in row.items()}
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    return {
        "mixed_glm": _core.__version__,
        "formula": model.formula,
        "family": model.family.name,
        "link": model.family.link,
        "alpha": getattr(model.family, "alpha", None),
        "nobs": model.nobs,
        "n_missing": model.n_missing,
        "method": result.method,
        "status": result.status,
        "converged": result.converged,
        "n_iter": result.n_iter,
        "log_density": plain_value(result.log_density),
        "log_evidence": plain_value(result.log_evidence),
        "parameters": rows,
    }
