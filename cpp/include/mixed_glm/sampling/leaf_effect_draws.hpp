// Draws of the effects of a leaf of one component given everything else, which are independent
// scalars with log-concave densities
//
//     h_g(u) = sum_{i in g} l_i(eta_i + factor_i u) - u^2 / (2 sd^2)
//
// by inversion (line_density.hpp), with nodes around the modes of h_g.
#pragma once

#include <mixed_glm/leaf/leaf_modes.hpp>
#include <mixed_glm/sampling/line_density.hpp>

namespace mixed_glm {

class LeafEffectDraws {
 public:
  explicit LeafEffectDraws(const LeafDesign& leaf)
      : leaf_(&leaf),
        modes_(leaf),
        sites_(leaf.reduced(), leaf.family().kernel()),
        node_(LineDensity::nodes, leaf.groups()),
        value_(LineDensity::nodes, leaf.groups()),
        slope_(LineDensity::nodes, leaf.groups()) {}

  // eta: linear predictors of the rows without the leaf. effects: standard normals, one a group (1
  // x groups), become the draws. Returns the log density of all of them.
  double draw(const Vector& eta, double sd, Matrix& effects) {
    modes_.find(eta, sd);
    place_nodes(sd);
    evaluate(eta, sd);
    double total = 0.0;
    for (Index g = 0; g < leaf_->groups(); ++g) {
      if (leaf_->group_effect(g) < 0) continue;
      density_.place(modes_.mode()[g], modes_.scale()[g], sd);
      density_.tabulate(value_.col(g), slope_.col(g));
      const double probability = 0.5 * std::erfc(-effects(0, g) / std::sqrt(2.0));
      const LineDensity::Draw drawn = density_.quantile(probability);
      effects(0, g) = drawn.value;
      total += drawn.log_density;
    }
    return total;
  }

 private:
  void place_nodes(double sd) {
    for (Index g = 0; g < leaf_->groups(); ++g) {
      density_.place(modes_.mode()[g], modes_.scale()[g], sd);
      node_.col(g) = density_.all_nodes();
    }
  }

  void evaluate(const Vector& eta, double sd) {
    slope_ = node_ / (-sd * sd);
    value_ = 0.5 * node_.cwiseProduct(slope_);
    for (block_.first = 0; block_.first < eta.size(); block_.first += row_block_size) {
      block_.count = std::min(row_block_size, eta.size() - block_.first);
      for (Index k = 0; k < LineDensity::nodes; ++k) add_node(eta, k);
    }
  }

  void add_node(const Vector& eta, Index k) {
    for (Index r = 0; r < block_.count; ++r) {
      const auto i = size_t(block_.first + r);
      block_.eta[size_t(r)] = eta[Index(i)] + leaf_->factor()[i] * node_(k, leaf_->row_group()[i]);
    }
    sites_.evaluate<1>(block_);
    for (Index r = 0; r < block_.count; ++r) {
      const auto i = size_t(block_.first + r);
      const Index g = leaf_->row_group()[i];
      value_(k, g) += block_.value[size_t(r)];
      slope_(k, g) += leaf_->factor()[i] * block_.pull[size_t(r)];
    }
  }

  const LeafDesign* leaf_;
  LeafModes modes_;
  LikelihoodSites sites_;
  LineDensity density_;
  Matrix node_, value_, slope_;  // nodes x groups
  RowBlock block_;
};

}  // namespace mixed_glm
