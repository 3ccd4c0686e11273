// Poisson family with log link: mu = exp(eta).
//
//   log p(y | eta) = w [y eta - exp(eta) - log y!],   a = w y,  b = w.
#pragma once

#include <cmath>
#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/families/whole_number.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log_factorial.hpp>

namespace mixed_glm {

class PoissonLog {
 public:
  static constexpr const char* family_name = "poisson";
  static constexpr const char* link_name = "log";

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double held = math::min(eta, math::exp_limit);
    const double minus_mu = hold_finite(-b * math::exp(eta));
    return {hold_finite(a * held + minus_mu), a + minus_mu, minus_mu, minus_mu};
  }

  MIXED_GLM_INLINE double fourth(double d2, double /*d3*/, double /*a*/,
                                 double /*b*/) const noexcept {
    return d2;
  }

  bool supports(double y, double /*trials*/) const noexcept { return is_count(y); }

  RowCode encode(double y, double /*trials*/, double weight) const noexcept {
    return {weight * y, weight, -weight * math::log_factorial(y)};
  }

  // log(y + 0.1), as R's glm starts.
  double initial_eta(double a, double b) const noexcept {
    return b > 0.0 ? std::log(a / b + 0.1) : 0.0;
  }

  double mean(double eta) const noexcept { return math::exp(eta); }
};

}  // namespace mixed_glm
