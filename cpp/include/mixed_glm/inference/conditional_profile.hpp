// The joint log density as a function of psi alone, the coefficients x = (u, beta) at their mode:
//
//     F(psi) = max_x log p(y, x, psi),   D = exp(-2 psi)
//     dF/dpsi_k = D_k sum_{j in J_k} u_j^2 - n_k - psi_k / vcp_p_k^2
//     d2F       = diag(-2 D_k sum u_j^2 - 1 / vcp_p_k^2) + C' H^-1 C,   C_k = 2 D_k u on J_k
//     dx/dpsi   = H^-1 C
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/linalg/multiply.hpp>

namespace mixed_glm {

struct ConditionalProfile {
  Vector squares;    // K, D_k sum u_j^2
  Vector gradient;   // K
  Matrix hessian;    // K x K
  RowMatrix slopes;  // (q + p) x K, dx/dpsi

  // mode: at x(psi), with its factorized H.
  void update(const Model& model, const ConditionalMode& mode, const Vector& psi) {
    const Design& design = model.design();
    const Vector& x = mode.coefficients();
    const Vector& precision = mode.prior().precision();
    const auto prior_precision = model.prior().vcp_p.array().square().inverse();
    squares = mode.prior().scaled_squares(x);
    gradient = squares - design.component_size();
    gradient.array() -= psi.array() * prior_precision;
    coupling_.setZero(design.coefficients(), psi.size());
    for (Index j = 0; j < design.effects(); ++j) {
      coupling_(j, design.component(j)) = 2.0 * precision[j] * x[j];
    }
    slopes = coupling_;
    if (psi.size() > 0) mode.cholesky().solve_in_place(slopes);
    hessian = multiply_abt(coupling_.transpose(), slopes.transpose());
    hessian.diagonal().array() -= 2.0 * squares.array() + prior_precision;
  }

 private:
  RowMatrix coupling_;  // C
};

}  // namespace mixed_glm
