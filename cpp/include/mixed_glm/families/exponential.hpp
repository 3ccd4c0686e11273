// Exponential family of waiting times with log link: mean mu = exp(eta).
//
//   log p(y | eta) = w [-eta - y exp(-eta)],   a = w y,  b = w.
#pragma once

#include <cmath>
#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>

namespace mixed_glm {

class ExponentialLog {
 public:
  static constexpr const char* family_name = "exponential";
  static constexpr const char* link_name = "log";

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double held = math::max(eta, -math::exp_limit);
    const double minus_ratio = hold_finite(-a * math::exp(-eta));  // -y / mu
    return {hold_finite(minus_ratio - b * held), -minus_ratio - b, minus_ratio, -minus_ratio};
  }

  bool supports(double y, double /*trials*/) const noexcept { return y >= 0.0 && std::isfinite(y); }

  RowCode encode(double y, double /*trials*/, double weight) const noexcept {
    return {weight * y, weight, 0.0};
  }

  // log y, the row's own maximum; a waiting time of zero has none, so zero stands in for it.
  double initial_eta(double a, double b) const noexcept {
    return a > 0.0 && b > 0.0 ? std::log(a / b) : 0.0;
  }

  double mean(double eta) const noexcept { return math::exp(eta); }
};

}  // namespace mixed_glm
