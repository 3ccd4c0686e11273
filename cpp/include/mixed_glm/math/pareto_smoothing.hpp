// Pareto smoothed importance weights (Vehtari, Simpson, Gelman, Yao and Gabry 2024, JMLR 25:72):
// the largest become quantiles of a generalized Pareto distribution that is fitted to them (Zhang
// and Stephens 2009, Technometrics 51, 316-325), whose shape k tells how far they can be relied on.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

struct GeneralizedPareto {
  double shape, scale;  // k, sigma; density (1 + k x / sigma)^(-1 / k - 1) / sigma

  double quantile(double level) const {
    const double tail = -std::log1p(-level);
    return std::abs(shape) < 1e-12 ? scale * tail : scale * std::expm1(shape * tail) / shape;
  }
};

// values: above zero, increasing. The shape is drawn to 0.5 as by ten observations.
inline GeneralizedPareto fit_pareto(const Vector& values) {
  constexpr double prior_scale = 3.0, prior_weight = 10.0, most = 1e300;
  const Index size = values.size();
  const double n = double(size);
  const Index candidates = 30 + Index(std::sqrt(n));
  const double quartile = values[(size + 2) / 4 - 1], largest = values[size - 1];
  Vector logs(size);
  const auto shape_of = [&](double b) {
    for (Index i = 0; i < size; ++i) logs[i] = math::log(math::min(1.0 - b * values[i], most));
    return logs.sum() / n;
  };
  Vector b(candidates), profile(candidates);
  for (Index i = 0; i < candidates; ++i) {
    const double step = 1.0 - std::sqrt(double(candidates) / (double(i) + 0.5));
    b[i] = step / (prior_scale * quartile) + 1.0 / largest;
    const double k = shape_of(b[i]);
    profile[i] = n * (std::log(-b[i] / k) - k - 1.0);
  }
  const Vector weights = (profile.array() - profile.maxCoeff()).exp();
  const double mean = b.dot(weights) / weights.sum(), shape = shape_of(mean);
  return {(n * shape + 0.5 * prior_weight) / (n + prior_weight), -shape / mean};
}

// Keeps its room from one sample to the next.
class ParetoSmoother {
 public:
  // x: n logarithms of ratios of target and proposal, up to a constant; minus infinity: no weight.
  // At least one is finite. They become those of the weights, the highest being about zero; returns
  // k-hat, infinite where there is no tail to fit.
  double smooth(double* x, Index n) {
    const double highest = *std::max_element(x, x + n);
    weight_.resize(n);
    for (Index i = 0; i < n; ++i) x[i] -= highest;
    for (Index i = 0; i < n; ++i) weight_[i] = x[i] > lowest ? math::exp(x[i]) : 0.0;
    const Index tail = std::min(n / 5, Index(std::ceil(3.0 * std::sqrt(double(n)))));
    if (tail < 5) return std::numeric_limits<double>::infinity();
    const double cutoff = find_tail(tail);
    if (!(excess_[tail - 1] > 0.0)) return 0.0;  // all equal: nothing to smooth
    const GeneralizedPareto fit = fit_pareto(excess_.cwiseMax(std::numeric_limits<double>::min()));
    for (Index i = 0; i < tail; ++i) {
      const double level = (double(i) + 0.5) / double(tail);
      double& weight = weight_[tail_[size_t(i)]];
      weight = std::min(fit.quantile(level) + cutoff, 1.0);
      x[tail_[size_t(i)]] = std::log(weight);
    }
    return fit.shape;
  }

  // exp(x) of the last sample, about.
  const Vector& weights() const { return weight_; }

 private:
  static constexpr double lowest = -708.0;  // whose exponential is a normal number

  // The last of the weights in increasing order, equal ones in the order of the sample, and what
  // they have above the one before them, which is returned.
  double find_tail(Index tail) {
    const Index n = weight_.size();
    sorted_ = weight_;
    double* const at = sorted_.data() + (n - tail - 1);
    std::nth_element(sorted_.data(), at, sorted_.data() + n);
    const double cutoff = *at;
    tail_.clear();
    for (Index i = 0; i < n; ++i) {
      if (weight_[i] > cutoff) tail_.push_back(i);
    }
    for (Index i = n - 1; Index(tail_.size()) < tail; --i) {
      if (weight_[i] == cutoff) tail_.push_back(i);
    }
    std::sort(tail_.begin(), tail_.end(), [&](Index i, Index j) {
      return weight_[i] != weight_[j] ? weight_[i] < weight_[j] : i < j;
    });
    excess_.resize(tail);
    for (Index i = 0; i < tail; ++i) excess_[i] = weight_[tail_[size_t(i)]] - cutoff;
    return cutoff;
  }

  Vector weight_, sorted_, excess_;
  std::vector<Index> tail_;
};

struct SmoothedWeights {
  Vector weights;  // summing to one
  double k_hat;    // infinite where there is no tail to fit
  double ess_share() const { return 1.0 / (weights.squaredNorm() * double(weights.size())); }
};

inline SmoothedWeights smooth_weights(Vector log_ratio) {
  ParetoSmoother smoother;
  const double k_hat = smoother.smooth(log_ratio.data(), log_ratio.size());
  return {smoother.weights() / smoother.weights().sum(), k_hat};
}

}  // namespace mixed_glm
