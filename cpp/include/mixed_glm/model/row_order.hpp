// The order in which a design keeps its rows. Rows of one group next to each other turn scattered
// sums over groups into sums over contiguous memory (entry_runs.hpp), so rows that come in another
// order are sorted by the component with the most effects of which each row touches at most one,
// and those of a group by the number of their entries: a slope of an indicator is an entry of some
// of them.
#pragma once

#include <algorithm>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <numeric>
#include <vector>

namespace mixed_glm {

// Components of which each row touches at most one effect. component[c]: of column c of z.
inline std::vector<bool> single_effect_components(const SparseRows& z,
                                                  const std::vector<Code>& component,
                                                  Index components) {
  std::vector<bool> single(size_t(components), true);
  std::vector<Index> last_row(single.size(), -1);
  for (Index i = 0; i < z.rows(); ++i) {
    for (Index e = z.begin(i); e < z.end(i); ++e) {
      const auto k = size_t(component[size_t(z.columns()[e])]);
      if (last_row[k] == i) single[k] = false;
      last_row[k] = i;
    }
  }
  return single;
}

// Of these, the one with the most effects; -1 if there is none.
inline Index largest_single_component(const std::vector<bool>& single, const Vector& size) {
  Index best = -1;
  for (Index k = 0; k < size.size(); ++k) {
    if (single[size_t(k)] && (best < 0 || size[k] > size[best])) best = k;
  }
  return best;
}

namespace detail {

// The rows in a stable order by key, 0 .. keys - 1.
inline std::vector<Index> sorted_by(const std::vector<Index>& key, Index keys,
                                    const std::vector<Index>& rows) {
  std::vector<Index> start(size_t(keys) + 1, 0), order(key.size());
  for (const Index k : key) ++start[size_t(k) + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  for (const Index i : rows) order[size_t(start[size_t(key[size_t(i)])]++)] = i;
  return order;
}

}  // namespace detail

// order[r]: the row that becomes the r-th. Empty where sorting would not pay.
inline std::vector<Index> sorted_row_order(const SparseRows& z, const std::vector<Code>& component,
                                           Index sort_by) {
  constexpr Index fewest_rows = 50;
  if (sort_by < 0 || z.rows() < fewest_rows) return {};
  std::vector<Index> key(size_t(z.rows()), z.cols()), entries(key.size()), order(key.size());
  std::iota(order.begin(), order.end(), 0);
  Index most = 0;
  for (Index i = 0; i < z.rows(); ++i) {
    entries[size_t(i)] = z.end(i) - z.begin(i);
    most = std::max(most, entries[size_t(i)]);
    for (Index e = z.begin(i); e < z.end(i); ++e) {
      const Code c = z.columns()[e];
      if (component[size_t(c)] == sort_by) key[size_t(i)] = c;
    }
  }
  const auto runs = [&] {
    Index count = 1;
    for (size_t r = 1; r < order.size(); ++r) {
      const auto i = size_t(order[r]), before = size_t(order[r - 1]);
      count += key[i] != key[before] || entries[i] != entries[before];
    }
    return count;
  };
  const Index as_they_are = runs();
  if (z.width() < 0) order = detail::sorted_by(entries, most + 1, order);
  order = detail::sorted_by(key, z.cols() + 1, order);
  if (2 * as_they_are <= 3 * runs()) return {};
  return order;
}

}  // namespace mixed_glm
