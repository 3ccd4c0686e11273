// Cholesky factorization H = L L' of a bordered matrix, in place, sparse where H is and dense where
// it fills in. Fill values() with the lower triangle of H, then factorize().
//
// Sparse columns: left-looking (each column gathers the updates of the columns that reach it).
// Dense block: the Schur complement of the sparse columns, then by blocks. A team of threads shares
// the pieces of the sparse columns (column_pieces.hpp) and of the dense block; what pieces add to
// common numbers is added in their order, so that the bits are the same for any number of threads.
#pragma once

#include <cmath>
#include <mixed_glm/linalg/column_pieces.hpp>
#include <mixed_glm/linalg/dense_cholesky.hpp>
#include <mixed_glm/linalg/lower_squares.hpp>
#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/parallel/ordered_chunks.hpp>
#include <vector>

namespace mixed_glm {

class BorderedCholesky {
 public:
  // The team, if there is one, is viewed.
  explicit BorderedCholesky(const BorderedPattern& pattern, Team* team = nullptr)
      : pattern_(&pattern),
        team_(team),
        pieces_(pattern),
        values_(size_t(pattern.size())),
        members_(pieces_.count() > 1 && team != nullptr ? size_t(team->size()) : 1,
                 Member(pattern)),
        chain_head_(size_t(pattern.sparse())),
        chain_next_(size_t(pattern.sparse())),
        reach_(size_t(pattern.sparse())),
        full_columns_(full_columns_at_once(pattern, team)) {}

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
    if (!eliminate_pieces() || !eliminate_rest()) return false;
    subtract_sparse_from_tail();
    if (pattern_->dense() == 0) return true;
    Eigen::Map<Matrix> dense(values() + pattern_->dense_offset(), pattern_->dense(),
                             pattern_->dense());
    return factorize_dense(dense, team_);
  }

