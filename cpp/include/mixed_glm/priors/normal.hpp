// The normal prior of a hyperparameter x:
//
//     log p(x) = -(x - mean)^2 / (2 sd^2) - log sd - 1/2 log 2 pi
//
// The only one that is quadratic: what has a closed form for it asks HyperPrior::normal().
#pragma once

#include <cmath>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class NormalPrior {
 public:
  NormalPrior(double mean, double sd) : mean_(mean), sd_(sd) {}

  double mean() const { return mean_; }
  double sd() const { return sd_; }
  double precision() const { return 1.0 / (sd_ * sd_); }

  double log_normalizer() const { return -std::log(sd_) - 0.5 * log_two_pi; }
  double value(double x) const {
    const double z = (x - mean_) / sd_;
    return -0.5 * z * z;
  }
  double slope(double x) const { return -(x - mean_) / (sd_ * sd_); }
  double curvature(double) const { return precision(); }
  double mode() const { return mean_; }

 private:
  double mean_, sd_;
};

}  // namespace mixed_glm
