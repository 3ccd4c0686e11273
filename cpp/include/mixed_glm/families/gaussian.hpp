// Gaussian family with identity link and standard deviation sigma = exp(phi).
//
//   log p(y | eta) = w [-(y - eta)^2 / (2 sigma^2) - phi - log(2 pi) / 2],   a = w y,  b = w.
//
// Written with y = a / b rather than expanded, so that a large common part of y and eta cancels
// before it is squared; of merged rows that is their mean.
#pragma once

#include <cmath>
#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class GaussianIdentity {
 public:
  static constexpr const char* family_name = "gaussian";
  static constexpr const char* link_name = "identity";
  static constexpr const char* shape_name = "sigma";
  static constexpr bool is_quadratic = true;
  static constexpr bool constant_depends_on_response = false;

  explicit GaussianIdentity(double phi = 0.0) noexcept
      : phi_(phi), precision_(std::exp(-2.0 * math::max(math::min(phi, farthest), -farthest))) {}

  GaussianIdentity with_shape(double phi) const noexcept { return GaussianIdentity(phi); }

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double residual = math::max(math::min(row_mean(a, b) - eta, most), -most);
    const double weight = b * precision_;
    const double pull = weight * residual;
    return {hold_finite(-0.5 * (pull * residual)), pull, -weight, 0.0};
  }

  MIXED_GLM_INLINE ShapeSlopes shape_slopes(double eta, double a, double b) const noexcept {
    const RowDerivatives row = evaluate(eta, a, b);
    return {-2.0 * row.value, -2.0 * row.d1, -2.0 * row.d2, 2.0 * b};
  }
  ShapeTerm shape_constant(double /*y*/) const noexcept { return {-phi_, -1.0}; }
  double merging_loss(double y, double mean) const noexcept {
    return 0.5 * (y - mean) * (y - mean);
  }
  ShapeTerm loss_rate() const noexcept { return {precision_, -2.0 * precision_}; }

  bool supports(double y, double /*trials*/) const noexcept { return std::isfinite(y); }

  RowCode encode(double y, double /*trials*/, double weight) const noexcept {
    return {weight * y, weight, -0.5 * weight * log_two_pi};
  }

  double initial_eta(double a, double b) const noexcept { return row_mean(a, b); }

  double mean(double eta) const noexcept { return eta; }

 private:
  static constexpr double farthest = 150.0;  // phi beyond which sigma stands still
  static constexpr double most = 1e75;       // of a residual: its square is finite

  MIXED_GLM_INLINE static double row_mean(double a, double b) noexcept {
    return a / math::select(b > 0.0, b, 1.0);
  }

  double phi_;
  double precision_;
};

}  // namespace mixed_glm
