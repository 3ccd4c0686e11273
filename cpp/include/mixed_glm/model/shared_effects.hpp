// Which effects are touched by the rows of more than one chunk, where rows are cut into chunks.
// What an effect gets from the rows of a single chunk can be added without regard to other chunks;
// a design whose rows are sorted by a grouping factor has few others.
#pragma once

#include <algorithm>
#include <mixed_glm/linalg/sparse_rows.hpp>

namespace mixed_glm {

class SharedEffects {
 public:
  SharedEffects() = default;
  // Chunks of chunk_rows rows each.
  SharedEffects(const SparseRows& z, Index chunk_rows) : shared_(size_t(z.cols()), 0) {
    std::vector<Code> chunk_of(shared_.size(), -1);
    for_chunks(z, chunk_rows, [&](Code chunk, Index first, Index last) {
      for (Index e = z.begin(first); e < z.begin(last); ++e) {
        const auto c = size_t(z.columns()[e]);
        if (chunk_of[c] < 0) chunk_of[c] = chunk;
        if (chunk_of[c] != chunk) shared_[c] = 1;
      }
    });
    for_chunks(z, chunk_rows, [&](Code, Index first, Index last) {
      Index entries = 0, pairs = 0;
      for (Index i = first; i < last; ++i) {
        Index count = 0;
        for (Index e = z.begin(i); e < z.end(i); ++e) count += contains(z.columns()[e]);
        entries += count;
        pairs += count * (count - 1) / 2;
      }
      most_entries_ = std::max(most_entries_, entries);
      most_pairs_ = std::max(most_pairs_, pairs);
    });
  }

  bool contains(Code effect) const { return shared_[size_t(effect)] != 0; }
  Index most_entries() const { return most_entries_; }  // of them, in any chunk
  Index most_pairs() const { return most_pairs_; }      // that stand in one row, in any chunk

 private:
  template <class Visit>
  static void for_chunks(const SparseRows& z, Index chunk_rows, Visit&& visit) {
    Code chunk = 0;
    for (Index first = 0; first < z.rows(); first += chunk_rows) {
      visit(chunk++, first, std::min(first + chunk_rows, z.rows()));
    }
  }

  std::vector<std::uint8_t> shared_;
  Index most_entries_ = 0, most_pairs_ = 0;
};

}  // namespace mixed_glm
