// A log-concave density on the line, tabulated so that it can be drawn from by inversion.
//
// Its logarithm h and the slope h' are given at nodes u_k = center + scale sinh(t_k), t_k equally
// spaced. In t the log density h + log(du/dt) is interpolated by cubics through values and slopes,
// and, between the `parts` steps for each node, by straight lines: what is drawn from has exactly
// the density that is reported for it.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

// Where the nodes are.
class DensityNodes {
 public:
  static constexpr Index count = 25;
  using Column = Eigen::Array<double, count, 1>;

  // Nodes to 6.5 sd, the farthest that a density with -h'' >= 1/sd^2 can matter, or 40 scales.
  void place(double center, double scale, double sd) {
    center_ = center;
    scale_ = scale;
    limit_ = std::asinh(std::min(6.5 * sd / scale, 40.0));
    growth_ = Column::LinSpaced(-limit_, limit_).exp();
  }
  Column all() const { return center_ + scale_ * sinh(); }

  double center() const { return center_; }
  double scale() const { return scale_; }
  double limit() const { return limit_; }  // t = -limit .. limit
  Column sinh() const { return 0.5 * (growth_ - growth_.inverse()); }
  Column cosh() const { return 0.5 * (growth_ + growth_.inverse()); }

 private:
  double center_ = 0.0, scale_ = 1.0, limit_ = 1.0;
  Column growth_;  // exp(t)
};

class LineDensity {
 public:
  // values, slopes: h and h' at the nodes.
  template <class Column>
  void tabulate(const DensityNodes& at, const Column& values, const Column& slopes) {
    center_ = at.center();
    scale_ = at.scale();
    limit_ = at.limit();
    const DensityNodes::Column cosh = at.cosh();
    value_ = values.array() + cosh.log();
    slope_ = node_step() * (scale_ * slopes.array() * cosh + at.sinh() / cosh);
    interpolate();
    log_density_ = (log_density_ - log_density_.maxCoeff()).max(lowest);
    density_ = log_density_.exp();
    constexpr Index steps = points - 1;
    const auto rise = log_density_.tail<steps>() - log_density_.head<steps>();
    const auto trapezoids = 0.5 * (density_.tail<steps>() + density_.head<steps>());
    mass_ = (rise.abs() > nearly_level)
                .select((density_.tail<steps>() - density_.head<steps>()) / rise, trapezoids);
    cumulative_[0] = 0.0;
    for (Index i = 0; i < steps; ++i) cumulative_[i + 1] = cumulative_[i] + mass_[i];
  }

  struct Draw {
    double value, log_density;
  };
  // The quantile of a probability.
  Draw quantile(double probability) const {
    const double total = cumulative_[points - 1];
    const double mass = std::min(std::max(probability, 0.0), 1.0) * total;
    const double* const first = cumulative_.data();
    Index i = std::lower_bound(first + 1, first + points - 1, mass) - first - 1;
    while (i > 0 && mass_[i] == 0.0) --i;
    const double share = share_of(i, std::min(std::max(mass - cumulative_[i], 0.0), mass_[i]));
    const double step = node_step() / double(parts);
    const double t = -limit_ + step * (double(i) + share);
    const double log_density =
        log_density_[i] + share * (log_density_[i + 1] - log_density_[i]) - std::log(total * step);
    return {center_ + scale_ * std::sinh(t), log_density - std::log(scale_ * std::cosh(t))};
  }

 private:
  static constexpr double lowest = -700.0;  // whose exponential is not zero
  static constexpr double nearly_level = 1e-4;

  // Of step i the share with a mass, from the end where the density is higher.
  double share_of(Index i, double mass) const {
    const double rise = log_density_[i + 1] - log_density_[i];
    if (!(std::abs(rise) > nearly_level)) return mass_[i] > 0.0 ? mass / mass_[i] : 0.0;
    const double share = rise > 0.0
                             ? 1.0 + std::log1p(-(mass_[i] - mass) * rise / density_[i + 1]) / rise
                             : std::log1p(mass * rise / density_[i]) / rise;
    return share >= 0.0 ? std::min(share, 1.0) : 0.0;
  }

  static constexpr double least_rise = 0.05;  // more than between two nodes around the mode
  static constexpr Index nodes = DensityNodes::count, parts = 4, points = (nodes - 1) * parts + 1;

  double node_step() const { return 2.0 * limit_ / double(nodes - 1); }

  // Far out, where the slope grows like exp(u), a cubic overshoots: it is capped by its ends.
  void interpolate() {
    for (Index k = 0; k + 1 < nodes; ++k) {
      const double cap = std::max(value_[k], value_[k + 1]) + least_rise;
      for (Index j = 0; j < parts; ++j) {
        const double s = double(j) / double(parts), r = 1.0 - s;
        const double cubic = r * r * ((1.0 + 2.0 * s) * value_[k] + s * slope_[k]) +
                             s * s * ((1.0 + 2.0 * r) * value_[k + 1] - r * slope_[k + 1]);
        log_density_[k * parts + j] = cubic <= cap ? cubic : cap;  // not for NaN either
      }
    }
    log_density_[points - 1] = value_[nodes - 1];
  }

  double center_ = 0.0, scale_ = 1.0, limit_ = 1.0;
  DensityNodes::Column value_, slope_;
  Eigen::Array<double, points, 1> log_density_, density_, cumulative_;
  Eigen::Array<double, points - 1, 1> mass_;
};

}  // namespace mixed_glm
