"""Compares the program with the Python package: python compare.py build/embed cbpp.csv [same-flags].

With ``same-flags`` the program was compiled with the options of the extension module, for the instruction set that
``MIXED_GLM_ISA`` names, and must give the same bits; otherwise numbers may differ in the last places.
"""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

import mixed_glm as mg

program, table, *flags = sys.argv[1:]
cattle = pd.read_csv(table)
herds = np.eye(cattle["herd"].max())[cattle["herd"] - 1]
period = np.column_stack([np.ones(len(cattle)), *(cattle["period"] == k for k in (2, 3, 4))])
model = mg.MixedGLM(
    cattle["incidence"], period, herds, np.zeros(herds.shape[1], int), "binomial", n_trials=cattle["size"]
)
fits: dict[str, Callable[[], mg.MixedGLMResults]] = {
    "auto": model.fit,
    "vb": model.fit_vb,
    "vb_full": lambda: model.fit_vb(covariance="full"),
    "laplace": model.fit_laplace,
    "leaf": lambda: model.fit_laplace(n_quad=15),
    "ep": model.fit_ep,
}
for name, fit in fits.items():
    command = [program, table, name, "--exact"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    got = np.array([float.fromhex(number) for number in printed]).reshape(-1, 2)
    result = fit()
    expected = np.column_stack([result.params, result.bse])
    difference = np.abs(got - expected).max()
    print(f"{name:8} largest difference {difference:.1e}")
    tolerance = 0.0 if "same-flags" in flags else 1e-6
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
