// Exponential family of waiting times with log link: mean mu = exp(eta).
//
//   log p(y | eta) = w [-eta - y exp(-eta)],   a = w,  b = w y:
//
// the Poisson family's kernel at -eta.
#pragma once

#include <mixed_glm/families/poisson.hpp>

namespace mixed_glm {

class ExponentialLog : public LinearExponential {
 public:
  ExponentialLog() noexcept : LinearExponential("exponential", -1.0) {}
};

}  // namespace mixed_glm
