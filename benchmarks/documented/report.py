"""The outcome of all documented models as a page of markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks import tables
from benchmarks.documented.models import Documented
from benchmarks.documented.ours import Outcome

__all__ = ["report"]

FAR = 1.0  # distances beyond are listed

HEADER = ("data", "formula", "family", "method", "status", "s", "fixed", "sd")


def report(outcomes: Sequence[Outcome], absent: Sequence[Documented]) -> str:
    """Summary, failures, what is far from R, and all models."""
    fitted = [o for o in outcomes if o.fitted]
    far = [o for o in fitted if max(np.nan_to_num([o.fixed, o.sd])) > FAR]
    seconds = sum(o.seconds for o in outcomes)
    parts = [
        f"{len(outcomes)} models, {len(fitted)} fitted in the formula as documented, "
        f"{sum(o.status == 'converged' for o in fitted)} converged; {seconds:.0f} s of processor time in all.\n",
        f"Not exported: {', '.join(f'{m.package}.{m.data}' for m in absent) or 'none'}.\n",
        "## Not fitted\n",
        "\n".join(f"- {_title(o)}: {o.status}" for o in outcomes if not o.fitted) or "None.",
        "\n## Status other than converged\n",
        "\n".join(f"- {_title(o)}: {o.status}" for o in fitted if o.status != "converged") or "None.",
        f"\n## Estimates of R more than {FAR:g} posterior standard deviations from ours\n",
        "\n".join(_distance(o) for o in far) or "None.",
        "\n## All\n",
        tables.markdown(HEADER, [_row(o) for o in outcomes]),
    ]
    return "\n".join(parts) + "\n"


def _title(outcome: Outcome) -> str:
    model = outcome.model
    return f"{model.package}::{model.data}, {model.family}, `{model.formula}`"


def _distance(outcome: Outcome) -> str:
    boundary = "; R has another standard deviation at zero" if outcome.boundary else ""
    return f"- {_title(outcome)}: fixed effects {outcome.fixed:.2f}, standard deviations {outcome.sd:.2f}{boundary}"


def _row(outcome: Outcome) -> tuple[str, ...]:
    model = outcome.model
    formula = model.formula.replace("|", "\\|")
    return (
        f"{model.package}::{model.data}", f"`{formula}`", model.family, outcome.method,
        outcome.status.splitlines()[0][:60], f"{outcome.seconds:.2f}", _number(outcome.fixed), _number(outcome.sd),
    )  # fmt: skip


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"
