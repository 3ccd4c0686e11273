// The normal density phi(t) and Mills' ratio R(t) = Phi(-t) / phi(t) for t >= 0.
//
// Laplace's continued fraction is R = 1 / (t + K_1), K_k = k / (t + K_{k+1}) (Abramowitz and Stegun
// 26.2.14). K_4 is fitted for all t >= 0 by one rational function P / Q with positive coefficients
// (cpp/tools/fit_kernels.py, 5.2e-16); three steps backwards give everything else. With
//
//   A = t Q + P,  B = t A + 3 Q,  C = t B + 2 A,  D = t C + B   (t + K_4 = A / Q, and so on)
//
// delta = K_1 = B / C is the excess of the hazard r = 1 / R = D / C over t, and for h = log Phi(-t)
// as a function of x = -t:
//
//   h' = r,  h'' = -r delta,  h''' = r delta (2 delta - K_2) = r asymmetry,
//   asymmetry = 2 (B^2 - A C) / C^2 = 2 ((t^2 + 9) Q^2 - t P Q - 2 P^2) / C^2.
//
// The textbook forms r - t and delta^2 - (1 - delta r) cancel to nothing for large t; these do not.
#pragma once

#include <array>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/polynomial.hpp>

namespace mixed_glm::math {

inline constexpr double log_sqrt_two_pi = 0.91893853320467274;

inline constexpr std::array<double, 11> laplace_tail_numerator = {
    180489454.51632535, 187251243.9493984,  100977063.2578186, 36273119.739444025,
    9486871.79796438,   1874465.9635677563, 282546.2300318663, 32101.254080868308,
    2642.4217178463086, 143.68710669505612, 4.000000000000001,
};
inline constexpr std::array<double, 12> laplace_tail_denominator = {
    96006499.43087134,  123386072.86290228, 80985112.99533153,  35234552.53795652,
    11184615.710900828, 2705472.4914126853, 507665.40666897665, 73909.584638065,
    8204.922403705039,  665.6054294611572,  35.92177667376458,  1.0,
};

struct MillsRatio {
  double argument;   // t, or 1e8 if that is less
  double ratio;      // R = Phi(-t) / phi(t)
  double excess;     // delta = 1 / R - t
  double asymmetry;  // h''' / h'
};

// For t >= 0. Beyond 1e8, where R = 1 / t to the last digit, everything is that of 1e8.
MIXED_GLM_INLINE MillsRatio mills_ratio(double t) noexcept {
  const double s = min(t, 1e8);  // keeps the fourteenth and later powers finite
  const double p = polynomial(s, laplace_tail_numerator);
  const double q = polynomial(s, laplace_tail_denominator);
  const double a = s * q + p;
  const double b = s * a + 3.0 * q;
  const double c = s * b + 2.0 * a;
  const double d = s * c + b;
  const double inverse = 1.0 / (c * d);
  const double inverse_c = d * inverse;
  const double variation = q * ((s * s + 9.0) * q - s * p) - 2.0 * p * p;
  return {s, c * c * inverse, b * inverse_c, 2.0 * variation * inverse_c * inverse_c};
}

// 2^64 exp(-t^2 / 2) / sqrt(2 pi), to the last digits even where t^2 / 2 is in the hundreds: the
// square is taken of the upper half of t, exactly, and what is left enters as a correction. For t
// up to 1e3; it is zero from 38.9 on.
MIXED_GLM_INLINE double scaled_normal_density(double t) noexcept {
  constexpr double inverse_sqrt_two_pi = 0.39894228040143268;
  const double head = upper_half(t);
  const double rest = (t - head) * (t + head);
  return inverse_sqrt_two_pi * scaled_exp(-0.5 * head * head, -0.5 * rest);
}

}  // namespace mixed_glm::math
