// The sparse columns of a factor in levels: each column has rows in columns of lower levels only,
// or in the dense block. From the lowest level on, columns of one level can be worked on side by
// side where each one needs those of its rows.
#pragma once

#include <mixed_glm/linalg/bordered_pattern.hpp>
#include <vector>

namespace mixed_glm {

class ColumnLevels {
 public:
  ColumnLevels() = default;
  explicit ColumnLevels(const BorderedPattern& pattern) {
    const Index m = pattern.sparse();
    std::vector<Index> level(size_t(m), 0);
    for (Index j = m - 1; j >= 0; --j) {
      for (Index e = pattern.column_begin(j); e < pattern.column_tail(j); ++e) {
        level[size_t(j)] = std::max(level[size_t(j)], 1 + level[size_t(pattern.rows()[e])]);
      }
    }
    start_.assign(m > 0 ? size_t(*std::max_element(level.begin(), level.end())) + 2 : 1, 0);
    for (const Index k : level) ++start_[size_t(k) + 1];
    for (size_t k = 1; k < start_.size(); ++k) start_[k] += start_[k - 1];
    columns_.resize(size_t(m));
    std::vector<Index> next = start_;
    for (Index j = 0; j < m; ++j) columns_[size_t(next[size_t(level[size_t(j)])]++)] = j;
  }

  Index count() const { return Index(start_.size()) - 1; }
  Index begin(Index level) const { return start_[size_t(level)]; }
  Index end(Index level) const { return start_[size_t(level) + 1]; }
  Index column(Index k) const { return columns_[size_t(k)]; }

 private:
  std::vector<Index> start_ = {0}, columns_;
};

}  // namespace mixed_glm
