// a log p + b log(1 - p) with log odds eta, shared by the logit link and the negative binomial.
//
// Everything is written in e = exp(-|eta|) <= 1, so that no tail is a difference. With the weight
// of the likely outcome called w_near and that of the unlikely one w_far (a if eta < 0, else b),
// u = 1 / (1 + e), and upper signs for eta < 0:
//
//   value = -(w_far |eta| + (a + b) log(1 + e))
//   d1 = +- (w_far - w_near e) u        d2 = -(a + b) e u^2        d3 = +- d2 (1 - e) u
//
// log(1 + e) = t R(t), t = e / (2 + e) (log.hpp); both quotients share one division. e is given
// as scale * exp(x): the negative binomial's e carries alpha or 1 / alpha, and (a + b) e is formed
// from the product (a + b) scale, so that it survives where e alone would underflow.
#pragma once

#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>

namespace mixed_glm {

// eta: log odds; scale * exp(x) = exp(-|eta|).
MIXED_GLM_INLINE RowDerivatives logistic_row(double eta, double scale, double x, double a,
                                             double b) noexcept {
  const math::ExpFactors factors = math::exp_factors(math::max(x, -math::exp_limit), 0.0);
  const double exp_x = factors.scale + factors.scale * factors.expm1;
  const double e = scale * exp_x;
  const double scaled = scale * factors.scale;
  const double one_minus_e = (1.0 - scaled) - scaled * factors.expm1;

  const bool negative = eta < 0.0;
  const double w_far = math::select(negative, a, b);
  const double w_near = math::select(negative, b, a);
  const double tail = (a + b) * scale * exp_x;

  const double inverse = 1.0 / ((1.0 + e) * (2.0 + e));
  const double u = (2.0 + e) * inverse;
  const double half = (1.0 + e) * inverse;  // 1 / (2 + e)
  const double value = -(w_far * math::abs(eta) + tail * half * math::atanh_ratio(e * half));
  const double slope = (w_far - w_near * scale * exp_x) * u;
  const double d2 = -(tail * u * u);
  const double skew = d2 * (one_minus_e * u);
  return {hold_finite(value), math::negate_unless_negative(slope, eta), d2,
          math::negate_unless_negative(skew, eta)};
}

// d4 from d2 = -n v and d3, n = a + b: d3 / d2 = 1 - 2 p, d4 = d2 (1 - 6 v).
MIXED_GLM_INLINE double logistic_fourth(double d2, double d3, double n) noexcept {
  const double shape = math::select(d2 < 0.0, d3 / d2, 0.0);
  return d2 * (shape * shape + 2.0 * math::select(d2 < 0.0, d2 / n, 0.0));
}

}  // namespace mixed_glm
