// Variance of a row's linear predictor under a Gaussian with covariance Sigma = H^-1,
//
//     s_i = a_i' Sigma a_i = x' S_bb x + 2 sum_e z_e x' S_b,e + sum_e z_e^2 S_ee
//                          + 2 sum_{e>f} z_e z_f S_ef
//
// for a block of rows, from the selected inverse: every entry needed is on its pattern.
#pragma once

#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/row_pass.hpp>

namespace mixed_glm {

class RowVariance {
 public:
  RowVariance(const Design& design, const SelectedInverse& sigma)
      : design_(&design), sigma_(&sigma) {}

  // Uses block.weighted_x, and may write to a column of the block.
  MIXED_GLM_NOINLINE void evaluate(RowBlock& block, RowBlock::Column& variance) const {
    block.reserve_weighted_x(design_->fixed());
    multiply_fixed(block);
    block.view(variance).setZero();
    add_effects(block, variance);
    const auto x = design_->x().middleRows(block.first, block.count);
    for (Index a = 0; a < design_->fixed(); ++a) {
      block.view(variance) += block.weighted_x.col(a).head(block.count).cwiseProduct(x.col(a));
    }
    if (design_->has_pairs()) add_pairs(block, variance);
  }

 private:
  // Column a of the product: what x_a is to be multiplied with. x' S_bb x counts each pair of
  // columns once, so that column a needs the columns up to a only.
  void multiply_fixed(RowBlock& block) const {
    const auto x = design_->x().middleRows(block.first, block.count);
    const auto covariance = sigma_->border_block();
    for (Index a = 0; a < design_->fixed(); ++a) {
      auto column = block.weighted_x.col(a).head(block.count);
      column = covariance(a, a) * x.col(a);
      if (a > 0) column.noalias() += x.leftCols(a) * (2.0 * covariance.col(a).head(a));
    }
  }

  void add_effects(RowBlock& block, RowBlock::Column& variance) const {
    const SparseRows& z = design_->z();
    const Index p = design_->fixed();
    for_each_run(z, block.first, block.count, [&](const EntryRun& run) {
      const double own = sigma_->variance(run.effect);
      const auto border = sigma_->with_border(run.effect);
      if (z.is_indicator() && run.length() > 2) {
        for (Index a = 0; a < p; ++a) {
          add_to_run(block.weighted_x.col(a).data(), run, 2.0 * border[a]);
        }
        add_to_run(variance.data(), run, own);
        return;
      }
      for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
        const double value = z.value(e);
        for (Index a = 0; a < p; ++a) block.weighted_x(r, a) += 2.0 * value * border[a];
        variance[size_t(r)] += value * value * own;
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
      variance[size_t(r)] += 2.0 * sum;
    }
  }

  const Design* design_;
  const SelectedInverse* sigma_;
};

}  // namespace mixed_glm
