// Binomial family with probit link: F(eta) = Phi(eta).
//
// With t = |eta|, Q = Phi(-t) = phi(t) R(t) and the hazard r = 1 / R = t + delta (mills.hpp):
//
//   far tail, x = -t:   log Phi = -t^2 / 2 - log sqrt(2 pi) - log r,
//                       h' = r,   h'' = -r delta,   h''' = r asymmetry
//   near tail, x = t:   log Phi = log(1 - Q),   s = phi / (1 - Q),
//                       h' = s,   h'' = -s (t + s),   h''' = s ((t + s)(t + 2 s) - 1)
//
// The unlikely outcome (a if eta < 0, else b) takes the far tail and the likely one the near tail;
// odd derivatives change sign with eta, because 1 - Phi(eta) = Phi(-eta).
#pragma once

#include <cmath>
#include <mixed_glm/families/binomial_response.hpp>
#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>
#include <mixed_glm/math/mills.hpp>

namespace mixed_glm {

// h = log Phi and its derivatives at one point.
MIXED_GLM_INLINE RowDerivatives probit_far_tail(double t, const math::MillsRatio& mills) noexcept {
  const double r = t + mills.excess;
  const double value = -0.5 * t * t - math::log_sqrt_two_pi - math::log(r);
  return {value, r, -(mills.argument + mills.excess) * mills.excess, r * mills.asymmetry};
}

// For t <= 40, beyond which all of it is zero.
MIXED_GLM_INLINE RowDerivatives probit_near_tail(double t, const math::MillsRatio& mills) noexcept {
  const double density = math::scaled_normal_density(t);  // times 2^64
  const double q = density * mills.ratio * math::undo_scaling;
  const double inverse = 1.0 / ((1.0 - q) * (2.0 - q));
  const double ratio = -q * (1.0 - q) * inverse;  // -q / (2 - q), see log.hpp
  const double scaled_s = density * (2.0 - q) * inverse;
  const double s = scaled_s * math::undo_scaling;
  const double bend = scaled_s * (t + s);
  const double skew = scaled_s * ((t + s) * (t + 2.0 * s) - 1.0);
  return {ratio * math::atanh_ratio(ratio), s, -bend * math::undo_scaling,
          skew * math::undo_scaling};
}

class BinomialProbit {
 public:
  static constexpr const char* family_name = "binomial";
  static constexpr const char* link_name = "probit";

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double t = math::min(math::abs(eta), 1e140);  // its square stays finite
    const bool negative = eta < 0.0;
    const double w_far = math::select(negative, a, b);
    const double w_near = math::select(negative, b, a);
    const math::MillsRatio mills = math::mills_ratio(t);
    const RowDerivatives far_tail = probit_far_tail(t, mills);
    const RowDerivatives near_tail = probit_near_tail(math::min(t, 40.0), mills);
    const double slope = w_far * far_tail.d1 - w_near * near_tail.d1;
    const double skew = w_far * far_tail.d3 - w_near * near_tail.d3;
    return {hold_finite(w_far * far_tail.value + w_near * near_tail.value),
            math::negate_unless_negative(slope, eta), w_far * far_tail.d2 + w_near * near_tail.d2,
            math::negate_unless_negative(skew, eta)};
  }

  bool supports(double y, double trials) const noexcept { return supports_binomial(y, trials); }

  RowCode encode(double y, double trials, double weight) const noexcept {
    return encode_binomial(y, trials, weight);
  }

  // Normal quantile, Abramowitz and Stegun 26.2.22: right to 3e-3, plenty for a start.
  double initial_eta(double a, double b) const noexcept {
    const double p = starting_probability(a, b);
    const double t = std::sqrt(-2.0 * std::log(p < 0.5 ? p : starting_probability(b, a)));
    const double z = t - (2.30753 + 0.27061 * t) / (1.0 + t * (0.99229 + 0.04481 * t));
    return p < 0.5 ? -z : z;
  }

  double mean(double eta) const noexcept {
    const double t = math::min(math::abs(eta), 40.0);  // the tail is zero there
    const double tail =
        math::undo_scaling * math::scaled_normal_density(t) * math::mills_ratio(t).ratio;
    return eta < 0.0 ? tail : 1.0 - tail;
  }
};

}  // namespace mixed_glm
