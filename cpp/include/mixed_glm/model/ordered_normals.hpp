// The probability that independent normal variates come in order: what the density of thresholds,
// normal ones restricted to be ordered, is divided by.
//
//     h_1 = phi_1,   H_j(x) = int_-inf^x h_j,   h_(j+1) = phi_(j+1) H_j,   P = H_m(inf)
//
// phi_j being their densities, on a grid, by the trapezoidal rule with the correction that slopes
// give (Euler and Maclaurin): an error of the fourth power of the step.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/typedefs.hpp>
#include <stdexcept>

namespace mixed_glm {

// log P(x_1 < ... < x_m), x_j ~ N(mean_j, sd_j^2). Throws std::invalid_argument where that is next
// to nothing.
inline double log_ordered_probability(const Vector& mean, const Vector& sd) {
  constexpr double reach = 9.0, step = 0.02;  // standard deviations
  constexpr Index most_points = 200'000;
  const Index m = mean.size();
  if (m < 2) return 0.0;
  const double low = (mean - reach * sd).minCoeff(), high = (mean + reach * sd).maxCoeff();
  const double steps = std::min((high - low) / (step * sd.minCoeff()), double(most_points));
  const Index points = Index(steps) + 2;
  const double h = (high - low) / double(points - 1);
  Vector below = Vector::Ones(points), density = Vector::Zero(points);  // H_j and h_j
  for (Index j = 0; j < m; ++j) {
    const double scale = 1.0 / (sd[j] * std::sqrt(2.0 * M_PI));
    double sum = 0.0, last = 0.0, last_slope = 0.0;
    for (Index k = 0; k < points; ++k) {
      const double z = (low + double(k) * h - mean[j]) / sd[j];
      const double phi = scale * std::exp(-0.5 * z * z);
      const double slope = phi * (density[k] - z / sd[j] * below[k]), value = phi * below[k];
      if (k > 0) sum += 0.5 * h * (last + value) + h * h / 12.0 * (last_slope - slope);
      last = value;
      last_slope = slope;
      density[k] = value;
      below[k] = sum;
    }
  }
  const double probability = below[points - 1];
  if (probability > 1e-250) return std::log(probability);
  throw std::invalid_argument(
      "priors: expected priors of thresholds under which they can be in increasing order");
}

}  // namespace mixed_glm
