// Owen's function T(h, a) = 1/(2 pi) int_0^a exp(-h^2 (1 + t^2) / 2) / (1 + t^2) dt (Owen 1956), by
// Gauss-Legendre quadrature on 0 .. min(a, 1), in two halves unless a is small, to 1e-12.
#pragma once

#include <array>
#include <cmath>
#include <mixed_glm/math/exp.hpp>

namespace mixed_glm::math {

inline double normal_cdf(double x) noexcept { return 0.5 * std::erfc(-x * 0.70710678118654752440); }

namespace detail {

constexpr std::array<double, 10> legendre_nodes = {
    -0.9739065285171717,  -0.8650633666889845, -0.6794095682990244, -0.4333953941292472,
    -0.14887433898163122, 0.14887433898163122, 0.4333953941292472,  0.6794095682990244,
    0.8650633666889845,   0.9739065285171717};
constexpr std::array<double, 10> legendre_weights = {
    0.06667134430868807, 0.14945134915058064, 0.219086362515982,  0.2692667193099965,
    0.295524224714753,   0.295524224714753,   0.2692667193099965, 0.219086362515982,
    0.14945134915058064, 0.06667134430868807};

// Of the integrand over an interval of this middle and half width. All terms before their sum: side
// by side in the processor.
inline double owens_t_panel(double half_square, double middle, double half_width) noexcept {
  std::array<double, legendre_nodes.size()> terms{};
  for (std::size_t k = 0; k < terms.size(); ++k) {
    const double t = middle + half_width * legendre_nodes[k], square = 1.0 + t * t;
    terms[k] = legendre_weights[k] * math::exp(half_square * square) / square;
  }
  double sum = 0.0;
  for (const double term : terms) sum += term;
  return sum * half_width;
}

// 0 <= a <= 1.
inline double owens_t_by_quadrature(double h, double a) noexcept {
  constexpr double most_of_one_panel = 0.5;
  const double half_square = -0.5 * h * h, quarter = 0.25 * a;
  const double integral = a <= most_of_one_panel
                              ? owens_t_panel(half_square, 0.5 * a, 0.5 * a)
                              : owens_t_panel(half_square, quarter, quarter) +
                                    owens_t_panel(half_square, 3.0 * quarter, quarter);
  return integral * 0.15915494309189533577;
}

}  // namespace detail

inline double owens_t(double h, double a) noexcept {
  const double x = std::abs(h), b = std::abs(a);
  double t;
  if (b <= 1.0) {
    t = detail::owens_t_by_quadrature(x, b);
  } else {
    const double above = normal_cdf(-x), beyond = normal_cdf(-b * x);
    t = 0.5 * (above + beyond) - above * beyond - detail::owens_t_by_quadrature(b * x, 1.0 / b);
  }
  return a < 0.0 ? -t : t;
}

}  // namespace mixed_glm::math
