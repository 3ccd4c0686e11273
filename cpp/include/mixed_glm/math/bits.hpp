// The bit pattern of a double, and selections that compile to one instruction without a branch.
//
// min and max return their first argument if it is not a number, so that a NaN is never hidden.
#pragma once

#include <cstdint>
#include <cstring>

#include <mixed_glm/math/compiler.hpp>

namespace mixed_glm::math {

MIXED_GLM_INLINE std::uint64_t to_bits(double x) noexcept {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

MIXED_GLM_INLINE double from_bits(std::uint64_t bits) noexcept {
  double x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

MIXED_GLM_INLINE double min(double x, double limit) noexcept { return limit < x ? limit : x; }
MIXED_GLM_INLINE double max(double x, double limit) noexcept { return limit > x ? limit : x; }

MIXED_GLM_INLINE double abs(double x) noexcept {
  return from_bits(to_bits(x) & 0x7fffffffffffffffULL);
}

// x without the lower half of its significand: the square of the result is exact.
MIXED_GLM_INLINE double upper_half(double x) noexcept {
  return from_bits(to_bits(x) & 0xfffffffff8000000ULL);
}

}  // namespace mixed_glm::math
