// Quantiles of one log standard deviation psi: of its density, known by its logarithm at the points
// of a lattice, or from its moments (Cornish and Fisher 1938).
#pragma once

#include <cmath>
#include <mixed_glm/math/cubic_spline.hpp>
#include <mixed_glm/math/exp.hpp>
#include <numeric>
#include <vector>

namespace mixed_glm {

// The density between the points is that of a spline through its logarithm.
class LineDistribution {
 public:
  // In any order, two or more.
  LineDistribution(const Vector& points, const Vector& log_density)
      : psi_(Vector::LinSpaced(steps, points.minCoeff(), points.maxCoeff())), below_(steps) {
    std::vector<Index> order(size_t(points.size()));
    std::iota(order.begin(), order.end(), Index(0));
    std::sort(order.begin(), order.end(), [&](Index i, Index j) { return points[i] < points[j]; });
    Vector knots(points.size()), values(points.size());
    for (size_t i = 0; i < order.size(); ++i) {
      knots[Index(i)] = points[order[i]];
      values[Index(i)] = log_density[order[i]];
    }
    const math::CubicSpline spline(knots, values);
    const double highest = values.maxCoeff();
    double last = 0.0, sum = 0.0;
    for (Index i = 0; i < steps; ++i) {
      const double density = math::exp(spline(psi_[i]) - highest);
      if (i > 0) sum += density + last;
      below_[i] = sum;
      last = density;
    }
    below_ /= sum;
  }

  double quantile(double level) const {
    const double* const inner = below_.data() + 1;
    const Index i = std::upper_bound(inner, inner + steps - 2, level) - inner;
    const double share = (level - below_[i]) / (below_[i + 1] - below_[i]);
    return psi_[i] + share * (psi_[i + 1] - psi_[i]);
  }

 private:
  static constexpr Index steps = 2000;

  Vector psi_, below_;
};

// From three moments; z: the standard normal quantile of the level.
inline double expansion_quantile(double mean, double sd, double skewness, double z) {
  constexpr double most = 0.8;  // beyond, the expansion ceases to be monotone
  const double g = std::fmin(std::fmax(skewness, -most), most);
  return mean + sd * (z + (z * z - 1.0) * g / 6.0 - (2.0 * z * z * z - 5.0 * z) * g * g / 36.0);
}

}  // namespace mixed_glm
