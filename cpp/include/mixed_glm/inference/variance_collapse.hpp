// Which components have collapsed at a mode of the joint density. That density has, beside any
// other, a mode at u = 0, psi_k = -n_k vcp_p_k^2, worth n_k^2 vcp_p_k^2 / 2 nats, whatever the data
// say. At a sound mode D_k sum u_j^2 = n_k + psi_k / vcp_p_k^2 is of the order of n_k; there it is
// nearly zero.
#pragma once

#include <mixed_glm/model/coefficient_prior.hpp>
#include <vector>

namespace mixed_glm {

constexpr double collapse_ratio = 0.05;  // of D_k sum u_j^2 to n_k

// squares: K, D_k sum u_j^2.
inline std::vector<Index> collapsed_components(const Design& design, const Vector& squares) {
  std::vector<Index> collapsed;
  for (Index k = 0; k < squares.size(); ++k) {
    if (squares[k] < collapse_ratio * design.component_size()[k]) collapsed.push_back(k);
  }
  return collapsed;
}

inline std::vector<Index> collapsed_components(const Model& model, ConstVectorRef params) {
  Vector coefficients, psi;
  model.design().split(params, coefficients, psi);
  CoefficientPrior prior(model.design(), model.prior());
  prior.set_psi(psi);
  return collapsed_components(model.design(), prior.scaled_squares(coefficients));
}

}  // namespace mixed_glm
