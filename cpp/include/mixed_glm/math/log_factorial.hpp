// log n! and log binomial coefficients of real arguments, without the cancellation of log gammas.
//
// Stirling's series with its remainder S (Loader 2000, "Fast and accurate computation of binomial
// probabilities"):   log n! = n log n - n + log(2 pi n) / 2 + S(n),
// and, because the terms in n cancel by hand,
//
//   log (y + m)! / (y! m!) = y log(1 + m / y) + m log(1 + y / m)
//                            + log((y + m) / (2 pi y m)) / 2 + S(y + m) - S(y) - S(m).
//
// These run once per row when the data are read, so they may branch and call the library.
#pragma once

#include <cmath>
#include <mixed_glm/math/mills.hpp>

namespace mixed_glm::math {

// S(n) = log n! - (n log n - n + log(2 pi n) / 2) for n > 0.
inline double stirling_remainder(double n) noexcept {
  double sum = 0.0;
  // S(n) - S(n + 1) = (n + 1/2) log(1 + 1/n) - 1, up to where six terms of the series are enough.
  for (; n < 16.0; n += 1.0) sum += (n + 0.5) * std::log1p(1.0 / n) - 1.0;
  const double z = 1.0 / (n * n);
  const double series =
      1.0 / 12 -
      z * (1.0 / 360 - z * (1.0 / 1260 - z * (1.0 / 1680 - z * (1.0 / 1188 - z * 691.0 / 360360))));
  return sum + series / n;
}

// log n! for n >= 0, exact logarithms of the exact product while that fits into a double.
inline double log_factorial(double n) noexcept {
  if (n <= 20.0 && n == std::floor(n)) {
    double product = 1.0;
    for (double i = 2.0; i <= n; i += 1.0) product *= i;
    return std::log(product);
  }
  return n * std::log(n) - n + (log_sqrt_two_pi + 0.5 * std::log(n)) + stirling_remainder(n);
}

// log Gamma(y + m + 1) / (Gamma(y + 1) Gamma(m + 1)) for y, m >= 0.
inline double log_binomial(double y, double m) noexcept {
  if (y <= 0.0 || m <= 0.0) return 0.0;
  const double entropy = y * std::log1p(m / y) + m * std::log1p(y / m);
  const double width = log_sqrt_two_pi - 0.5 * std::log1p(y / m) + 0.5 * std::log(y);
  return entropy - width + stirling_remainder(y + m) - stirling_remainder(y) -
         stirling_remainder(m);
}

}  // namespace mixed_glm::math
