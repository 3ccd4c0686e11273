// p(x) = c_0 + c_1 x + c_2 x^2 + ...
//
// Two Horner chains in x^2, one for the even and one for the odd coefficients: half the latency of
// one chain for two more multiplications. Unrolled by recursion, so a loop over rows stays simple.
#pragma once

#include <array>
#include <cstddef>
#include <mixed_glm/math/compiler.hpp>

namespace mixed_glm::math {

template <std::size_t First, std::size_t Step, std::size_t N>
MIXED_GLM_INLINE double horner(double x, const std::array<double, N>& coefficients) noexcept {
  if constexpr (First + Step < N) {
    return coefficients[First] + x * horner<First + Step, Step>(x, coefficients);
  } else {
    return coefficients[First];
  }
}

template <std::size_t N>
MIXED_GLM_INLINE double polynomial(double x, const std::array<double, N>& coefficients) noexcept {
  static_assert(N >= 2, "a constant is not a polynomial worth a call");
  const double square = x * x;
  return horner<0, 2>(square, coefficients) + x * horner<1, 2>(square, coefficients);
}

}  // namespace mixed_glm::math
