// Negative binomial family with log link and a dispersion alpha = exp(phi) that the data estimate:
// mean mu = exp(eta), variance mu + alpha mu^2; with r = 1 / alpha, t = alpha mu, p = t / (1 + t)
//
//   log p(y | eta) = w [y eta - (y + r) log(1 + t)
//                       + log Gamma(y + r) - log Gamma(r) - y log r - log y!],  a = w y,  b = w.
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

namespace mixed_glm {

class EstimatedNegativeBinomialLog {
 public:
  static constexpr const char* family_name = "negative_binomial";
  static constexpr const char* link_name = "log";
  static constexpr const char* shape_name = "alpha";
  static constexpr bool constant_depends_on_response = true;

  explicit EstimatedNegativeBinomialLog(double phi = 0.0) noexcept
      : log_alpha_(math::max(math::min(phi, farthest), -farthest)),
        alpha_(std::exp(log_alpha_)),
        r_(std::exp(-log_alpha_)) {}

  EstimatedNegativeBinomialLog with_shape(double phi) const noexcept {
    return EstimatedNegativeBinomialLog(phi);
  }

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double log_odds = eta + log_alpha_;
    const bool negative = log_odds < 0.0;
    const double scale = math::select(negative, alpha_, r_);
    RowDerivatives row =
        logistic_row(log_odds, scale, math::select(negative, eta, -eta), a, b * r_);
    row.value = hold_finite(row.value - a * log_alpha_);
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
    return {weight * y, weight, -weight * math::log_factorial(y)};
  }

  // log(y), or log(1/6) for y = 0, as R's glm.nb starts.
  double initial_eta(double a, double b) const noexcept {
    return std::log(a > 0.0 && b > 0.0 ? a / b : 1.0 / 6.0);
  }

  double mean(double eta) const noexcept { return math::exp(eta); }

 private:
  static constexpr double farthest = 230.0;  // phi beyond which alpha stands still

  double log_alpha_;
  double alpha_;
  double r_;
};

}  // namespace mixed_glm
