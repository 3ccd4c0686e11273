// Draws of the effects of a leaf of one component given everything else, which are independent
// scalars with log-concave densities
//
//     h_g(u) = sum_{i in g} l_i(eta_i + factor_i u) - u^2 / (2 sd^2)
//
// by inversion (line_density.hpp), with nodes around the modes of h_g, batch by batch.
#pragma once

#include <mixed_glm/leaf/leaf_modes.hpp>
#include <mixed_glm/sampling/line_density.hpp>

namespace mixed_glm {

class LeafEffectDraws {
 public:
  explicit LeafEffectDraws(const LeafDesign& leaf)
      : leaf_(&leaf), modes_(leaf), sites_(leaf.reduced(), leaf.family().kernel()) {
    Index most = 0;
    for (const LeafBatch& batch : leaf.batches()) {
      most = std::max(most, batch.last_group - batch.first_group);
    }
    for (Matrix* each : {&node_, &value_, &slope_}) each->setZero(most, DensityNodes::count);
    places_.resize(size_t(most));
  }

  // eta: linear predictors of the rows without the leaf. effects: standard normals, one a group (1
  // x groups), become the draws. Of the groups of one batch, whose log density is returned.
  double draw(const Vector& eta, double sd, const LeafBatch& batch, Matrix& effects) {
    const Index first = batch.first_group, groups = batch.last_group - first;
    modes_.find(eta, sd, batch);
    for (Index g = 0; g < groups; ++g) {
      DensityNodes& places = places_[size_t(g)];
      places.place(modes_.mode()[first + g], modes_.scale()[first + g], sd);
      node_.row(g) = places.all().matrix();
    }
    evaluate(eta, sd, batch);
    double total = 0.0;
    for (Index g = 0; g < groups; ++g) {
      if (leaf_->group_effect(first + g) < 0) continue;
      line_.tabulate(places_[size_t(g)], value_.row(g).array(), slope_.row(g).array());
      const double probability = 0.5 * std::erfc(-effects(0, first + g) / std::sqrt(2.0));
      const LineDensity::Draw drawn = line_.quantile(probability);
      effects(0, first + g) = drawn.value;
      total += drawn.log_density;
    }
    return total;
  }

 private:
  void evaluate(const Vector& eta, double sd, const LeafBatch& batch) {
    const Index groups = batch.last_group - batch.first_group;
    slope_.topRows(groups) = node_.topRows(groups) / (-sd * sd);
    value_.topRows(groups) = 0.5 * node_.topRows(groups).cwiseProduct(slope_.topRows(groups));
    batch.for_blocks([&](Index begin, Index end) {
      block_.first = begin;
      block_.count = end - begin;
      for (Index k = 0; k < DensityNodes::count; ++k) add_node(eta, k, batch.first_group);
    });
  }

  void add_node(const Vector& eta, Index k, Index first_group) {
    const double* const node = node_.col(k).data() - first_group;
    double* const value = value_.col(k).data() - first_group;
    double* const slope = slope_.col(k).data() - first_group;
    const double* const factor = leaf_->factor() + block_.first;
    const Code* const group = leaf_->row_group().data() + block_.first;
    for (Index r = 0; r < block_.count; ++r) {
      block_.eta[size_t(r)] = eta[block_.first + r] + factor[r] * node[group[r]];
    }
    sites_.evaluate<1>(block_);
    for (Index r = 0; r < block_.count; ++r) {
      value[group[r]] += block_.value[size_t(r)];
      slope[group[r]] += factor[r] * block_.pull[size_t(r)];
    }
  }

  const LeafDesign* leaf_;
  LeafModes modes_;
  LikelihoodSites sites_;
  RowBlock block_;
  // Of the groups of a batch.
  std::vector<DensityNodes> places_;
  Matrix node_, value_, slope_;  // groups x nodes
  LineDensity line_;
};

}  // namespace mixed_glm
