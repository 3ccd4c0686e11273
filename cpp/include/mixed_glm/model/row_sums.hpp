// What a block of rows adds to the sums of a pass: pulls to A' pull, weights to A' diag(weight) A.
#pragma once

#include <mixed_glm/linalg/column_products.hpp>
#include <mixed_glm/model/design.hpp>
#include <mixed_glm/model/entry_runs.hpp>
#include <mixed_glm/model/row_block.hpp>

namespace mixed_glm::detail {

// X' pull.
inline void add_fixed_gradient(const Design& design, const RowBlock& block, double* sums) {
  add_column_products(block.pull.data(), design.x().middleRows(block.first, block.count), sums);
}

// Of one run, the sum of its factors times the values of its rows, which are `count` in all.
inline double product_with_run(const SparseRows& z, const EntryRun& run, const double* values,
                               Index count) {
  if (z.is_indicator() && run.length() == 1) return values[run.begin];
  if (z.is_indicator()) return sum_rows(values + run.begin, run.length(), count - run.begin);
  double sum = 0.0;
  for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
    sum += z.value(e) * values[r];
  }
  return sum;
}

inline void add_gradient(const Design& design, RowBlock& block, Vector& gradient) {
  add_fixed_gradient(design, block, gradient.data() + design.effects());
  for_each_run(design.z(), block.first, block.count, [&](const EntryRun& run) {
    gradient[run.effect] +=
        product_with_run(design.z(), run, block.pull.data(), block.count);  // Z' pull
  });
}

// What runs of one row add, which only a second factor has many of.
inline void weigh_fixed(const Design& design, RowBlock& block) {
  if (!design.has_pairs()) return;
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
  add_weighted_squares(block.weight.data(), design.x().middleRows(block.first, block.count), corner,
                       stride);
}

// Diagonal of Z'WZ, of one run.
inline double square_of_run(const SparseRows& z, const EntryRun& run, const double* weight,
                            Index count) {
  if (z.is_indicator()) return sum_rows(weight + run.begin, run.length(), count - run.begin);
  double sum = 0.0;
  for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
    sum += weight[r] * z.value(e) * z.value(e);
  }
  return sum;
}

// The same, and Z'WX; after weigh_fixed().
inline void add_run_curvature(const Design& design, RowBlock& block, const EntryRun& run,
                              double& diagonal, double* border) {
  const SparseRows& z = design.z();
  const double* weight = block.weight.data();
  if (z.is_indicator() && run.length() == 1 && design.has_pairs()) {
    diagonal += weight[run.begin];
    for (Index a = 0; a < design.fixed(); ++a) border[a] += block.weighted_x(run.begin, a);
    return;
  }
  diagonal += square_of_run(z, run, weight, block.count);
  if (!z.is_indicator()) {
    for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
      block.scaled[size_t(r)] = weight[r] * z.value(e);
    }
    weight = block.scaled.data();
  }
  const Index room = z.is_indicator() ? block.count - run.begin : run.length();
  add_column_products(weight + run.begin, run.length(), room,
                      design.x_from(block.first + run.begin), design.x().outerStride(),
                      design.fixed(), border);
}
inline void add_run_curvature(const Design& design, RowBlock& block, const EntryRun& run,
                              double* values) {
  const BorderedPattern& pattern = design.pattern();
  add_run_curvature(design, block, run, values[pattern.diagonal_position(run.effect)],
                    values + pattern.border_position(run.effect));
}

// visit(one effect, the other, position, product) for what lies below the diagonal of Z'WZ.
template <class Visit>
void for_each_pair(const Design& design, const RowBlock& block, Visit&& visit) {
  const SparseRows& z = design.z();
  const std::int32_t* pair = design.pair_positions() + design.pair_begin(block.first);
  for (Index r = 0; r < block.count; ++r) {
    const Index begin = z.begin(block.first + r), end = z.end(block.first + r);
    for (Index e = begin + 1; e < end; ++e) {
      const double weighted = block.weight[size_t(r)] * z.value(e);
      for (Index f = begin; f < e; ++f, ++pair) {
        visit(z.columns()[e], z.columns()[f], *pair, weighted * z.value(f));
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
    for_each_pair(design, block, [&](Code, Code, std::int32_t position, double product) {
      values[position] += product;
    });
  }
}

}  // namespace mixed_glm::detail
