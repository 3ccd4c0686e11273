// Standardized variates of a given skewness: skew-normal (Azzalini 1985) to a skewness of 0.95, as
// far as that family goes nearly, shifted log-normal beyond.
//
//     skew-normal: density 2 phi(t) Phi(alpha t), t = (x - location) / scale
//     log-normal:  x = +-(exp(+-s z - s^2/2) - 1) / root, z standard normal, root^2 = exp(s^2) - 1
#pragma once

#include <cmath>
#include <mixed_glm/math/owens_t.hpp>

namespace mixed_glm::math {

constexpr double most_skew_normal = 0.95;

// alpha / sqrt(1 + alpha^2) for a skewness, which is not negative.
inline double skew_normal_delta(double skewness) noexcept {
  constexpr double half_pi = 1.57079632679489661923;
  constexpr double limit = 0.5689956594119244967;  // cbrt((2 - half_pi)^2)
  const double power = std::cbrt(skewness * skewness);
  return std::sqrt(half_pi * power / (power + limit));
}
// The arc tangent of alpha for a skewness, and back; in it the distribution changes smoothly. The
// skewness is not negative.
inline double skew_normal_angle(double skewness) noexcept {
  return std::asin(skew_normal_delta(skewness));
}
inline double skewness_of_angle(double angle) noexcept {
  constexpr double half_pi = 1.57079632679489661923;
  const double mean = std::sin(angle) / std::sqrt(half_pi);
  return (2.0 - half_pi) * mean * mean * mean / std::pow(1.0 - mean * mean, 1.5);
}

class SkewVariate {
 public:
  explicit SkewVariate(double skewness) noexcept {
    const double size = std::abs(skewness);
    sign_ = skewness < 0.0 ? -1.0 : 1.0;
    if (!(size > least_skewness)) return;
    if (size <= most_skew_normal) {
      kind_ = Kind::skew_normal;
      const double delta = skew_normal_delta(size);
      const double mean = delta * std::sqrt(2.0 / pi);
      alpha_ = sign_ * delta / std::sqrt(1.0 - delta * delta);
      scale_ = std::sqrt(1.0 - mean * mean);  // 1 / scale
      location_ = sign_ * mean;               // - location / scale
    } else {
      kind_ = Kind::log_normal;
      root_ = 2.0 * std::sinh(std::asinh(0.5 * size) / 3.0);
      s_ = std::sqrt(std::log1p(root_ * root_));
    }
  }

  // Of numbers below x, and above.
  double below(double x) const noexcept {
    if (kind_ == Kind::normal) return normal_cdf(x);
    if (kind_ == Kind::log_normal) return normal_cdf(normal_of(x));
    const double t = scale_ * x + location_;
    return std::fmax(normal_cdf(t) - 2.0 * owens_t(t, alpha_), 0.0);
  }
  double above(double x) const noexcept {
    if (kind_ == Kind::normal) return normal_cdf(-x);
    if (kind_ == Kind::log_normal) return normal_cdf(-normal_of(x));
    const double t = scale_ * x + location_;
    return std::fmax(normal_cdf(-t) + 2.0 * owens_t(t, alpha_), 0.0);
  }
  double density(double x) const noexcept {
    if (kind_ == Kind::normal) return normal_density(x);
    if (kind_ == Kind::log_normal) {
      const double rest = 1.0 + sign_ * root_ * x;
      return rest > 0.0 ? normal_density(normal_of(x)) * root_ / (s_ * rest) : 0.0;
    }
    const double t = scale_ * x + location_;
    return 2.0 * scale_ * normal_density(t) * normal_cdf(alpha_ * t);
  }

  // The variate that is as likely exceeded as z is by a standard normal one.
  double of_normal(double z) const noexcept {
    if (kind_ == Kind::normal) return z;
    if (kind_ == Kind::log_normal) {
      return sign_ * std::expm1(sign_ * s_ * z - 0.5 * s_ * s_) / root_;
    }
    return solve(z);
  }

 private:
  enum class Kind { normal, skew_normal, log_normal };
  static constexpr double pi = 3.14159265358979323846;
  static constexpr double least_skewness = 1e-9;

  static double normal_density(double x) noexcept {
    return 0.39894228040143267794 * std::exp(-0.5 * x * x);
  }

  // Of a log-normal variate.
  double normal_of(double x) const noexcept {
    const double rest = 1.0 + sign_ * root_ * x;
    if (!(rest > 0.0)) return -sign_ * 40.0;
    return sign_ * (std::log(rest) + 0.5 * s_ * s_) / s_;
  }

  // By Newton's method inside a bracket, from the tail where probabilities are small.
  double solve(double z) const noexcept {
    const double side = z < 0.0 ? 1.0 : -1.0, target = normal_cdf(-std::abs(z));
    double low = -12.0, high = 12.0, x = z;
    for (int k = 0; k < 100; ++k) {
      const double excess = side * ((z < 0.0 ? below(x) : above(x)) - target);
      (excess < 0.0 ? low : high) = x;
      double next = x - excess / density(x);
      if (!(next > low && next < high)) next = 0.5 * (low + high);
      const bool settled = std::abs(next - x) < 1e-11;
      x = next;
      if (settled) break;
    }
    return x;
  }

  Kind kind_ = Kind::normal;
  double sign_ = 1.0;
  double alpha_ = 0.0, scale_ = 1.0, location_ = 0.0;
  double s_ = 0.0, root_ = 0.0;
};

}  // namespace mixed_glm::math
