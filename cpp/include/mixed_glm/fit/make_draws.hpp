// Draws of the coefficients given psi, from the approximation that a fit used.
#pragma once

#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/sampling/leaf_conditional_draws.hpp>

namespace mixed_glm {

// The model is viewed and must outlive the draws. Throws std::invalid_argument for the variational
// approximation, whose draws no psi is given for.
inline std::unique_ptr<ConditionalDraws> make_draws(const Model& model,
                                                    const Approximation& approx) {
  const NewtonSettings inner = marginal_newton_settings();
  switch (approx.name) {
    case ApproximationName::laplace:
      return std::make_unique<GaussianConditionalDraws<LaplaceMarginal>>(
          model, approx.laplace_settings(inner));
    case ApproximationName::leaf: {
      const LeafBlock leaf = checked_leaf(model.design(), approx.leaf);
      return std::make_unique<LeafConditionalDraws>(model, leaf,
                                                    approx.leaf_settings(inner, leaf.size()));
    }
    case ApproximationName::ep:
      return std::make_unique<GaussianConditionalDraws<EpMarginal>>(model,
                                                                    approx.ep_settings(inner));
    case ApproximationName::vb:
      break;
  }
  refuse_argument("approx", "'laplace', 'leaf' or 'ep'", "'vb'");
}

}  // namespace mixed_glm
