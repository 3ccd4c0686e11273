// How the prior of a group's effects in the leaf depends on the hyperparameters theta: that of
// independent effects, each with a standard deviation, or of one term of correlated ones.
#pragma once

#include <mixed_glm/leaf/leaf_design.hpp>
#include <mixed_glm/leaf/leaf_prior.hpp>
#include <mixed_glm/terms/correlated.hpp>
#include <mixed_glm/terms/effect_prior.hpp>
#include <optional>

namespace mixed_glm {

class LeafHyper {
 public:
  // Both are viewed.
  explicit LeafHyper(const LeafDesign& leaf) : leaf_(&leaf) {
    if (!leaf.is_correlated()) return;
    const Design& design = leaf.full().design();
    find_pairs(term_.emplace(design.correlated().front(), design.components()).levels());
  }

  LeafPrior prior(const Vector& theta) const {
    if (term_) {
      CorrelatedEffects term = *term_;
      term.set(theta);
      return LeafPrior::of_root(tiny(term.factor()));
    }
    TinyVector sd(leaf_->coordinates());
    for (Index c = 0; c < sd.size(); ++c) sd[c] = effect_sd(theta[leaf_->leaf()[c]]);
    return LeafPrior::of_sds(sd);
  }

  // -dP at theta for a change of it, P the precision of that prior.
  TinyMatrix fall_of_precision(const Vector& theta, const Vector& change) const {
    if (term_) {
      CorrelatedEffects term = *term_;
      term.set(theta);
      return tiny(term.fall_of_precision(change));
    }
    TinyVector fall(leaf_->coordinates());
    for (Index c = 0; c < fall.size(); ++c) {
      const Index component = leaf_->leaf()[c];
      fall[c] = 2.0 * (change[component] * effect_precision(theta[component]));
    }
    return diagonal_matrix(fall);
  }

  // visit(g, c, d, pair): for the coordinates d < c of each group that the prior couples, the
  // number of their pair among those of the full design.
  template <class Visit>
  void for_pairs(Visit&& visit) const {
    for (size_t g = 0; g < first_pair_.size(); ++g) {
      if (first_pair_[g] < 0) continue;
      Index pair = first_pair_[g];
      for (Index c = 1; c < leaf_->coordinates(); ++c) {
        for (Index d = 0; d < c; ++d) visit(Index(g), c, d, pair++);
      }
    }
  }

 private:
  static TinyMatrix tiny(const SmallMatrix& matrix) {
    TinyMatrix result(matrix.rows());
    for (Index r = 0; r < matrix.rows(); ++r) {
      for (Index c = 0; c < matrix.cols(); ++c) result(r, c) = matrix(r, c);
    }
    return result;
  }

  void find_pairs(const CorrelatedLevels& levels) {
    std::vector<Index> level_of(size_t(leaf_->full().design().effects()), -1);
    for (Index l = 0; l < levels.levels(); ++l) level_of[size_t(levels.level(l)[0])] = l;
    first_pair_.assign(size_t(leaf_->groups()), -1);
    for (Index g = 0; g < leaf_->groups(); ++g) {
      const Index effect = leaf_->group_effect(g, 0);
      if (effect < 0) continue;
      first_pair_[size_t(g)] =
          levels.first_pair + level_of[size_t(effect)] * lower_entries(levels.order());
    }
  }

  const LeafDesign* leaf_;
  std::optional<CorrelatedEffects> term_;  // its numbers are of no theta yet
  std::vector<Index> first_pair_;          // of each group; -1: it has no effects
};

}  // namespace mixed_glm
