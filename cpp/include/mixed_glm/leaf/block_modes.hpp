// The conditional modes of the effects of a block of components (leaf_block.hpp), from where its
// quadrature nodes are placed:
//
//     maximize  h_g(u) = sum_{i in g} l_i(eta_i + factor_i' u) - u' Omega^-1 u / 2
//
// for every group g, by Newton's method, steps halved where h_g falls (it is strictly concave); all
// groups of a batch at once so that the rows stay vectorized. Placement need not be exact: the last
// step is taken from within a thousandth of its standard deviations.
#pragma once

#include <mixed_glm/leaf/leaf_design.hpp>
#include <mixed_glm/leaf/leaf_prior.hpp>
#include <mixed_glm/model/likelihood_sites.hpp>

namespace mixed_glm {

class BlockModes {
 public:
  explicit BlockModes(const LeafDesign& leaf)
      : leaf_(&leaf),
        sites_(leaf.reduced(), leaf.family().kernel()),
        mode_(Matrix::Zero(leaf.coordinates(), leaf.groups())),
        step_(leaf.coordinates(), leaf.groups()),
        trial_(leaf.coordinates(), leaf.groups()),
        slope_(leaf.coordinates(), leaf.groups()),
        curvature_(leaf.coordinates() * leaf.coordinates(), leaf.groups()),
        value_(leaf.groups()),
        highest_(leaf.groups()) {}

  // eta: linear predictors of the rows without the leaf. Starts at the last modes. Of one batch's
  // groups; different ones may be searched at the same time.
  void find(const Vector& eta, const LeafPrior& prior, const LeafBatch& batch) {
    const Index first = batch.first_group, count = batch.last_group - first;
    trial_.middleCols(first, count) = mode_.middleCols(first, count);
    highest_.segment(first, count).setConstant(-std::numeric_limits<double>::infinity());
    for (int k = 0; k < max_iterations; ++k) {
      expand(eta, prior, batch);
      bool settled = true;
      for (Index g = first; g < batch.last_group; ++g) settled = step(g) && settled;
      if (settled) break;
    }
  }

  void set_start(const Matrix& mode) { mode_ = mode; }
  auto mode(Index g) const { return mode_.col(g); }
  // The lower triangular root of (-h_g'')^-1.
  TinyMatrix root(Index g) const { return lower_root(inverse_of_square(factor(g))); }

 private:
  static constexpr int max_iterations = 200;
  static constexpr double settled_decrement = 1e-6;

  TinyMatrix factor(Index g) const {
    const Index m = leaf_->coordinates();
    TinyMatrix curvature(m);
    for (Index c = 0; c < m; ++c) {
      for (Index d = 0; d < m; ++d) curvature(c, d) = curvature_(c * m + d, g);
    }
    return lower_root(curvature);
  }

  // h, h' and -h'' of every group at its trial.
  void expand(const Vector& eta, const LeafPrior& prior, const LeafBatch& batch) {
    const Index m = leaf_->coordinates();
    for (Index g = batch.first_group; g < batch.last_group; ++g) {
      value_[g] = 0.0;
      for (Index c = 0; c < m; ++c) {
        slope_(c, g) = 0.0;
        for (Index d = 0; d < m; ++d) {
          curvature_(c * m + d, g) = prior.precision()(c, d);
          slope_(c, g) -= prior.precision()(c, d) * trial_(d, g);
        }
        value_[g] += 0.5 * trial_(c, g) * slope_(c, g);
      }
    }
    const std::vector<Code>& group = leaf_->row_group();
    RowBlock block;
    batch.for_blocks([&](Index begin, Index end) {
      block.first = begin;
      block.count = end - begin;
      for (Index r = 0; r < block.count; ++r) {
        const Index i = begin + r, g = group[size_t(i)];
        double sum = eta[i];
        for (Index c = 0; c < m; ++c) sum += leaf_->factor(c)[i] * trial_(c, g);
        block.eta[size_t(r)] = sum;
      }
      sites_.evaluate<2>(block);
      for (Index r = 0; r < block.count; ++r) add_row(begin + r, block, size_t(r));
    });
  }

  void add_row(Index i, const RowBlock& block, size_t r) {
    const Index m = leaf_->coordinates(), g = leaf_->row_group()[size_t(i)];
    value_[g] += block.value[r];
    for (Index c = 0; c < m; ++c) {
      const double factor = leaf_->factor(c)[i];
      slope_(c, g) += factor * block.pull[r];
      for (Index d = 0; d < m; ++d) {
        curvature_(c * m + d, g) += factor * leaf_->factor(d)[i] * block.weight[r];
      }
    }
  }

  // True if the group's mode is found, or nothing can be.
  bool step(Index g) {
    const double noise = 1e-10 * (1.0 + std::abs(highest_[g]));
    const bool begins = std::isinf(highest_[g]);
    if (std::isfinite(value_[g]) && slope_.col(g).allFinite() &&
        (begins || value_[g] >= highest_[g] - noise)) {
      return take_step(g);
    }
    if (begins) {  // a start from where nothing is known: the family's, zero
      const bool at_zero = trial_.col(g).isZero(0.0);
      trial_.col(g).setZero();
      mode_.col(g).setZero();
      return at_zero;
    }
    step_.col(g) *= 0.5;
    trial_.col(g) = mode_.col(g) + step_.col(g);
    return trial_.col(g) == mode_.col(g);
  }

  bool take_step(Index g) {
    const Index m = leaf_->coordinates();
    const TinyMatrix inverse = inverse_of_square(factor(g));
    for (Index c = 0; c < m; ++c) {
      step_(c, g) = 0.0;
      for (Index d = 0; d < m; ++d) step_(c, g) += inverse(c, d) * slope_(d, g);
    }
    const double decrement = step_.col(g).dot(slope_.col(g));
    mode_.col(g) = trial_.col(g);
    if (!std::isfinite(decrement)) return true;
    highest_[g] = value_[g];
    trial_.col(g) += step_.col(g);
    if (decrement > settled_decrement) return false;
    mode_.col(g) = trial_.col(g);
    return true;
  }

  const LeafDesign* leaf_;
  LikelihoodSites sites_;
  Matrix mode_, step_, trial_, slope_;  // m x groups
  Matrix curvature_;                    // m m x groups
  Vector value_, highest_;              // h at the trial, and the highest so far
};

}  // namespace mixed_glm
