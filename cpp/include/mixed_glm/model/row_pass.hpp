// One pass over the rows: linear predictor, every row's site, and their sums.
//
//     value      sum_i value_i
//     gradient   A' pull            (u, beta)
//     curvature  A' diag(weight) A  bordered, lower triangle
//
// A Sites policy turns a block of linear predictors into values, pulls and weights. Rows are
// visited in fixed blocks and summed in a fixed order, on any number of threads (row_team.hpp).
#pragma once

#include <mixed_glm/model/model.hpp>
#include <mixed_glm/model/row_team.hpp>
#include <type_traits>

namespace mixed_glm {

namespace detail {

// Effects of an indicator design whose rows have `width` entries each, a constant where that pays.
template <class Width>
void add_entries(const Code* column, Width width, const Vector& coefficients, RowBlock& block) {
  const double* const effects = coefficients.data();
  for (Index r = 0; r < block.count; ++r) {
    double eta = block.eta[size_t(r)];
    for (Index e = 0; e < width; ++e) eta += effects[*column++];
    block.eta[size_t(r)] = eta;
  }
}

MIXED_GLM_NOINLINE inline void predict(const Model& model, const Vector& coefficients,
                                       RowBlock& block) {
  const Design& design = model.design();
  auto eta = block.view(block.eta);
  eta = model.offset().segment(block.first, block.count);
  add_columns(design.x().middleRows(block.first, block.count),
              coefficients.data() + design.effects(), block.eta.data());
  const SparseRows& z = design.z();
  if (z.is_indicator() && z.has_groups()) {
    return for_each_group(z, block.first, block.count, [&](const RowGroup& group) {
      const Code* const effects = z.columns() + group.entry;
      double sum = 0.0;
      for (Index e = 0; e < group.width; ++e) sum += coefficients[effects[e]];
      add_to_run(block.eta.data(), group, sum);
    });
  }
  if (z.is_indicator() && z.width() >= 0) {
    const Code* const columns = z.columns() + z.begin(block.first);
    if (z.width() == 1) {
      return add_entries(columns, std::integral_constant<Index, 1>(), coefficients, block);
    }
    return add_entries(columns, z.width(), coefficients, block);
  }
  for (Index r = 0; r < block.count; ++r) {
    for (Index e = z.begin(block.first + r), end = z.end(block.first + r); e < end; ++e) {
      eta[r] += z.value(e) * coefficients[z.columns()[e]];
    }
  }
}

}  // namespace detail

// Order 0: value; 1: and gradient; 2: and curvature. gradient and values are added to; they may be
// null where the order does not reach them.
template <int Order, class Sites>
double pass_rows(const Model& model, const Sites& sites, const Vector& coefficients,
                 Vector* gradient, double* values, RowTeam& rows) {
  double sum = 0.0;
  rows.for_blocks(
      [&](TeamBlock& block) {
        detail::predict(model, coefficients, block);
        sites.template evaluate<Order>(block);
        block.sum += block.view(block.value).sum();
        if constexpr (Order == 1) rows.add_gradient(block, *gradient);
        if constexpr (Order >= 2) rows.add_expansion(block, *gradient, values);
      },
      [&](TeamBlock& chunk) {
        sum += chunk.sum;
        if constexpr (Order >= 1) rows.finish_gradient(chunk, *gradient);
        if constexpr (Order >= 2) rows.finish_curvature(chunk, values);
      });
  return sum;
}

}  // namespace mixed_glm
