// The groups of a leaf in batches: as many whole groups as fit a block of rows. A group larger than
// that is a batch of its own. Batches are what the threads of a team share among themselves.
#pragma once

#include <algorithm>
#include <mixed_glm/typedefs.hpp>
#include <vector>

namespace mixed_glm {

struct LeafBatch {
  Index first_group, last_group, first_row, last_row;  // the last ones excluded

  bool is_one_block() const { return last_row - first_row <= row_block_size; }
  // visit(first, last) for blocks of its rows.
  template <class Visit>
  void for_blocks(Visit&& visit) const {
    for (Index i = first_row; i < last_row; i += row_block_size) {
      visit(i, std::min(i + row_block_size, last_row));
    }
  }
};

// group_start: the first row of each group, and the end of the last.
inline std::vector<LeafBatch> make_leaf_batches(const std::vector<Index>& group_start) {
  std::vector<LeafBatch> batches;
  LeafBatch batch{0, 0, 0, 0};
  for (size_t k = 0; k + 1 < group_start.size(); ++k) {
    const auto g = Index(k);
    const bool fits = group_start[k + 1] - batch.first_row <= row_block_size &&
                      g - batch.first_group < row_block_size;  // groups may have no rows
    if (!fits && batch.last_group > batch.first_group) {
      batches.push_back(batch);
      batch = {g, g, group_start[k], group_start[k]};
    }
    batch.last_group = g + 1;
    batch.last_row = group_start[k + 1];
  }
  if (batch.last_group > batch.first_group) batches.push_back(batch);
  return batches;
}

}  // namespace mixed_glm
