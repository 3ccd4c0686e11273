// Supports that several families share.
#pragma once

#include <cmath>

namespace mixed_glm {

// 0, 1, 2, ...; not NaN, not infinity.
inline bool is_count(double y) noexcept {
  return y >= 0.0 && std::isfinite(y) && y == std::floor(y);
}

}  // namespace mixed_glm
