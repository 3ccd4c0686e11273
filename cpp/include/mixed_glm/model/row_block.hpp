// What a block of rows carries through the steps of a pass. Kept by its owner, so that a pass
// allocates nothing.
#pragma once

#include <array>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

struct RowBlock {
  using Column = std::array<double, row_block_size>;

  Index first = 0, count = 0;
  alignas(64) Column eta, value, pull, weight;
  Column scaled;    // of a run, values times factors
  Matrix weighted;  // rows' shares in a curvature, where they are added one by one

  Eigen::Map<Vector> view(Column& column) const { return {column.data(), count}; }
  // Eight rows more than a block, so that its columns lie in different cache sets.
  void reserve_weighted(Index fixed) { weighted.resize(row_block_size + 8, 1 + fixed); }
};

}  // namespace mixed_glm
