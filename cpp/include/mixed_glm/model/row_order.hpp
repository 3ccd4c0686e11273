// The order in which a design keeps its rows. Rows of one group next to each other turn scattered
// sums over groups into sums over contiguous memory (entry_runs.hpp), so rows that come in another
// order are sorted by the component with the most effects of which each row touches at most one.
#pragma once

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

// order[r]: the row that becomes the r-th. Empty where sorting would not pay.
inline std::vector<Index> sorted_row_order(const SparseRows& z, const std::vector<Code>& component,
                                           Index sort_by) {
  constexpr Index fewest_rows = 50;
  if (sort_by < 0 || z.rows() < fewest_rows) return {};
  std::vector<Index> key(size_t(z.rows()), z.cols());
  Index runs = 0, effects = 0;
  std::vector<bool> seen(size_t(z.cols()) + 1, false);
  for (Index i = 0; i < z.rows(); ++i) {
    for (Index e = z.begin(i); e < z.end(i); ++e) {
      const Code c = z.columns()[e];
      if (component[size_t(c)] == sort_by) key[size_t(i)] = c;
    }
    const Index own = key[size_t(i)];
    runs += i == 0 || own != key[size_t(i - 1)];
    effects += !seen[size_t(own)];
    seen[size_t(own)] = true;
  }
  if (2 * runs <= 3 * effects) return {};
  std::vector<Index> start(size_t(z.cols()) + 2, 0), order(key.size());
  for (const Index k : key) ++start[size_t(k) + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  for (size_t i = 0; i < key.size(); ++i) order[size_t(start[size_t(key[i])]++)] = Index(i);
  return order;
}

}  // namespace mixed_glm
