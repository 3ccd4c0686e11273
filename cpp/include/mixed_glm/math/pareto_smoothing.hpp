// Pareto smoothed importance weights (Vehtari, Simpson, Gelman, Yao and Gabry 2024, JMLR 25:72):
// the largest become quantiles of a generalized Pareto distribution that is fitted to them (Zhang
// and Stephens 2009, Technometrics 51, 316-325), whose shape k tells how far they can be relied on.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/typedefs.hpp>
#include <numeric>
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
  constexpr double prior_scale = 3.0, prior_weight = 10.0;
  const double n = double(values.size());
  const Index candidates = 30 + Index(std::sqrt(n));
  const double quartile = values[(values.size() + 2) / 4 - 1], largest = values[values.size() - 1];
  const auto shape_of = [&](double b) { return (-b * values.array()).log1p().mean(); };
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

struct SmoothedWeights {
  Vector weights;  // summing to one
  double k_hat;    // infinite where there is no tail to fit
  double ess_share() const { return 1.0 / (weights.squaredNorm() * double(weights.size())); }
};

// log_ratio: of target and proposal, up to a constant; minus infinity: no weight. At least one is
// finite.
inline SmoothedWeights smooth_weights(const Vector& log_ratio) {
  const Index n = log_ratio.size();
  const Index tail = std::min(n / 5, Index(std::ceil(3.0 * std::sqrt(double(n)))));
  const double highest = log_ratio.maxCoeff();
  const auto ratio = [&](double x) { return std::exp(x - highest); };  // Eigen's own is never zero
  SmoothedWeights result{log_ratio.unaryExpr(ratio), std::numeric_limits<double>::infinity()};
  Vector& weights = result.weights;
  if (tail >= 5) {
    std::vector<Index> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), Index(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](Index i, Index j) { return weights[i] < weights[j]; });
    const Index first = n - tail;
    const double cutoff = weights[order[size_t(first - 1)]];
    Vector excess(tail);
    for (Index i = 0; i < tail; ++i) excess[i] = weights[order[size_t(first + i)]] - cutoff;
    result.k_hat = 0.0;  // all equal: nothing to smooth
    if (excess[tail - 1] > 0.0) {
      const GeneralizedPareto fit = fit_pareto(excess.cwiseMax(std::numeric_limits<double>::min()));
      result.k_hat = fit.shape;
      for (Index i = 0; i < tail; ++i) {
        const double level = (double(i) + 0.5) / double(tail);
        weights[order[size_t(first + i)]] = std::min(fit.quantile(level) + cutoff, 1.0);
      }
    }
  }
  weights /= weights.sum();
  return result;
}

}  // namespace mixed_glm
