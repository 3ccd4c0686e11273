// Draws of the coefficients given psi of a model with one component alone
// (leaf_conditional_draws.hpp), by passes in which lanes are groups.
#pragma once

#include <algorithm>
#include <mixed_glm/leaf/lane_marginal.hpp>
#include <mixed_glm/sampling/lane_effect_draws.hpp>
#include <mixed_glm/sampling/marginal_draws.hpp>

namespace mixed_glm {

class LaneConditionalDraws final : public MarginalDraws<LaneMarginal> {
 public:
  LaneConditionalDraws(const Model& model, const LeafSettings& settings)
      : MarginalDraws(model, settings),
        family_(model),
        leaf_(marginal_.lanes(), family_),
        effects_(Vector::Zero(batches() * lane_count)) {
    for (Index b = 0; b < batches(); ++b) batches_.push_back(b);
  }

  // All of the batches that have one of them.
  std::vector<Index> want(const std::vector<Index>& effects) override {
    std::vector<char> wanted(size_t(model().design().effects()), 0);
    for (const Index j : effects) wanted[size_t(j)] = 1;
    batches_.clear();
    for (Index b = 0; b < batches(); ++b) {
      bool any = false;
      for (Index l = 0; l < lane_count; ++l) {
        const Index j = marginal_.lanes().effect(b, l);
        any = any || (j >= 0 && wanted[size_t(j)] != 0);
      }
      if (any) batches_.push_back(b);
    }
    std::vector<Index> drawn;
    for_effects([&](Index j, Index) { drawn.push_back(j); });
    std::sort(drawn.begin(), drawn.end());
    return drawn;
  }

  DrawDensities draw(const Matrix& psi, RowMatrix& z) override {
    const Index p = model().design().fixed();
    RowMatrix fixed = z.bottomRows(p);
    DrawDensities log_density = draw_about_mean(psi, fixed);
    z.bottomRows(p) = fixed;
    for (Index c = 0; c < z.cols(); ++c) {
      for_effects([&](Index j, Index slot) { effects_[slot] = z(j, c); });
      log_density.all[c] += leaf_.draw(fixed.col(c), effect_sd(psi(0, c)), batches_, effects_);
      for_effects([&](Index j, Index slot) { z(j, c) = effects_[slot]; });
    }
    return log_density;
  }

 private:
  Index batches() const { return Index(marginal_.lanes().batches().size()); }

  void take_over() override {
    mean_ = marginal_.fixed_mean();
    response_ = marginal_.psi_response();
    skew_.set(marginal_.precision(), Vector(), Vector(),
              marginal_.fixed_tails().spread_out(marginal_.covariance()));
  }

  // visit(effect, slot) for those that are drawn.
  template <class Visit>
  void for_effects(Visit&& visit) const {
    for (const Index b : batches_) {
      for (Index l = 0; l < lane_count; ++l) {
        const Index j = marginal_.lanes().effect(b, l);
        if (j >= 0) visit(j, b * lane_count + l);
      }
    }
  }

  FamilyAt family_;
  LaneEffectDraws leaf_;
  std::vector<Index> batches_;  // with the groups that are drawn
  Vector effects_;              // of all lanes
};

}  // namespace mixed_glm
