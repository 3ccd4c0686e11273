// Products of a few columns of a matrix with a vector, A' v and A c, where Eigen's would spend more
// on their beginnings and ends than on the columns: a block of rows or less, and a handful of
// columns.
//
// The rows may be the first of more that can be read, `room` in all: what is left over behind the
// last full lanes is then a lanes' work, too.
#pragma once

#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/lanes.hpp>

namespace mixed_glm {

namespace detail {

// One in the first `count` lanes, zero in the others.
MIXED_GLM_INLINE Lanes first_lanes(Index count) {
  static constexpr double ones_and_zeros[16] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  static_assert(lane_count <= 8, "as many ones");
  return load(ones_and_zeros + 8 - count);
}

MIXED_GLM_INLINE double sum_pairwise(Lanes x) {
  double v[lane_count];
  store(v, x);
  for (Index half = lane_count / 2; half > 0; half /= 2) {
    for (Index l = 0; l < half; ++l) v[l] += v[l + half];
  }
  return v[0];
}

// Of `Columns` columns at once. The compiler keeps the lanes in registers.
template <int Columns>
void add_products_at_once(const double* values, Index rows, Index room, const double* column,
                          Index stride, double* sums) {
  Lanes lanes[Columns];
  for (Lanes& sum : lanes) sum = 0.0;
  Index r = 0;
  for (; r + lane_count <= rows; r += lane_count) {
    const Lanes value = load(values + r);
    for (Index a = 0; a < Columns; ++a) lanes[a] += value * load(column + a * stride + r);
  }
  if (r < rows && r + lane_count <= room) {
    const Lanes value = load(values + r) * first_lanes(rows - r);
    for (Index a = 0; a < Columns; ++a) lanes[a] += value * load(column + a * stride + r);
    r = rows;
  }
  for (Index a = 0; a < Columns; ++a) {
    double sum = sum_pairwise(lanes[a]);
    for (Index k = r; k < rows; ++k) sum += values[k] * column[a * stride + k];
    sums[a] += sum;
  }
}

template <int Columns>
void add_columns_at_once(const double* column, Index stride, const double* factors, Index rows,
                         Index room, double* values) {
  Lanes factor[Columns];
  for (Index a = 0; a < Columns; ++a) factor[a] = factors[a];
  Index r = 0;
  for (; r + lane_count <= rows; r += lane_count) {
    Lanes sum = load(values + r);
    for (Index a = 0; a < Columns; ++a) sum += factor[a] * load(column + a * stride + r);
    store(values + r, sum);
  }
  if (r < rows && r + lane_count <= room) {
    Lanes sum = 0.0;
    for (Index a = 0; a < Columns; ++a) sum += factor[a] * load(column + a * stride + r);
    store(values + r, load(values + r) + first_lanes(rows - r) * sum);
    return;
  }
  for (; r < rows; ++r) {
    double sum = values[r];
    for (Index a = 0; a < Columns; ++a) sum += factors[a] * column[a * stride + r];
    values[r] = sum;
  }
}

// Adds the weighted products of A columns with B columns; lower: of column m with m and those
// before.
template <int A, int B>
void add_square_tile(const double* weights, Index rows, const double* left, const double* right,
                     Index stride, bool lower, double* sums, Index sums_stride) {
  Lanes lanes[A][B];
  for (auto& of_column : lanes) {
    for (Lanes& sum : of_column) sum = 0.0;
  }
  Index r = 0;
  for (; r + lane_count <= rows; r += lane_count) {
    const Lanes weight = load(weights + r);
    Lanes x[B];
    for (Index c = 0; c < B; ++c) x[c] = load(right + c * stride + r);
    for (Index m = 0; m < A; ++m) {
      const Lanes weighted = weight * load(left + m * stride + r);
      for (Index c = 0; c < B; ++c) lanes[m][c] += weighted * x[c];
    }
  }
  for (Index m = 0; m < A; ++m) {
    for (Index c = 0; c < B && !(lower && c > m); ++c) {
      double sum = sum_pairwise(lanes[m][c]);
      for (Index k = r; k < rows; ++k) {
        sum += weights[k] * left[m * stride + k] * right[c * stride + k];
      }
      sums[m + c * sums_stride] += sum;
    }
  }
}

// Half of x' S x for each row x of a few columns, S symmetric.
template <int Columns>
void add_half_forms(const double* column, Index stride, const double* matrix, Index matrix_stride,
                    Index rows, double* values) {
  double factors[Columns * (Columns + 1) / 2], *next = factors;
  for (Index a = 0; a < Columns; ++a) {
    for (Index c = 0; c <= a; ++c) {
      *next++ = (c == a ? 0.5 : 1.0) * matrix[c + a * matrix_stride];
    }
  }
  Index r = 0;
  for (; r + lane_count <= rows; r += lane_count) {
    Lanes x[Columns], sum = load(values + r);
    const double* factor = factors;
    for (Index a = 0; a < Columns; ++a) x[a] = load(column + a * stride + r);
    for (Index a = 0; a < Columns; ++a) {
      Lanes product = 0.0;
      for (Index c = 0; c <= a; ++c) product += Lanes(*factor++) * x[c];
      sum += product * x[a];
    }
    store(values + r, sum);
  }
  for (; r < rows; ++r) {
    const double* factor = factors;
    for (Index a = 0; a < Columns; ++a) {
      double product = 0.0;
      for (Index c = 0; c <= a; ++c) product += *factor++ * column[c * stride + r];
      values[r] += product * column[a * stride + r];
    }
  }
}

// The sum of `rows` values.
MIXED_GLM_INLINE double sum_rows(const double* values, Index rows, Index room) {
  Lanes lanes = 0.0;
  Index r = 0;
  for (; r + lane_count <= rows; r += lane_count) lanes += load(values + r);
  if (r < rows && r + lane_count <= room) {
    lanes += load(values + r) * first_lanes(rows - r);
    r = rows;
  }
  double sum = sum_pairwise(lanes);
  for (; r < rows; ++r) sum += values[r];
  return sum;
}

constexpr Index most_at_once = 6;

// work(number of columns, a constant; the first of them), for some at a time.
template <class Work>
MIXED_GLM_INLINE void by_columns(Index columns, Work&& work) {
  Index a = 0;
  for (; a + most_at_once < columns; a += 4) work(std::integral_constant<int, 4>(), a);
  switch (columns - a) {
    case 6:
      return work(std::integral_constant<int, 6>(), a);
    case 5:
      return work(std::integral_constant<int, 5>(), a);
    case 4:
      return work(std::integral_constant<int, 4>(), a);
    case 3:
      return work(std::integral_constant<int, 3>(), a);
    case 2:
      return work(std::integral_constant<int, 2>(), a);
    case 1:
      return work(std::integral_constant<int, 1>(), a);
    default:
      return;
  }
}

// work(number of columns), a constant where they are few.
template <class Work>
MIXED_GLM_INLINE void with_columns(Index columns, Work&& work) {
  if (columns == 0) return work(std::integral_constant<Index, 0>());
  if (columns > most_at_once) return work(columns);
  by_columns(columns, [&](auto count, Index) { work(std::integral_constant<Index, count>()); });
}

}  // namespace detail

// Adds to sums[a] the product of `rows` values with column a of a matrix, of which `column` is the
// first entry and `stride` lies between two columns.
MIXED_GLM_NOINLINE inline void add_column_products(const double* values, Index rows, Index room,
                                                   const double* column, Index stride,
                                                   Index columns, double* sums) {
  detail::by_columns(columns, [&](auto count, Index a) {
    detail::add_products_at_once<count>(values, rows, room, column + a * stride, stride, sums + a);
  });
}
inline void add_column_products(const double* values, const ConstMatrixRef& matrix, double* sums) {
  const Index rows = matrix.rows();
  if (rows == 0) return;
  add_column_products(values, rows, rows, matrix.data(), matrix.outerStride(), matrix.cols(), sums);
}

// Adds to the values of `rows` rows the columns times their factors.
MIXED_GLM_NOINLINE inline void add_columns(const double* column, Index stride, Index columns,
                                           const double* factors, Index rows, Index room,
                                           double* values) {
  detail::by_columns(columns, [&](auto count, Index a) {
    detail::add_columns_at_once<count>(column + a * stride, stride, factors + a, rows, room,
                                       values);
  });
}
inline void add_columns(const ConstMatrixRef& matrix, const double* factors, double* values) {
  const Index rows = matrix.rows();
  if (rows == 0) return;
  add_columns(matrix.data(), matrix.outerStride(), matrix.cols(), factors, rows, rows, values);
}

// The product of one row with factors: its numbers lie `stride` apart. columns: their number, at
// best a constant.
template <class Columns>
MIXED_GLM_INLINE double row_product(const double* row, Index stride, Columns columns,
                                    const double* factors) {
  double product = 0.0;
  for (Index a = 0; a < columns; ++a) product += factors[a] * row[a * stride];
  return product;
}

// Adds X' diag(weights) X, its lower triangle, to a matrix of which `corner` is the first entry and
// `sums_stride` lies between two columns.
MIXED_GLM_NOINLINE inline void add_weighted_squares(const double* weights, const ConstMatrixRef& x,
                                                    double* corner, Index sums_stride) {
  constexpr Index tile = 3;
  const Index rows = x.rows(), columns = x.cols(), stride = x.outerStride();
  if (rows == 0) return;
  for (Index b = 0; b < columns; b += tile) {
    for (Index a = b; a < columns; a += tile) {
      const auto add = [&](auto high, auto wide) {
        detail::add_square_tile<high, wide>(weights, rows, x.data() + a * stride,
                                            x.data() + b * stride, stride, a == b,
                                            corner + a + b * sums_stride, sums_stride);
      };
      detail::by_columns(std::min(tile, columns - a), [&](auto high, Index) {
        if constexpr (high <= tile) {
          if (a > b) return add(high, std::integral_constant<int, tile>());
          add(high, high);
        }
      });
    }
  }
}

// Adds half of x' S x to the value of each row x, S symmetric. products: room for as many values.
MIXED_GLM_NOINLINE inline void add_half_forms(const ConstMatrixRef& x, const ConstMatrixRef& s,
                                              double* values, double* products) {
  const Index rows = x.rows(), columns = x.cols(), stride = x.outerStride();
  if (rows == 0) return;
  const auto add = [&](auto count, Index) {
    detail::add_half_forms<count>(x.data(), stride, s.data(), s.outerStride(), rows, values);
  };
  if (columns <= detail::most_at_once) return detail::by_columns(columns, add);
  if (columns == 7) return add(std::integral_constant<int, 7>(), 0);
  if (columns == 8) return add(std::integral_constant<int, 8>(), 0);
  Eigen::Map<Vector> product(products, rows), sum(values, rows);
  for (Index a = 0; a < columns; ++a) {
    product = (0.5 * s(a, a)) * x.col(a);
    add_columns(x.leftCols(a), s.col(a).data(), products);
    sum += product.cwiseProduct(x.col(a));
  }
}

}  // namespace mixed_glm
