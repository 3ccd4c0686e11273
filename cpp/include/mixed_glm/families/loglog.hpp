// Binomial family with log-log link: F(eta) = exp(-exp(-eta)).
//
// The mirror image of the complementary log-log link: F(eta) = 1 - F_cloglog(-eta), so successes
// and failures change places and odd derivatives change sign.
#pragma once

#include <cmath>
#include <mixed_glm/families/binomial_response.hpp>
#include <mixed_glm/families/cloglog_row.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>

namespace mixed_glm {

class BinomialLoglog {
 public:
  static constexpr const char* family_name = "binomial";
  static constexpr const char* link_name = "loglog";

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const RowDerivatives mirror = cloglog_row(-eta, b, a);
    return {mirror.value, -mirror.d1, mirror.d2, -mirror.d3};
  }

  bool supports(double y, double trials) const noexcept { return supports_binomial(y, trials); }

  RowCode encode(double y, double trials, double weight) const noexcept {
    return encode_binomial(y, trials, weight);
  }

  double initial_eta(double a, double b) const noexcept {
    return -std::log(-std::log(starting_probability(a, b)));
  }

  // exp(-mu) where mu = exp(-eta) is needed to more digits than a double holds.
  double mean(double eta) const noexcept {
    const math::ExpSum mu = math::exp_sum(-eta);
    return math::scaled_exp(-mu.high, -mu.low) * math::undo_scaling;
  }
};

}  // namespace mixed_glm
