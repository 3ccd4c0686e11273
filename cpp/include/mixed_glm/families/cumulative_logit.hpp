// Ordered categories 0 .. C - 1 with logit link: P(y <= k) = F(c_(k+1) - eta), F(x) = 1 / (1 +
// exp(-x)), with thresholds c_1 < ... < c_(C-1).
//
// An observation is no row of the design: the thresholds are coefficients, and its log probability
// is a sum of scalar concave terms, which are (model/ordinal_rows.hpp). Rows are of two kinds:
//
//   binary   b >= 0   a log F(x) + b log F(-x)    x = eta - c: whether observations are above c
//   gap      b < 0    a log(1 - exp(-d))          d = c_(k+1) - c_k: the inner category k, with a
//                                                 observations; -b is where to begin with d
//
// Where thresholds are out of order, d <= 0, the value is the lowest double, which every search
// rejects; the derivatives there are those of a parabola with its top at d = 1 and lead back.
#pragma once

#include <cmath>
#include <mixed_glm/families/binomial_response.hpp>
#include <mixed_glm/families/logistic_row.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

class CumulativeLogit {
 public:
  static constexpr const char* family_name = "cumulative";
  static constexpr const char* link_name = "logit";

  // Throws std::invalid_argument unless there are two categories or more.
  explicit CumulativeLogit(int categories) : categories_(categories) {
    if (categories >= 2) return;
    throw std::invalid_argument("categories: expected a number from 2, got " +
                                std::to_string(categories));
  }

  int categories() const noexcept { return categories_; }

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const RowDerivatives binary = logistic_row(eta, 1.0, -math::abs(eta), a, b);
    const RowDerivatives gap = gap_row(eta, a);
    const bool is_gap = b < 0.0;
    return {math::select(is_gap, gap.value, binary.value), math::select(is_gap, gap.d1, binary.d1),
            math::select(is_gap, gap.d2, binary.d2), math::select(is_gap, gap.d3, binary.d3)};
  }

  // Of a gap d4 / d2 = (1 + 4 E + E^2) / q^2: as of a binary row with -n in the place of its
  // trials.
  MIXED_GLM_INLINE double fourth(double d2, double d3, double a, double b) const noexcept {
    return logistic_fourth(d2, d3, math::select(b < 0.0, -a, a + b));
  }

  // Of an observation.
  bool supports(double y, double /*trials*/) const noexcept {
    return is_count(y) && y < double(categories_);
  }

  // Of a binary row: y is 1 above the threshold and 0 below.
  RowCode encode(double y, double /*trials*/, double weight) const noexcept {
    return {weight * y, weight * (1.0 - y), 0.0};
  }
  // Of a gap row. start: a positive d.
  RowCode encode_gap(double weight, double start) const noexcept { return {weight, -start, 0.0}; }

  double initial_eta(double a, double b) const noexcept {
    return b < 0.0 ? -b : std::log((a + 0.5) / (b + 0.5));
  }

  // Of a binary row: the probability of being above the threshold.
  double mean(double eta) const noexcept {
    const double e = math::exp(-math::abs(eta));
    return (eta < 0.0 ? e : 1.0) / (1.0 + e);
  }

 private:
  static constexpr double smallest_gap = 1e-90;  // the cube of 1 / d does not overflow
  static constexpr double log_two = 0.6931471805599453;

  // With E = exp(-d) and q = 1 - E:  d1 = n E / q,  d2 = -n E / q^2,  d3 = n E (1 + E) / q^3.
  MIXED_GLM_INLINE static RowDerivatives gap_row(double d, double n) noexcept {
    const math::ExpFactors factors =
        math::exp_factors(math::max(-math::abs(d), -math::exp_limit), 0.0);
    const double product = factors.scale * factors.expm1;
    const double e = factors.scale + product;
    const double q = math::max((1.0 - factors.scale) - product, smallest_gap);
    const double log_q = math::select(d < log_two, math::log(q), math::log1p(-math::min(e, 0.5)));
    const double inverse = 1.0 / q;
    const double d1 = n * e * inverse, d2 = -(d1 * inverse), d3 = -(d2 * inverse) * (1.0 + e);
    const bool outside = d < smallest_gap;
    return {math::select(outside, std::numeric_limits<double>::lowest(), hold_finite(n * log_q)),
            math::select(outside, n * (1.0 - d), d1), math::select(outside, -n, d2),
            math::select(outside, 0.0, d3)};
  }

  int categories_;
};

}  // namespace mixed_glm
