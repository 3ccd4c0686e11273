// The range in which a kernel takes its linear predictor at face value.
//
// Beyond it the predictor is held at the end of the range, so that a product of it with a row's
// counts stays finite: a step of the optimizer that went astray is rejected by its value, and never
// poisons a sum with inf - inf. NaN stays NaN.
#pragma once

#include <limits>

#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>

namespace mixed_glm {

MIXED_GLM_INLINE double hold_predictor(double eta) noexcept {
  return math::max(math::min(eta, 1e280), -1e280);
}

// A weighted mean such as b exp(eta), held at the largest double.
MIXED_GLM_INLINE double hold_finite(double mean) noexcept {
  return math::min(mean, (std::numeric_limits<double>::max)());
}

}  // namespace mixed_glm
