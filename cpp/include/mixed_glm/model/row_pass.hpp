// One pass over the rows: linear predictor, every row's site, and their sums.
//
//     value      sum_i value_i
//     gradient   A' pull            (u, beta)
//     curvature  A' diag(weight) A  bordered, lower triangle
//
// A Sites policy turns a block of linear predictors into values, pulls and weights. Rows are
// visited in fixed blocks and summed in a fixed order.
#pragma once

#include <array>
#include <mixed_glm/model/design.hpp>

namespace mixed_glm {

// What a block of rows carries through the steps of a pass.
struct RowBlock {
  Index first, count;
  alignas(64) std::array<double, row_block_size> eta, value, pull, weight;

  Eigen::Map<Vector> view(std::array<double, row_block_size>& column) const {
    return {column.data(), count};
  }
};

namespace detail {

inline void predict(const Design& design, const Vector& coefficients, RowBlock& block) {
  auto eta = block.view(block.eta);
  eta = design.offset().segment(block.first, block.count);
  eta.noalias() +=
      design.x().middleRows(block.first, block.count) * coefficients.tail(design.fixed());
  const SparseRows& z = design.z();
  for (Index r = 0; r < block.count; ++r) {
    for (Index e = z.begin(block.first + r), end = z.end(block.first + r); e < end; ++e) {
      eta[r] += z.value(e) * coefficients[z.columns()[e]];
    }
  }
}

inline void add_gradient(const Design& design, RowBlock& block, Vector& gradient) {
  gradient.tail(design.fixed()).noalias() +=
      design.x().middleRows(block.first, block.count).transpose() * block.view(block.pull);
  const SparseRows& z = design.z();
  for (Index r = 0; r < block.count; ++r) {
    for (Index e = z.begin(block.first + r), end = z.end(block.first + r); e < end; ++e) {
      gradient[z.columns()[e]] += z.value(e) * block.pull[size_t(r)];
    }
  }
}

// Z'WZ and Z'WX of a block; wx holds the rows of WX as columns.
inline void add_effect_curvature(const Design& design, const RowBlock& block, const Matrix& wx,
                                 double* values) {
  const SparseRows& z = design.z();
  const BorderedPattern& pattern = design.pattern();
  const Index p = design.fixed();
  for (Index r = 0; r < block.count; ++r) {
    const Index row = block.first + r, begin = z.begin(row), end = z.end(row);
    const std::int32_t* pair = design.pair_positions() + design.pair_begin(row);
    for (Index e = begin; e < end; ++e) {
      const Code c = z.columns()[e];
      const double factor = z.value(e), weighted = block.weight[size_t(r)] * factor;
      values[pattern.diagonal_position(c)] += weighted * factor;
      double* const border = values + pattern.border_position(c);
      for (Index a = 0; a < p; ++a) border[a] += factor * wx(a, r);
      for (Index f = begin; f < e; ++f) values[*pair++] += weighted * z.value(f);
    }
  }
}

inline void add_curvature(const Design& design, RowBlock& block, Matrix& wx, double* values) {
  const auto x = design.x().middleRows(block.first, block.count);
  const BorderedPattern& pattern = design.pattern();
  const Index p = design.fixed(), t = pattern.tail();
  for (Index a = 0; a < p; ++a) {
    wx.row(a).head(block.count) = x.col(a).cwiseProduct(block.view(block.weight)).transpose();
  }
  for (Index a = 0; a < p; ++a) {
    double* const column = values + pattern.dense_position(t + a, t + a);
    Eigen::Map<Vector>(column, p - a).noalias() +=
        wx.bottomRows(p - a).leftCols(block.count) * x.col(a);
  }
  add_effect_curvature(design, block, wx, values);
}

}  // namespace detail

// Order 0: value; 1: and gradient; 2: and curvature. gradient and values are added to; they may be
// null where the order does not reach them.
template <int Order, class Sites>
double pass_rows(const Design& design, const Sites& sites, const Vector& coefficients,
                 Vector* gradient, double* values) {
  RowBlock block;
  Matrix wx(Order >= 2 ? design.fixed() : 0, row_block_size);
  double sum = 0.0;
  for (block.first = 0; block.first < design.rows(); block.first += row_block_size) {
    block.count = std::min(row_block_size, design.rows() - block.first);
    detail::predict(design, coefficients, block);
    sites.template evaluate<Order>(block);
    sum += block.view(block.value).sum();
    if constexpr (Order >= 1) detail::add_gradient(design, block, *gradient);
    if constexpr (Order >= 2) detail::add_curvature(design, block, wx, values);
  }
  return sum;
}

}  // namespace mixed_glm
