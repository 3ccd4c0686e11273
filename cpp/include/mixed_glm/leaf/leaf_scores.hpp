// Scores of a group at its nodes, centred: column k is d_gk = c_gk - E_k c_gk, c_gk = sum_{i in g}
// l'_ik a'_i, on the coefficients that the group touches (its other effects first, then beta).
#pragma once

#include <mixed_glm/leaf/leaf_nodes.hpp>
#include <mixed_glm/math/resize_buffer.hpp>

namespace mixed_glm {

class LeafScores {
 public:
  explicit LeafScores(const LeafDesign& leaf) : leaf_(&leaf), slots_(size_t(row_block_size)) {
    for (Index g = 0; g < leaf.groups(); ++g) most_ = std::max(most_, size(g));
  }

  Index size(Index g) const { return leaf_->touched_count(g) + fixed(); }
  auto of(Index g) { return slot(g).topRows(size(g)); }

  // Adds the rows of a chunk; a group is cleared when its first row comes.
  void add(const NodeChunk& chunk) {
    const Design& design = leaf_->reduced().design();
    Index r = 0;
    while (r < chunk.count) {
      const Index row = chunk.first + r, g = leaf_->row_group()[size_t(row)];
      const Index count = std::min(leaf_->group_end(g), chunk.first + chunk.count) - row;
      if (row == leaf_->group_begin(g)) clear(g, chunk.d1.cols());
      const auto deviations = chunk.d1.middleRows(r, count);
      of(g).bottomRows(fixed()).noalias() +=
          design.x().middleRows(row, count).transpose() * deviations;
      add_effects(g, row, deviations);
      r += count;
    }
  }

 private:
  Index fixed() const { return leaf_->reduced().design().fixed(); }
  // A batch has at most row_block_size groups.
  Matrix& slot(Index g) { return slots_[size_t(g % row_block_size)]; }

  void clear(Index g, Index n_quad) {
    resize_buffer(slot(g), most_, n_quad);
    of(g).setZero();
  }

  template <class Deviations>
  void add_effects(Index g, Index first, const Deviations& deviations) {
    const SparseRows& z = leaf_->reduced().design().z();
    if (z.cols() == 0) return;
    auto scores = of(g);
    for (Index r = 0; r < deviations.rows(); ++r) {
      for (Index e = z.begin(first + r); e < z.end(first + r); ++e) {
        scores.row(leaf_->entry_place()[size_t(e)]) += z.value(e) * deviations.row(r);
      }
    }
  }

  const LeafDesign* leaf_;
  Index most_ = 0;
  std::vector<Matrix> slots_;
};

}  // namespace mixed_glm
