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
#include <mixed_glm/model/entry_runs.hpp>
#include <mixed_glm/model/model.hpp>

namespace mixed_glm {

// What a block of rows carries through the steps of a pass. Kept by its owner, so that a pass
// allocates nothing.
struct RowBlock {
  using Column = std::array<double, row_block_size>;

  Index first = 0, count = 0;
  alignas(64) Column eta, value, pull, weight;
  Matrix weighted_x;  // diag(weight) X

  Eigen::Map<Vector> view(Column& column) const { return {column.data(), count}; }
  // Eight rows more than a block, so that its columns lie in different cache sets.
  void reserve_weighted_x(Index fixed) { weighted_x.resize(row_block_size + 8, fixed); }
};

namespace detail {

inline void predict(const Model& model, const Vector& coefficients, RowBlock& block) {
  const Design& design = model.design();
  auto eta = block.view(block.eta);
  eta = model.offset().segment(block.first, block.count);
  eta.noalias() +=
      design.x().middleRows(block.first, block.count) * coefficients.tail(design.fixed());
  const SparseRows& z = design.z();
  if (z.is_indicator() && z.width() >= 0) {
    const Code* column = z.columns() + z.begin(block.first);
    for (Index r = 0; r < block.count; ++r) {
      for (Index e = 0; e < z.width(); ++e) eta[r] += coefficients[*column++];
    }
    return;
  }
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
  for_each_run(z, block.first, block.count, [&](const EntryRun& run) {
    if (z.is_indicator()) {
      gradient[run.effect] += sum_of_run(block.pull.data(), run);
      return;
    }
    double sum = 0.0;
    for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
      sum += z.value(e) * block.pull[size_t(r)];
    }
    gradient[run.effect] += sum;
  });
}

// X'WX of a block, lower triangle.
inline void add_fixed_curvature(const Design& design, const RowBlock& block, double* values) {
  const auto x = design.x().middleRows(block.first, block.count);
  const auto wx = block.weighted_x.topRows(block.count);
  const BorderedPattern& pattern = design.pattern();
  const Index p = design.fixed(), t = pattern.tail();
  for (Index a = 0; a < p; ++a) {
    double* const column = values + pattern.dense_position(t + a, t + a);
    Eigen::Map<Vector>(column, p - a).noalias() += x.rightCols(p - a).transpose() * wx.col(a);
  }
}

// Diagonal of Z'WZ, and Z'WX, of a block.
inline void add_effect_curvature(const Design& design, const RowBlock& block, double* values) {
  const SparseRows& z = design.z();
  const BorderedPattern& pattern = design.pattern();
  const Index p = design.fixed();
  const Matrix& wx = block.weighted_x;
  for_each_run(z, block.first, block.count, [&](const EntryRun& run) {
    double& diagonal = values[pattern.diagonal_position(run.effect)];
    double* const border = values + pattern.border_position(run.effect);
    if (z.is_indicator() && run.length() > 2) {
      diagonal += sum_of_run(block.weight.data(), run);
      for (Index a = 0; a < p; ++a) border[a] += sum_of_run(wx.col(a).data(), run);
      return;
    }
    for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
      const double factor = z.value(e);
      diagonal += block.weight[size_t(r)] * factor * factor;
      for (Index a = 0; a < p; ++a) border[a] += factor * wx(r, a);
    }
  });
}

// Below the diagonal of Z'WZ of a block.
inline void add_pair_curvature(const Design& design, const RowBlock& block, double* values) {
  const SparseRows& z = design.z();
  const std::int32_t* pair = design.pair_positions() + design.pair_begin(block.first);
  for (Index r = 0; r < block.count; ++r) {
    const Index begin = z.begin(block.first + r), end = z.end(block.first + r);
    for (Index e = begin + 1; e < end; ++e) {
      const double weighted = block.weight[size_t(r)] * z.value(e);
      for (Index f = begin; f < e; ++f) values[*pair++] += weighted * z.value(f);
    }
  }
}

inline void add_curvature(const Design& design, RowBlock& block, double* values) {
  const auto x = design.x().middleRows(block.first, block.count);
  const auto weight = block.view(block.weight);
  block.reserve_weighted_x(design.fixed());
  for (Index a = 0; a < design.fixed(); ++a) {
    block.weighted_x.col(a).head(block.count) = x.col(a).cwiseProduct(weight);
  }
  add_fixed_curvature(design, block, values);
  add_effect_curvature(design, block, values);
  if (design.has_pairs()) add_pair_curvature(design, block, values);
}

}  // namespace detail

// Order 0: value; 1: and gradient; 2: and curvature. gradient and values are added to; they may be
// null where the order does not reach them.
template <int Order, class Sites>
double pass_rows(const Model& model, const Sites& sites, const Vector& coefficients,
                 Vector* gradient, double* values, RowBlock& block) {
  const Design& design = model.design();
  double sum = 0.0;
  for (block.first = 0; block.first < design.rows(); block.first += row_block_size) {
    block.count = std::min(row_block_size, design.rows() - block.first);
    detail::predict(model, coefficients, block);
    sites.template evaluate<Order>(block);
    sum += block.view(block.value).sum();
    if constexpr (Order >= 1) detail::add_gradient(design, block, *gradient);
    if constexpr (Order >= 2) detail::add_curvature(design, block, values);
  }
  return sum;
}

}  // namespace mixed_glm
