// Binomial family with complementary log-log link: F(eta) = 1 - exp(-exp(eta)).
#pragma once

#include <cmath>
#include <mixed_glm/families/binomial_response.hpp>
#include <mixed_glm/families/cloglog_row.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>

namespace mixed_glm {

class BinomialCloglog {
 public:
  static constexpr const char* family_name = "binomial";
  static constexpr const char* link_name = "cloglog";

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    return cloglog_row(eta, a, b);
  }

  bool supports(double y, double trials) const noexcept { return supports_binomial(y, trials); }

  RowCode encode(double y, double trials, double weight) const noexcept {
    return encode_binomial(y, trials, weight);
  }

  double initial_eta(double a, double b) const noexcept {
    return std::log(-std::log(starting_probability(b, a)));
  }

  double mean(double eta) const noexcept { return -math::expm1(-math::exp(eta)); }
};

}  // namespace mixed_glm
