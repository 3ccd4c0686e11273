// The log probability that a variate with distribution function F lies between lo and hi, and its
// derivatives in both: of the normal distribution and of that of the complementary log-log link,
// F(x) = 1 - exp(-e^x). With f = F', P = F(hi) - F(lo) and s = (log f)'
//
//     L = log P      h = f(hi) / P      l = f(lo) / P      B_h = s(hi) - h      B_l = s(lo) + l
//
//     L_h  = h       L_hh = h B_h       L_hhh =  h [B_h (B_h - h) + s'(hi)]     L_hhl = h l (B_h -
//     h) L_l  = -l      L_ll = -l B_l      L_lll = -l [B_l (B_l + l) + s'(lo)]     L_hll = h l (B_l
//     + l)
//                    L_hl = h l
//
// L is concave in both, since f is log-concave.
#pragma once

#include <array>
#include <cmath>
#include <mixed_glm/math/mills.hpp>

namespace mixed_glm {

struct Interval {
  double value;                // L
  double low, high;            // l and h
  double bend_low, bend_high;  // B_l and B_h
  double skew_low, skew_high;  // what is in brackets in L_lll and L_hhh
};

// lo: its lower end, d > 0: its width. Narrow intervals by a rule of Gauss and Legendre on the
// density, wide ones by Mills' ratio R at the ends: either way nothing cancels.
inline Interval normal_interval(double lo, double d) noexcept {
  constexpr std::array<double, 4> nodes = {0.1834346424956498, 0.5255324099163290,
                                           0.7966664774136267, 0.9602898564975363};
  constexpr std::array<double, 4> weights = {0.3626837833783620, 0.3137066458778873,
                                             0.2223810344533745, 0.1012285362903763};
  const double given_hi = lo + d;
  const bool turned = lo + given_hi < 0.0;  // by symmetry: the middle is not negative
  const double hi = turned ? -lo : given_hi;
  if (turned) lo = -given_hi;
  const double middle = 0.5 * (lo + hi), tilt = middle * d;
  const bool narrow = tilt + d * d < 1.0;
  double value = 0.0, low = 0.0, high = 0.0, bend_low = 0.0, skew_low = 0.0;
  if (narrow) {
    double sum = 0.0;
    for (size_t k = 0; k < nodes.size(); ++k) {
      const double t = 0.5 * nodes[k];
      sum += weights[k] * std::exp(-0.5 * d * d * t * t) * std::cosh(tilt * t);
    }
    const double end = std::exp(-0.125 * d * d) / (d * sum);
    value = -0.5 * middle * middle - math::log_sqrt_two_pi + std::log(d) + std::log(sum);
    low = end * std::exp(0.5 * tilt);
    high = end * std::exp(-0.5 * tilt);
    bend_low = low - lo;
  } else if (lo >= 0.0) {
    const math::MillsRatio at_lo = math::mills_ratio(lo), at_hi = math::mills_ratio(hi);
    const double fall = std::exp(-tilt);  // f(hi) / f(lo)
    const double q = fall * at_hi.ratio / at_lo.ratio;
    const double rest = 1.0 - q;
    value = -0.5 * lo * lo - math::log_sqrt_two_pi + std::log(at_lo.ratio) + std::log1p(-q);
    low = 1.0 / (at_lo.ratio * rest);
    high = fall * low;
    bend_low = (at_lo.excess + lo * q) / rest;
    const double of_both = 2.0 - q + lo * (3.0 * at_lo.excess + lo + lo * q);
    skew_low = (at_lo.asymmetry + q * of_both) / (rest * rest);
  } else {
    constexpr double inverse_sqrt_two_pi = 0.3989422804014327;
    const double f_lo = inverse_sqrt_two_pi * std::exp(-0.5 * lo * lo);
    const double f_hi = inverse_sqrt_two_pi * std::exp(-0.5 * hi * hi);
    const double outside = f_lo * math::mills_ratio(-lo).ratio + f_hi * math::mills_ratio(hi).ratio;
    value = std::log1p(-outside);
    low = f_lo / (1.0 - outside);
    high = f_hi / (1.0 - outside);
    bend_low = low - lo;
  }
  if (narrow || lo < 0.0) skew_low = bend_low * (bend_low + low) - 1.0;
  const double bend_high = -hi - high;
  const double skew_high = bend_high * (bend_high - high) - 1.0;
  if (turned) return {value, high, low, -bend_high, -bend_low, skew_high, skew_low};
  return {value, low, high, bend_low, bend_high, skew_low, skew_high};
}

// P = exp(-mu) (1 - exp(-nu)), mu = e^lo, nu = mu (e^d - 1).
inline Interval cloglog_interval(double lo, double d) noexcept {
  constexpr double farthest = 690.0, far = 150.0;  // exponentials and their squares stay finite
  const double log_growth = d > 1.0 ? d + std::log1p(-std::exp(-d)) : std::log(std::expm1(d));
  const double mu = std::exp(std::fmin(lo, farthest));
  const double end = std::exp(std::fmin(lo + d, far));  // e^hi
  const double nu = std::exp(std::fmin(lo + log_growth, farthest));
  const double inverse_growth = std::exp(-log_growth), missing = -std::expm1(-d);  // 1 - e^-d
  double value = 0.0, low = 0.0, high = 0.0, above_one = 0.0, bend_high = 0.0;
  if (nu > 1.0) {
    const double inside = -std::expm1(-nu), grown = std::expm1(nu);
    value = -mu + std::log1p(-std::exp(-nu));
    low = mu / inside;
    high = end / grown;
    above_one = mu / grown;
    bend_high = 1.0 - end / inside;
  } else {
    double defect = 0.0, term = -1.0;  // 1 - (1 - e^-nu) / nu = nu / 2 - nu^2 / 6 + ...
    for (double k = 2.0; k < 20.0; k += 1.0) {
      term *= -nu / k;
      defect += term;
    }
    const double a = 1.0 - defect, b = a * std::exp(nu);  // (1 - e^-nu) / nu, (e^nu - 1) / nu
    value = -mu + lo + log_growth + std::log1p(-defect);
    low = inverse_growth / a;
    high = 1.0 / (missing * b);
    above_one = inverse_growth / b;
    bend_high = -(std::exp(-d) * a + defect) / (missing * a);
  }
  const double bend_low = 1.0 + above_one;
  const double skew_low = bend_low * (2.0 * bend_low - 1.0) + mu * above_one;
  const double skew_high = bend_high * (bend_high - high) - end;
  return {value, low, high, bend_low, bend_high, skew_low, skew_high};
}

}  // namespace mixed_glm