  double log_determinant() const {
    double sum = Eigen::Map<const Vector>(values(), pattern_->sparse()).array().log().sum();
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
  // row-major matrix with one column for each right-hand side; one thread at a time.
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
    Index first = 0;
    if constexpr (is_vector<X>) {
      first = pieces_.rest();
      solve_lower_pieces(x);
    }
    for (Index j = first; j < pattern_->sparse(); ++j) {
      divide(j, x);
      subtract_column(j, pattern_->column_begin(j), pattern_->column_end(j), x);
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
    const auto solve_columns = [&](Index begin, Index end) {
      for (Index j = end - 1; j >= begin; --j) {
        for (Index k = pattern_->column_begin(j); k < pattern_->column_end(j); ++k) {
          x.row(j) -= lower(k) * x.row(pattern_->rows()[k]);
        }
        x.row(j).noalias() -= border_of(j).transpose() * border;
        divide(j, x);
      }
    };
    solve_columns(pieces_.rest(), pattern_->sparse());
    for_each_piece(team_, pieces_.count(),
                   [&](int, Index k) { solve_columns(pieces_.begin(k), pieces_.end(k)); });
  }

 private:
  static constexpr Index together = 64;   // columns with most rows of the dense block
  static constexpr Index few_rows = 128;  // of it or the border: lower_squares.hpp

  template <class X>
  static constexpr bool is_vector = std::decay_t<X>::ColsAtCompileTime == 1;

  // What each member of the team has of its own.
  struct Member {
    explicit Member(const BorderedPattern& pattern)
        : column(size_t(pattern.effects())),
          border_square(pattern.border(), pattern.border()),
          border_columns(
              Matrix::Zero(padded_rows(pattern.border()), is_small(pattern) ? together : 0)),
          border_sum(pattern.border()) {}
    static bool is_small(const BorderedPattern& pattern) { return pattern.border() <= few_rows; }
    std::vector<double> column;  // one of H, by row
    Matrix border_square;        // of a piece's columns: -B B', lower triangle
    Matrix border_columns;       // some of B, padded, where they are small
    Vector border_sum;           // of a piece's columns: B x
  };

  bool eliminate_pieces() {
    std::fill(chain_head_.begin(), chain_head_.end(), -1);
    std::atomic<bool> positive{true};
    run_in_order(
        team_, pieces_.count(),
        [&](int member, Index k) {
          if (!positive.load(std::memory_order_relaxed)) return;
          if (!eliminate(pieces_.begin(k), pieces_.end(k), member)) positive = false;
        },
        [&](int member, Index) { subtract_border_square(member); });
    return positive;
  }

  bool eliminate_rest() {
    const Index rest = pieces_.rest();
    if (rest == pattern_->sparse()) return true;
    for (Index j = 0; j < rest; ++j) enqueue(j, first_of_rest(j), pattern_->sparse());
    if (!eliminate(rest, pattern_->sparse(), 0)) return false;
    subtract_border_square(0);
    return true;
  }

  // Columns first .. last - 1, of which none has a row in a column after them that is worked on
  // now.
  bool eliminate(Index first, Index last, int member) {
    Member& own = members_[size_t(member)];
    for (Index j = first; j < last; ++j) {
      gather_updates(j, last, own);
      double& pivot = values_[size_t(j)];
      if (!(pivot > 0.0) || !std::isfinite(pivot)) return false;
      pivot = std::sqrt(pivot);
      scale_column(j, 1.0 / pivot);
      enqueue(j, pattern_->column_begin(j), last);
    }
    const Index p = pattern_->border();
    if (p == 0) return true;
    const Eigen::Map<const Matrix> border(values() + pattern_->border_position(first), p,
                                          last - first);
    own.border_square.setZero();
    if (!Member::is_small(*pattern_)) {
      add_lower_aat(-1.0, border, own.border_square);
      return true;
    }
    for (Index k = 0; k < border.cols(); k += together) {
      const Index count = std::min(together, border.cols() - k);
      own.border_columns.topLeftCorner(p, count) = border.middleCols(k, count);
      subtract_lower_squares(own.border_columns.data(), own.border_columns.rows(), count, p, p,
                             own.border_square.data(), p);
    }
    return true;
  }

  void subtract_border_square(int member) {
    const Index p = pattern_->border();
    if (p == 0) return;
    Eigen::Map<Matrix> dense(values() + pattern_->dense_offset(), pattern_->dense(),
                             pattern_->dense());
    dense.bottomRightCorner(p, p).triangularView<Eigen::Lower>() +=
        members_[size_t(member)].border_square;
  }

  // The first entry of a piece's column that lies in the rest or in the dense block.
  Index first_of_rest(Index j) const {
    Index e = pattern_->column_begin(j);
    while (e < pattern_->column_end(j) && pattern_->rows()[e] < pieces_.rest()) ++e;
    return e;
  }

  // x <- L^-1 x for the rows of the pieces, and what they subtract from those below.
  template <class X>
  void solve_lower_pieces(X&& x) const {
    run_in_order(
        team_, pieces_.count(),
        [&](int member, Index k) {
          Vector& sum = members_[size_t(member)].border_sum;
          sum.setZero();
          for (Index j = pieces_.begin(k); j < pieces_.end(k); ++j) {
            divide(j, x);
            subtract_column(j, pattern_->column_begin(j), first_of_rest(j), x);
            sum += x[j] * border_of(j);
          }
        },
        [&](int member, Index k) {
          x.tail(pattern_->border()) -= members_[size_t(member)].border_sum;
          for (Index j = pieces_.begin(k); j < pieces_.end(k); ++j) {
            subtract_column(j, first_of_rest(j), pattern_->column_end(j), x);
          }
        });
  }

  template <class X>
  void divide(Index j, X&& x) const {
    x.row(j) /= values_[size_t(j)];
  }
  template <class X>
  void subtract_column(Index j, Index begin, Index end, X&& x) const {
    for (Index k = begin; k < end; ++k) x.row(pattern_->rows()[k]) -= lower(k) * x.row(j);
  }

  // column_j -= sum_k L_jk L_.k over the columns k whose next row is j.
  void gather_updates(Index j, Index last, Member& own) {
    Index k = chain_head_[size_t(j)];
    if (k < 0) return;
    load_column(j, own.column);
    while (k >= 0) {
      const Index next = chain_next_[size_t(k)];
      const Index first = reach_[size_t(k)];
      const double factor = lower(first);
      values_[size_t(j)] -= factor * factor;
      for (Index e = first + 1; e < pattern_->column_end(k); ++e) {
        own.column[size_t(pattern_->rows()[e])] -= factor * lower(e);
      }
      border_values(j) -= factor * border_values(k);
      enqueue(k, first + 1, last);
      k = next;
    }
    store_column(j, own.column);
  }

  void load_column(Index j, std::vector<double>& column) const {
    for (Index e = pattern_->column_begin(j); e < pattern_->column_end(j); ++e) {
      column[size_t(pattern_->rows()[e])] = lower(e);
    }
  }
  void store_column(Index j, const std::vector<double>& column) {
    for (Index e = pattern_->column_begin(j); e < pattern_->column_end(j); ++e) {
      values_[size_t(pattern_->lower_offset() + e)] = column[size_t(pattern_->rows()[e])];
    }
  }

  void scale_column(Index j, double factor) {
    const Index count = pattern_->column_end(j) - pattern_->column_begin(j);
    double* const first = values() + pattern_->lower_offset() + pattern_->column_begin(j);
    Eigen::Map<Vector>(first, count) *= factor;
    border_values(j) *= factor;
  }

  // Column k waits at the row of its entry e, if that is before `last`.
  void enqueue(Index k, Index e, Index last) {
    if (e >= pattern_->column_tail(k) || pattern_->rows()[e] >= last) return;
    const auto row = size_t(pattern_->rows()[e]);
    reach_[size_t(k)] = e;
    chain_next_[size_t(k)] = chain_head_[row];
    chain_head_[row] = k;
  }

  void subtract_sparse_from_tail() {
    const Index m = pattern_->sparse(), t = pattern_->tail();
    if (t == 0 || m == 0) return;
    const EqualPieces columns(t, 128);
    for_each_piece(team_, columns.count, [&](int member, Index k) {
      subtract_sparse_from_columns(m + columns.begin(k), m + columns.begin(k + 1), member);
    });
  }

  // From columns first .. last - 1, of the dense block, in the order of the sparse ones, but for
  // those that have most rows of the dense block: of these, some at a time.
  void subtract_sparse_from_columns(Index first, Index last, int member) {
    const Index m = pattern_->sparse(), skipped = first - m;
    const Index width = last - first, below = pattern_->dense() - (last - m);
    Eigen::Map<Matrix> dense(values() + pattern_->dense_offset(), pattern_->dense(),
                             pattern_->dense());
    auto columns = dense.block(skipped, skipped, width + below, width);
    Eigen::Map<Matrix> full(full_columns_[size_t(member)].data(), padded_rows(width + below),
                            together);
    Index count = 0;
    const auto subtract = [&] {
      if (width + below <= few_rows) {
        subtract_lower_squares(full.data(), full.rows(), count, width + below, width,
                               columns.data(), pattern_->dense());
      } else {
        const auto across = full.topLeftCorner(width, count);
        add_lower_aat(-1.0, across, columns.topRows(width));
        subtract_abt(full.block(width, 0, below, count), across, columns.bottomRows(below));
      }
      count = 0;
    };
    for (Index j = 0; j < m; ++j) {
      if (!pattern_->has_full_tail(j)) {
        subtract_column_from_dense(j, first, last);
        continue;
      }
      auto column = full.col(count);
      column.setZero();
      for (Index e = pattern_->column_tail(j); e < pattern_->column_end(j); ++e) {
        if (pattern_->rows()[e] >= first) column[pattern_->rows()[e] - first] = lower(e);
      }
      column.segment(width + below - pattern_->border(), pattern_->border()) = border_values(j);
      if (++count == together) subtract();
    }
    if (count > 0) subtract();
  }

  // For each member of the team; empty where there are no such columns.
  static std::vector<Matrix> full_columns_at_once(const BorderedPattern& pattern, Team* team) {
    bool any = false;
    for (Index j = 0; j < pattern.sparse() && !any; ++j) any = pattern.has_full_tail(j);
    const Matrix columns(any ? padded_rows(pattern.dense()) : 0, any ? together : 0);
    return std::vector<Matrix>(team == nullptr ? 1 : size_t(team->size()), columns);
  }

  void subtract_column_from_dense(Index j, Index first, Index last) {
    const Index m = pattern_->sparse(), p = pattern_->border(), t = pattern_->tail();
    double* const dense = values() + pattern_->dense_offset();
    const Code* const rows = pattern_->rows();
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

  Eigen::Map<Vector> border_values(Index j) {
    return {values() + pattern_->border_position(j), pattern_->border()};
  }

  const BorderedPattern* pattern_;
  Team* team_;
  ColumnPieces pieces_;
  std::vector<double> values_;
  mutable std::vector<Member> members_;                 // room to work in
  std::vector<Index> chain_head_, chain_next_, reach_;  // columns waiting for each row
  std::vector<Matrix> full_columns_;                    // of each member: so many of them
};

}  // namespace mixed_glm
