"""Coverage of predictive intervals on simulated data.

Each data set is drawn from the model with its priors. One row of every group is left out, and one group altogether;
95 % intervals for their responses are predicted from the others, for groups that the model knows and for one that it
does not.

    python -m benchmarks.coverage_predict [--datasets 500] [--method laplace]
"""

from __future__ import annotations

import argparse

import numpy as np

import mixed_glm as mg

GROUPS, ROWS = 20, 10
LEVEL = 0.95


def simulate(family: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Responses, columns, groups and numbers of trials, parameters drawn from their priors."""
    group = np.repeat(np.arange(GROUPS), ROWS)
    x = np.column_stack([np.ones(len(group)), rng.normal(size=len(group))])
    beta = np.array([3.0 if family == "poisson" else 0.0, 0.0]) + rng.normal(scale=0.5, size=2)
    u = np.exp(rng.normal(scale=0.5) - 0.5) * rng.normal(size=GROUPS)
    trials = np.full(len(group), 40.0)
    known = None if family == "poisson" else trials
    y = mg.families.as_family(family).sample(x @ beta + u[group], rng, known)
    return y, x, group, trials


def covered(family: str, method: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Whether the left-out responses lie in their intervals: of known groups, of the unknown one."""
    y, x, group, trials = simulate(family, rng)
    fitted = (np.arange(len(y)) % ROWS > 0) & (group < GROUPS - 1)
    left_out = ~fitted & (np.arange(len(y)) % ROWS == 0)
    z = np.eye(GROUPS)[:, : GROUPS - 1][group]
    options = {} if family == "poisson" else {"n_trials": trials[fitted]}
    model = mg.MixedGLM(
        y[fitted], x[fitted], z[fitted], np.zeros(GROUPS - 1, int), family=family, fe_p=4.0, **options
    )
    result = model.fit(method)
    table = result.predict(
        x[left_out], z[left_out], random="conditional", interval=LEVEL, predictive=True,
        n_trials=None if family == "poisson" else trials[left_out], rng=rng,
    )  # fmt: skip
    inside = (table["lower"] <= y[left_out]) & (y[left_out] <= table["upper"])
    is_known = group[left_out] < GROUPS - 1
    return inside[is_known].to_numpy(), inside[~is_known].to_numpy()


def main() -> None:
    """Print the share of covered responses for each family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", type=int, default=500)
    parser.add_argument("--method", default="laplace")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for family in ("poisson", "binomial"):
        rng = np.random.default_rng(options.seed)
        pairs = [covered(family, options.method, rng) for _ in range(options.datasets)]
        for name, values in zip(("known groups", "an unknown group"), zip(*pairs, strict=True), strict=True):
            share = np.concatenate(values)
            clusters = np.array([v.mean() for v in values])
            error = clusters.std() / np.sqrt(len(clusters))
            print(f"{family:10s} {name:17s} {share.mean():.3f} +- {error:.3f} of {LEVEL:.2f}")


if __name__ == "__main__":
    main()
