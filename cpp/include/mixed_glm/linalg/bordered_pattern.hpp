// Where the numbers of a bordered matrix, and of its Cholesky factor, lie.
//
//     H = [ Q  B ]    Q: q x q sparse, effects in elimination order
//         [ B' C ]    B: q x p dense,  C: p x p dense
//
// The first m effects are eliminated sparsely. What remains of Q then fills in (almost) completely,
// so the last t = q - m effects and the border form one dense block of order t + p. All numbers are
// in one buffer, with the layout of the factor, so that H is factorized in place:
//
//     diagonal   m        of the sparse effects
//     lower      nnz      below the diagonal, column by column; rows may lie in the dense block
//     border     m x p    row-major: the p numbers of an effect are contiguous
//     dense      (t+p)^2  column-major, lower triangle
//
// The symbolic factorization follows the elimination tree (George and Liu 1981, ch. 5).
//
// A pattern may also be left without fill (Unfilled): then `lower` holds the couplings of H itself,
// and the dense block has the levels of small factors and the border. What is worked out on it is
// told in precision.hpp.
#pragma once

#include <algorithm>
#include <memory>
#include <mixed_glm/linalg/fill_order.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mixed_glm {

// What an unfilled pattern has to know beside the couplings. Effects are numbered so that those to
// be eliminated exactly, of which no two are neighbours, come first, and those of small factors,
// which join the border, last.
struct Unfilled {
  Index eliminated = 0, small = 0;
  std::vector<Code> part;  // of each effect: the factor that it belongs to, 0, 1, ...
};

class BorderedPattern {
 public:
  // neighbours: of each effect, by elimination number.
  BorderedPattern(const Neighbours& neighbours, Index border)
      : effects_(static_cast<Index>(neighbours.size())), border_(border) {
    eliminate(neighbours);
    lay_out();
  }

  // Without fill.
  BorderedPattern(const Neighbours& neighbours, Index border, Unfilled unfilled)
      : effects_(static_cast<Index>(neighbours.size())),
        border_(border),
        sparse_(effects_ - unfilled.small),
        unfilled_(std::make_shared<const Unfilled>(std::move(unfilled))) {
    list_neighbours(neighbours);
    lay_out();
  }

  bool is_filled() const { return unfilled_ == nullptr; }
  const Unfilled& unfilled() const { return *unfilled_; }  // only if it is not filled

  // Throws std::length_error where entries cannot be numbered.
  void require_numbered() const {
    if (size_ <= std::numeric_limits<std::int32_t>::max()) return;
    throw std::length_error("the factor of this design would have " + std::to_string(size_) +
                            " entries; at most 2^31 - 1 are supported");
  }

  Index effects() const { return effects_; }         // q
  Index sparse() const { return sparse_; }           // m
  Index tail() const { return effects_ - sparse_; }  // t
  Index border() const { return border_; }           // p
  Index dense() const { return tail() + border_; }   // t + p
  Index size() const { return size_; }               // of the buffer

  // Entries column_begin(j) .. column_end(j) of rows() are the rows of column j below its diagonal.
  Index column_begin(Index j) const { return column_start_[size_t(j)]; }
  Index column_end(Index j) const { return column_start_[size_t(j) + 1]; }
  // The first of them that lies in the dense block.
  Index column_tail(Index j) const { return column_tail_[size_t(j)]; }
  const Code* rows() const { return rows_.data(); }
  // Whether it has so many rows of the dense block that they are best taken for all of them.
  bool has_full_tail(Index j) const {
    return tail() >= least_full_tail && 4 * (column_end(j) - column_tail(j)) >= tail();
  }

  Index lower_offset() const { return lower_offset_; }
  Index dense_offset() const { return dense_offset_; }
  // Row and column number within the dense block; row >= col.
  Index dense_position(Index row, Index col) const { return dense_offset_ + col * dense() + row; }

