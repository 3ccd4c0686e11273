// Covariances of rows' linear predictors with the fixed effects under a Gaussian with covariance
// Sigma, c_i = cov(eta_i, beta) = Sigma_b. a_i, block by block.
#pragma once

#include <mixed_glm/linalg/column_products.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <mixed_glm/model/design.hpp>
#include <mixed_glm/model/entry_runs.hpp>

namespace mixed_glm {

class FixedShares {
 public:
  // Both are viewed.
  FixedShares(const Design& design, const SelectedInverse& sigma)
      : design_(&design), sigma_(&sigma) {}

  // For a pass over the rows with Sigma as it is now. root: of coordinates into which root' leads,
  // the lower factor of the inverse of beta's covariance, p x p, viewed; none: those of beta.
  void begin(const Matrix* root = nullptr) {
    root_ = root;
    covariance_ = sigma_->border_block();
    if (root != nullptr) covariance_ *= *root;  // the inverse of root', upper triangular
  }

  // count x p; until the next call.
  ConstMatrixRef of_rows(Index first, Index count) {
    const Index p = design_->fixed();
    resize_buffer(shares_, row_block_size + 8, p);
    const auto x = design_->x().middleRows(first, count);
    for (Index a = 0; a < p; ++a) {
      const Index terms = root_ == nullptr ? p : a + 1;
      shares_.col(a).head(count).setZero();
      add_columns(x.leftCols(terms), covariance_.col(a).data(), shares_.col(a).data());
    }
    const SparseRows& z = design_->z();
    for_each_run(z, first, count, [&](const EntryRun& run) {
      const double* border = sigma_->with_border(run.effect).data();
      if (root_ != nullptr) {
        border_ = sigma_->with_border(run.effect);
        turn_border();
        border = border_.data();
      }
      if (run.length() == 1) return add_to_row(z.value(run.entry), border, run.begin);
      for (Index a = 0; a < p; ++a) add_run(z, run, border[a], shares_.col(a).data());
    });
    return shares_.topRows(count);
  }

 private:
  void add_to_row(double factor, const double* border, Index row) {
    double* const shares = shares_.data() + row;
    const Index stride = shares_.rows();
    detail::with_columns(shares_.cols(), [&](auto columns) {
      for (Index a = 0; a < columns; ++a) shares[a * stride] += factor * border[a];
    });
  }
  // In place: root is lower triangular.
  void turn_border() {
    const Index p = border_.size();
    for (Index a = 0; a < p; ++a) border_[a] = root_->col(a).tail(p - a).dot(border_.tail(p - a));
  }
  static void add_run(const SparseRows& z, const EntryRun& run, double factor, double* values) {
    if (z.is_indicator()) return add_to_run(values, run, factor);
    for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
      values[r] += z.value(e) * factor;
    }
  }

  const Design* design_;
  const SelectedInverse* sigma_;
  const Matrix* root_ = nullptr;
  Matrix covariance_, shares_;
  Vector border_;
};

}  // namespace mixed_glm
