// Poisson family with log link, mu = exp(eta), and the exponential family, which mirrors it
// (exponential.hpp).
//
//   log p(y | eta) = w [y eta - exp(eta) - log y!],   a = w y,  b = w.
#pragma once

#include <cmath>
#include <mixed_glm/families/hold_finite.hpp>
#include <mixed_glm/families/mirrored.hpp>
#include <mixed_glm/families/row_derivatives.hpp>
#include <mixed_glm/families/whole_number.hpp>
#include <mixed_glm/math/bits.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/exp.hpp>
#include <mixed_glm/math/log_factorial.hpp>

namespace mixed_glm {

// a x - b exp(x), x = sign eta: PoissonLog or, with the sign -1, ExponentialLog.
class LinearExponential {
 public:
  static constexpr const char* link_name = "log";
  const char* family_name;

  double sign() const noexcept { return sign_; }

  MIXED_GLM_INLINE RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    const double x = sign_ * eta;
    const double held = math::min(x, math::exp_limit);
    const double minus_mu = hold_finite(-b * math::exp(x));
    return mirrored({hold_finite(a * held + minus_mu), a + minus_mu, minus_mu, minus_mu}, sign_);
  }

  MIXED_GLM_INLINE double fourth(double d2, double /*d3*/, double /*a*/,
                                 double /*b*/) const noexcept {
    return d2;
  }

  bool supports(double y, double /*trials*/) const noexcept {
    return is_count() ? mixed_glm::is_count(y) : y >= 0.0 && std::isfinite(y);
  }

  RowCode encode(double y, double /*trials*/, double weight) const noexcept {
    const double constant = is_count() ? -weight * math::log_factorial(y) : 0.0;
    return mirrored_code({weight * y, weight, constant}, sign_);
  }

  // Poisson: log(y + 0.1), as R's glm starts. Exponential: log y, the row's own maximum; a waiting
  // time of zero has none, so zero stands in for it.
  double initial_eta(double a, double b) const noexcept {
    if (is_count()) return b > 0.0 ? std::log(a / b + 0.1) : 0.0;
    return a > 0.0 && b > 0.0 ? std::log(b / a) : 0.0;
  }

  double mean(double eta) const noexcept { return math::exp(eta); }

 protected:
  LinearExponential(const char* name, double sign) noexcept : family_name(name), sign_(sign) {}

 private:
  bool is_count() const noexcept { return sign_ > 0.0; }

  double sign_;
};

class PoissonLog : public LinearExponential {
 public:
  PoissonLog() noexcept : LinearExponential("poisson", 1.0) {}
};

}  // namespace mixed_glm
