// Mixtures of standardized skew variates (math/skew_variate.hpp), moved and scaled: the marginal
// posterior of a coefficient over points in theta.
#pragma once

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
      components_.push_back({weights[i], means[i], sds[i], math::SkewVariate(skewness[i])});
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

  // By Newton's method between bounds, or bisection where that is slow. z: the standard normal
  // quantile of the level.
  double quantile(double z) const {
    const double level = math::normal_cdf(z);
    double low = infinity, high = -infinity, mean = 0.0, square = 0.0;
    for (const Component& c : components_) {
      if (!(std::isfinite(c.mean) && std::isfinite(c.sd))) return nan;
      const double reach = (std::abs(z) + 4.0) * c.sd;
      low = std::min(low, c.mean - reach);
      high = std::max(high, c.mean + reach);
      mean += c.weight / total_ * c.mean;
    }
    for (const Component& c : components_) {
      square += c.weight / total_ * (c.sd * c.sd + (c.mean - mean) * (c.mean - mean));
    }
    const double close = 1e-10 * std::sqrt(square);
    if (!(high - low > close)) return 0.5 * (low + high);
    for (double width = high - low; below(low) > level; width *= 2.0) low -= width;
    for (double width = high - low; below(high) < level; width *= 2.0) high += width;
    double x = std::min(std::max(mean + z * std::sqrt(square), low), high), last = high - low;
    for (int k = 0; k < most_steps; ++k) {
      const double excess = below(x) - level;
      (excess < 0.0 ? low : high) = x;
      double next = x - excess / density(x);
      const bool fast = next >= low && next <= high && std::abs(next - x) <= 0.5 * last;
      if (!fast) next = 0.5 * (low + high);
      last = std::abs(next - x);
      x = next;
      if (!(last > close)) break;
    }
    return x;
  }

 private:
  static constexpr int most_steps = 100;
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

  struct Component {
    double weight, mean, sd;
    math::SkewVariate shape;
  };

  std::vector<Component> components_;
  double total_ = 0.0;
};

}  // namespace mixed_glm
