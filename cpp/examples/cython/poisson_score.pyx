# distutils: language = c++
# cython: boundscheck=False, wraparound=False
"""Log density and score of Poisson counts, computed by the kernels of mixed_glm without the GIL."""

import numpy as np

from mixed_glm.kernels cimport PoissonLog, RowCode, evaluate_rows, order_1


def poisson_score(const double[::1] counts, const double[::1] eta):
    """Log density and its derivative in the linear predictor, for each row.

    Parameters
    ----------
    counts : (n,) float array, contiguous
    eta : (n,) float array, contiguous
        Log means.

    Returns
    -------
    log_density, score : (n,) float arrays
    """
    cdef Py_ssize_t n = counts.shape[0], i
    if eta.shape[0] != n:
        raise ValueError(f"eta must have as many elements as counts, {n}; got {eta.shape[0]}")
    log_density = np.empty(n)
    score = np.empty(n)
    if n == 0:
        return log_density, score
    cdef double[::1] value = log_density, d1 = score
    cdef double[::1] a = np.empty(n), b = np.empty(n), constant = np.empty(n)
    cdef PoissonLog kernel
    cdef RowCode code
    with nogil:
        for i in range(n):
            code = kernel.encode(counts[i], 1.0, 1.0)
            a[i] = code.a
            b[i] = code.b
            constant[i] = code.constant
        evaluate_rows[order_1, PoissonLog](
            kernel, n, &eta[0], &a[0], &b[0], &value[0], &d1[0], NULL, NULL)
        for i in range(n):
            value[i] += constant[i]
    return log_density, score
