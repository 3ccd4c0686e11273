// How many nodes a quadrature over the effects needs, found out at the mode of psi: the search for
// it takes few, and the integration more, so many that with the last ones added nothing moved:
//
//     psi      by its gradient, in posterior standard deviations
//     beta, u  by mean (standard deviations) and log standard deviation given psi; u half as much
//
// What a rule is off falls by a factor of ten and more with each step, so that the last move is a
// bound on what is left.
#pragma once

#include <mixed_glm/inference/marginal_mode.hpp>

namespace mixed_glm {

// Of the integral over the effects of a leaf whose nodes were taken by need.
struct QuadratureReport {
  Index nodes = 0;  // of each effect; 0: as asked for
  // Posterior standard deviations by which the last nodes moved anything; NaN: not looked at.
  double error = std::numeric_limits<double>::quiet_NaN();
};

class QuadratureCheck {
 public:
  explicit QuadratureCheck(Marginal& marginal) : marginal_(&marginal) {}

  // mode: that search has found with few nodes, and finds again with more; the marginal stands
  // there before and afterwards.
  QuadratureReport run(MarginalModeSearch& search, MarginalMode& mode) {
    QuadratureReport report;
    if (marginal_->nodes() == 0) return report;
    while (mode.converged) {
      const ConditionalPosterior posterior = marginal_->posterior();
      const Vector gradient = marginal_->gradient(mode.psi);
      const Vector sd = mode.precision.diagonal().cwiseSqrt().cwiseInverse();
      if (!marginal_->take_more_nodes(sd.maxCoeff())) break;
      mode = search.find_again([&] {
        const Vector moved = (marginal_->gradient(mode.psi) - gradient).cwiseProduct(sd);
        report.error = std::max(moved.lpNorm<Eigen::Infinity>(),
                                move_of_coefficients(posterior, marginal_->posterior()));
      });
      if (!(report.error > enough)) break;
    }
    report.nodes = marginal_->nodes();
    return report;
  }

 private:
  static constexpr double enough = 0.03;
  static constexpr double share_of_effects = 0.5;

  double move_of_coefficients(const ConditionalPosterior& before,
                              const ConditionalPosterior& after) const {
    const Index q = marginal_->model().design().effects();
    const Eigen::ArrayXd mean =
        ((after.mean - before.mean).array() / after.variance.array().sqrt()).abs();
    const Eigen::ArrayXd log_sd = 0.5 * (after.variance.array() / before.variance.array()).log();
    const Eigen::ArrayXd move = mean.max(log_sd.abs());
    const double of_effects = q > 0 ? move.head(q).maxCoeff() : 0.0;
    const double of_fixed = q < move.size() ? move.tail(move.size() - q).maxCoeff() : 0.0;
    return std::max(of_fixed, share_of_effects * of_effects);
  }

  Marginal* marginal_;
};

}  // namespace mixed_glm
