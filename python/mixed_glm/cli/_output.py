"""Estimates as files that other programs read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from mixed_glm import _core
from mixed_glm.results import MixedGLMResults

ESTIMATES = (".json", ".csv")


def write_estimates(result: MixedGLMResults, path: Path) -> None:
    """Write all parameters: a json file with everything, or a csv file with the table alone.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if path.suffix == ".json":
        path.write_text(json.dumps(as_json(result), indent=1) + "\n", encoding="utf-8")
    else:
        result.to_frame(random=True).to_csv(path, index_label="name")


def as_json(result: MixedGLMResults) -> dict[str, Any]:
    """Everything that a program would want of a fit; NaN becomes null."""
    model = result.model
    table = result.to_frame(random=True)
    rows = [
        {"name": name} | {k: _plain(v) for k, v in row.items()}
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
        "log_density": _plain(result.log_density),
        "log_evidence": _plain(result.log_evidence),
        "parameters": rows,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value
