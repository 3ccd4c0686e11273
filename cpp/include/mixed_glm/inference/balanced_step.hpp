// Gradient g of the marginal posterior, bent so that it is linear in psi for a balanced Gaussian
// model. There component k of n_k effects with reliability rho_k has
//
//     g_k = D_k sum_j E[u_j^2] - n_k = n_k rho_k^2 (exp(2 (psi_k* - psi_k)) - 1)
//
// so that, with the information I_k = 2 n_k rho_k^2, the way to the root psi* is
//
//     psi_k* - psi_k = log(1 + 2 g_k / I_k) / 2
//
// The bent gradient is I_k (psi_k* - psi_k), with the prior's share in both g and I. At the mode it
// agrees with the gradient to first order; far from it, a step by it goes much less astray. So is
// the logarithm of a Gaussian response's standard deviation, and others of families are like it;
// correlations are not bent.
#pragma once

#include <cmath>
#include <mixed_glm/inference/marginal.hpp>

namespace mixed_glm {

struct BalancedStep {
  // Of a correlation where nothing tells of it: far out, its prior is a straight line.
  static constexpr double least_information = 0.05;

  Vector information;  // d: I_k, above zero
  Vector distance;     // d: psi_k* - psi_k; g_k / I_k of the others

  // Of a marginal that stands at theta and has this gradient there.
  static BalancedStep at(const Marginal& marginal, const Vector& theta, const Vector& gradient) {
    constexpr double most = 20.0;  // of the ratio of two variances
    BalancedStep result;
    result.information = marginal.information(theta);
    const Hyperparameters& hyperparameters = marginal.model().hyperparameters();
    const Hyperparameters::Block cor = hyperparameters.cor();
    auto of_cor = result.information.segment(cor.begin, cor.size);
    of_cor = of_cor.cwiseMax(least_information);
    result.distance = gradient.cwiseQuotient(result.information);
    for (const auto& block : {hyperparameters.psi(), hyperparameters.family()}) {
      auto part = result.distance.segment(block.begin, block.size).array();
      part = 0.5 * (1.0 + 2.0 * part).max(1.0 / most).min(most).log();
    }
    return result;
  }

  // The bent gradient, in this or another point's unit of information.
  Vector gradient() const { return gradient(information); }
  Vector gradient(const Vector& unit) const { return unit.cwiseProduct(distance); }
};

}  // namespace mixed_glm
