// Selected inverse Sigma = H^-1 on the pattern of the Cholesky factor (Takahashi, Fagan and Chen
// 1973; Erisman and Tinney 1975). With S the rows of column j of L (border included) and
// l = L_Sj / L_jj, from the last column to the first:
//
//     Sigma_Sj = -Sigma_SS l        Sigma_jj = 1 / L_jj^2 - l' Sigma_Sj
//
// Sigma_SS is on the pattern, since the rows of a column are a clique. The dense block is inverted
// densely. Nothing of size q x q is formed.
#pragma once

#include <mixed_glm/linalg/bordered_cholesky.hpp>
#include <mixed_glm/linalg/dense_inverse.hpp>
#include <vector>

namespace mixed_glm {

class SelectedInverse {
 public:
  explicit SelectedInverse(const BorderedPattern& pattern)
      : pattern_(&pattern),
        values_(size_t(pattern.size())),
        ratio_(size_t(pattern.effects())),
        product_(size_t(pattern.effects())),
        border_ratio_(pattern.border()),
        border_product_(pattern.border()) {}

  void compute(const BorderedCholesky& factor) {
    invert_dense(factor);
    for (Index j = pattern_->sparse() - 1; j >= 0; --j) invert_column(factor, j);
  }

  const BorderedPattern& pattern() const { return *pattern_; }
  const double* values() const { return values_.data(); }
  double variance(Index effect) const {
    return values_[size_t(pattern_->diagonal_position(effect))];
  }
  double covariance(std::int32_t position) const { return values_[size_t(position)]; }
  Eigen::Map<const Vector> with_border(Index effect) const {
    return {values() + pattern_->border_position(effect), pattern_->border()};
  }
  Eigen::Map<const Matrix> dense_block() const {
    return {values() + pattern_->dense_offset(), pattern_->dense(), pattern_->dense()};
  }
  // p x p; both triangles are filled.
  auto border_block() const {
    return dense_block().bottomRightCorner(pattern_->border(), pattern_->border());
  }

 private:
  void invert_dense(const BorderedCholesky& factor) {
    const Index n = pattern_->dense();
    if (n == 0) return;
    Eigen::Map<Matrix> inverse(values_.data() + pattern_->dense_offset(), n, n);
    inverse = factor.dense_factor();
    invert_from_cholesky(inverse);
  }

  void invert_column(const BorderedCholesky& factor, Index j) {
    load_ratios(factor, j);
    multiply(j);
    store_column(factor, j);
  }

  // l = L_Sj / L_jj, scattered by row.
  void load_ratios(const BorderedCholesky& factor, Index j) {
    const double pivot = factor.values()[j];
    for (Index e = pattern_->column_begin(j); e < pattern_->column_end(j); ++e) {
      const auto row = size_t(pattern_->rows()[e]);
      ratio_[row] = factor.lower(e) / pivot;
      product_[row] = 0.0;
    }
    border_ratio_.noalias() = factor.border_of(j) / pivot;
  }

  // product = Sigma_SS l.
  void multiply(Index j) {
    border_product_.noalias() = border_block() * border_ratio_;
    for (Index e = pattern_->column_begin(j); e < pattern_->column_tail(j); ++e) {
      add_sparse_column(j, pattern_->rows()[e]);
    }
    const Index m = pattern_->sparse();
    for (Index b = pattern_->column_tail(j); b < pattern_->column_end(j); ++b) {
      const Index s = pattern_->rows()[b];
      const auto column = dense_block().col(s - m);
      double sum = 0.0;
      for (Index a = pattern_->column_tail(j); a < pattern_->column_end(j); ++a) {
        const Index r = pattern_->rows()[a];
        sum += column[r - m] * ratio_[size_t(r)];
      }
      product_[size_t(s)] += sum;
      couple_with_border(s);
    }
  }

  // The part of Sigma_SS l that comes from the stored column s of Sigma, s in S and sparse.
  void add_sparse_column(Index j, Index s) {
    const double own = ratio_[size_t(s)];
    double sum = values_[size_t(s)] * own;
    Index mine = pattern_->column_begin(j);  // S and the rows of column s are both sorted
    for (Index e = pattern_->column_begin(s); e < pattern_->column_end(s); ++e) {
      const Code r = pattern_->rows()[e];
      while (mine < pattern_->column_end(j) && pattern_->rows()[mine] < r) ++mine;
      if (mine == pattern_->column_end(j)) break;
      if (pattern_->rows()[mine] != r) continue;
      const double value = values_[size_t(pattern_->lower_offset() + e)];
      sum += value * ratio_[size_t(r)];
      product_[size_t(r)] += value * own;
    }
    product_[size_t(s)] += sum;
    couple_with_border(s);
  }

  void couple_with_border(Index s) {
    const auto border = with_border(s);
    product_[size_t(s)] += border.dot(border_ratio_);
    border_product_ += ratio_[size_t(s)] * border;
  }

  void store_column(const BorderedCholesky& factor, Index j) {
    double variance = border_product_.dot(border_ratio_);
    for (Index e = pattern_->column_begin(j); e < pattern_->column_end(j); ++e) {
      const auto row = size_t(pattern_->rows()[e]);
      values_[size_t(pattern_->lower_offset() + e)] = -product_[row];
      variance += product_[row] * ratio_[row];
    }
    Eigen::Map<Vector>(values_.data() + pattern_->border_position(j), pattern_->border()) =
        -border_product_;
    const double pivot = factor.values()[j];
    values_[size_t(j)] = 1.0 / (pivot * pivot) + variance;
  }

  const BorderedPattern* pattern_;
  std::vector<double> values_;
  std::vector<double> ratio_, product_;  // l and Sigma_SS l, by row
  Vector border_ratio_, border_product_;
};

}  // namespace mixed_glm
