// Rows that are equal in x, in z and in a key (the offset) share one linear predictor, and the log
// likelihood of every family is linear in the two numbers a, b that a response is reduced to
// (families/response.hpp). Such rows are one row with the sums of theirs, exactly.
//
// For expectation propagation that is another, better factorization: one site for all of them.
#pragma once

#include <algorithm>
#include <cstdint>
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
  RowMap merge(std::vector<Index> order) const {
    const Index n = x_.rows();
    std::vector<Index> first, target;  // target[r]: the row that the r-th in the order went to
    std::vector<Seen> table;
    for (Index begin = 0, end = 0; begin < n; begin = end) {
      end = end_of_window(order, begin);
      merge_window(order, begin, end, table, first, target);
      const bool pays = double(first.size()) <= most_kept * double(end);
      if (!pays && (end == n || end >= trial_rows)) return {std::move(order), {}};
    }
    if (order.empty()) return {std::move(first), std::move(target)};
    std::vector<Index> row_of(target.size());
    for (size_t r = 0; r < target.size(); ++r) row_of[size_t(order[r])] = target[r];
    return {std::move(first), std::move(row_of)};
  }

 private:
  static constexpr double most_kept = 0.7;   // of all rows, for merging to pay
  static constexpr Index trial_rows = 2000;  // after which it is given up
  static constexpr Index largest_window = 1 << 16;

  // A place of a hash table: a row of the design.
  struct Seen {
    std::uint64_t hash;
    Index number;  // -1: none
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

  // Adds the rows of the window that are like none before them in it to `first`, and a target for
  // each row of it.
  void merge_window(const std::vector<Index>& order, Index begin, Index end,
                    std::vector<Seen>& table, std::vector<Index>& first,
                    std::vector<Index>& target) const {
    size_t places = 2;
    while (places < 2 * size_t(end - begin)) places *= 2;
    table.assign(places, {0, -1});
    for (Index r = begin; r < end; ++r) {
      const Index row = row_at(order, r);
      const std::uint64_t own = hash(row);
      size_t place = size_t(own) & (places - 1);
      while (table[place].number >= 0 &&
             !(table[place].hash == own && equal(row, first[size_t(table[place].number)]))) {
        place = (place + 1) & (places - 1);
      }
      if (table[place].number < 0) {
        table[place] = {own, Index(first.size())};
        first.push_back(row);
      }
      target.push_back(table[place].number);
    }
  }

  static std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
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
      result = mix(result, std::uint64_t(z_->columns()[e]));
      if (!z_->is_indicator()) result = mix(result, z_->value(e));
    }
    return mix(result, std::uint64_t{0});
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
