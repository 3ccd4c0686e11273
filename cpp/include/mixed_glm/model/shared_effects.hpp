// Which effects are touched by the rows of more than one chunk, where rows are cut into chunks.
// What an effect gets from the rows of a single chunk can be added without regard to other chunks;
// a design whose rows are sorted by a grouping factor has few others.
#pragma once

#include <mixed_glm/model/sparse_rows.hpp>

namespace mixed_glm {

class SharedEffects {
 public:
  SharedEffects() = default;
  // Chunks of chunk_rows rows each.
  SharedEffects(const SparseRows& z, Index chunk_rows) : shared_(size_t(z.cols()), 0) {
    std::vector<Index> chunk_of(shared_.size(), -1);
    for (Index i = 0; i < z.rows(); ++i) {
      const Index chunk = i / chunk_rows;
      for (Index e = z.begin(i); e < z.end(i); ++e) {
        const auto c = size_t(z.columns()[e]);
        if (chunk_of[c] < 0) chunk_of[c] = chunk;
        if (chunk_of[c] != chunk) shared_[c] = 1;
      }
    }
    for (Index i = 0; i < z.rows() && !has_pairs_; ++i) {
      int count = 0;
      for (Index e = z.begin(i); e < z.end(i); ++e) count += contains(z.columns()[e]);
      has_pairs_ = count > 1;
    }
  }

  bool contains(Code effect) const { return shared_[size_t(effect)] != 0; }
  // Whether a row touches two of them.
  bool has_pairs() const { return has_pairs_; }

 private:
  std::vector<std::uint8_t> shared_;
  bool has_pairs_ = false;
};

}  // namespace mixed_glm
