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
  if (z.width() == 0 || z.width() == 1) return single;
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

// Of each row a key, 0 .. keys - 1.
struct RowKeys {
  std::vector<Code> key;
  Index keys;

  // Where the rows of each key begin, once they are in order by it.
  std::vector<Index> starts() const {
    std::vector<Index> start(size_t(keys) + 1, 0);
    for (const Code k : key) ++start[size_t(k) + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    return start;
  }
};

// rows(r): the r-th row. In a stable order by key, of which `start` are the starts().
template <class Rows>
std::vector<Index> sorted_by(const RowKeys& by, std::vector<Index> start, Rows&& rows) {
  std::vector<Index> order(by.key.size());
  for (Index r = 0; r < Index(order.size()); ++r) {
    const Index i = rows(r);
    order[size_t(start[size_t(by.key[size_t(i)])]++)] = i;
  }
  return order;
}

// The column of the component in each row; the number of columns where there is none.
inline RowKeys columns_of(const SparseRows& z, const std::vector<Code>& component, Index of) {
  RowKeys by{std::vector<Code>(size_t(z.rows()), Code(z.cols())), z.cols() + 1};
  for (Index i = 0; i < z.rows(); ++i) {
    for (Index e = z.begin(i); e < z.end(i); ++e) {
      const Code c = z.columns()[e];
      if (component[size_t(c)] == of) by.key[size_t(i)] = c;
    }
  }
  return by;
}

// The number of entries of each row; nothing where all rows have equally many.
inline RowKeys lengths_of(const SparseRows& z) {
  if (z.width() >= 0) return {{}, 0};
  RowKeys by{std::vector<Code>(size_t(z.rows())), 0};
  for (Index i = 0; i < z.rows(); ++i) {
    by.key[size_t(i)] = Code(z.end(i) - z.begin(i));
    by.keys = std::max(by.keys, Index(by.key[size_t(i)]) + 1);
  }
  return by;
}

// Runs of rows that are equal in both keys.
template <class Rows>
Index count_runs(const RowKeys& column, const RowKeys& length, Rows&& rows) {
  Index count = 1;
  for (Index r = 1; r < Index(column.key.size()); ++r) {
    const auto i = size_t(rows(r)), before = size_t(rows(r - 1));
    count += column.key[i] != column.key[before] ||
             (!length.key.empty() && length.key[i] != length.key[before]);
  }
  return count;
}

// Keys that some row has.
inline Index count_used(const std::vector<Index>& start) {
  Index count = 0;
  for (size_t k = 1; k < start.size(); ++k) count += start[k] != start[k - 1];
  return count;
}

}  // namespace detail

// order[r]: the row that becomes the r-th. Empty where sorting would not pay.
inline std::vector<Index> sorted_row_order(const SparseRows& z, const std::vector<Code>& component,
                                           Index sort_by) {
  constexpr Index fewest_rows = 50;
  if (sort_by < 0 || z.rows() < fewest_rows) return {};
  const detail::RowKeys column = detail::columns_of(z, component, sort_by);
  const detail::RowKeys length = detail::lengths_of(z);
  const auto as_they_are = [](Index r) { return r; };
  const Index runs = detail::count_runs(column, length, as_they_are);
  const std::vector<Index> start = column.starts();
  if (length.key.empty()) {
    if (2 * runs <= 3 * detail::count_used(start)) return {};
    return detail::sorted_by(column, start, as_they_are);
  }
  const std::vector<Index> by_length = detail::sorted_by(length, length.starts(), as_they_are);
  std::vector<Index> order =
      detail::sorted_by(column, start, [&](Index r) { return by_length[size_t(r)]; });
  const auto in_order = [&order](Index r) { return order[size_t(r)]; };
  if (2 * runs <= 3 * detail::count_runs(column, length, in_order)) return {};
  return order;
}

}  // namespace mixed_glm
