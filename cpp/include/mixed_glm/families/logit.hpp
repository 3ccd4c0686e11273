// Binomial family with logit link: F(eta) = 1 / (1 + exp(-eta)).
#pragma once

#include <mixed_glm/families/binomial_response.hpp>
#include <mixed_glm/families/logistic_row.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>

namespace mixed_glm {

class BinomialLogit {
 public:
  static constexpr const char* family_name = "binomial";
  static constexpr const char* link_name = "logit";

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    return logistic_row(eta, 1.0, -math::abs(eta), a, b);
  }

  bool supports(double y, double trials) const noexcept { return supports_binomial(y, trials); }

  RowCode encode(double y, double trials, double weight) const noexcept {
    return encode_binomial(y, trials, weight);
  }

  double initial_eta(double a, double b) const noexcept { return math::log((a + 0.5) / (b + 0.5)); }

  MIXED_GLM_INLINE double fourth(double d2, double d3, double a, double b) const noexcept {
    return logistic_fourth(d2, d3, a + b);
  }

  double mean(double eta) const noexcept {
    const double e = math::exp(-math::abs(eta));
    return (eta < 0.0 ? e : 1.0) / (1.0 + e);
  }
};

}  // namespace mixed_glm
