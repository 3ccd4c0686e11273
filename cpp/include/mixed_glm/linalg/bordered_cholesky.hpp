// Cholesky factorization H = L L' of a bordered matrix, in place, sparse where H is and dense where
// it fills in. Fill values() with the lower triangle of H, then factorize().
//
// Sparse columns: left-looking (each column gathers the updates of the columns that reach it).
// Dense block: the Schur complement of the sparse columns, then by blocks. The work on large dense
// blocks is shared among a team of threads, and has the same bits for any number of them.
#pragma once

#include <cmath>
#include <mixed_glm/linalg/bordered_pattern.hpp>
#include <mixed_glm/linalg/dense_cholesky.hpp>
#include <vector>

namespace mixed_glm {

class BorderedCholesky {
 public:
  // The team, if there is one, is viewed.
  explicit BorderedCholesky(const BorderedPattern& pattern, Team* team = nullptr)
      : pattern_(&pattern),
        team_(team),
        values_(size_t(pattern.size())),
        work_(size_t(pattern.effects())),
        chain_head_(size_t(pattern.sparse())),
        chain_next_(size_t(pattern.sparse())),
        reach_(size_t(pattern.sparse())) {}

  const BorderedPattern& pattern() const { return *pattern_; }
  double* values() { return values_.data(); }
  const double* values() const { return values_.data(); }
  void set_zero() { std::fill(values_.begin(), values_.end(), 0.0); }

  // H's, before it is factorized.
  void scale_diagonal(double factor) {
    const Index size = pattern_->effects() + pattern_->border();
    for (Index j = 0; j < size; ++j) values_[size_t(pattern_->diagonal_position(j))] *= factor;
  }

  // False if H is not positive definite in floating point; the values are then meaningless.
  bool factorize() {
    if (!eliminate_sparse()) return false;
    subtract_sparse_from_dense();
    if (pattern_->dense() == 0) return true;
    Eigen::Map<Matrix> dense(values() + pattern_->dense_offset(), pattern_->dense(),
                             pattern_->dense());
    return factorize_dense(dense, team_);
  }

  double log_determinant() const {
    double sum = 0.0;
    for (Index j = 0; j < pattern_->sparse(); ++j) sum += std::log(values_[size_t(j)]);
    for (Index j = 0; j < pattern_->dense(); ++j) {
      sum += std::log(values_[size_t(pattern_->dense_position(j, j))]);
    }
    return 2.0 * sum;
  }

  double lower(Index k) const { return values_[size_t(pattern_->lower_offset() + k)]; }
  Eigen::Map<const Vector> border_of(Index j) const {
    return {values() + pattern_->border_position(j), pattern_->border()};
  }
  Eigen::Map<const Matrix> dense_factor() const {  // lower triangle
    return {values() + pattern_->dense_offset(), pattern_->dense(), pattern_->dense()};
  }

  // x <- H^-1 x. Rows of x: the effects by elimination number, then the border. A vector, or a
  // row-major matrix with one column for each right-hand side.
  template <class X>
  void solve_in_place(X&& x) const {
    solve_lower(x);
    solve_upper(x);
  }

  // x <- L^-1 x.
  template <class X>
  void solve_lower(X&& x) const {
    auto tail = x.bottomRows(pattern_->dense());
    auto border = x.bottomRows(pattern_->border());
    for (Index j = 0; j < pattern_->sparse(); ++j) {
      x.row(j) /= values_[size_t(j)];
      for (Index k = pattern_->column_begin(j); k < pattern_->column_end(j); ++k) {
        x.row(pattern_->rows()[k]) -= lower(k) * x.row(j);
      }
      border.noalias() -= border_of(j) * x.row(j);
    }
    if (pattern_->dense() == 0) return;
    dense_factor().template triangularView<Eigen::Lower>().solveInPlace(tail);
  }

  // x <- L'^-1 x.
  template <class X>
  void solve_upper(X&& x) const {
    auto tail = x.bottomRows(pattern_->dense());
    auto border = x.bottomRows(pattern_->border());
    if (pattern_->dense() > 0) {
      dense_factor().transpose().template triangularView<Eigen::Upper>().solveInPlace(tail);
    }
    for (Index j = pattern_->sparse() - 1; j >= 0; --j) {
      for (Index k = pattern_->column_begin(j); k < pattern_->column_end(j); ++k) {
        x.row(j) -= lower(k) * x.row(pattern_->rows()[k]);
      }
      x.row(j).noalias() -= border_of(j).transpose() * border;
      x.row(j) /= values_[size_t(j)];
    }
  }

