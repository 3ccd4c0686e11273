// Where a sum overflows: a log probability is held at the lowest double.
//
// A step of the optimizer that went astray then has a finite, very low value and is rejected; no
// row ever contributes inf - inf to a sum. NaN stays NaN.
#pragma once

#include <limits>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>

namespace mixed_glm {

MIXED_GLM_INLINE double hold_finite(double x) noexcept {
  return math::max(x, std::numeric_limits<double>::lowest());
}

}  // namespace mixed_glm
