// Log-concave densities on the line, tabulated so that they can be drawn from by inversion: one, or
// as many as a register of the machine holds, by the same operations (math/lanes.hpp).
//
// Its logarithm h and the slope h' are given at nodes u_k = center + scale sinh(t_k), t_k equally
// spaced. In t the log density h + log(du/dt) is interpolated by cubics through values and slopes,
// and, between the `parts` steps for each node, by straight lines: what is drawn from has exactly
// the density that is reported for it.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/math/lanes.hpp>

namespace mixed_glm {

// Where the nodes are. A number of each line stands in a column.
template <int Lines>
class LineNodesOf {
 public:
  static constexpr Index count = 25;
  using Each = Eigen::Array<double, Lines, 1>;
  using Table = Eigen::Array<double, Lines, int(count)>;

  // Nodes to 6.5 sd, the farthest that a density with -h'' >= 1/sd^2 can matter, or 40 scales.
  void place(const Each& center, const Each& scale, double sd) {
    center_ = center;
    scale_ = scale;
    const Each reach = (6.5 * sd / scale).min(40.0);
    limit_ = (reach + (reach.square() + 1.0).sqrt()).log();
    for (Index k = 0; k < count; ++k) growth_.col(k) = limit_ * (step() * double(k) - 1.0);
    growth_ = growth_.exp().eval();
  }
  void place(double center, double scale, double sd) {
    place(Each::Constant(center), Each::Constant(scale), sd);
  }
  Table all() const { return (sinh().colwise() * scale_).colwise() + center_; }

  const Each& center() const { return center_; }
  const Each& scale() const { return scale_; }
  const Each& limit() const { return limit_; }                        // t = -limit .. limit
  static constexpr double step() { return 2.0 / double(count - 1); }  // in limits
  Table sinh() const { return 0.5 * (growth_ - growth_.inverse()); }
  Table cosh() const { return 0.5 * (growth_ + growth_.inverse()); }

 private:
  Each center_ = Each::Zero(), scale_ = Each::Ones(), limit_ = Each::Ones();
  Table growth_;  // exp(t)
};

template <int Lines>
class LineDensitiesOf {
 public:
  using Nodes = LineNodesOf<Lines>;
  using Each = typename Nodes::Each;
  using Table = typename Nodes::Table;

  // values, slopes: h and h' at the nodes.
  void tabulate(const Nodes& at, const Table& values, const Table& slopes) {
    center_ = at.center();
    scale_ = at.scale();
    limit_ = at.limit();
    const Table cosh = at.cosh();
    value_ = values + cosh.log();
    slope_ = ((slopes * cosh).colwise() * scale_ + at.sinh() / cosh).colwise() *
             (Nodes::step() * limit_);
    interpolate();
    subtract_highest();
    density_ = log_density_.exp();
    constexpr int steps = points - 1;
    const auto rise =
        log_density_.template rightCols<steps>() - log_density_.template leftCols<steps>();
    const auto after = density_.template rightCols<steps>(),
               before = density_.template leftCols<steps>();
    mass_ = (rise.abs() > nearly_level).select((after - before) / rise, 0.5 * (after + before));
    cumulative_.col(0).setZero();
    for (Index i = 0; i < steps; ++i) {
      cumulative_.col(i + 1) = cumulative_.col(i) + mass_.col(i);
    }
  }

  struct Draw {
    double value, log_density;
  };
  // The quantile of a probability.
  Draw quantile(double probability, Index line = 0) const {
    const double total = cumulative_(line, points - 1);
    const double mass = std::min(std::max(probability, 0.0), 1.0) * total;
    Index i = step_with(mass, line);
    while (i > 0 && mass_(line, i) == 0.0) --i;
    const double share =
        share_of(i, std::min(std::max(mass - cumulative_(line, i), 0.0), mass_(line, i)), line);
    const double step = Nodes::step() * limit_[line] / double(parts);
    const double t = -limit_[line] + step * (double(i) + share);
    const double rise = log_density_(line, i + 1) - log_density_(line, i);
    const double growth = std::exp(t), wide = 0.5 * scale_[line];
    return {center_[line] + wide * (growth - 1.0 / growth),
            log_density_(line, i) + share * rise -
                std::log(total * step * wide * (growth + 1.0 / growth))};
  }

 private:
  static constexpr double lowest = -700.0;  // whose exponential is not zero
  static constexpr double nearly_level = 1e-4;
  static constexpr double least_rise = 0.05;  // more than between two nodes around the mode
  static constexpr int parts = 4, points = (int(Nodes::count) - 1) * parts + 1;

  // The last step that begins below a mass.
  Index step_with(double mass, Index line) const {
    Index first = 0, last = points - 1;
    while (last - first > 1) {
      const Index middle = (first + last) / 2;
      (cumulative_(line, middle) < mass ? first : last) = middle;
    }
    return first;
  }

  // Of step i the share with a mass, from the end where the density is higher.
  double share_of(Index i, double mass, Index line) const {
    const double rise = log_density_(line, i + 1) - log_density_(line, i), all = mass_(line, i);
    if (!(std::abs(rise) > nearly_level)) return all > 0.0 ? mass / all : 0.0;
    const double share = rise > 0.0
                             ? 1.0 + std::log1p(-(all - mass) * rise / density_(line, i + 1)) / rise
                             : std::log1p(mass * rise / density_(line, i)) / rise;
    return share >= 0.0 ? std::min(share, 1.0) : 0.0;
  }

  // Far out, where the slope grows like exp(u), a cubic overshoots: it is capped by its ends.
  void interpolate() {
    for (Index k = 0; k + 1 < Nodes::count; ++k) {
      const Each low = value_.col(k), high = value_.col(k + 1), cap = low.max(high) + least_rise;
      const Each up = slope_.col(k), on = slope_.col(k + 1);
      for (Index j = 0; j < parts; ++j) {
        const double s = double(j) / double(parts), r = 1.0 - s;
        const Each cubic =
            r * r * ((1.0 + 2.0 * s) * low + s * up) + s * s * ((1.0 + 2.0 * r) * high - r * on);
        log_density_.col(k * parts + j) = (cubic <= cap).select(cubic, cap);  // not for NaN either
      }
    }
    log_density_.col(points - 1) = value_.col(Nodes::count - 1);
  }

  void subtract_highest() {
    Each highest = log_density_.col(0);
    for (Index i = 1; i < points; ++i) highest = highest.max(log_density_.col(i));
    log_density_ = (log_density_.colwise() - highest).max(lowest);
  }

  Each center_ = Each::Zero(), scale_ = Each::Ones(), limit_ = Each::Ones();
  Table value_, slope_;
  Eigen::Array<double, Lines, points> log_density_, density_, cumulative_;
  Eigen::Array<double, Lines, points - 1> mass_;
};

using DensityNodes = LineNodesOf<1>;
using LineDensity = LineDensitiesOf<1>;

}  // namespace mixed_glm
