// Variance of a row's linear predictor under a Gaussian with covariance Sigma = H^-1,
//
//     s_i = a_i' Sigma a_i = x' S_bb x + 2 sum_e z_e x' S_b,e + sum_e z_e^2 S_ee + 2 sum_{e>f} z_e
//     z_f S_ef
//
// for a block of rows, from the selected inverse: every entry needed is on its pattern.
#pragma once

#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/row_pass.hpp>

namespace mixed_glm {

class RowVariance {
 public:
  RowVariance(const Design& design, const SelectedInverse& sigma)
      : design_(&design), sigma_(&sigma), fixed_product_(row_block_size, design.fixed()) {}

  void evaluate(const RowBlock& block, RowBlock::Column& variance) {
    const auto x = design_->x().middleRows(block.first, block.count);
    auto product = fixed_product_.topRows(block.count);
    product.noalias() = x * sigma_->border_block();
    block.view(variance).setZero();
    for (Index a = 0; a < design_->fixed(); ++a) {
      block.view(variance) += product.col(a).cwiseProduct(x.col(a));
    }
    add_effects(block, variance);
    if (design_->has_pairs()) add_pairs(block, variance);
  }

 private:
  void add_effects(const RowBlock& block, RowBlock::Column& variance) const {
    const SparseRows& z = design_->z();
    const Index p = design_->fixed();
    for_each_run(z, block.first, block.count, [&](const EntryRun& run) {
      const double own = sigma_->variance(run.effect);
      const auto border = sigma_->with_border(run.effect);
      for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
        double half = 0.5 * z.value(e) * own;
        for (Index a = 0; a < p; ++a) half += border[a] * design_->x()(block.first + r, a);
        variance[size_t(r)] += 2.0 * z.value(e) * half;
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
  Matrix fixed_product_;
};

}  // namespace mixed_glm
