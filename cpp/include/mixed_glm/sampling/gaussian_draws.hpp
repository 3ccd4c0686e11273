// Draws of the coefficients x = (u, beta) from a Gaussian whose mean moves with psi to first order:
//
//     x = m + T (psi - psi_0) + L'^-1 z        H = L L', z standard normal
//     log q(x) = 1/2 log|H| - |z|^2 / 2 - (q + p)/2 log 2 pi
//
// m and H belong to psi_0, and T = dx/dpsi = H^-1 C (coefficient_prior.hpp).
#pragma once

#include <mixed_glm/linalg/precision.hpp>
#include <mixed_glm/model/coefficient_prior.hpp>

namespace mixed_glm {

// Log densities of m draws: of all coefficients, and of the fixed effects beta with u integrated
// out.
struct DrawDensities {
  Vector all, fixed;
};

// z: (q + p) x m, becomes L'^-1 z. The fixed effects come last in L, so that their marginal
// precision is the product of its last block with its transpose.
inline DrawDensities spread_by_precision(const Precision& precision, RowMatrix& z) {
  const auto density = [&](Index size, double log_root) -> Vector {
    const Vector squares = z.bottomRows(size).colwise().squaredNorm().transpose();
    return (log_root - 0.5 * double(size) * log_two_pi) - 0.5 * squares.array();
  };
  const Index p = precision.pattern().border();
  const double fixed_log_root = precision.border_factor().diagonal().array().log().sum();
  DrawDensities result{density(z.rows(), 0.5 * precision.log_determinant()),
                       density(p, fixed_log_root)};
  precision.spread(z);
  return result;
}

// T, (q + p) x K, at coefficients with the factorized H; prior: at psi_0. family_pull: that of the
// family's hyperparameter (inference/marginal.hpp), or empty.
inline RowMatrix psi_response(const CoefficientPrior& prior, const Precision& precision,
                              const Vector& coefficients, const Vector& family_pull = Vector()) {
  RowMatrix response = prior.coupling(coefficients);
  if (family_pull.size() > 0) {
    response.conservativeResize(response.rows(), response.cols() + 1);
    response.rightCols(1) = family_pull;
  }
  precision.solve_in_place(response);
  return response;
}

}  // namespace mixed_glm
