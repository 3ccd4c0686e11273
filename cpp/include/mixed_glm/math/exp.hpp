// e^x and e^x - 1 without a branch, a table or a library call: loops over them vectorize.
//
//   x = k log 2 + r, |r| <= log(2) / 2;   e^x = s + s g,   e^x - 1 = s g + (s - 1),
//   s = 2^k, g = e^r - 1 = r + r^2 P(r), P fitted by cpp/tools/fit_kernels.py to 1.1e-16.
//
// Range reduction after Cody and Waite (1980): the upper part of log 2 has 42 bits, so its product
// with k is exact. k is rounded by adding 1.5 * 2^52, which leaves it in the low bits of the sum,
// from where a shift moves it into the exponent. Errors stay below 1.1 units in the last place.
// The argument is held in [-709, 709], so that e^x is finite for every x. At -709 k is -1023, whose
// exponent bits are those of zero: underflow gives an exact 0 without being asked about (from
// -708.74 on; above that, and below -708.4, results are subnormal). NaN stays NaN.
#pragma once

#include <array>
#include <cstdint>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/polynomial.hpp>

namespace mixed_glm::math {

inline constexpr double exp_limit = 709.0;

inline constexpr double log2_high = 0x1.62e42fefa3800p-1;
inline constexpr double log2_low = 0x1.ef35793c76730p-45;

inline constexpr std::array<double, 10> expm1_tail = {
    0.5000000000000001,     0.16666666666666669,    0.04166666666662413,    0.008333333333330062,
    0.0013888888917213717,  0.00019841269863053618, 2.4801521295954376e-05, 2.7557268459997064e-06,
    2.7620088445409746e-07, 2.510038549551032e-08,
};

// e^x = scale (1 + expm1): the two factors, for callers that need e^x - 1 or the rounding error.
struct ExpFactors {
  double scale;
  double expm1;
};

// e^(x + correction) for |x| <= exp_limit and a correction below 1e-3. (scale wraps around below.)
MIXED_GLM_INLINE ExpFactors exp_factors(double x, double correction) noexcept {
  constexpr double inverse_log2 = 1.4426950408889634;
  constexpr double round_to_integer = 6755399441055744.0;  // 1.5 * 2^52
  const double shifted = x * inverse_log2 + round_to_integer;
  const double k = shifted - round_to_integer;
  const double r = (x - k * log2_high) - (k * log2_low - correction);
  const double scale = from_bits((to_bits(shifted) << 52) + to_bits(1.0));
  return {scale, r + r * r * polynomial(r, expm1_tail)};
}

MIXED_GLM_INLINE double hold_in_exp_range(double x) noexcept {
  return max(min(x, exp_limit), -exp_limit);
}

MIXED_GLM_INLINE double exp(double x) noexcept {
  const ExpFactors f = exp_factors(hold_in_exp_range(x), 0.0);
  return f.scale + f.scale * f.expm1;
}

// 2^64 e^(x + correction) for x <= 0 known to more digits than a double holds. The factor keeps
// products of the exponential with large numbers where it would underflow by itself.
inline constexpr double undo_scaling = 0x1p-64;

MIXED_GLM_INLINE double scaled_exp(double x, double correction) noexcept {
  const ExpFactors f = exp_factors(max(x, -753.2), correction);  // k = -1087 there: again zero
  const double scale = from_bits(to_bits(f.scale) + (64ULL << 52));
  return scale + scale * f.expm1;
}

MIXED_GLM_INLINE double expm1(double x) noexcept {
  const ExpFactors f = exp_factors(hold_in_exp_range(x), 0.0);
  return f.scale * f.expm1 + (f.scale - 1.0);
}

// e^x - 1 - x, of which nothing cancels for small x: there k = 0 and r = x.
MIXED_GLM_INLINE double exp_minus_line(double x) noexcept {
  const double held = hold_in_exp_range(x);
  constexpr double inverse_log2 = 1.4426950408889634;
  constexpr double round_to_integer = 6755399441055744.0;  // 1.5 * 2^52
  const double shifted = held * inverse_log2 + round_to_integer;
  const double k = shifted - round_to_integer;
  const double r = (held - k * log2_high) - k * log2_low;
  const double scale = from_bits((to_bits(shifted) << 52) + to_bits(1.0));
  const double line = (scale * r - x) + (scale - 1.0);
  return scale * (r * r * polynomial(r, expm1_tail)) + line;
}

// e^x as an unevaluated sum: as accurate as the reduced argument, some 60 bits. The lower part is
// right up to e^x = 724, enough for exp(-e^x), and remains small beyond.
struct ExpSum {
  double high;
  double low;
};

MIXED_GLM_INLINE ExpSum exp_sum(double x) noexcept {
  const ExpFactors f = exp_factors(hold_in_exp_range(x), 0.0);
  const double sum = 1.0 + f.expm1;
  const double low = f.expm1 - (sum - 1.0);
  return {f.scale * sum, min(f.scale, 1024.0) * low};
}

}  // namespace mixed_glm::math
