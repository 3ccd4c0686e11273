// Which components have collapsed at a mode of the joint density. That density has, beside any
// other, a mode at u = 0, psi_k = -n_k vcp_p_k^2, worth n_k^2 vcp_p_k^2 / 2 nats, whatever the data
// say (with normal priors of psi; with one that has mass at zero it is unbounded there). At a sound
// mode D_k sum u_j^2 = n_k + psi_k / vcp_p_k^2 is of the order of n_k; there it is nearly zero.
#pragma once

#include <mixed_glm/model/coefficient_prior.hpp>
#include <mixed_glm/model/model.hpp>
#include <vector>

namespace mixed_glm {

constexpr double collapse_ratio = 0.05;  // of D_k sum u_j^2 to n_k

// prior: at theta; coefficients: the mode.
inline std::vector<Index> collapsed_components(const Design& design, const CoefficientPrior& prior,
                                               const Vector& coefficients) {
  // D_k sum u_j^2 - n_k
  const Vector gradient = prior.gradient(
      SecondMoments::of_point(coefficients, design.effects(), design.effect_pairs()));
  std::vector<Index> collapsed;
  for (Index k = 0; k < design.components(); ++k) {
    const double size = design.component_size()[k];
    if (gradient[k] + size < collapse_ratio * size) collapsed.push_back(k);
  }
  return collapsed;
}

inline std::vector<Index> collapsed_components(const Model& model, ConstVectorRef params) {
  Vector coefficients, theta;
  model.design().split(params, coefficients, theta);
  CoefficientPrior prior(model.design(), model.prior());
  prior.set(theta);
  return collapsed_components(model.design(), prior, coefficients);
}

}  // namespace mixed_glm
