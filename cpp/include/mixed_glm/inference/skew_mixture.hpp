// Mixtures of standardized skew variates (math/skew_variate.hpp), moved and scaled: the marginal
// posterior of a coefficient over points in theta.
#pragma once

#include <mixed_glm/inference/psi_quantiles.hpp>
#include <mixed_glm/math/skew_variate.hpp>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

class SkewMixture {
 public:
  // M components with weights that sum to one; those without weight are left out.
  SkewMixture(ConstVectorRef weights, ConstVectorRef means, ConstVectorRef sds,
              ConstVectorRef skewness) {
    components_.reserve(size_t(weights.size()));
    for (Index i = 0; i < weights.size(); ++i) {
      if (!(weights[i] > 0.0)) continue;
      const double cube = skewness[i] * sds[i] * sds[i] * sds[i];
      components_.push_back({weights[i], means[i], sds[i], cube, math::SkewVariate(skewness[i])});
      total_ += weights[i];
    }
  }

  // Probability of numbers below x.
  double below(double x) const {
    double sum = 0.0;
    for (const Component& c : components_) sum += c.weight * c.shape.below((x - c.mean) / c.sd);
    return sum / total_;
  }
  double density(double x) const {
    double sum = 0.0;
    for (const Component& c : components_) {
      sum += c.weight * c.shape.density((x - c.mean) / c.sd) / c.sd;
    }
    return sum / total_;
  }

  // By Newton's method from where the moments say, or between bounds where that is slow. z: the
  // standard normal quantile of the level.
  double quantile(double z) const {
    double low = infinity, high = -infinity, mean = 0.0, square = 0.0, cube = 0.0;
    for (const Component& c : components_) {
      if (!(std::isfinite(c.mean) && c.sd >= 0.0 && std::isfinite(c.sd))) return nan;
      const double reach = (std::abs(z) + 4.0) * c.sd;
      low = std::min(low, c.mean - reach);
      high = std::max(high, c.mean + reach);
      mean += c.weight / total_ * c.mean;
    }
    for (const Component& c : components_) {
      const double off = c.mean - mean, variance = c.sd * c.sd;
      square += c.weight / total_ * (variance + off * off);
      cube += c.weight / total_ * (off * (off * off + 3.0 * variance) + c.cube);
    }
    const double sd = std::sqrt(square);
    if (!(high - low > close * sd)) return 0.5 * (low + high);
    double x = expansion_quantile(mean, sd, cube / (square * sd), z);
    const double level = math::normal_cdf(z), precision = close * sd;
    double last = 0.0;
    for (int k = 0; k < most_free_steps; ++k) {
      const double step = (below(x) - level) / density(x), size = std::abs(step);
      if (!(size < 0.5 * sd)) break;  // not where there is no density either
      x -= step;
      // Steps become squares of each other, up to a factor: the next one would be about this.
      if (size < precision || size * size * size < precision * last * last) return x;
      last = size;
    }
    return between(low, high, mean + z * sd, level, precision);
  }

 private:
  static constexpr int most_steps = 100, most_free_steps = 8;
  static constexpr double close = 1e-10;  // standard deviations
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

  struct Component {
    double weight, mean, sd;
    double cube;  // third cumulant
    math::SkewVariate shape;
  };

  // By Newton's method between bounds, or bisection where that is slow.
  double between(double low, double high, double start, double level, double precision) const {
    for (double width = high - low; below(low) > level; width *= 2.0) low -= width;
    for (double width = high - low; below(high) < level; width *= 2.0) high += width;
    double x = std::min(std::max(start, low), high), last = high - low;
    for (int k = 0; k < most_steps; ++k) {
      const double excess = below(x) - level;
      (excess < 0.0 ? low : high) = x;
      double next = x - excess / density(x);
      const bool fast = next >= low && next <= high && std::abs(next - x) <= 0.5 * last;
      if (!fast) next = 0.5 * (low + high);
      last = std::abs(next - x);
      x = next;
      if (!(last > precision)) break;
    }
    return x;
  }

  std::vector<Component> components_;
  double total_ = 0.0;
};

}  // namespace mixed_glm
