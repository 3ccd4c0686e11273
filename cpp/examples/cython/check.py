"""Compares the built extension with scipy."""

import numpy as np
from poisson_score import poisson_score
from scipy import stats

rng = np.random.default_rng(0)
eta = rng.normal(size=1000)
counts = rng.poisson(np.exp(eta)).astype(float)
log_density, score = poisson_score(counts, eta)
np.testing.assert_allclose(log_density, stats.poisson.logpmf(counts, np.exp(eta)), rtol=1e-12)
np.testing.assert_allclose(score, counts - np.exp(eta), rtol=1e-12, atol=1e-13)
print(f"{len(eta)} rows agree with scipy; log likelihood {log_density.sum():.6f}")
