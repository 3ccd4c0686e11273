// The gamma prior of a standard deviation with shape a and rate b, as one of x = psi = log sd;
// exponential is a = 1:
//
//     log p(x) = a x - b e^x + a log b - log Gamma(a)
//
// Towards -infinity its density in x falls off like e^(a x) only.
#pragma once

#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class GammaPrior {
 public:
  GammaPrior(double shape, double rate) : shape_(shape), rate_(rate) {}

  double log_normalizer() const { return shape_ * std::log(rate_) - std::lgamma(shape_); }
  double value(double x) const { return shape_ * x - rate_ * std::exp(x); }
  double slope(double x) const { return shape_ - rate_ * std::exp(x); }
  double curvature(double x) const { return rate_ * std::exp(x); }
  double mode() const { return std::log(shape_ / rate_); }

 private:
  double shape_, rate_;
};

}  // namespace mixed_glm
