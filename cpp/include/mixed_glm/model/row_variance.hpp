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

  void evaluate(const RowBlock& block, std::array<double, row_block_size>& variance) {
    const auto x = design_->x().middleRows(block.first, block.count);
    auto product = fixed_product_.topRows(block.count);
    product.noalias() = x * sigma_->border_block();
    block.view(variance) = product.cwiseProduct(x).rowwise().sum();
    for (Index r = 0; r < block.count; ++r) variance[size_t(r)] += of_effects(block.first + r);
  }

 private:
  double of_effects(Index row) const {
    const SparseRows& z = design_->z();
    const Index begin = z.begin(row), end = z.end(row), p = design_->fixed();
    const std::int32_t* pair = design_->pair_positions() + design_->pair_begin(row);
    double sum = 0.0;
    for (Index e = begin; e < end; ++e) {
      const Code c = z.columns()[e];
      const double* const border = sigma_->values() + design_->pattern().border_position(c);
      double half = 0.5 * z.value(e) * sigma_->variance(c);
      for (Index a = 0; a < p; ++a) half += border[a] * design_->x()(row, a);
      for (Index f = begin; f < e; ++f) half += z.value(f) * sigma_->values()[*pair++];
      sum += z.value(e) * half;
    }
    return 2.0 * sum;
  }

  const Design* design_;
  const SelectedInverse* sigma_;
  Matrix fixed_product_;
};

}  // namespace mixed_glm
