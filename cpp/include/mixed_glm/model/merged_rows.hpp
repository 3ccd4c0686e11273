// Rows that are equal in x, in z and in a key (the offset) share one linear predictor, and the log
// likelihood of every family is linear in the two numbers a, b that a response is reduced to
// (families/response.hpp). Such rows are one row with the sums of theirs, exactly.
//
// For expectation propagation that is another, better factorization: one site for all of them.
#pragma once

#include <algorithm>
#include <cstring>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <vector>

namespace mixed_glm {

// Rows of the caller as rows of the design.
struct RowMap {
  std::vector<Index> first;   // first[r]: the caller's row, or the first of them, that row r is
  std::vector<Index> row_of;  // row_of[i]: the row that the caller's row i went to; empty: unmerged
};

class RowMerger {
 public:
  RowMerger(ConstMatrixRef x, const SparseRows& z, ConstVectorRef key)
      : x_(x.data(), x.rows(), x.cols(), Eigen::OuterStride<>(x.outerStride())),
        z_(&z),
        key_(key.data(), key.size()) {}

  // order: the caller's rows as they are to stand; empty: as they are. Equal rows are looked for
  // among neighbours in it that share their first effect, so that rows sorted by group are searched
  // group by group. Without a row_of where merging would not pay.
  RowMap merge(const std::vector<Index>& order) const {
    const Index n = x_.rows();
    RowMap map;
    map.row_of.resize(size_t(n));
    for (Index begin = 0, end = 0; begin < n; begin = end) {
      end = end_of_window(order, begin);
      merge_window(order, begin, end, map);
      const bool pays = double(map.first.size()) <= most_kept * double(end);
      if (!pays && (end == n || end >= trial_rows)) return {order, {}};
    }
    return map;
  }

 private:
  static constexpr double most_kept = 0.7;   // of all rows, for merging to pay
  static constexpr Index trial_rows = 2000;  // after which it is given up
  static constexpr Index largest_window = 1 << 16;

  struct Hashed {
    std::uint64_t hash;
    Index row;
    bool operator<(const Hashed& other) const {
      return hash != other.hash ? hash < other.hash : row < other.row;
    }
  };

  static Index row_at(const std::vector<Index>& order, Index r) {
    return order.empty() ? r : order[size_t(r)];
  }

  Code first_effect(Index row) const {
    return z_->begin(row) < z_->end(row) ? z_->columns()[z_->begin(row)] : -1;
  }

  Index end_of_window(const std::vector<Index>& order, Index begin) const {
    const Index last = std::min(x_.rows(), begin + largest_window);
    if (order.empty()) return last;
    const Code effect = first_effect(row_at(order, begin));
    Index end = begin + 1;
    while (end < last && first_effect(row_at(order, end)) == effect) ++end;
    return end;
  }

  void merge_window(const std::vector<Index>& order, Index begin, Index end, RowMap& map) const {
    std::vector<Hashed> hashed;
    for (Index r = begin; r < end; ++r) {
      const Index row = row_at(order, r);
      hashed.push_back({hash(row), row});
    }
    std::sort(hashed.begin(), hashed.end());
    // Each row's first equal one, then numbers in the order of the window.
    for (size_t k = 0; k < hashed.size(); ++k) {
      const bool same = k > 0 && hashed[k].hash == hashed[k - 1].hash;
      const Index leader = same ? map.row_of[size_t(hashed[k - 1].row)] : -1;
      map.row_of[size_t(hashed[k].row)] =
          same && equal(hashed[k].row, leader) ? leader : hashed[k].row;
    }
    for (Index r = begin; r < end; ++r) {
      const Index row = row_at(order, r);
      Index& target = map.row_of[size_t(row)];
      if (target == row) map.first.push_back(row);
      target = target == row ? Index(map.first.size()) - 1 : map.row_of[size_t(target)];
    }
  }

  static std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {  // splitmix64
    hash += value + 0x9e3779b97f4a7c15u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    return hash ^ (hash >> 31);
  }
  static std::uint64_t mix(std::uint64_t hash, double value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return mix(hash, bits);
  }

  std::uint64_t hash(Index row) const {
    std::uint64_t result = key_.size() > 0 ? mix(0, key_[row]) : 0;
    for (Index a = 0; a < x_.cols(); ++a) result = mix(result, x_(row, a));
    for (Index e = z_->begin(row); e < z_->end(row); ++e) {
      result = mix(mix(result, std::uint64_t(z_->columns()[e])), z_->value(e));
    }
    return result;
  }

  bool equal(Index i, Index j) const {
    if (key_.size() > 0 && key_[i] != key_[j]) return false;
    for (Index a = 0; a < x_.cols(); ++a) {
      if (x_(i, a) != x_(j, a)) return false;
    }
    const Index count = z_->end(i) - z_->begin(i);
    if (z_->end(j) - z_->begin(j) != count) return false;
    for (Index e = z_->begin(i), f = z_->begin(j); e < z_->end(i); ++e, ++f) {
      if (z_->columns()[e] != z_->columns()[f] || z_->value(e) != z_->value(f)) return false;
    }
    return true;
  }

  Eigen::Map<const Matrix, 0, Eigen::OuterStride<>> x_;
  const SparseRows* z_;
  Eigen::Map<const Vector> key_;
};

}  // namespace mixed_glm
