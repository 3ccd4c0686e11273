// Entries of the inverse Sigma = H^-1 on the pattern of the Cholesky factor (Takahashi, Fagan and
// Chen 1973; Erisman and Tinney 1975). With S the rows of column j of L (border included) and l =
// L_Sj / L_jj, from the last column to the first:
//
//     Sigma_Sj = -Sigma_SS l        Sigma_jj = 1 / L_jj^2 - l' Sigma_Sj
//
// Sigma_SS is on the pattern, since the rows of a column are a clique. The dense block is inverted
// densely. Nothing of size q x q is formed.
#pragma once

#include <mixed_glm/linalg/bordered_cholesky.hpp>
#include <mixed_glm/linalg/column_products.hpp>
#include <mixed_glm/linalg/dense_inverse.hpp>
#include <mixed_glm/linalg/pattern_values.hpp>
#include <mixed_glm/linalg/small_product.hpp>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/math/resize_buffer.hpp>
#include <vector>

namespace mixed_glm {

class CholeskyInverse {
 public:
  // Both are viewed, the team if there is one.
  explicit CholeskyInverse(PatternValues& sigma, Team* team = nullptr)
      : pattern_(&sigma.pattern()),
        team_(team),
        sigma_(&sigma),
        pieces_(sigma.pattern()),
        columns_(pieces_.count() > 1 && team != nullptr ? size_t(team->size()) : 1,
                 Column(sigma.pattern())) {}

  void compute(const BorderedCholesky& factor) {
    invert_dense(factor);
    border_.set(sigma_->border_block());
    const auto invert_columns = [&](Index begin, Index end, Column& work) {
      work.next = work.known = 0;
      for (Index j = end - 1; j >= begin; --j) {
        if (pattern_->column_begin(j) == pattern_->column_end(j)) {
          invert_lone_column(factor, j);
        } else {
          invert_column(factor, begin, j, work);
        }
      }
    };
    invert_columns(pieces_.rest(), pattern_->sparse(), columns_.front());
    for_each_piece(team_, pieces_.count(), [&](int member, Index k) {
      invert_columns(pieces_.begin(k), pieces_.end(k), columns_[size_t(member)]);
    });
  }

 private:
  // What is worked with for one column: l and Sigma_SS l, by row.
  struct Column {
    explicit Column(const BorderedPattern& pattern)
        : ratio(size_t(pattern.effects())),
          product(size_t(pattern.effects())),
          border_ratio(pattern.border()),
          border_product(pattern.border()) {}
    std::vector<double> ratio, product;
    Vector border_ratio, border_product;
    // Of this and the next columns that have most rows of the dense block, what comes from there:
    // so many are known, and this is the next of them.
    Matrix dense_ratio, dense_product;
    Index known = 0, next = 0;
  };
  static constexpr Index together = 32;  // of these columns

  void invert_dense(const BorderedCholesky& factor) {
    const Index n = pattern_->dense();
    if (n == 0) return;
    Eigen::Map<Matrix> inverse(sigma_->values() + pattern_->dense_offset(), n, n);
    const EqualPieces pieces(n, 128);
    for_each_piece(team_, pieces.count, [&](int, Index k) {
      inverse.middleCols(pieces.begin(k), pieces.length(k)) =
          factor.dense_factor().middleCols(pieces.begin(k), pieces.length(k));
    });
    invert_from_cholesky(inverse, team_);
  }

  // first: of the columns that are inverted one after another, down to this one.
  MIXED_GLM_NOINLINE void invert_column(const BorderedCholesky& factor, Index first, Index j,
                                        Column& work) {
    if (pattern_->has_full_tail(j)) {
      if (work.next == work.known) multiply_dense(factor, first, j, work);
      ++work.next;
      if (pattern_->column_begin(j) == pattern_->column_tail(j)) {
        return store_dense(factor, j, work);
      }
    }
    load_ratios(factor, j, work);
    multiply(j, work);
    store_column(factor, j, work);
  }

  // Where S is the border alone.
  void invert_lone_column(const BorderedCholesky& factor, Index j) {
    const double pivot = factor.values()[j], inverse = 1.0 / pivot;
    double* const border = sigma_->values() + pattern_->border_position(j);
    const double form = border_.multiply(factor.border_of(j).data(), -inverse, border);
    sigma_->values()[j] = inverse * (inverse - form);
  }

  // l = L_Sj / L_jj, scattered by row.
  void load_ratios(const BorderedCholesky& factor, Index j, Column& work) const {
    const double pivot = factor.values()[j];
    for (Index e = pattern_->column_begin(j); e < pattern_->column_end(j); ++e) {
      const auto row = size_t(pattern_->rows()[e]);
      work.ratio[row] = factor.lower(e) / pivot;
      work.product[row] = 0.0;
    }
    work.border_ratio.noalias() = factor.border_of(j) / pivot;
  }

