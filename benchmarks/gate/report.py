"""The result of the gate as a page of markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks import tables
from benchmarks.gate.check import OTHER_OBJECTIVES, TOLERANCE, Check

__all__ = ["report"]

OTHER = "; ".join(f"{peer} ({family}) {why}" for (peer, family), why in OTHER_OBJECTIVES.items()) + "."

REASONS = f"""\
All likelihoods are Laplace approximations with flat priors, in nats; differences below {TOLERANCE} are not counted. Peers with
"_reml" integrate the fixed effects out as well, and are compared in that likelihood.
"Independent" is `benchmarks/likelihood.py`, which uses none of the packages.

* **stopped short**: the peer's estimates have a lower likelihood than ours, by our engine and by the independent code:
  its optimizer ended before the maximum. The difference says by how much.
* **states another value**: the likelihood that the peer reports is not that of its own estimates: it computes another
  approximation, or its search for the mode of the random effects had not converged.
* **maximizes something else**: {OTHER}
"""


def report(
    checks: Sequence[Check],
    versions: Mapping[str, str],
    absent: Mapping[str, str],
    failures: Mapping[tuple[str, str], str],
) -> str:
    """Summary by peer, defects of ours, differences with their reasons, failures of peers."""
    models = len({c.model for c in checks})
    defects = [(c, text) for c in checks for text in c.defects()]
    parts = [
        f"{models} models, {len(checks)} comparisons, {len(defects)} defects.\n",
        ", ".join(f"{package} {version}" for package, version in versions.items()) + ".\n",
        tables.markdown(HEADER, [_summary(peer, checks) for peer in dict.fromkeys(c.peer for c in checks)]),
        *(f"{peer}: not compared ({reason}).\n" for peer, reason in absent.items()),
        "## Defects\n",
        _list(defects) or "None.\n",
        "## Where a peer differs\n",
        REASONS,
        _list([(c, text) for c in checks for text in c.differences()]) or "Nowhere.\n",
        "## Fits that failed\n",
        "\n".join(f"- {model}, {peer}: {reason}" for (model, peer), reason in failures.items()) or "None.",
    ]
    return "\n".join(parts) + "\n"


HEADER = (
    "peer", "models", "we are higher", "equal", "it is higher", "most below ours", "most above ours",
    "states another value", "median difference", "most",
)  # fmt: skip


def _summary(peer: str, checks: Sequence[Check]) -> tuple[str, ...]:
    own = [c for c in checks if c.peer == peer]
    gain = np.array([c.ours - c.theirs for c in own])
    stated = [c for c in own if c.stated is not None and abs(c.stated - c.arbiter) > TOLERANCE]
    return (
        peer,
        str(len(own)),
        str(int((gain > TOLERANCE).sum())),
        str(int((np.abs(gain) <= TOLERANCE).sum())),
        str(int((gain < -TOLERANCE).sum())),
        f"{max(gain.max(), 0.0):.4f}",
        f"{max(-gain.min(), 0.0):.6f}",
        str(len(stated)),
        *_differences([c for c in own if not c.other_objective and abs(c.ours - c.theirs) <= TOLERANCE]),
    )


def _differences(checks: Sequence[Check]) -> tuple[str, str]:
    """Of standard deviations, correlations and dispersion where the likelihoods are equal."""
    found = [c.differ for c in checks]
    return (f"{np.median(found):.1e}", f"{np.max(found):.1e}") if found else ("", "")


def _list(entries: Sequence[tuple[Check, str]]) -> str:
    return "".join(f"- {c.model} ({c.description}), {c.peer}: {text}\n" for c, text in entries)
