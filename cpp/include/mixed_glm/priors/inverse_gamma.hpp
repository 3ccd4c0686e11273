// The inverse gamma prior of a standard deviation (not of a variance) with shape a and scale b, as
// one of x = psi = log sd:
//
//     log p(x) = -a x - b e^-x + a log b - log Gamma(a)
#pragma once

#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class InverseGammaPrior {
 public:
  InverseGammaPrior(double shape, double scale) : shape_(shape), scale_(scale) {}

  double log_normalizer() const { return shape_ * std::log(scale_) - std::lgamma(shape_); }
  double value(double x) const { return -shape_ * x - scale_ * std::exp(-x); }
  double slope(double x) const { return -shape_ + scale_ * std::exp(-x); }
  double curvature(double x) const { return scale_ * std::exp(-x); }
  double mode() const { return std::log(scale_ / shape_); }

 private:
  double shape_, scale_;
};

}  // namespace mixed_glm
