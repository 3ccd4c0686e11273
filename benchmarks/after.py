"""What is done with a fit: ``python -m benchmarks.after --to results.jsonl``. Peak memory is Linux only (/proc).

Each piece of work is timed in a process of its own, on a fit that has told nothing before: tables, predictions of a few
rows of a model with many groups, draws, and leave-one-out cross-validation. Least of `--repeats` times, on new results of
the same fit.
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from benchmarks.clock import timed
from benchmarks.memory import settle, status
from benchmarks.results import Record, append

__all__ = ["main"]


class Work(NamedTuple):
    """A fit, and what is done with it.

    Attributes
    ----------
    rows : int
    groups : tuple of int
        Of each factor.
    n_quad : int
        1: Laplace.
    do : callable
        Of the result and the random-effects columns.
    """

    rows: int
    groups: tuple[int, ...]
    n_quad: int
    do: Callable[[Any, Any], Any]


def _predict(result: Any, z: Any) -> Any:
    return result.predict(result.model.exog[:5], z[:5], random="conditional", interval=0.95)


MANY = (30, 20, 15, 12, 10)
WORKS = {
    "summary, 2 components": Work(2_000, MANY[:2], 1, lambda r, _: str(r.summary())),
    "summary, 5 components": Work(2_000, MANY, 1, lambda r, _: str(r.summary())),
    "density of a standard deviation, 2 components": Work(
        2_000, MANY[:2], 1, lambda r, _: r.posterior.psi_density(0)
    ),
    "summary, 100,000 groups": Work(300_000, (100_000,), 1, lambda r, _: str(r.summary())),
    "random effects, 4,000 groups": Work(20_000, (4_000,), 1, lambda r, _: r.random_effects()),
    "predict 5 rows, 4,000 groups, leaf": Work(20_000, (4_000,), 15, _predict),
    "predict 5 rows, 4,000 x 50 groups, leaf": Work(20_000, (4_000, 50), 15, _predict),
    "predict 5 rows, 100,000 groups, Laplace": Work(300_000, (100_000,), 1, _predict),
    "100 draws, 4,000 groups, leaf": Work(20_000, (4_000,), 15, lambda r, _: r.posterior_sample(100, rng=0)),
    "loo, 100,000 rows, 500 draws": Work(100_000, (5_000,), 1, lambda r, _: r.loo(draws=500)),
}


def measure(name: str, repeats: int) -> Record:
    """Seconds and bytes; to be run in a process of its own."""
    import mixed_glm

    work = WORKS[name]
    model, z = _model(mixed_glm, work)
    fit = model.fit_laplace(n_quad=work.n_quad).fit
    before = settle()
    timings = []
    for _ in range(repeats):
        new = dataclasses.replace(
            fit, posterior=dataclasses.replace(fit.posterior)
        )  # with nothing remembered
        timings.append(timed(lambda new=new: work.do(mixed_glm.MixedGLMResults(model, new), z))[0])
    best = min(timings, key=lambda timing: timing.cpu)
    peak = status("VmHWM") - before
    return {"kind": "after", "work": name, "peak": peak} | best._asdict()


def _model(mixed_glm: Any, work: Work) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(work.rows), rng.normal(size=(work.rows, 2))])
    eta, parts = x @ [-0.3, 0.5, -0.5], []
    for size in work.groups:
        group = rng.integers(size, size=work.rows)
        eta += 0.7 * rng.normal(size=size)[group]
        places = (np.ones(work.rows), (np.arange(work.rows), group))
        parts.append(sparse.csr_array(places, shape=(work.rows, size)))
    z = sparse.csr_array(sparse.hstack(parts, format="csr"))
    y = (rng.random(work.rows) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    ident = np.repeat(np.arange(len(work.groups)), work.groups)
    return mixed_glm.MixedGLM(y, x, z, ident, family="binomial"), z


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.after", description=__doc__)
    parser.add_argument("--work", choices=WORKS, help="only this one, in this process")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--to", type=Path, required=True, help="file to append the results to")
    options = parser.parse_args(arguments)
    if options.work is not None:
        append(options.to, [measure(options.work, options.repeats)])
        return 0
    command = [
        sys.executable, "-m", "benchmarks.after", "--repeats", str(options.repeats), "--to", str(options.to),
    ]  # fmt: skip
    return max(subprocess.run([*command, "--work", work], check=False).returncode for work in WORKS)


if __name__ == "__main__":
    sys.exit(main())
