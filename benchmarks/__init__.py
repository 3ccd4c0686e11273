"""Benchmarks: mixed_glm and its peers side by side. See README.md in this folder.

Everything here runs on one thread. The numerical libraries read these variables when they are loaded, so they are
set before anything else is imported.
"""

import os

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)

for variable in THREAD_VARIABLES:
    os.environ[variable] = "1"
