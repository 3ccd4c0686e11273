// Variance of a row's linear predictor under a Gaussian with covariance Sigma = H^-1,
//
//     s_i = a_i' Sigma a_i = x' S_bb x + 2 sum_e z_e x' S_b,e + sum_e z_e^2 S_ee
//                          + 2 sum_{e>f} z_e z_f S_ef
//
// for a block of rows, from the selected inverse: every entry needed is on its pattern.
#pragma once

#include <mixed_glm/linalg/column_products.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/row_pass.hpp>

namespace mixed_glm {

class RowVariance {
 public:
  RowVariance(const Design& design, const SelectedInverse& sigma)
      : design_(&design), sigma_(&sigma) {}

  // May write to a column of the block, but for its scratch `scaled`. Half of it is summed first.
  MIXED_GLM_NOINLINE void evaluate(RowBlock& block, RowBlock::Column& variance) const {
    block.view(variance).setZero();
    add_half_forms(design_->x().middleRows(block.first, block.count), sigma_->border_block(),
                   variance.data(), block.scaled.data());
    const SparseRows& z = design_->z();
    if (z.has_groups() && z.is_indicator() && design_->fixed() <= row_block_size) {
      add_groups(block, variance);
    } else {
      add_effects(block, variance);
      if (design_->has_pairs()) add_pairs(block, variance);
    }
    block.view(variance) *= 2.0;
  }

 private:
  // Of rows that touch the same effects, each once.
  void add_groups(RowBlock& block, RowBlock::Column& variance) const {
    const SparseRows& z = design_->z();
    const Index p = design_->fixed();
    Eigen::Map<Vector> border(block.scaled.data(), p);
    for_each_group(z, block.first, block.count, [&](const RowGroup& group) {
      const Code* const effects = z.columns() + group.entry;
      const std::int32_t* pair =
          design_->pair_positions() + design_->pair_begin(block.first + group.begin);
      double own = 0.0;
      border.setZero();
      for (Index e = 0; e < group.width; ++e) {
        own += 0.5 * sigma_->variance(effects[e]);
        for (Index f = 0; f < e; ++f) own += sigma_->values()[*pair++];
        border += sigma_->with_border(effects[e]);
      }
      add_to_run(variance.data(), group, own);
      add_columns(design_->x_from(block.first + group.begin), design_->x().outerStride(), p,
                  border.data(), group.length(), block.count - group.begin,
                  variance.data() + group.begin);
    });
  }

  void add_effects(RowBlock& block, RowBlock::Column& variance) const {
    const SparseRows& z = design_->z();
    const Index p = design_->fixed(), stride = design_->x().outerStride();
    for_each_run(
        z, block.first, block.count,
        [&](const EntryRun& run) {
          const double own = 0.5 * sigma_->variance(run.effect);
          const double* const border = sigma_->with_border(run.effect).data();
          if (z.is_indicator() && run.length() > 2) {
            double* const values = variance.data() + run.begin;
            add_to_run(variance.data(), run, own);
            add_columns(design_->x_from(block.first + run.begin), stride, p, border, run.length(),
                        block.count - run.begin, values);
            return;
          }
          for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
            const double product =
                z.value(e) * own + row_product(design_->x_from(block.first + r), stride, p, border);
            variance[size_t(r)] += z.value(e) * product;
          }
        },
        [&](const ScatteredRows& rows) { add_scattered(block, rows, variance); });
  }

  void add_scattered(const RowBlock& block, const ScatteredRows& rows,
                     RowBlock::Column& variance) const {
    const SparseRows& z = design_->z();
    const Index stride = design_->x().outerStride();
    detail::with_columns(design_->fixed(), [&](auto p) {
      for (Index r = rows.begin, e = rows.entry; r < rows.end; ++r, e += rows.stride) {
        const Code effect = z.columns()[e];
        const double product = 0.5 * z.value(e) * sigma_->variance(effect) +
                               row_product(design_->x_from(block.first + r), stride, p,
                                           sigma_->with_border(effect).data());
        variance[size_t(r)] += z.value(e) * product;
      }
    });
  }

  void add_pairs(const RowBlock& block, RowBlock::Column& variance) const {
    const SparseRows& z = design_->z();
    const std::int32_t* pair = design_->pair_positions() + design_->pair_begin(block.first);
    for (Index r = 0; r < block.count; ++r) {
      const Index begin = z.begin(block.first + r), end = z.end(block.first + r);
      double sum = 0.0;
      for (Index e = begin + 1; e < end; ++e) {
        for (Index f = begin; f < e; ++f)
          sum += z.value(e) * z.value(f) * sigma_->values()[*pair++];
      }
      variance[size_t(r)] += sum;
    }
  }

  const Design* design_;
  const SelectedInverse* sigma_;
};

}  // namespace mixed_glm
