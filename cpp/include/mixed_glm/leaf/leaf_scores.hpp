// Scores of a group at its nodes, in coordinates in which its effects follow the others: with a
// shift h of the group's own (a column for each of the leaf's m coordinates), u = u' - h' x and
//
//     rows       a_i = a'_i - h factor_i,       and m more, -h, with log density -u' P u / 2
//     scores     c_gk = sum_{i in g} l'_ik a_i + h P u_gk,       d_gk = c_gk - E_k c_gk
//
// on the coefficients x that the group touches (its other effects first, then beta), P being the
// precision of the prior of u. The integral over u is the same for every h. The one taken is minus
// the slope of the group's mode in x,
//
//     h = (sum_i W_i a'_i factor_i') (sum_i W_i factor_i factor_i' + P)^-1,       W_i =
//     E_k[-l''_ik]
//
// with which c hardly differs between the nodes. With h = 0 it is, where the rows say much about u,
// a large number, of which the digits that the weights have lost leave nothing.
#pragma once

#include <mixed_glm/leaf/leaf_nodes.hpp>
#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/math/resize_buffer.hpp>

namespace mixed_glm {

class LeafScores {
 public:
  // Sums over the rows of a group.
  struct Sums {
    Matrix scores;           // size x K: sum_i l'_ik a'_i, centred; in the end d_gk
    Matrix effect_score;     // K x m: sum_i factor_i l'_ik, centred
    Matrix coupling;         // size x m: sum_i W_i a'_i factor_i'
    TinyMatrix information;  // sum_i W_i factor_i factor_i'
    TinyVector pull;         // sum_i factor_i E_k[l'_ik]
  };
  // Of the groups of a batch, which are at most row_block_size. Each member of a team has its own.
  class OfBatch {
   public:
    OfBatch() : sums_(size_t(row_block_size)) {}
    Sums& operator[](Index g) { return sums_[size_t(g % row_block_size)]; }
    const Sums& operator[](Index g) const { return sums_[size_t(g % row_block_size)]; }

   private:
    std::vector<Sums> sums_;
  };

  explicit LeafScores(const LeafDesign& leaf, int members = 1)
      : leaf_(&leaf), sums_(size_t(members)), shift_start_(1, 0) {
    for (Index g = 0; g < leaf.groups(); ++g) {
      most_ = std::max(most_, size(g));
      shift_start_.push_back(shift_start_.back() + size(g) * coordinates());
    }
    shift_.setZero(shift_start_.back());
  }

  Index size(Index g) const { return leaf_->touched_count(g) + fixed(); }
  Index largest_size() const { return most_; }
  // For a group of the batch that a member works on.
  const Sums& sums(int member, Index g) const { return sums_[size_t(member)][g]; }
  auto of(int member, Index g) const { return sums(member, g).scores.topRows(size(g)); }
  auto coupling(int member, Index g) const { return sums(member, g).coupling.topRows(size(g)); }
  Eigen::Map<const Matrix> shift(Index g) const {  // h: size x m
    return {shift_.data() + shift_start_[size_t(g)], size(g), coordinates()};
  }

  // All memory that any member will need. Of the same shape for all groups: how sums are rounded
  // depends on how columns are aligned, and that must not depend on what was fitted before.
  void reserve(Index n_quad) {
    const Index most_together = std::min(leaf_->groups(), row_block_size);
    for (OfBatch& of_batch : sums_) {
      for (Index g = 0; g < most_together; ++g) {
        resize_buffer(of_batch[g].scores, most_, n_quad);
        resize_buffer(of_batch[g].effect_score, n_quad, coordinates());
        resize_buffer(of_batch[g].coupling, most_, coordinates());
      }
    }
  }

