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

// The same, and Z'WX.
inline void add_run_curvature(const Design& design, RowBlock& block, const EntryRun& run,
                              double& diagonal, double* border) {
  const SparseRows& z = design.z();
  const double* weight = block.weight.data();
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

// The same of scattered rows: in block.weighted, the share of each in the diagonal and the border.
// There they are rounded, whether they are then added at once or set aside.
inline void weigh_rows(const Design& design, RowBlock& block, const ScatteredRows& rows) {
  const SparseRows& z = design.z();
  const Index length = rows.end - rows.begin;
  const auto x = design.x().middleRows(block.first + rows.begin, length);
  block.reserve_weighted(design.fixed());
  auto weighted = block.weighted.middleRows(rows.begin, length);
  weighted.col(0) = block.view(block.weight).segment(rows.begin, length);
  Eigen::Map<Vector> scaled(block.scaled.data() + rows.begin, length);
  scaled = weighted.col(0);
  if (!z.is_indicator()) {
    for (Index r = 0, e = rows.entry; r < length; ++r, e += rows.stride) {
      scaled[r] *= z.value(e);
      weighted(r, 0) = scaled[r] * z.value(e);
    }
  }
  for (Index a = 0; a < design.fixed(); ++a) weighted.col(1 + a) = scaled.cwiseProduct(x.col(a));
}

// Adds them; set_aside(first share, stride between shares) of those for whose effects
// waits(effect).
template <class Waits, class SetAside>
void add_scattered_curvature(const Design& design, RowBlock& block, const ScatteredRows& rows,
                             double* values, Waits&& waits, SetAside&& set_aside) {
  const Code* const columns = design.z().columns();
  const BorderedPattern& pattern = design.pattern();
  weigh_rows(design, block, rows);
  const Index stride = block.weighted.rows();
  with_columns(design.fixed(), [&](auto p) {
    for (Index r = rows.begin, e = rows.entry; r < rows.end; ++r, e += rows.stride) {
      const Code effect = columns[e];
      const double* const share = block.weighted.data() + r;
      if (waits(effect)) {
        set_aside(share, stride);
        continue;
      }
      values[pattern.diagonal_position(effect)] += *share;
      double* const border = values + pattern.border_position(effect);
      for (Index a = 0; a < p; ++a) border[a] += share[(1 + a) * stride];
    }
  });
}

// Of a group of rows, the sum of their weights times the factors of two of their entries.
inline double product_in_group(const SparseRows& z, const RowGroup& group, const double* weight,
                               Index e, Index f) {
  double sum = 0.0;
  for (Index r = group.begin, k = group.entry; r < group.end; ++r, k += group.width) {
    sum += weight[r] * z.value(k + e) * z.value(k + f);
  }
  return sum;
}

// visit(one effect, the other, position, product) for what lies below the diagonal of Z'WZ.
template <class Visit>
void for_each_pair(const Design& design, const RowBlock& block, Visit&& visit) {
  const SparseRows& z = design.z();
  if (z.has_groups()) {
    for_each_group(z, block.first, block.count, [&](const RowGroup& group) {
      const Code* const effects = z.columns() + group.entry;
      const std::int32_t* pair =
          design.pair_positions() + design.pair_begin(block.first + group.begin);
      for (Index e = 1; e < group.width; ++e) {
        for (Index f = 0; f < e; ++f) {
          visit(effects[e], effects[f], *pair++,
                product_in_group(z, group, block.weight.data(), e, f));
        }
      }
    });
    return;
  }
  const std::int32_t* pair = design.pair_positions() + design.pair_begin(block.first);
  for (Index r = 0; r < block.count; ++r) {
    const Index begin = z.begin(block.first + r), end = z.end(block.first + r);
    for (Index e = begin + 1; e < end; ++e) {
      const double weighted = block.weight[size_t(r)] * z.value(e);
      for (Index f = begin; f < e; ++f, ++pair) {
        visit(z.columns()[e], z.columns()[f], *pair, rounded(weighted * z.value(f)));
      }
    }
  }
}

inline double* fixed_corner(const Design& design, double* values) {
  const Index t = design.pattern().tail();
  return values + design.pattern().dense_position(t, t);
}

inline void add_curvature(const Design& design, RowBlock& block, double* values) {
  add_fixed_curvature(design, block, fixed_corner(design, values), design.pattern().dense());
  for_each_run(
      design.z(), block.first, block.count,
      [&](const EntryRun& run) { add_run_curvature(design, block, run, values); },
      [&](const ScatteredRows& rows) {
        add_scattered_curvature(
            design, block, rows, values, [](Code) { return false; }, [](const double*, Index) {});
      });
  if (design.has_pairs()) {
    for_each_pair(design, block, [&](Code, Code, std::int32_t position, double product) {
      values[position] += product;
    });
  }
}

}  // namespace mixed_glm::detail