  // product = Sigma_SS l.
  void multiply(Index j, Column& work) const {
    const bool full = pattern_->has_full_tail(j);
    if (full) {
      load_dense_product(j, work);
    } else {
      multiply_border(work);
    }
    for (Index e = pattern_->column_begin(j); e < pattern_->column_tail(j); ++e) {
      add_sparse_column(j, pattern_->rows()[e], work);
    }
    if (full) return;
    const Index m = pattern_->sparse();
    for (Index b = pattern_->column_tail(j); b < pattern_->column_end(j); ++b) {
      const Index s = pattern_->rows()[b];
      const auto column = sigma_->dense_block().col(s - m);
      double sum = 0.0;
      for (Index a = pattern_->column_tail(j); a < pattern_->column_end(j); ++a) {
        const Index r = pattern_->rows()[a];
        sum += column[r - m] * work.ratio[size_t(r)];
      }
      work.product[size_t(s)] += sum;
      couple_with_border(s, work);
    }
  }

  // A few columns, as they mostly are, in plain loops.
  void multiply_border(Column& work) const {
    const auto block = sigma_->border_block();
    work.border_product.setZero();
    add_columns(block.data(), block.outerStride(), block.cols(), work.border_ratio.data(),
                block.rows(), block.rows(), work.border_product.data());
  }

  // visit(row of the dense block, entry) for column j.
  template <class Visit>
  void for_tail(Index j, Visit&& visit) const {
    for (Index e = pattern_->column_tail(j); e < pattern_->column_end(j); ++e) {
      visit(pattern_->rows()[e] - pattern_->sparse(), e);
    }
  }

  // The part that comes from the dense block, most of whose rows are in S, for column j and those
  // before it that are like it.
  void multiply_dense(const BorderedCholesky& factor, Index first, Index j, Column& work) const {
    resize_buffer(work.dense_ratio, pattern_->dense(), together);
    resize_buffer(work.dense_product, pattern_->dense(), together);
    work.next = work.known = 0;
    for (; j >= first && work.known < together; --j) {
      if (!pattern_->has_full_tail(j)) continue;
      auto ratio = work.dense_ratio.col(work.known++);
      const double inverse = 1.0 / factor.values()[j];
      ratio.setZero();
      for_tail(j, [&](Index row, Index e) { ratio[row] = factor.lower(e) * inverse; });
      ratio.tail(pattern_->border()) = factor.border_of(j) * inverse;
    }
    auto product = work.dense_product.leftCols(work.known);
    product.setZero();
    add_ab(sigma_->dense_block(), work.dense_ratio.leftCols(work.known), product);
  }
  void load_dense_product(Index j, Column& work) const {
    const auto product = work.dense_product.col(work.next - 1);
    for_tail(j,
             [&](Index row, Index e) { work.product[size_t(pattern_->rows()[e])] = product[row]; });
    work.border_product = product.tail(pattern_->border());
  }
  // Of a column that has no rows but those of the dense block.
  void store_dense(const BorderedCholesky& factor, Index j, const Column& work) {
    const auto product = work.dense_product.col(work.next - 1);
    for_tail(j, [&](Index row, Index e) {
      sigma_->values()[pattern_->lower_offset() + e] = -product[row];
    });
    Eigen::Map<Vector>(sigma_->values() + pattern_->border_position(j), pattern_->border()) =
        -product.tail(pattern_->border());
    const double pivot = factor.values()[j];
    sigma_->values()[j] = 1.0 / (pivot * pivot) + product.dot(work.dense_ratio.col(work.next - 1));
  }

  // The part of Sigma_SS l that comes from the stored column s of Sigma, s in S and sparse.
  void add_sparse_column(Index j, Index s, Column& work) const {
    const double own = work.ratio[size_t(s)];
    double sum = sigma_->values()[s] * own;
    Index mine = pattern_->column_begin(j);  // S and the rows of column s are both sorted
    for (Index e = pattern_->column_begin(s); e < pattern_->column_end(s); ++e) {
      const Code r = pattern_->rows()[e];
      while (mine < pattern_->column_end(j) && pattern_->rows()[mine] < r) ++mine;
      if (mine == pattern_->column_end(j)) break;
      if (pattern_->rows()[mine] != r) continue;
      const double value = sigma_->values()[pattern_->lower_offset() + e];
      sum += value * work.ratio[size_t(r)];
      work.product[size_t(r)] += value * own;
    }
    work.product[size_t(s)] += sum;
    couple_with_border(s, work);
  }

  void couple_with_border(Index s, Column& work) const {
    const auto border = sigma_->with_border(s);
    work.product[size_t(s)] += border.dot(work.border_ratio);
    work.border_product += work.ratio[size_t(s)] * border;
  }

  void store_column(const BorderedCholesky& factor, Index j, const Column& work) {
    double variance = work.border_product.dot(work.border_ratio);
    for (Index e = pattern_->column_begin(j); e < pattern_->column_end(j); ++e) {
      const auto row = size_t(pattern_->rows()[e]);
      sigma_->values()[pattern_->lower_offset() + e] = -work.product[row];
      variance += work.product[row] * work.ratio[row];
    }
    Eigen::Map<Vector>(sigma_->values() + pattern_->border_position(j), pattern_->border()) =
        -work.border_product;
    const double pivot = factor.values()[j];
    sigma_->values()[j] = 1.0 / (pivot * pivot) + variance;
  }

  const BorderedPattern* pattern_;
  Team* team_;
  PatternValues* sigma_;
  ColumnPieces pieces_;
  SmallProduct border_;          // by Sigma of the border
  std::vector<Column> columns_;  // of each member of the team
};

}  // namespace mixed_glm
