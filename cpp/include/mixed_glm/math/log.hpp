// log(x) and log(1 + x) without a branch, a table or a library call.
//
//   log(1 + f) = 2 atanh(t),  t = f / (2 + f);   2 atanh(t) / t = 2 + z P(z),  z = t^2 <= 1/9,
//
// with P fitted by cpp/tools/fit_kernels.py, its contribution to 1.9e-16 of the result. For tiny f
// the leading term is 2 t itself, so nothing is lost there. A general argument is first written as
// 2^k m with m in [sqrt(1/2), sqrt(2)), the splitting of FreeBSD's e_log.c.
#pragma once

#include <array>
#include <cstdint>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/polynomial.hpp>

namespace mixed_glm::math {

inline constexpr std::array<double, 9> atanh_tail = {
    0.6666666666666697,  0.39999999999560126, 0.2857142867666099,
    0.22222212557929713, 0.18182261108419745, 0.15373274876358003,
    0.135023424717571,   0.10322669270499082, 0.1687070066109721,
};

// 2 atanh(t) / t for |t| <= 1/3.
MIXED_GLM_INLINE double atanh_ratio(double t) noexcept {
  const double z = t * t;
  return 2.0 + z * polynomial(z, atanh_tail);
}

// log(1 + f) for f in [-1/2, 1].
MIXED_GLM_INLINE double log1p(double f) noexcept {
  const double t = f / (2.0 + f);
  return t * atanh_ratio(t);
}

// log(x) for positive normal x.
MIXED_GLM_INLINE double log(double x) noexcept {
  constexpr std::uint64_t root_half = 0x3fe6a09e667f3bcdULL;
  constexpr std::uint64_t one = 0x3ff0000000000000ULL;
  constexpr std::uint64_t two_to_52 = 0x4330000000000000ULL;
  const std::uint64_t shifted = to_bits(x) + (one - root_half);
  const double k = from_bits((shifted >> 52) | two_to_52) - (4503599627370496.0 + 1023.0);
  const double m = from_bits((shifted & 0x000fffffffffffffULL) + root_half);
  const double fraction = log1p(m - 1.0);
  return k * log2_high + (fraction + k * log2_low);
}

}  // namespace mixed_glm::math
