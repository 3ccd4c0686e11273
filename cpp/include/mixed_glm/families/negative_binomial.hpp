// Negative binomial family with log link and known dispersion alpha: mean mu = exp(eta), variance
// mu + alpha mu^2 (NB2).
//
//   log p(y | eta) = w [log C(y + r - 1, y) + y log p + r log(1 - p)],   r = 1 / alpha,
//   p = alpha mu / (1 + alpha mu),   a = w y,  b = w / alpha:
//
// a binomial logit kernel at log odds eta + log(alpha). Its exp(-|log odds|) is alpha exp(eta) or
// exp(-eta) / alpha, and is computed so: eta + log(alpha) is rounded, and where alpha is small the
// exponential underflows although its product with b does not.
#pragma once

#include <cmath>
#include <mixed_glm/families/logistic_row.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/families/whole_number.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log_factorial.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

class NegativeBinomialLog {
 public:
  static constexpr const char* family_name = "negative_binomial";
  static constexpr const char* link_name = "log";

  // alpha in [1e-100, 1e100]; throws std::invalid_argument otherwise.
  explicit NegativeBinomialLog(double alpha)
      : alpha_(checked(alpha)), inverse_alpha_(1.0 / alpha), log_alpha_(std::log(alpha)) {}

  double alpha() const noexcept { return alpha_; }

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double log_odds = eta + log_alpha_;
    const bool negative = log_odds < 0.0;
    const double scale = math::select(negative, alpha_, inverse_alpha_);
    return logistic_row(log_odds, scale, math::select(negative, eta, -eta), a, b);
  }

  bool supports(double y, double /*trials*/) const noexcept { return is_count(y); }

  RowCode encode(double y, double /*trials*/, double weight) const noexcept {
    // Gamma(y + r) / (Gamma(r) y!) = r / (y + r) times the binomial coefficient of y + r over y.
    const double constant = math::log_binomial(y, inverse_alpha_) - std::log1p(alpha_ * y);
    return {weight * y, weight * inverse_alpha_, weight * constant};
  }

  // log(y), or log(1/6) for y = 0, as R's glm.nb starts.
  double initial_eta(double a, double b) const noexcept {
    if (!(b > 0.0)) return 0.0;
    const double y = a / (b * alpha_);
    return std::log(y > 0.0 ? y : 1.0 / 6.0);
  }

  double mean(double eta) const noexcept { return math::exp(eta); }

 private:
  static double checked(double alpha) {
    if (!(alpha >= 1e-100 && alpha <= 1e100)) {
      throw std::invalid_argument("alpha: expected a number from 1e-100 to 1e100, got " +
                                  std::to_string(alpha));
    }
    return alpha;
  }

  double alpha_;
  double inverse_alpha_;
  double log_alpha_;
};

}  // namespace mixed_glm
