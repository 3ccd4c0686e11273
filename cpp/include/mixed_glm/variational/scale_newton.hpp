// Newton's method for the prior precisions t_k = E exp(-2 psi_k) of the effects. Alternating
// between coefficients and psi converges like EM, slowly where the data say little about a
// variance. Both together solve log t = phi(S(t)), with S_k = sum_j E u_j^2 after a step of the
// coefficients and phi the psi's own maximum (scale_posterior.hpp). With the elasticity alpha_k =
// -dphi_k / dlog S_k,
//
//     -t_k dS_k / dlog t_l = B_kl = 2 (t u)_k' H^-1 (t u)_l + t_k t_l sum_ij Cov(u_i, u_j)^2
//     (diag(t S / alpha) - B) dlog t = (t S / alpha) (phi(S) - log t)
//
// Of the covariances those are counted that are known. Where the matrix is not well
// positive, its eigenvalues relative to the diagonal are held at a least value: 1 is the step of
// EM.
#pragma once

#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/linalg/symmetric_eigen.hpp>
#include <mixed_glm/variational/coefficient_posterior.hpp>
#include <mixed_glm/variational/scale_posterior.hpp>

namespace mixed_glm {

constexpr double least_scale_curvature = 0.02;
constexpr double longest_scale_step = 3.0;  // of log t

// -log(t) / 2 of the next step. q has just stepped with -log(t) / 2 = psi; scales is its maximum.
inline Vector next_scale(const CoefficientPosterior& q, const ScalePosterior& scales,
                         const Vector& psi) {
  const Index k = psi.size();
  if (k == 0) return psi;
  const Vector scaled = q.squares().cwiseProduct(q.prior().component_precision());  // t S
  const RowMatrix coupling = q.prior().coupling(q.mean());                          // 2 t u
  RowMatrix solved = coupling;
  q.precision().solve_in_place(solved);
  const Matrix response =
      0.5 * multiply_abt(coupling.transpose(), solved.transpose()) + q.variance_response();

  const Vector residual = 2.0 * (psi - scales.effective_psi());  // phi(S) - log t
  Vector root = Vector::Zero(k);  // of t S / alpha; zero leaves a component as it is
  for (Index c = 0; c < k; ++c) {
    if (scales.elasticity()[c] > 0.0) root[c] = std::sqrt(scaled[c] / scales.elasticity()[c]);
  }
  const Vector inverse_root = (root.array() > 0.0).select(root.cwiseInverse(), 0.0);
  if (!residual.allFinite() || !inverse_root.allFinite() || !response.allFinite()) {
    return scales.effective_psi();
  }
  const Matrix scaled_response = inverse_root.asDiagonal() * response * inverse_root.asDiagonal();
  const SymmetricEigen eigen(Matrix::Identity(k, k) - scaled_response);
  const Vector curvature = eigen.values().cwiseMax(least_scale_curvature);
  const Vector step =
      inverse_root.asDiagonal() *
      (eigen.vectors() *
       (eigen.vectors().transpose() * root.cwiseProduct(residual)).cwiseQuotient(curvature));
  return psi - 0.5 * step.cwiseMax(-longest_scale_step).cwiseMin(longest_scale_step);
}

}  // namespace mixed_glm
