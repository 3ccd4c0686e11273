// Negative binomial family with log link and dispersion alpha = exp(phi), which is known or which
// the data estimate: mean mu = exp(eta), variance mu + alpha mu^2 (NB2); with r = 1 / alpha, t =
// alpha mu, p = t / (1 + t)
//
//   log p(y | eta) = w [y eta - (y + r) log(1 + t)
//                       + log Gamma(y + r) - log Gamma(r) - y log r - log y!],  a = w y,  b = w:
//
// a binomial logit kernel at log odds eta + log(alpha). Its exp(-|log odds|) is alpha exp(eta) or
// exp(-eta) / alpha, and is computed so: eta + log(alpha) is rounded, and where alpha is small the
// exponential underflows although its product with b does not.
//
// Nothing of this grows where alpha goes to zero and the family becomes Poisson, nor does anything
// of the slopes
//
//   l_phi   = r h(t) - y p,   h(t) = log(1 + t) - p,     and of the constant sum_{j < y} j / (r +
//   j) l'_phi  = p (r p - y (1 - p)) l''_phi = p (1 - p) (2 r p - y (1 - 2 p))
#pragma once

#include <cmath>
#include <mixed_glm/families/logistic_row.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/families/whole_number.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/digamma.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>
#include <mixed_glm/math/log_factorial.hpp>
#include <optional>
#include <stdexcept>
#include <string>

namespace mixed_glm {

class NegativeBinomialLog {
 public:
  static constexpr const char* family_name = "negative_binomial";
  static constexpr const char* link_name = "log";
  const char* shape_name = "alpha";  // null: alpha is known
  static constexpr bool constant_depends_on_response = true;

  NegativeBinomialLog() noexcept { set_log_alpha(0.0); }
  // alpha in [1e-100, 1e100]; throws std::invalid_argument otherwise.
  explicit NegativeBinomialLog(double alpha) : shape_name(nullptr) {
    if (!(alpha >= 1e-100 && alpha <= 1e100)) {
      throw std::invalid_argument("alpha: expected a number from 1e-100 to 1e100, got " +
                                  std::to_string(alpha));
    }
    log_alpha_ = std::log(alpha);
    alpha_ = alpha;
    r_ = 1.0 / alpha;
    of_constant_ = 0.0;
  }

  // Where it is known.
  std::optional<double> alpha() const noexcept {
    return shape_name == nullptr ? std::optional<double>(alpha_) : std::nullopt;
  }

  NegativeBinomialLog with_shape(double phi) const noexcept {
    NegativeBinomialLog result = *this;
    if (shape_name != nullptr) result.set_log_alpha(phi);
    return result;
  }

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double log_odds = eta + log_alpha_;
    const bool negative = log_odds < 0.0;
    const double scale = math::select(negative, alpha_, r_);
    RowDerivatives row =
        logistic_row(log_odds, scale, math::select(negative, eta, -eta), a, b * r_);
    row.value = hold_finite(row.value - a * of_constant_);
    return row;
  }

  MIXED_GLM_INLINE ShapeSlopes shape_slopes(double eta, double a, double b) const noexcept {
    const double log_odds = eta + log_alpha_;
    const bool small = log_odds < 0.0;  // t < 1
    const double e = math::select(small, alpha_, r_) * math::exp(math::select(small, eta, -eta));
    const double near = 1.0 / (1.0 + e), far = e * near;
    const double p = math::select(small, far, near), rest = math::select(small, near, far);
    // With s = e / (2 + e): log(1 + e) = 2 s + s^3 P(s^2), e / (1 + e) = 2 s / (1 + s).
    const double s = e / (2.0 + e), z = s * s;
    const double tail = s * z * math::polynomial(z, math::atanh_tail);
    const double h =
        math::select(small, 2.0 * z / (1.0 + s) + tail, (log_odds + (2.0 * s + tail)) - p);
    const double rows = b * r_;
    return {rows * h - a * p, p * (rows * p - a * rest),
            p * rest * (2.0 * rows * p - a * (rest - p)), 0.5 * b * p * p};
  }
  ShapeTerm shape_constant(double y) const noexcept {
    const double count = std::round(y);  // it comes as w y / w
    return {math::log_rising_ratio(count, r_), math::log_rising_ratio_slope(count, r_)};
  }
  double merging_loss(double /*y*/, double /*mean*/) const noexcept { return 0.0; }
  ShapeTerm loss_rate() const noexcept { return {0.0, 0.0}; }

  bool supports(double y, double /*trials*/) const noexcept { return is_count(y); }

  RowCode encode(double y, double /*trials*/, double weight) const noexcept {
    const double constant =
        shape_name == nullptr ? constant_where_known(y) : -math::log_factorial(y);
    return {weight * y, weight, weight * constant};
  }

  // log(y), or log(1/6) for y = 0, as R's glm.nb starts.
  double initial_eta(double a, double b) const noexcept {
    return std::log(a > 0.0 && b > 0.0 ? a / b : 1.0 / 6.0);
  }

  double mean(double eta) const noexcept { return math::exp(eta); }

 private:
  static constexpr double farthest = 230.0;  // phi beyond which alpha stands still

  // Gamma(y + r) / (Gamma(r) y!) = r / (y + r) times the binomial coefficient of y + r over y: at
  // once, where shape_constant() is a sum of y terms.
  double constant_where_known(double y) const noexcept {
    return math::log_binomial(y, r_) - std::log1p(alpha_ * y);
  }

  void set_log_alpha(double phi) noexcept {
    log_alpha_ = math::max(math::min(phi, farthest), -farthest);
    alpha_ = std::exp(log_alpha_);
    r_ = std::exp(-log_alpha_);
    of_constant_ = log_alpha_;
  }

  double log_alpha_;
  double of_constant_;  // log(alpha) where it is no part of the constant, zero where it is known
  double alpha_;
  double r_;
};

using EstimatedNegativeBinomialLog = NegativeBinomialLog;  // as its default constructor makes it

}  // namespace mixed_glm
