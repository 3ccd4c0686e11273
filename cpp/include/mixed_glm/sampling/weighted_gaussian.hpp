// The Cholesky factor of H = A' diag(w) A + P for given weights of the rows and given prior
// precisions of the effects: what is needed to draw from a Gaussian that is kept in this form.
#pragma once

#include <mixed_glm/linalg/precision.hpp>
#include <mixed_glm/model/model.hpp>
#include <mixed_glm/model/row_pass.hpp>

namespace mixed_glm {

// weight: n, the caller's order; effect_precision: K. False if H is not positive definite.
inline bool factorize_weighted(const Model& model, ConstVectorRef weight,
                               ConstVectorRef effect_precision, Precision& precision) {
  const Design& design = model.design();
  const BorderedPattern& pattern = design.pattern();
  Vector sorted(design.rows());
  design.sum_to_design_rows(weight, sorted);
  precision.set_zero();
  double* const values = precision.values();
  RowBlock block;
  for (block.first = 0; block.first < design.rows(); block.first += row_block_size) {
    block.count = std::min(row_block_size, design.rows() - block.first);
    block.view(block.weight) = sorted.segment(block.first, block.count);
    detail::add_curvature(design, block, values);
  }
  for (Index j = 0; j < design.effects(); ++j) {
    values[pattern.diagonal_position(j)] += effect_precision[design.component(j)];
  }
  for (Index a = 0; a < design.fixed(); ++a) {
    const Index row = pattern.tail() + a;
    const double sd = model.prior().fe_p[a];
    values[pattern.dense_position(row, row)] += 1.0 / (sd * sd);
  }
  return precision.factorize();
}

}  // namespace mixed_glm
