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

// condition ? x : y. GCC takes the conditional operator for control flow and compiles what follows
// twice if it can tell more about one outcome, with one blend for every value in the end. A mask of
// bits it turns into the one blend that is meant; its vectors have that mask from SSE4.2 on.
MIXED_GLM_INLINE double select(bool condition, double x, double y) noexcept {
#if defined(__GNUC__) && !defined(__clang__) && defined(__SSE4_2__)
  const std::uint64_t mask = -static_cast<std::uint64_t>(condition);
  return from_bits((to_bits(x) & mask) | (to_bits(y) & ~mask));
#else
  return condition ? x : y;
#endif
}

MIXED_GLM_INLINE double min(double x, double limit) noexcept { return select(limit < x, limit, x); }
MIXED_GLM_INLINE double max(double x, double limit) noexcept { return select(limit > x, limit, x); }

MIXED_GLM_INLINE double abs(double x) noexcept {
  return from_bits(to_bits(x) & 0x7fffffffffffffffULL);
}

// x with its sign changed if s >= 0, that is, -x sign(s). Both zeros count as positive.
MIXED_GLM_INLINE double negate_unless_negative(double x, double s) noexcept {
  constexpr std::uint64_t sign_bit = 0x8000000000000000ULL;
  return from_bits(to_bits(x) ^ (~to_bits(s + 0.0) & sign_bit));  // -0 + 0 = +0
}

// x without the lower half of its significand: the square of the result is exact.
MIXED_GLM_INLINE double upper_half(double x) noexcept {
  return from_bits(to_bits(x) & 0xfffffffff8000000ULL);
}

}  // namespace mixed_glm::math
