// The half-t prior of a standard deviation with n degrees of freedom and scale s, as one of
// x = psi = log sd; half-Cauchy is n = 1:
//
//     log p(x) = x - (n+1)/2 log(1 + t) + log(2 Gamma((n+1)/2) / (Gamma(n/2) sqrt(n pi) s)),
//     t = e^(2x) / (n s^2)
//
// It has mass at sd = 0: towards -infinity its density in x falls off like e^x only, and towards
// +infinity like e^(-n x).
#pragma once

#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class HalfTPrior {
 public:
  HalfTPrior(double df, double scale) : df_(df), log_unit_(std::log(scale) + 0.5 * std::log(df)) {}

  double log_normalizer() const {
    return std::log(2.0) + std::lgamma(0.5 * (df_ + 1.0)) - std::lgamma(0.5 * df_) - log_unit_ -
           0.5 * (log_two_pi - std::log(2.0));
  }
  double value(double x) const {
    // log(1 + e^z) without overflow
    const double z = 2.0 * (x - log_unit_);
    return x - 0.5 * (df_ + 1.0) * (std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))));
  }
  double slope(double x) const { return 1.0 - (df_ + 1.0) * share(x); }
  double curvature(double x) const { return 2.0 * (df_ + 1.0) * share(x) * share(-x, -1.0); }
  double mode() const { return log_unit_ - 0.5 * std::log(df_); }

 private:
  // t / (1 + t), and with the signs reversed 1 / (1 + t)
  double share(double x, double sign = 1.0) const {
    return 1.0 / (1.0 + std::exp(-2.0 * (x - sign * log_unit_)));
  }

  double df_, log_unit_;
};

}  // namespace mixed_glm
