// The sparse columns of a factor, cut into pieces that can be worked on side by side: no column of
// a piece has a row in another one. Where such pieces are few and large, the columns from some
// column on, the rest, belong to none of them: then pieces have rows in themselves and in the rest.
//
//     one grouping factor      any cut will do, there is no rest
//     two effects a group      a piece is some whole groups
//     groups within groups     the rest are the outer groups
#pragma once

#include <mixed_glm/linalg/bordered_pattern.hpp>
#include <vector>

namespace mixed_glm {

class ColumnPieces {
 public:
  explicit ColumnPieces(const BorderedPattern& pattern) : start_(1, 0) {
    const Index m = pattern.sparse();
    cut(pattern, m);
    if (2 * largest() > m && m > 2 * columns_together) cut(pattern, independent(pattern));
  }

  Index count() const { return Index(start_.size()) - 1; }
  Index begin(Index k) const { return start_[size_t(k)]; }
  Index end(Index k) const { return start_[size_t(k) + 1]; }
  Index rest() const { return start_.back(); }  // the first column that belongs to no piece

 private:
  static constexpr Index columns_together = 256;  // the fewest in a piece, but for the last one

  // Columns 0 .. last - 1.
  void cut(const BorderedPattern& pattern, Index last) {
    start_.assign(1, 0);
    Index reach = 0;  // the largest row before `last` of the columns so far
    for (Index j = 0; j < last; ++j) {
      if (j > reach && j - start_.back() >= columns_together && last - j >= columns_together) {
        start_.push_back(j);
      }
      reach = std::max(reach, j);
      for (Index e = pattern.column_begin(j); e < pattern.column_tail(j); ++e) {
        const Index row = pattern.rows()[e];
        if (row < last) reach = std::max(reach, row);
      }
    }
    if (last > 0) start_.push_back(last);
  }

  // How many of the first columns have no rows among themselves.
  static Index independent(const BorderedPattern& pattern) {
    Index last = pattern.sparse();
    for (Index j = 0; j < last; ++j) {
      if (pattern.column_begin(j) < pattern.column_tail(j)) {
        last = std::min<Index>(last, pattern.rows()[pattern.column_begin(j)]);
      }
    }
    return last;
  }

  Index largest() const {
    Index most = 0;
    for (Index k = 0; k < count(); ++k) most = std::max(most, end(k) - begin(k));
    return most;
  }

  std::vector<Index> start_;
};

}  // namespace mixed_glm
