// Draws of the coefficients given psi, from the approximation that a fit used.
#pragma once

#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/fit/mixed_model.hpp>
#include <mixed_glm/sampling/lane_conditional_draws.hpp>
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
      const LeafSettings settings = approx.leaf_settings(inner, leaf.size());
      if (LaneMarginal::suits(model)) {
        return std::make_unique<LaneConditionalDraws>(model, settings);
      }
      return std::make_unique<LeafConditionalDraws>(model, leaf, settings);
    }
    case ApproximationName::ep:
      refuse_joint_rows(model.family(), "expectation propagation");
      return std::make_unique<GaussianConditionalDraws<EpMarginal>>(model,
                                                                    approx.ep_settings(inner));
    case ApproximationName::vb:
      break;
  }
  refuse_argument("approx", "'laplace', 'leaf' or 'ep'", "'vb'");
}

namespace detail {

// Draws in the coordinates of a fit, told in the caller's.
class DrawsBack final : public ConditionalDraws {
 public:
  DrawsBack(std::unique_ptr<ConditionalDraws> draws, const Standardization& coordinates)
      : draws_(std::move(draws)), coordinates_(coordinates) {}

  const Model& model() const override { return draws_->model(); }
  std::vector<Index> want(const std::vector<Index>& effects) override {
    return draws_->want(effects);
  }
  bool expand_fixed(const Vector& psi, bool thorough) override {
    return draws_->expand_fixed(psi, thorough);
  }
  bool evaluate(const Vector& psi) override { return draws_->evaluate(psi); }
  DrawDensities draw(const Matrix& psi, RowMatrix& z) override {
    DrawDensities log_density = draws_->draw(psi, z);
    auto b = z.bottomRows(coordinates_.scale().size());
    for (Index c = 0; c < z.cols(); ++c) {
      b.col(c) = coefficients_back(coordinates_.matrix(), coordinates_.origin(), b.col(c));
    }
    for (Vector* each : {&log_density.all, &log_density.fixed}) {
      each->array() -= coordinates_.log_determinant();
    }
    return log_density;
  }

 private:
  std::unique_ptr<ConditionalDraws> draws_;
  Standardization coordinates_;
};

}  // namespace detail

// The same of the coefficients of the columns as they were given.
inline std::unique_ptr<ConditionalDraws> make_draws(const MixedModel& model,
                                                    const Approximation& approx) {
  std::unique_ptr<ConditionalDraws> draws = make_draws(model.model(), approx);
  if (!model.coordinates()) return draws;
  return std::make_unique<detail::DrawsBack>(std::move(draws), *model.coordinates());
}

}  // namespace mixed_glm