  // Adds the rows of a chunk; a group is cleared when its first row comes.
  void add(const NodeChunk& chunk) {
    const Design& design = leaf_->reduced().design();
    OfBatch& sums = sums_[size_t(chunk.member)];
    Index r = 0;
    while (r < chunk.count) {
      const Index row = chunk.first + r, g = leaf_->row_group()[size_t(row)];
      const Index count = std::min(leaf_->group_end(g), chunk.first + chunk.count) - row;
      if (row == leaf_->group_begin(g)) clear(sums[g], g);
      const auto deviations = chunk.d1.middleRows(r, count);
      add_atb(design.x().middleRows(row, count), deviations,
              sums[g].scores.middleRows(leaf_->touched_count(g), fixed()));
      add_effects(sums[g], row, deviations);
      for (Index k = 0; k < count; ++k) add_coupling(sums[g], g, row + k, chunk, r + k);
      r += count;
    }
  }

  // For a group whose rows have all been added. precision: of the prior, m x m.
  void choose_shift(int member, Index g, const TinyMatrix& precision) {
    const Index m = coordinates();
    TinyMatrix hessian = sums(member, g).information;
    for (Index c = 0; c < m; ++c) {
      for (Index d = 0; d < m; ++d) hessian(c, d) += precision(c, d);
    }
    const auto coupling = this->coupling(member, g);
    Eigen::Map<Matrix> shift(shift_.data() + shift_start_[size_t(g)], size(g), m);
    if (m == 1) {
      shift = coupling / hessian(0, 0);
      return;
    }
    const TinyMatrix inverse = inverse_of_square(lower_root(hessian));
    for (Index c = 0; c < m; ++c) {
      shift.col(c) = inverse(0, c) * coupling.col(0);
      for (Index d = 1; d < m; ++d) shift.col(c) += inverse(d, c) * coupling.col(d);
    }
  }
  // Into the coordinates of the shift. deviation(c): of the nodes' coordinate c from its mean.
  template <class Deviation>
  void apply_shift(int member, Index g, const TinyMatrix& precision, Deviation&& deviation) {
    Sums& of_group = sums_[size_t(member)][g];
    for (Index c = 0; c < coordinates(); ++c) {
      auto score = of_group.effect_score.col(c);
      score = precision(c, c) * deviation(c) - score;
      for (Index d = 0; d < coordinates(); ++d) {
        if (d != c && precision(c, d) != 0.0) score += precision(c, d) * deviation(d);
      }
      of_group.scores.topRows(size(g)).noalias() += shift(g).col(c) * score.transpose();
    }
  }

 private:
  Index fixed() const { return leaf_->reduced().design().fixed(); }
  Index coordinates() const { return leaf_->coordinates(); }

  void clear(Sums& of_group, Index g) const {
    of_group.scores.topRows(size(g)).setZero();
    of_group.effect_score.setZero();
    of_group.coupling.setZero();
    of_group.information = TinyMatrix(coordinates());
    of_group.pull = TinyVector(coordinates());
  }

  // Row r of the chunk.
  void add_coupling(Sums& of_group, Index g, Index row, const NodeChunk& chunk, Index r) const {
    for (Index c = 0; c < coordinates(); ++c) {
      const double factor = leaf_->factor(c)[row];
      if (factor == 0.0) continue;
      const double weight = -factor * chunk.mean_d2[r];
      of_group.effect_score.col(c) += factor * chunk.d1.row(r).transpose();
      for (Index d = 0; d < coordinates(); ++d) {
        of_group.information(d, c) += leaf_->factor(d)[row] * weight;
      }
      of_group.pull[c] += factor * chunk.mean_d1[r];
      auto coupling = of_group.coupling.col(c);
      leaf_->add_row(g, row, weight, coupling);
    }
  }

  template <class Deviations>
  void add_effects(Sums& of_group, Index first, const Deviations& deviations) const {
    const SparseRows& z = leaf_->reduced().design().z();
    if (z.cols() == 0) return;
    for (Index r = 0; r < deviations.rows(); ++r) {
      for (Index e = z.begin(first + r); e < z.end(first + r); ++e) {
        of_group.scores.row(leaf_->entry_place()[size_t(e)]) += z.value(e) * deviations.row(r);
      }
    }
  }

  const LeafDesign* leaf_;
  Index most_ = 0;
  std::vector<OfBatch> sums_;  // of each member of the team
  std::vector<Index> shift_start_;
  Vector shift_;
};

}  // namespace mixed_glm
