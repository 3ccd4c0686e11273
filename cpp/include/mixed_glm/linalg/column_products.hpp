// Products of one vector with a few columns of a matrix, A' v, where Eigen's would spend more on
// their beginnings and ends than on the columns: a block of rows, and a handful of them.
#pragma once

#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

namespace detail {

// Of `Columns` columns at once. The compiler keeps the lanes in registers.
template <int Columns>
void add_column_products(const double* values, Index rows, const double* column, Index stride,
                         double* sums) {
  using Lanes = Eigen::Array<double, 4, 1>;
  using View = Eigen::Map<const Lanes>;
  Lanes lanes[Columns];
  for (Lanes& sum : lanes) sum.setZero();
  Index r = 0;
  for (; r + 4 <= rows; r += 4) {
    const Lanes value = View(values + r);
    for (Index a = 0; a < Columns; ++a) lanes[a] += value * View(column + a * stride + r);
  }
  for (Index a = 0; a < Columns; ++a) {
    double first = lanes[a][0];
    for (Index k = r; k < rows; ++k) first += values[k] * column[a * stride + k];
    sums[a] += (first + lanes[a][1]) + (lanes[a][2] + lanes[a][3]);
  }
}

}  // namespace detail

// Adds to sums[a] the product of `values`, matrix.rows() of them, with the a-th column.
inline void add_column_products(const double* values, const ConstMatrixRef& matrix, double* sums) {
  const Index columns = matrix.cols(), stride = matrix.outerStride(), rows = matrix.rows();
  if (rows == 0) return;
  const double* column = matrix.data();
  Index a = 0;
  for (; a + 4 <= columns; a += 4, column += 4 * stride) {
    detail::add_column_products<4>(values, rows, column, stride, sums + a);
  }
  if (columns - a == 3) detail::add_column_products<3>(values, rows, column, stride, sums + a);
  if (columns - a == 2) detail::add_column_products<2>(values, rows, column, stride, sums + a);
  if (columns - a == 1) detail::add_column_products<1>(values, rows, column, stride, sums + a);
}

}  // namespace mixed_glm
