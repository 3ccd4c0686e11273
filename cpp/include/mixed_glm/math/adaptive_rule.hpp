// An adaptive quadrature rule for a normal density times a log-concave likelihood, around their
// mode:
//
//     int f(u) N(u; 0, sd^2) du = sum_k exp(log_weight_k) f(u_k)
//
// Up to sd = 2, or where the likelihood says much more than the normal density (scale < sd / 4),
// Gauss-Hermite, u = mode + sqrt(2) scale x: exact to rounding where the integrand is nearly a
// normal density. Otherwise a wide normal density is cut by the edge of the likelihood, for which
// Gauss-Hermite converges slowly (25 nodes, logit: 5e-5 nats at sd 4, 3e-3 at sd 8); there the
// trapezoidal rule in t, u = mode + scale sinh(t) out to 6 sd, converges exponentially.
#pragma once

#include <mixed_glm/math/gauss_hermite.hpp>

namespace mixed_glm {

class AdaptiveRule {
 public:
  explicit AdaptiveRule(Index n_quad) : rule_(n_quad) {}

  static constexpr double widest_for_gauss_hermite = 2.0;
  static constexpr Index fewest_for_sinh = 15;  // with fewer nodes, Gauss-Hermite is all there is

  Index size() const { return rule_.nodes.size(); }
  const GaussHermite& gauss_hermite() const { return rule_; }

  // Whether the nodes for a mode of this scale are those of Gauss-Hermite.
  bool is_gauss_hermite(double scale, double sd) const {
    const bool informed = scale < least_share * sd;
    return informed || sd <= widest_for_gauss_hermite || size() < fewest_for_sinh;
  }

  // nodes, log_weights: columns of `size()` entries.
  template <class Column>
  void place(double mode, double scale, double sd, Column&& nodes, Column&& log_weights) const {
    if (is_gauss_hermite(scale, sd)) {
      nodes = mode + (std::sqrt(2.0) * scale) * rule_.nodes.array();
      log_weights = rule_.log_weights.array() + std::log(std::sqrt(2.0) * scale);
    } else {
      const double limit = std::asinh(reach * sd / scale);
      const Eigen::ArrayXd growth = Eigen::ArrayXd::LinSpaced(size(), -limit, limit).exp();
      nodes = mode + (0.5 * scale) * (growth - growth.inverse());
      const double step = 2.0 * limit / double(size() - 1);
      log_weights = (0.5 * (growth + growth.inverse())).log() + std::log(scale * step);
    }
    log_weights -= 0.5 * (nodes / sd).square() + (std::log(sd) + 0.5 * log_two_pi);
  }

 private:
  static constexpr double reach = 6.0;
  static constexpr double least_share = 0.25;

  GaussHermite rule_;
};

}  // namespace mixed_glm
