// Differences of gamma and digamma functions without the cancellation of the functions themselves.
// They run once per value of a hyperparameter and distinct response, so they may branch and call
// the library.
#pragma once

#include <cmath>
#include <mixed_glm/math/log.hpp>
#include <mixed_glm/math/log_factorial.hpp>

namespace mixed_glm::math {

// log(k) - digamma(k) for k > 0: the asymptotic series from 16 on, and below
// D(k) = D(k + 1) + (1/k - log(1 + 1/k)), a sum of positive terms.
inline double log_minus_digamma(double k) noexcept {
  double sum = 0.0;
  for (; k < 16.0; k += 1.0) sum += 1.0 / k - std::log1p(1.0 / k);
  const double z = 1.0 / (k * k);
  const double series =
      1.0 / 12 -
      z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * 691.0 / 32760))));
  return sum + (0.5 + series / k) / k;
}

// t - log(1 + t) for t >= 0.
inline double line_minus_log1p(double t) noexcept {
  if (t > 1.0) return t - std::log1p(t);
  const double s = t / (2.0 + t), z = s * s;
  return t * s - s * z * polynomial(z, atanh_tail);
}

// log Gamma(y + r) - log Gamma(r) - y log r = sum_{j < y} log(1 + j / r) for whole y >= 0.
inline double log_rising_ratio(double y, double r) noexcept {
  constexpr double most_terms = 40.0;
  if (y <= most_terms) {
    double sum = 0.0;
    for (double j = 1.0; j < y; j += 1.0) sum += std::log1p(j / r);
    return sum;
  }
  return (y + r - 0.5) * std::log1p(y / r) - y + stirling_remainder(y + r) - stirling_remainder(r);
}

// Minus r times its derivative in r: sum_{j < y} j / (r + j).
inline double log_rising_ratio_slope(double y, double r) noexcept {
  constexpr double most_terms = 40.0;
  if (y <= most_terms) {
    double sum = 0.0;
    for (double j = 1.0; j < y; j += 1.0) sum += j / (r + j);
    return sum;
  }
  return r * line_minus_log1p(y / r) + r * (log_minus_digamma(y + r) - log_minus_digamma(r));
}

}  // namespace mixed_glm::math
