// The conditional modes of the effects of a leaf of one component, where the quadrature nodes are
// placed (of a block: block_modes.hpp):
//
//     maximize  h_g(u) = sum_{i in g} l_i(eta_i + factor_i u) - u^2 / (2 sd^2)
//
// for every group g, by Newton's method inside a bracket (h_g is strictly concave), all groups of a
// batch at once so that the rows stay vectorized. scale_g = (-h_g'')^-1/2. Placement need not be
// exact; it ends at a hundredth of the scale, from where one more Newton step is taken.
#pragma once

#include <mixed_glm/leaf/leaf_design.hpp>
#include <mixed_glm/leaf/mode_bracket.hpp>
#include <mixed_glm/model/likelihood_sites.hpp>

namespace mixed_glm {

class LeafModes {
 public:
  explicit LeafModes(const LeafDesign& leaf)
      : leaf_(&leaf),
        sites_(leaf.reduced(), leaf.family().kernel()),
        mode_(Vector::Zero(leaf.groups())),
        scale_(Vector::Ones(leaf.groups())),
        slope_(leaf.groups()),
        curvature_(leaf.groups()),
        bracket_(size_t(leaf.groups())) {}

  // eta: linear predictors of the rows without the leaf. Starts at the last modes.
  void find(const Vector& eta, double sd) {
    for (const LeafBatch& batch : leaf_->batches()) find(eta, sd, batch);
  }
  // Of one batch's groups; different ones may be searched at the same time.
  void find(const Vector& eta, double sd, const LeafBatch& batch) {
    std::fill(bracket_.begin() + batch.first_group, bracket_.begin() + batch.last_group,
              ModeBracket());
    const double precision = 1.0 / (sd * sd);
    for (int k = 0; k < max_iterations; ++k) {
      expand(eta, precision, batch);
      if (step(batch)) break;
    }
  }

  void set_start(const Vector& mode) { mode_ = mode; }
  const Vector& mode() const { return mode_; }
  const Vector& scale() const { return scale_; }

 private:
  static constexpr int max_iterations = 150;

  // h' and -h'' of every group at its mode.
  void expand(const Vector& eta, double precision, const LeafBatch& batch) {
    const Index groups = batch.last_group - batch.first_group;
    slope_.segment(batch.first_group, groups) =
        -precision * mode_.segment(batch.first_group, groups);
    curvature_.segment(batch.first_group, groups).setConstant(precision);
    const double* const factor = leaf_->factor();
    const std::vector<Code>& group = leaf_->row_group();
    RowBlock block;
    batch.for_blocks([&](Index begin, Index end) {
      block.first = begin;
      block.count = end - begin;
      for (Index r = 0; r < block.count; ++r) {
        const auto i = size_t(block.first + r);
        block.eta[size_t(r)] = eta[Index(i)] + factor[i] * mode_[group[i]];
      }
      sites_.evaluate<2>(block);
      for (Index r = 0; r < block.count; ++r) {
        const auto i = size_t(block.first + r);
        slope_[group[i]] += factor[i] * block.pull[size_t(r)];
        curvature_[group[i]] += factor[i] * factor[i] * block.weight[size_t(r)];
      }
    });
  }

  // True if no group moved by more than a thousandth of its scale.
  bool step(const LeafBatch& batch) {
    bool settled = true;
    for (Index g = batch.first_group; g < batch.last_group; ++g) {
      scale_[g] = 1.0 / std::sqrt(curvature_[g]);
      const bool close = bracket_[size_t(g)].move(slope_[g], curvature_[g], 0.001, mode_[g]);
      settled = settled && close;
    }
    return settled;
  }

  const LeafDesign* leaf_;
  LikelihoodSites sites_;
  Vector mode_, scale_, slope_, curvature_;
  std::vector<ModeBracket> bracket_;
};

}  // namespace mixed_glm
