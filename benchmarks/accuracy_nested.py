"""Simulation: a nested binary design that defeats the Laplace approximation.

1,500 leaf effects (sd 2.5) in 150 groups (sd 1), 1 to 3 binary rows a leaf, an intercept and two covariates. For
each replicate the posterior of every parameter is compared with the truth:

    z = (posterior mean - truth) / posterior sd

A calibrated posterior has z of mean 0 and standard deviation 1, and its 90 % intervals hold the truth 90 times in
100. `fit_laplace(n_quad=25)` should be there, plain Laplace is not.

    python benchmarks/accuracy_nested.py --replicates 100
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

import mixed_glm as mg

Floats = npt.NDArray[np.float64]

SD = (2.5, 1.0)
BETA = (0.5, -1.0, 0.8)
NAMES = ("intercept", "x1", "x2", "log sd leaf", "log sd group")


@dataclass
class NestedData:
    """Responses and design; the truth is in the order (beta, psi)."""

    endog: Floats
    exog: Floats
    exog_vc: sp.csr_array
    ident: npt.NDArray[np.int64]
    truth: Floats


def simulate(rng: np.random.Generator, leaves: int = 1500, groups: int = 150) -> NestedData:
    """Draw parameters' effects and binary responses."""
    leaf = np.repeat(np.arange(leaves), rng.integers(1, 4, leaves))
    group = (np.arange(leaves) % groups)[leaf]
    n = len(leaf)
    exog = np.column_stack([np.ones(n), rng.normal(size=n), rng.random(n) < 0.5]).astype(float)
    u_leaf, u_group = SD[0] * rng.normal(size=leaves), SD[1] * rng.normal(size=groups)
    eta = exog @ np.array(BETA) + u_leaf[leaf] + u_group[group]
    endog = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    columns = np.column_stack([leaf, leaves + group]).ravel()
    exog_vc = sp.csr_array((np.ones(2 * n), columns, np.arange(0, 2 * n + 1, 2)), shape=(n, leaves + groups))
    ident = np.repeat([0, 1], [leaves, groups])
    return NestedData(endog, exog, exog_vc, ident, np.r_[BETA, np.log(SD)])


def z_scores(data: NestedData, **options: object) -> Floats:
    """(mean - truth) / sd of fixed effects and log standard deviations."""
    model = mg.MixedGLM(data.endog, data.exog, data.exog_vc, data.ident, family="binomial")
    result = model.fit_laplace(**options)
    mean, sd = np.r_[result.fe_mean, result.vcp_mean], np.r_[result.fe_sd, result.vcp_sd]
    return np.asarray((mean - data.truth) / sd)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=20260101)
    arguments = parser.parse_args()
    methods: dict[str, dict[str, object]] = {
        "Laplace": {"n_quad": 1}, "n_quad=15": {"n_quad": 15}, "n_quad=25": {"n_quad": 25},
    }  # fmt: skip
    scores: dict[str, list[Floats]] = {name: [] for name in methods}
    seconds = dict.fromkeys(methods, 0.0)
    flagged = dict.fromkeys(methods, 0)
    for replicate in range(arguments.replicates):
        rng = np.random.default_rng([arguments.seed, replicate])
        data = simulate(rng, arguments.leaves, arguments.leaves // 10)
        for name, options in methods.items():
            start = time.perf_counter()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                scores[name].append(z_scores(data, **options))
            flagged[name] += bool(caught)
            seconds[name] += time.perf_counter() - start
    print(f"{arguments.replicates} replicates, {arguments.leaves} + {arguments.leaves // 10} effects; z: mean, sd, "
          "share of 90 % intervals that hold the truth")  # fmt: skip
    print(f"{'':12s}" + "".join(f"{name:>24s}" for name in NAMES) + f"{'s/fit':>9s}{'warned':>8s}")
    for name in methods:
        z = np.array(scores[name])
        inside = np.mean(np.abs(z) < 1.645, axis=0)
        cells = "".join(
            f"{m:12.2f}{s:6.2f}{100 * c:5.0f}%" for m, s, c in zip(z.mean(0), z.std(0), inside, strict=True)
        )
        print(f"{name:12s}{cells}{seconds[name] / arguments.replicates:9.2f}{flagged[name]:8d}")


if __name__ == "__main__":
    main()
