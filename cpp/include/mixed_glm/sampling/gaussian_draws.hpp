// Draws of the coefficients x = (u, beta) from a Gaussian whose mean moves with psi to first order:
//
//     x = m + T (psi - psi_0) + L'^-1 z        H = L L', z standard normal
//     log q(x) = 1/2 log|H| - |z|^2 / 2 - (q + p)/2 log 2 pi
//
// m and H belong to psi_0, and T = dx/dpsi = H^-1 C with C_k = 2 D_k u on the effects of component
// k.
#pragma once

#include <mixed_glm/linalg/bordered_cholesky.hpp>
#include <mixed_glm/model/coefficient_prior.hpp>

namespace mixed_glm {

// z: (q + p) x m, becomes L'^-1 z; returns the log densities of the m draws.
inline Vector spread_by_precision(const BorderedCholesky& cholesky, RowMatrix& z) {
  const double normalizer = 0.5 * cholesky.log_determinant() - 0.5 * double(z.rows()) * log_two_pi;
  Vector log_density = -0.5 * z.colwise().squaredNorm().transpose();
  log_density.array() += normalizer;
  cholesky.solve_upper(z);
  return log_density;
}

// T, (q + p) x K, at coefficients with the factorized H.
inline RowMatrix psi_response(const Design& design, const BorderedCholesky& cholesky,
                              const Vector& coefficients, const Vector& psi) {
  RowMatrix response = RowMatrix::Zero(design.coefficients(), psi.size());
  for (Index j = 0; j < design.effects(); ++j) {
    const Code k = design.component(j);
    response(j, k) = 2.0 * effect_precision(psi[k]) * coefficients[j];
  }
  cholesky.solve_in_place(response);
  return response;
}

}  // namespace mixed_glm
