"""Release gate: ``python -m benchmarks.gate --to gate.md``. Returns 1 if anything is wrong with us.

Every model is fitted by each package and by us. Our maximum of the same likelihood must not be below theirs, and our
likelihood at their estimates must be the one that independent code computes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.gate.check import Check, check
from benchmarks.gate.models import MODELS
from benchmarks.gate.ours import Ours
from benchmarks.gate.report import report
from benchmarks.likelihood import predictor_columns, thresholds
from benchmarks.peers import Absent, Fit, load, rscript
from benchmarks.problem import Problem
from benchmarks.run import guarded

__all__ = ["main"]

PEERS = ("gpboost", "glmm", "mixedlm", "lme4", "lme4_reml", "glmmtmb", "glmmtmb_reml", "ordinal")
IN_R = {
    "lme4": "lme4", "lme4_reml": "lme4-reml", "glmmtmb": "glmmTMB", "glmmtmb_reml": "glmmTMB-reml", "ordinal": "ordinal",
}  # fmt: skip
MOST_ROWS_IN_R = {"gaussian": 80_000}  # more take too long
MOST_OTHER_ROWS_IN_R = 8_000


def fits_in_python(problem: Problem, peers: Sequence[str]) -> dict[str, Fit | str]:
    """A fit for each peer, or why there is none."""
    found: dict[str, Fit | str] = {}
    for peer in peers:
        if peer in IN_R:
            continue
        # gpboost's default for crossed factors estimates the likelihood at random
        exact = peer == "gpboost" and len(problem.levels) > 1
        module = load("gpboost_cholesky" if exact else peer)
        if module.applies(problem):
            fit, reason = guarded(module, lambda m=module: m.fit(problem))
            found[peer] = reason if fit is None else fit
    return found


def _unusable(problem: Problem, fit: Fit | str) -> str:
    """Why there is nothing to compare; empty if there is."""
    if isinstance(fit, str):
        return fit
    if len(fit.fe_mean) != thresholds(problem) + predictor_columns(problem).shape[1]:
        return "dropped a column"
    return (
        "" if np.isfinite([*fit.fe_mean, *fit.sd, fit.at.shape or 1.0]).all() else "estimates are not finite"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    options = _parse(arguments)
    names = options.models or list(MODELS)[:: options.every]
    problems = {name: MODELS[name]() for name in names}
    absent = {peer: "missing" for peer in options.peers if load(peer).version() == "missing"}
    peers = [peer for peer in options.peers if peer not in absent]
    in_r: dict[str, dict[str, Fit | str]] = {}
    small = [p for p in problems.values() if p.nobs <= MOST_ROWS_IN_R.get(p.family, MOST_OTHER_ROWS_IN_R)]
    for peer in [peer for peer in peers if peer in IN_R]:
        print(f"{peer} ...", flush=True)
        try:
            in_r[peer] = rscript.fit_all(
                [p for p in small if load(peer).applies(p)], IN_R[peer], keep=options.keep
            )
        except (Absent, RuntimeError) as error:
            absent[peer] = str(error)
    checks: list[Check] = []
    failures: dict[tuple[str, str], str] = {}
    for name, problem in problems.items():
        print(f"{name} ...", flush=True)
        ours = Ours(problem)
        fits = fits_in_python(problem, peers) | {p: found[name] for p, found in in_r.items() if name in found}
        for peer, fit in fits.items():
            if reason := _unusable(problem, fit):
                failures[name, peer] = reason
            elif isinstance(fit, Fit):
                checks.append(check(problem, peer, fit, ours))
                for text in checks[-1].defects():
                    print(f"{name}, {peer}: {text} (our status: {ours.status})", flush=True)
    versions = {peer: load(peer).version() for peer in ("mixed_glm", *peers)}
    page = report(checks, versions, absent, failures)
    options.to.parent.mkdir(parents=True, exist_ok=True)
    options.to.write_text(page, encoding="utf-8")
    print(page.partition("## Where")[0])
    return int(not checks or any(c.defects() for c in checks))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, metavar="NAME", help="default: all")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="only every K-th model")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS, metavar="PEER")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the answers of R here, and use what is there"
    )
    parser.add_argument("--to", type=Path, default=Path("gate-results/gate.md"))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
