"""Compares the program with the Python package: python compare.py build/embed cbpp.csv [same-flags].

The table is compared as it is, and with every row twice, which are one row inside.

With ``same-flags`` the program was compiled with the options of the extension module, for the instruction set that
``MIXED_GLM_ISA`` names, and must give the same bits; otherwise numbers may differ in the last places.
"""

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import mixed_glm as mg

program, path, *flags = sys.argv[1:]
tolerance = 0.0 if "same-flags" in flags else 1e-6


def fits(cattle: pd.DataFrame) -> dict[str, Callable[[], mg.MixedGLMResults]]:
    """Every fit of a table, by the program's name for it."""
    herds = np.eye(cattle["herd"].max())[cattle["herd"] - 1]
    period = np.column_stack([np.ones(len(cattle)), *(cattle["period"] == k for k in (2, 3, 4))])
    model = mg.MixedGLM(
        cattle["incidence"], period, herds, np.zeros(herds.shape[1], int), "binomial", n_trials=cattle["size"]
    )
    return {
        "auto": model.fit,
        "map": model.fit_map,
        "vb": model.fit_vb,
        "vb_full": lambda: model.fit_vb(covariance="full"),
        "laplace": model.fit_laplace,
        "leaf": lambda: model.fit_laplace(n_quad=15),
        "ep": model.fit_ep,
    }


def compare(table: str) -> None:
    """Each fit by the program and by the package."""
    for name, fit in fits(pd.read_csv(table)).items():
        command = [program, table, name, "--exact"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        got = np.array([float.fromhex(number) for number in printed]).reshape(-1, 2)
        result = fit()
        expected = np.column_stack([result.params, result.bse])
        difference = np.abs(got - expected).max()
        print(f"{name:8} largest difference {difference:.1e}")
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


warnings.simplefilter("ignore", mg.VarianceCollapseWarning)  # the joint mode of these data has collapsed
compare(path)
with tempfile.TemporaryDirectory() as folder:
    twice = str(Path(folder) / "twice.csv")
    pd.concat([pd.read_csv(path)] * 2).to_csv(twice, index=False)
    print("every row twice:")
    compare(twice)
