// The marginal posterior (inference/marginal.hpp) that an approximation's name stands for.
#pragma once

#include <memory>
#include <mixed_glm/fit/approximation_settings.hpp>
#include <mixed_glm/fit/checked_leaf.hpp>
#include <mixed_glm/leaf/lane_left_out.hpp>
#include <mixed_glm/leaf/lane_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <mixed_glm/variational/variational_marginal.hpp>

namespace mixed_glm {

MIXED_GLM_ONCE bool has_lanes(const Model& model) { return LaneMarginal::suits(model); }

MIXED_GLM_ONCE std::unique_ptr<RowsLeftOut> make_rows_left_out(const Marginal& marginal,
                                                               Index points) {
  const auto* const lanes = dynamic_cast<const LaneMarginal*>(&marginal);
  if (lanes == nullptr || !LaneLeftOut::is_worth(marginal.model(), points)) return nullptr;
  return std::make_unique<LaneLeftOut>(*lanes);
}

MIXED_GLM_ONCE std::unique_ptr<Marginal> make_marginal(const Model& model,
                                                       const Approximation& approx,
                                                       const NewtonSettings& inner) {
  switch (approx.name) {
    case ApproximationName::leaf: {
      const LeafBlock leaf = checked_leaf(model.design(), approx.leaf);
      const LeafSettings settings = leaf_settings(approx, inner, leaf.size());
      if (LaneMarginal::suits(model)) return std::make_unique<LaneMarginal>(model, settings);
      return std::make_unique<LeafMarginal>(model, leaf, settings);
    }
    case ApproximationName::ep:
      refuse_joint_rows(model.family(), "expectation propagation");
      return std::make_unique<EpMarginal>(model, ep_settings(approx, inner));
    case ApproximationName::vb: {
      refuse_correlated(model.design(), "the variational bound", independent_only);
      refuse_joint_rows(model.family(), "the variational bound");
      AscentSettings ascent;
      ascent.monitor = inner.monitor;
      return std::make_unique<VariationalMarginal>(model, ascent, approx.n_quad);
    }
    case ApproximationName::laplace:
      break;
  }
  return std::make_unique<LaplaceMarginal>(model, laplace_settings(approx, inner));
}

}  // namespace mixed_glm
