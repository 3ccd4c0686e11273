// Binomial family with complementary log-log link, F(eta) = 1 - exp(-exp(eta)), and with log-log
// link, which mirrors it (loglog.hpp).
#pragma once

#include <cmath>
#include <mixed_glm/families/binomial_response.hpp>
#include <mixed_glm/families/cloglog_row.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>

namespace mixed_glm {

// BinomialCloglog or, with the sign -1, BinomialLoglog, for which failures come first.
class MirroredCloglog {
 public:
  static constexpr const char* family_name = "binomial";
  const char* link_name;

  double sign() const noexcept { return sign_; }

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const RowDerivatives row = cloglog_row(sign_ * eta, a, b);
    return {row.value, sign_ * row.d1, row.d2, sign_ * row.d3};
  }

  bool supports(double y, double trials) const noexcept { return supports_binomial(y, trials); }

  RowCode encode(double y, double trials, double weight) const noexcept {
    const RowCode row = encode_binomial(y, trials, weight);
    return sign_ > 0.0 ? row : RowCode{row.b, row.a, row.constant};
  }

  double initial_eta(double a, double b) const noexcept {
    return sign_ * std::log(-std::log(starting_probability(b, a)));
  }

  // Loglog: exp(-mu) where mu = exp(-eta) is needed to more digits than a double holds.
  double mean(double eta) const noexcept {
    if (sign_ > 0.0) return -math::expm1(-math::exp(eta));
    const math::ExpSum mu = math::exp_sum(-eta);
    return math::scaled_exp(-mu.high, -mu.low) * math::undo_scaling;
  }

 protected:
  MirroredCloglog(const char* name, double sign) noexcept : link_name(name), sign_(sign) {}

 private:
  double sign_;
};

class BinomialCloglog : public MirroredCloglog {
 public:
  BinomialCloglog() noexcept : MirroredCloglog("cloglog", 1.0) {}
};

}  // namespace mixed_glm
