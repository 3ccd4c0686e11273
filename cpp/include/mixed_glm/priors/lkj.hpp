// The LKJ prior of a correlation matrix of order m with shape eta (Lewandowski, Kurowicka and Joe
// 2009), density proportional to |R|^(eta - 1), as independent priors of its canonical partial
// correlations tanh(z) (terms/partial_correlations.hpp). That of z in column c = 1..m-1:
//
//     log p(z) = 2 b log sech z + log Gamma(b + 1/2) - log Gamma(b) - 1/2 log pi,
//     b = eta + (m - 1 - c) / 2
//
// eta = 1: all correlation matrices are equally likely.
#pragma once

#include <cmath>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

// Without overflow.
inline double log_sech(double z) {
  return std::log(2.0) - std::abs(z) - std::log1p(std::exp(-2.0 * std::abs(z)));
}

class LkjPrior {
 public:
  // Of the partial correlation in one column, 1..order-1, of a matrix of this order.
  LkjPrior(double shape, Index order, Index column)
      : power_(shape + 0.5 * double(order - 1 - column)) {}

  double log_normalizer() const {
    return std::lgamma(power_ + 0.5) - std::lgamma(power_) - 0.5 * (log_two_pi - std::log(2.0));
  }
  double value(double z) const { return 2.0 * power_ * log_sech(z); }
  double slope(double z) const { return -2.0 * power_ * std::tanh(z); }
  double curvature(double z) const { return 2.0 * power_ * std::exp(2.0 * log_sech(z)); }
  static constexpr double mode() { return 0.0; }

 private:
  double power_;  // b
};

// Of the lower triangle, row by row.
inline std::vector<LkjPrior> lkj_priors(double shape, Index order) {
  std::vector<LkjPrior> priors;
  for (Index r = 1; r < order; ++r) {
    for (Index c = 0; c < r; ++c) priors.emplace_back(shape, order, c + 1);
  }
  return priors;
}

}  // namespace mixed_glm
