// The draws (sampling/conditional_draws.hpp) that an approximation's name stands for.
#pragma once

#include <memory>
#include <mixed_glm/fit/approximation_settings.hpp>
#include <mixed_glm/fit/checked_leaf.hpp>
#include <mixed_glm/sampling/lane_conditional_draws.hpp>
#include <mixed_glm/sampling/leaf_conditional_draws.hpp>

namespace mixed_glm {

MIXED_GLM_ONCE std::unique_ptr<ConditionalDraws> make_draws(const Model& model,
                                                            const Approximation& approx) {
  const NewtonSettings inner = marginal_newton_settings();
  switch (approx.name) {
    case ApproximationName::laplace:
      return std::make_unique<GaussianConditionalDraws<LaplaceMarginal>>(
          model, laplace_settings(approx, inner));
    case ApproximationName::leaf: {
      const LeafBlock leaf = checked_leaf(model.design(), approx.leaf);
      const LeafSettings settings = leaf_settings(approx, inner, leaf.size());
      if (LaneMarginal::suits(model)) {
        return std::make_unique<LaneConditionalDraws>(model, settings);
      }
      return std::make_unique<LeafConditionalDraws>(model, leaf, settings);
    }
    case ApproximationName::ep:
      refuse_joint_rows(model.family(), "expectation propagation");
      return std::make_unique<GaussianConditionalDraws<EpMarginal>>(model,
                                                                    ep_settings(approx, inner));
    case ApproximationName::vb:
      break;
  }
  refuse_argument("approx", "'laplace', 'leaf' or 'ep'", "'vb'");
}

}  // namespace mixed_glm
