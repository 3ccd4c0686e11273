// The half-normal prior of a standard deviation, as one of x = psi = log sd:
//
//     log p(x) = x - e^(2x) / (2 s^2) + log(2 / (s sqrt(2 pi)))
//
// It has mass at sd = 0: towards -infinity its density in x falls off like e^x only.
#pragma once

#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class HalfNormalPrior {
 public:
  explicit HalfNormalPrior(double scale) : scale_(scale) {}

  double log_normalizer() const { return std::log(2.0 / scale_) - 0.5 * log_two_pi; }
  double value(double x) const { return x - 0.5 * square(x); }
  double slope(double x) const { return 1.0 - square(x); }
  double curvature(double x) const { return 2.0 * square(x); }
  double mode() const { return std::log(scale_); }

 private:
  // (sd / s)^2
  double square(double x) const {
    const double ratio = std::exp(x) / scale_;
    return ratio * ratio;
  }

  double scale_;
};

}  // namespace mixed_glm
