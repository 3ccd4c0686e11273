"""Fit the coefficients in cpp/include/mixed_glm/math: run it and compare what it prints with the headers.

Every approximation is a polynomial or a rational function that interpolates the exact function at Chebyshev nodes,
computed with 60 to 150 digits; at these degrees that is within a small factor of the minimax error. Needs mpmath only.
"""

from collections.abc import Callable

from mpmath import mp, mpf

Function = Callable[[mpf], mpf]


def expm1_tail(r: mpf) -> mpf:
    """(e^r - 1 - r) / r^2."""
    return (mp.expm1(r) - r) / r**2 if abs(r) > 1e-30 else mpf(1) / 2


def atanh_tail(z: mpf) -> mpf:
    """(2 atanh(t) / t - 2) / z with z = t^2."""
    t = mp.sqrt(z)
    return (2 * mp.atanh(t) / t - 2) / z if z > 1e-30 else mpf(2) / 3


def coth_tail(z: mpf) -> mpf:
    """((m / 2) coth(m / 2) - 1) / z with z = m^2."""
    m = mp.sqrt(z)
    return (m / 2 * mp.coth(m / 2) - 1) / z if z > 1e-30 else mpf(1) / 12


def log_sinhc_tail(z: mpf) -> mpf:
    """log(sinh(m / 2) / (m / 2)) / z with z = m^2."""
    m = mp.sqrt(z)
    return mp.log(mp.sinh(m / 2) / (m / 2)) / z if z > 1e-30 else mpf(1) / 24


def laplace_tail(t: mpf) -> mpf:
    """K_4(t) = 4 / (t + 5 / (t + 6 / ...)), from Mills' ratio R = 1 / (t + K_1), K_k = k / (t + K_{k+1})."""
    with mp.workdps(150):
        value = 1 / (mp.sqrt(mp.pi / 2) * mp.erfc(t / mp.sqrt(2)) * mp.exp(t * t / 2)) - t
        for k in (1, 2, 3):
            value = k / value - t
        return +value


def polynomial(function: Function, low: mpf, high: mpf, terms: int) -> tuple[list[mpf], mpf]:
    """Coefficients in ascending order and the largest error."""
    with mp.workdps(120):
        coefficients, error = mp.chebyfit(function, [low, high], terms, error=True)
    return list(reversed(coefficients)), error


def rational_laplace_tail(degree: int, scale: mpf) -> tuple[list[mpf], list[mpf], mpf]:
    """K_4(t) = P(t) / Q(t), degrees n and n + 1, for every t >= 0.

    With w = scale / (t + scale) in (0, 1], K_4 / w is interpolated by p(w) / q(w) at Chebyshev nodes in w,
    and p and q are then written in t. All coefficients come out positive: nothing cancels.
    """
    count = 2 * degree + 2
    nodes = [(1 - mp.cos(mp.pi * (2 * i + 1) / (2 * count))) / 2 for i in range(count)]
    matrix, right = mp.matrix(count, count), mp.matrix(count, 1)
    for i, w in enumerate(nodes):
        right[i] = laplace_tail(scale * (1 / w - 1)) / w
        for j in range(degree + 1):
            matrix[i, j] = w**j
        for j in range(1, degree + 2):
            matrix[i, degree + j] = -right[i] * w**j
    solution = mp.lu_solve(matrix, right)
    p = [scale * solution[j] for j in range(degree + 1)]
    q = [mpf(1)] + [solution[degree + j] for j in range(1, degree + 2)]
    numerator, denominator = _in_t(p, degree, scale), _in_t(q, degree + 1, scale)
    error = mpf(0)
    for i in range(1, 400):
        t = scale * (mpf(400) / i - 1)
        fitted = mp.polyval(numerator[::-1], t) / mp.polyval(denominator[::-1], t)
        error = max(error, abs(fitted / laplace_tail(t) - 1))
    return numerator, denominator, error


def _in_t(coefficients: list[mpf], degree: int, scale: mpf) -> list[mpf]:
    """Coefficients of (t + scale)^degree sum_j c_j w^j as a polynomial in t."""
    out = [mpf(0)] * (degree + 1)
    for j, c in enumerate(coefficients):
        for k in range(degree - j + 1):
            out[k] += c * scale**j * mp.binomial(degree - j, k) * scale ** (degree - j - k)
    return out


def show(title: str, coefficients: list[mpf], error: mpf | None = None) -> None:
    """Print one table as C++ literals."""
    print(title + (f"   (largest error {mp.nstr(error, 3)})" if error is not None else ""))
    print("\n".join(f"    {float(c)!r}," for c in coefficients))


def main() -> None:
    """Print every table."""
    mp.dps = 60
    half = mp.log(2) / 2 * mpf("1.0001")
    show("expm1_tail", *polynomial(expm1_tail, -half, half, 10))
    show("atanh_tail", *polynomial(atanh_tail, mpf(0), mpf(1) / 9, 9))
    show("coth_tail", *polynomial(coth_tail, mpf(0), mpf(1), 7))
    show("log_sinhc_tail", *polynomial(log_sinhc_tail, mpf(0), mpf(1), 7))
    numerator, denominator, error = rational_laplace_tail(10, mpf(5))
    show("laplace_tail_numerator", numerator, error)
    show("laplace_tail_denominator", denominator)
    log2 = mp.log(2)
    high = mp.floor(log2 * mpf(2) ** 42) / mpf(2) ** 42
    print("log2_high", float(high).hex(), "log2_low", float(log2 - high).hex())


if __name__ == "__main__":
    main()
