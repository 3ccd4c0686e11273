// Leave-one-out cross-validation of rows by Pareto smoothed importance sampling (Vehtari, Gelman
// and Gabry 2017, Statistics and Computing 27, 1413-1432): draws from the posterior of all rows,
// each weighted by the inverse of the likelihood of the row that is left out.
#pragma once

#include <mixed_glm/math/pareto_smoothing.hpp>

namespace mixed_glm {

class LeaveOneOut {
 public:
  // log_ratio: of the posterior to what was drawn from, of each draw, up to a constant.
  explicit LeaveOneOut(const Vector& log_ratio) : log_ratio_(log_ratio) {
    log_share_ = log_ratio.array() - log_ratio.maxCoeff();
    log_share_.array() -= std::log(log_share_.array().exp().sum());
    log_weight_.resize(log_ratio.size());
    term_.resize(log_ratio.size());
  }

  Index draws() const { return log_ratio_.size(); }

  struct Row {
    double log_density;  // of the row, given all others
    double k_hat;
    double variance;  // Monte-Carlo, of log_density
    double full;      // log density of the row, given all
  };
  // log_likelihood: of a row at each draw.
  Row row(const double* log_likelihood) {
    const Index n = draws();
    const Eigen::Map<const Vector> value(log_likelihood, n);
    const double full = log_sum(log_share_ + value);
    if (!std::isfinite(full) || !value.allFinite()) return {nan, nan, nan, full};
    log_weight_ = log_ratio_ - value;
    const double k_hat = smoother_.smooth(log_weight_.data(), n);
    const double total = smoother_.weights().sum();
    const double log_sum_of_terms = log_sum(log_weight_ + value);
    // term_ and the weights, each over its sum, differ by weight * (likelihood / mean - 1).
    const double variance = (term_ / term_.sum() - smoother_.weights() / total).squaredNorm();
    return {log_sum_of_terms - std::log(total), k_hat, variance, full};
  }

 private:
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

  // Leaves the exponentials, over the highest, in term_.
  double log_sum(const Vector& x) {
    const double highest = x.maxCoeff();
    for (Index i = 0; i < x.size(); ++i) term_[i] = math::exp(x[i] - highest);
    return highest + std::log(term_.sum());
  }

  Vector log_ratio_, log_share_;
  Vector log_weight_, term_;
  ParetoSmoother smoother_;
};

}  // namespace mixed_glm
