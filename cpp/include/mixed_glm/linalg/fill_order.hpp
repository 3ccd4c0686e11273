// The order in which the random effects are eliminated: approximate minimum degree on the graph of
// Q = Z' W Z + D, in which two effects are neighbours when some row touches both.
#pragma once

#include <Eigen/OrderingMethods>
#include <Eigen/SparseCore>
#include <algorithm>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <numeric>
#include <vector>

namespace mixed_glm {

using Neighbours = std::vector<std::vector<Code>>;  // of each effect, without itself

namespace detail {

// The rows of each column: the transpose of the pattern of Z, in compressed form.
struct ColumnRows {
  std::vector<Index> start;
  std::vector<Index> row;

  explicit ColumnRows(const SparseRows& z)
      : start(size_t(z.cols()) + 1, 0), row(size_t(z.entries())) {
    for (Index e = 0; e < z.entries(); ++e) ++start[size_t(z.columns()[e]) + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    std::vector<Index> next(start.begin(), start.end() - 1);
    for (Index i = 0; i < z.rows(); ++i) {
      for (Index e = z.begin(i); e < z.end(i); ++e) row[size_t(next[size_t(z.columns()[e])]++)] = i;
    }
  }
};

}  // namespace detail

inline Neighbours effect_neighbours(const SparseRows& z) {
  Neighbours neighbours(size_t(z.cols()));
  if (z.pairs() == 0) return neighbours;
  const detail::ColumnRows rows_of(z);
  std::vector<Index> seen_by(size_t(z.cols()), -1);
  for (Index c = 0; c < z.cols(); ++c) {
    seen_by[size_t(c)] = c;
    for (Index k = rows_of.start[size_t(c)]; k < rows_of.start[size_t(c) + 1]; ++k) {
      const Index i = rows_of.row[size_t(k)];
      for (Index e = z.begin(i); e < z.end(i); ++e) {
        const Code other = z.columns()[e];
        if (seen_by[size_t(other)] == c) continue;
        seen_by[size_t(other)] = c;
        neighbours[size_t(c)].push_back(other);
      }
    }
  }
  return neighbours;
}

// order[k] is the effect that is eliminated as the k-th.
inline std::vector<Code> fill_reducing_order(const Neighbours& neighbours) {
  const auto q = static_cast<Code>(neighbours.size());
  std::vector<Code> order(neighbours.size());
  std::iota(order.begin(), order.end(), Code{0});
  const bool no_edges = std::all_of(neighbours.begin(), neighbours.end(),
                                    [](const auto& list) { return list.empty(); });
  if (no_edges) return order;

  using Pattern = Eigen::SparseMatrix<double, Eigen::ColMajor, Code>;
  Pattern graph(q, q);
  Eigen::Matrix<Code, Eigen::Dynamic, 1> degrees(q);
  for (Code c = 0; c < q; ++c) degrees[c] = static_cast<Code>(neighbours[size_t(c)].size()) + 1;
  graph.reserve(degrees);
  for (Code c = 0; c < q; ++c) {
    std::vector<Code> rows = neighbours[size_t(c)];
    rows.push_back(c);  // without its diagonal entry an effect would not be put in order
    std::sort(rows.begin(), rows.end());
    for (const Code r : rows) graph.insert(r, c) = 1.0;
  }
  Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, Code> permutation;
  Eigen::AMDOrdering<Code>{}(graph, permutation);
  std::copy_n(permutation.indices().data(), q, order.begin());
  return order;
}

}  // namespace mixed_glm
