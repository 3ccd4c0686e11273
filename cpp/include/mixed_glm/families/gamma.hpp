// Gamma family with log link: mean mu = exp(eta), variance d mu^2, dispersion d = exp(phi); with
// k = 1 / d and x = log y - eta
//
//   log p(y | eta) = w [-k (e^x - 1 - x) + k log k - k - log Gamma(k) - log y],   a = w y,  b = w.
//
// Both parts of phi are free of the cancellation of large k. Of merged rows y is the mean.
#pragma once

#include <cmath>
#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/digamma.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log.hpp>

namespace mixed_glm {

class GammaLog {
 public:
  static constexpr const char* family_name = "gamma";
  static constexpr const char* link_name = "log";
  static constexpr const char* shape_name = "dispersion";
  static constexpr bool constant_depends_on_response = false;

  explicit GammaLog(double phi = 0.0) noexcept
      : k_(std::exp(-math::max(math::min(phi, farthest), -farthest))) {}

  GammaLog with_shape(double phi) const noexcept { return GammaLog(phi); }

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double x = math::log(row_mean(a, b)) - eta;
    const double weight = b * k_;
    const double steep = -hold_finite(-weight * math::exp(x));
    const double value = hold_finite(-weight * math::exp_minus_line(x));
    const double pull = -hold_finite(-weight * math::expm1(x));
    return {value, pull, -steep, steep};
  }

  MIXED_GLM_INLINE ShapeSlopes shape_slopes(double eta, double a, double b) const noexcept {
    const RowDerivatives row = evaluate(eta, a, b);
    return {-row.value, -row.d1, -row.d2, b * (0.5 + 0.5 / (1.0 + k_))};
  }
  // k log k - k - log Gamma(k)
  ShapeTerm shape_constant(double /*y*/) const noexcept {
    return {0.5 * std::log(k_) - math::log_sqrt_two_pi - math::stirling_remainder(k_),
            -k_ * math::log_minus_digamma(k_)};
  }
  double merging_loss(double y, double mean) const noexcept { return std::log(mean / y); }
  ShapeTerm loss_rate() const noexcept { return {k_, -k_}; }

  bool supports(double y, double /*trials*/) const noexcept { return y > 0.0 && std::isfinite(y); }

  RowCode encode(double y, double /*trials*/, double weight) const noexcept {
    return {weight * y, weight, -weight * std::log(y)};
  }

  double initial_eta(double a, double b) const noexcept { return std::log(row_mean(a, b)); }

  double mean(double eta) const noexcept { return math::exp(eta); }

 private:
  static constexpr double farthest = 300.0;  // phi beyond which d stands still

  // One for a row without weight; never so small that its logarithm is not one.
  MIXED_GLM_INLINE static double row_mean(double a, double b) noexcept {
    const bool counts = b > 0.0;
    return math::max(math::select(counts, a, 1.0) / math::select(counts, b, 1.0), 1e-300);
  }

  double k_;
};

}  // namespace mixed_glm
