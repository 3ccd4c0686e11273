// What the four binomial links share: the code of a row and its starting mean.
//
//   log p(y | eta) = w [y log F(eta) + (n - y) log(1 - F(eta)) + log C(n, y)],
//   a = w y,  b = w (n - y).
#pragma once

#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/families/whole_number.hpp>
#include <mixed_glm/math/log_factorial.hpp>

namespace mixed_glm {

// Whole numbers, no more successes than trials.
inline bool supports_binomial(double y, double trials) noexcept {
  return is_count(y) && is_count(trials) && y <= trials;
}

// y successes out of n trials, counted w times.
inline RowCode encode_binomial(double y, double trials, double weight) noexcept {
  const double failures = trials - y;
  return {weight * y, weight * failures, weight * math::log_binomial(y, failures)};
}

// (y + 1/2) / (n + 1), as R's glm starts: never 0 or 1.
inline double starting_probability(double a, double b) noexcept {
  return (a + 0.5) / (a + b + 1.0);
}

}  // namespace mixed_glm