  Index diagonal_position(Index effect) const {
    return effect < sparse_ ? effect : dense_position(effect - sparse_, effect - sparse_);
  }
  // Of the p contiguous numbers that couple an effect with the border.
  Index border_position(Index effect) const {
    return effect < sparse_ ? border_offset_ + effect * border_
                            : dense_position(tail(), effect - sparse_);
  }
  // Of the coupling of two effects, which must be neighbours in the filled graph.
  Index position(Index row, Index col) const {
    if (row < col) std::swap(row, col);
    if (row == col) return diagonal_position(row);
    if (col >= sparse_) return dense_position(row - sparse_, col - sparse_);
    const auto first = rows_.begin() + column_begin(col), last = rows_.begin() + column_end(col);
    return lower_offset_ + (std::lower_bound(first, last, Code(row)) - rows_.begin());
  }

 private:
  // From a column that is this full on, and for at least this many columns, dense is faster.
  static constexpr double dense_fraction = 0.4;
  static constexpr Index least_tail = 16, least_full_tail = 8;

  void eliminate(const Neighbours& neighbours) {
    std::vector<std::vector<Code>> children(neighbours.size());
    std::vector<Index> marked_by(neighbours.size(), -1);
    column_start_.assign(1, 0);
    for (Index j = 0; j < effects_; ++j) {
      const size_t first = rows_.size();
      merge(j, neighbours[size_t(j)], marked_by);
      for (const Code child : children[size_t(j)]) merge_column(j, child, marked_by);
      const Index remaining = effects_ - j;
      const auto count = static_cast<double>(rows_.size() - first);
      if (remaining >= least_tail && count >= dense_fraction * double(remaining - 1)) {
        rows_.resize(first);
        break;
      }
      std::sort(rows_.begin() + Index(first), rows_.end());
      if (rows_.size() > first) children[size_t(rows_[first])].push_back(Code(j));
      column_start_.push_back(static_cast<Index>(rows_.size()));
      ++sparse_;
    }
  }

  void list_neighbours(const Neighbours& neighbours) {
    column_start_.assign(1, 0);
    for (Index j = 0; j < sparse_; ++j) {
      const size_t first = rows_.size();
      for (const Code r : neighbours[size_t(j)]) {
        if (r > j) rows_.push_back(r);
      }
      std::sort(rows_.begin() + Index(first), rows_.end());
      column_start_.push_back(static_cast<Index>(rows_.size()));
    }
  }

  void lay_out() {
    for (Index j = 0; j < sparse_; ++j) {
      const auto begin = rows_.begin();
      column_tail_.push_back(
          std::lower_bound(begin + column_begin(j), begin + column_end(j), Code(sparse_)) - begin);
    }
    lower_offset_ = sparse_;
    border_offset_ = lower_offset_ + static_cast<Index>(rows_.size());
    dense_offset_ = border_offset_ + sparse_ * border_;
    size_ = dense_offset_ + dense() * dense();
  }

  void merge(Index j, const std::vector<Code>& candidates, std::vector<Index>& marked_by) {
    for (const Code r : candidates) add(j, r, marked_by);
  }

  void merge_column(Index j, Code child, std::vector<Index>& marked_by) {
    for (Index k = column_begin(child); k < column_end(child); ++k) {
      add(j, rows_[size_t(k)], marked_by);
    }
  }

  void add(Index j, Code row, std::vector<Index>& marked_by) {
    if (row <= j || marked_by[size_t(row)] == j) return;
    marked_by[size_t(row)] = j;
    rows_.push_back(row);
  }

  Index effects_, border_;
  Index sparse_ = 0;
  Index lower_offset_ = 0, border_offset_ = 0, dense_offset_ = 0, size_ = 0;
  std::vector<Index> column_start_, column_tail_;
  std::vector<Code> rows_;
  std::shared_ptr<const Unfilled> unfilled_;
};

}  // namespace mixed_glm
