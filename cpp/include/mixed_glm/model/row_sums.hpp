// What a block of rows adds to the sums of a pass: pulls to A' pull, weights to A' diag(weight) A.
#pragma once

#include <mixed_glm/model/design.hpp>
#include <mixed_glm/model/entry_runs.hpp>
#include <mixed_glm/model/row_block.hpp>

namespace mixed_glm::detail {

// X' pull.
inline void add_fixed_gradient(const Design& design, RowBlock& block, VectorRef sums) {
  sums.noalias() +=
      design.x().middleRows(block.first, block.count).transpose() * block.view(block.pull);
}

// Z' pull, of one run.
inline void add_run_gradient(const SparseRows& z, const RowBlock& block, const EntryRun& run,
                             Vector& gradient) {
  if (z.is_indicator()) {
    gradient[run.effect] += sum_of_run(block.pull.data(), run);
    return;
  }
  double sum = 0.0;
  for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
    sum += z.value(e) * block.pull[size_t(r)];
  }
  gradient[run.effect] += sum;
}

inline void add_gradient(const Design& design, RowBlock& block, Vector& gradient) {
  add_fixed_gradient(design, block, gradient.tail(design.fixed()));
  for_each_run(design.z(), block.first, block.count,
               [&](const EntryRun& run) { add_run_gradient(design.z(), block, run, gradient); });
}

inline void weigh_fixed(const Design& design, RowBlock& block) {
  const auto x = design.x().middleRows(block.first, block.count);
  const auto weight = block.view(block.weight);
  block.reserve_weighted_x(design.fixed());
  for (Index a = 0; a < design.fixed(); ++a) {
    block.weighted_x.col(a).head(block.count) = x.col(a).cwiseProduct(weight);
  }
}

// X'WX, lower triangle, of which `corner` is the first entry and `stride` lies between two columns.
inline void add_fixed_curvature(const Design& design, const RowBlock& block, double* corner,
                                Index stride) {
  const auto x = design.x().middleRows(block.first, block.count);
  const auto wx = block.weighted_x.topRows(block.count);
  const Index p = design.fixed();
  for (Index a = 0; a < p; ++a) {
    double* const column = corner + a * (stride + 1);
    Eigen::Map<Vector>(column, p - a).noalias() += x.rightCols(p - a).transpose() * wx.col(a);
  }
}

// Diagonal of Z'WZ, and Z'WX, of one run.
inline void add_run_curvature(const Design& design, const RowBlock& block, const EntryRun& run,
                              double* values) {
  const SparseRows& z = design.z();
  const BorderedPattern& pattern = design.pattern();
  const Matrix& wx = block.weighted_x;
  const Index p = design.fixed();
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
}

// Below the diagonal of Z'WZ, where keep(one effect, the other).
template <class Keep>
void add_pair_curvature(const Design& design, const RowBlock& block, double* values, Keep&& keep) {
  const SparseRows& z = design.z();
  const std::int32_t* pair = design.pair_positions() + design.pair_begin(block.first);
  for (Index r = 0; r < block.count; ++r) {
    const Index begin = z.begin(block.first + r), end = z.end(block.first + r);
    for (Index e = begin + 1; e < end; ++e) {
      const double weighted = block.weight[size_t(r)] * z.value(e);
      for (Index f = begin; f < e; ++f, ++pair) {
        if (keep(z.columns()[e], z.columns()[f])) values[*pair] += weighted * z.value(f);
      }
    }
  }
}

inline double* fixed_corner(const Design& design, double* values) {
  const Index t = design.pattern().tail();
  return values + design.pattern().dense_position(t, t);
}

inline void add_curvature(const Design& design, RowBlock& block, double* values) {
  weigh_fixed(design, block);
  add_fixed_curvature(design, block, fixed_corner(design, values), design.pattern().dense());
  for_each_run(design.z(), block.first, block.count,
               [&](const EntryRun& run) { add_run_curvature(design, block, run, values); });
  if (design.has_pairs()) {
    add_pair_curvature(design, block, values, [](Code, Code) { return true; });
  }
}

}  // namespace mixed_glm::detail
