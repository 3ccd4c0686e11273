// The increasing map from a standard normal variate to a standardized one of a given skewness
// (math/skew_variate.hpp), as it is drawn from: cubics through values and slopes at knots, straight
// lines beyond. The logarithm of its slope comes with it, so that densities of draws are exactly
// those of the distribution that is drawn from.
#pragma once

#include <mixed_glm/math/skew_variate.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

namespace detail {

// Values and slopes at the knots for shapes whose angles (math/skew_variate.hpp) are k steps.
class SkewTable {
 public:
  static constexpr Index knots = 61, shapes = 60;
  static constexpr double last_knot = 7.5, knot_step = 2.0 * last_knot / double(knots - 1);

  static const SkewTable& instance() {
    static const SkewTable table;
    return table;
  }
  static double knot(Index k) { return -last_knot + knot_step * double(k); }
  static double shape_step() {
    return math::skew_normal_angle(math::most_skew_normal) / double(shapes - 1);
  }
  const Matrix& values() const { return values_; }  // knots x shapes
  const Matrix& slopes() const { return slopes_; }

 private:
  SkewTable() : values_(knots, shapes), slopes_(knots, shapes) {
    for (Index s = 0; s < shapes; ++s) {
      const double skewness = math::skewness_of_angle(shape_step() * double(s));
      const math::SkewVariate variate(std::min(skewness, math::most_skew_normal));
      for (Index k = 0; k < knots; ++k) {
        values_(k, s) = variate.of_normal(knot(k));
        slopes_(k, s) = math::SkewVariate(0.0).density(knot(k)) / variate.density(values_(k, s));
      }
    }
  }

  Matrix values_, slopes_;
};

}  // namespace detail

class SkewMap {
 public:
  struct Image {
    double value, log_slope;
  };

  explicit SkewMap(double skewness) : skewness_(skewness), exact_(skewness) {
    using Table = detail::SkewTable;
    is_tabled_ = std::abs(skewness) > 0.0 && std::abs(skewness) <= math::most_skew_normal;
    if (!is_tabled_) return;
    // Lagrange's interpolation through four shapes.
    const Table& table = Table::instance();
    const double place = math::skew_normal_angle(std::abs(skewness)) / Table::shape_step();
    const Index first = std::min(std::max(Index(place) - 1, Index(0)), Table::shapes - 4);
    value_.setZero();
    slope_.setZero();
    for (Index s = first; s < first + 4; ++s) {
      double weight = 1.0;
      for (Index other = first; other < first + 4; ++other) {
        if (other != s) weight *= (place - double(other)) / double(s - other);
      }
      value_ += weight * table.values().col(s);
      slope_ += weight * table.slopes().col(s);
    }
  }

  Image operator()(double z) const {
    if (skewness_ == 0.0) return {z, 0.0};
    if (!is_tabled_) {
      const double value = exact_.of_normal(z);
      return {value, -0.5 * (z * z + log_two_pi) - std::log(exact_.density(value))};
    }
    const double side = skewness_ < 0.0 ? -1.0 : 1.0;
    const Image image = tabled(side * z);
    return {side * image.value, image.log_slope};
  }

 private:
  using Knots = Eigen::Matrix<double, detail::SkewTable::knots, 1>;

  Image tabled(double z) const {
    using Table = detail::SkewTable;
    const double h = Table::knot_step, place = (z + Table::last_knot) / h;
    if (place <= 0.0) return line(0, place * h);
    if (place >= double(Table::knots - 1)) {
      return line(Table::knots - 1, (place - double(Table::knots - 1)) * h);
    }
    const Index k = Index(place);
    const double s = place - double(k), r = 1.0 - s, rise = value_[k + 1] - value_[k];
    const double value = r * r * ((1.0 + 2.0 * s) * value_[k] + s * h * slope_[k]) +
                         s * s * ((1.0 + 2.0 * r) * value_[k + 1] - r * h * slope_[k + 1]);
    const double slope = 6.0 * s * r * rise / h + r * (1.0 - 3.0 * s) * slope_[k] +
                         s * (1.0 - 3.0 * r) * slope_[k + 1];
    return {value, std::log(slope)};
  }
  Image line(Index k, double beyond) const {
    return {value_[k] + slope_[k] * beyond, std::log(slope_[k])};
  }

  double skewness_;
  math::SkewVariate exact_;
  bool is_tabled_ = false;
  Knots value_, slope_;
};

}  // namespace mixed_glm
