"""Draw data sets, fit them, and note where the truth lies in each posterior.

For a parameter theta drawn from the prior, and responses drawn given it, the posterior probability of values below theta
is uniform on (0, 1) if the posterior is right (Cook, Gelman and Rubin 2006; Talts and others 2018).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

import mixed_glm as mg
from benchmarks.calibration.catalogue import DESIGNS
from benchmarks.calibration.designs import Design
from benchmarks.calibration.methods import METHODS

__all__ = ["Calibration", "calibrate", "read", "write"]

Floats = npt.NDArray[np.float64]

CHUNK = 20  # data sets a task


@dataclass(frozen=True)
class Calibration:
    """What one method did on N data sets of one design.

    Attributes
    ----------
    design, method : str
    probability : float array, shape (N, p + K + q)
        That the posterior gives to values below the truth; NaN where the fit failed.
    z : float array, shape (N, p + K + q)
        (truth - mean) / sd.
    flagged : int array, shape (N,)
        1 where the fit warned or failed.
    """

    design: str
    method: str
    probability: Floats
    z: Floats
    flagged: npt.NDArray[np.int64]


def calibrate(
    design: Design, methods: Sequence[str], replicates: int, seed: int, jobs: int = 1
) -> list[Calibration]:
    """Fit the same data sets by every method that the priors allow. The results do not depend on `jobs`."""
    methods = [method for method in methods if method in design.methods]
    number = list(DESIGNS).index(design.name)
    chunks = [range(i, min(i + CHUNK, replicates)) for i in range(0, replicates, CHUNK)]
    task = partial(_chunk, design, methods, (seed, number))
    if jobs == 1:
        parts = [task(chunk) for chunk in chunks]
    else:
        with ProcessPoolExecutor(jobs) as pool:
            parts = list(pool.map(task, chunks))
    together = [np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)]
    probability, z, flagged = together
    return [
        Calibration(design.name, method, probability[m], z[m], flagged[m, :, 0].astype(int))
        for m, method in enumerate(methods)
    ]


def _chunk(
    design: Design, methods: Sequence[str], seed: tuple[int, int], replicates: range
) -> tuple[Floats, Floats, Floats]:
    """Arrays of shape (methods, replicates, parameters); the last of flags, (methods, replicates, 1)."""
    shape = (len(methods), len(replicates))
    probability = np.full((*shape, len(design.parameters)), np.nan)
    z, flagged = probability.copy(), np.zeros((*shape, 1))
    for i, replicate in enumerate(replicates):
        model, truth = design.draw(np.random.default_rng([*seed, replicate]))
        for m, method in enumerate(methods):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                warnings.simplefilter("ignore", mg.PriorPullWarning)  # these priors are true
                try:
                    result = METHODS[method](model)
                except RuntimeError:
                    flagged[m, i] = 1
                    continue
            flagged[m, i] = bool(caught)
            probability[m, i] = result.posterior.cdf(truth)
            z[m, i] = (truth - result.params) / result.bse
    return probability, z, flagged


def write(file: Path, results: Sequence[Calibration]) -> None:
    """One compressed file, to be read by `read`."""
    arrays = {
        f"{r.design}/{r.method}/{part}": getattr(r, part).astype(np.float32)
        for r in results
        for part in ("probability", "z", "flagged")
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, **arrays)


def read(file: Path) -> list[Calibration]:
    """What `write` wrote."""
    with np.load(file) as content:
        keys = dict.fromkeys(tuple(key.split("/")[:2]) for key in content.files)
        return [
            Calibration(
                design,
                method,
                *(content[f"{design}/{method}/{part}"].astype(float) for part in ("probability", "z")),
                content[f"{design}/{method}/flagged"].astype(int),
            )
            for design, method in keys
        ]
