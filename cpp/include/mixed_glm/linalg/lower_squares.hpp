// The lower triangle of C -= A A' for a few rows, where Eigen's product would spend more on packing
// A than on multiplying. A's columns are padded with zeros to whole tiles.
#pragma once

#include <algorithm>
#include <mixed_glm/math/lanes.hpp>

namespace mixed_glm {

// Rows of a padded column: an odd number of eights, so that columns lie in different cache sets.
constexpr Index padded_rows(Index rows) { return ((rows + 7) / 8 | 1) * 8; }

namespace detail {

// As many sums as there are registers for, or half as many.
constexpr Index tile_registers = lane_count == 8 ? 1 : 2;
constexpr Index tile_rows = tile_registers * lane_count;
constexpr Index tile_columns = lane_count == 8 ? 8 : 4;
static_assert(8 % tile_rows == 0 && 8 % tile_columns == 0, "padded to whole tiles");

// What lies below the diagonal of a tile that begins with row i and column j of C.
inline void subtract_square_tile(const double* a, Index stride, Index count, Index i, Index j,
                                 Index rows, Index columns, double* c, Index c_stride) {
  Lanes sums[tile_columns][tile_registers];
  for (auto& of_column : sums) {
    for (Lanes& sum : of_column) sum = 0.0;
  }
  for (Index k = 0; k < count; ++k, a += stride) {
    Lanes x[tile_registers];
    for (Index l = 0; l < tile_registers; ++l) x[l] = load(a + i + l * lane_count);
    for (Index w = 0; w < tile_columns; ++w) {
      const Lanes y = a[j + w];
      for (Index l = 0; l < tile_registers; ++l) sums[w][l] += x[l] * y;
    }
  }
  double tile[tile_columns][tile_rows];
  for (Index w = 0; w < tile_columns; ++w) {
    for (Index l = 0; l < tile_registers; ++l) store(tile[w] + l * lane_count, sums[w][l]);
  }
  const Index wide = std::min(tile_columns, columns - j), high = std::min(tile_rows, rows - i);
  for (Index w = 0; w < wide; ++w) {
    double* const column = c + (j + w) * c_stride + i;
    for (Index r = std::max<Index>(0, j + w - i); r < high; ++r) column[r] -= tile[w][r];
  }
}

}  // namespace detail

// a: `count` columns, `stride` apart, at least padded_rows(rows); c: the first of `columns` columns
// of C with `rows` rows, of which those on and below its diagonal are subtracted from.
inline void subtract_lower_squares(const double* a, Index stride, Index count, Index rows,
                                   Index columns, double* c, Index c_stride) {
  for (Index j = 0; j < columns; j += detail::tile_columns) {
    for (Index i = j / detail::tile_rows * detail::tile_rows; i < rows; i += detail::tile_rows) {
      detail::subtract_square_tile(a, stride, count, i, j, rows, columns, c, c_stride);
    }
  }
}

}  // namespace mixed_glm