 private:
  bool eliminate_sparse() {
    std::fill(chain_head_.begin(), chain_head_.end(), -1);
    for (Index j = 0; j < pattern_->sparse(); ++j) {
      gather_updates(j);
      double& pivot = values_[size_t(j)];
      if (!(pivot > 0.0) || !std::isfinite(pivot)) return false;
      pivot = std::sqrt(pivot);
      scale_column(j, 1.0 / pivot);
      enqueue(j, pattern_->column_begin(j));
    }
    return true;
  }

  // column_j -= sum_k L_jk L_.k over the columns k whose next row is j.
  void gather_updates(Index j) {
    Index k = chain_head_[size_t(j)];
    if (k < 0) return;
    load_column(j);
    while (k >= 0) {
      const Index next = chain_next_[size_t(k)];
      const Index first = reach_[size_t(k)];
      const double factor = lower(first);
      values_[size_t(j)] -= factor * factor;
      for (Index e = first + 1; e < pattern_->column_end(k); ++e) {
        work_[size_t(pattern_->rows()[e])] -= factor * lower(e);
      }
      border_values(j) -= factor * border_values(k);
      enqueue(k, first + 1);
      k = next;
    }
    store_column(j);
  }

  void load_column(Index j) {
    for (Index e = pattern_->column_begin(j); e < pattern_->column_end(j); ++e) {
      work_[size_t(pattern_->rows()[e])] = lower(e);
    }
  }
  void store_column(Index j) {
    for (Index e = pattern_->column_begin(j); e < pattern_->column_end(j); ++e) {
      values_[size_t(pattern_->lower_offset() + e)] = work_[size_t(pattern_->rows()[e])];
    }
  }

  void scale_column(Index j, double factor) {
    const Index count = pattern_->column_end(j) - pattern_->column_begin(j);
    double* const first = values() + pattern_->lower_offset() + pattern_->column_begin(j);
    Eigen::Map<Vector>(first, count) *= factor;
    border_values(j) *= factor;
  }

  // Column k waits at the sparse row of its entry e; rows of the dense block are served at the end.
  void enqueue(Index k, Index e) {
    if (e >= pattern_->column_tail(k)) return;
    const auto row = size_t(pattern_->rows()[e]);
    reach_[size_t(k)] = e;
    chain_next_[size_t(k)] = chain_head_[row];
    chain_head_[row] = k;
  }

  void subtract_sparse_from_dense() {
    const Index m = pattern_->sparse(), p = pattern_->border(), t = pattern_->tail();
    Eigen::Map<Matrix> dense(values() + pattern_->dense_offset(), pattern_->dense(),
                             pattern_->dense());
    if (p > 0 && m > 0) {
      const Eigen::Map<const Matrix> border(values() + pattern_->border_offset(), p, m);
      dense.bottomRightCorner(p, p).selfadjointView<Eigen::Lower>().rankUpdate(border, -1.0);
    }
    if (t == 0 || m == 0) return;
    const EqualPieces columns(t, 256);
    for_each_piece(team_, columns.count, [&](int, Index k) {
      subtract_sparse_from_columns(m + columns.begin(k), m + columns.begin(k + 1));
    });
  }

  // From columns first .. last - 1, of the dense block, in the order of the sparse ones.
  void subtract_sparse_from_columns(Index first, Index last) {
    const Index m = pattern_->sparse(), p = pattern_->border(), t = pattern_->tail();
    double* const dense = values() + pattern_->dense_offset();
    const Code* const rows = pattern_->rows();
    for (Index j = 0; j < m; ++j) {
      const Index end = pattern_->column_end(j);
      Index b = pattern_->column_tail(j);
      while (b < end && rows[b] < first) ++b;
      for (; b < end && rows[b] < last; ++b) {
        const double factor = lower(b);
        double* const column = dense + (rows[b] - m) * pattern_->dense();
        for (Index a = b; a < end; ++a) column[rows[a] - m] -= lower(a) * factor;
        Eigen::Map<Vector>(column + t, p) -= factor * border_values(j);
      }
    }
  }

  Eigen::Map<Vector> border_values(Index j) {
    return {values() + pattern_->border_position(j), pattern_->border()};
  }

  const BorderedPattern* pattern_;
  Team* team_;
  std::vector<double> values_;
  std::vector<double> work_;                            // one column, by row
  std::vector<Index> chain_head_, chain_next_, reach_;  // columns waiting for each row
};

}  // namespace mixed_glm
