// The rows of a sparse design Z (n x q): for each row the numbers of the effects that it touches
// and the factors with which it touches them. Indicator designs (all factors one) store no factors,
// and rows of equal length store no row pointers, so one grouping factor is just an array of codes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/typedefs.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mixed_glm {

class SparseRows {
 public:
  // Compressed sparse rows: entries indptr[i] .. indptr[i + 1] of (indices, data) belong to row i.
  // data may be null: all ones. A column may stand only once in a row.
  SparseRows(Index rows, Index cols, const std::int64_t* indptr, const Code* indices,
             const double* data)
      : rows_(rows), cols_(cols) {
    assign(indptr, indices, data);
  }
  // The same in numbers of other widths.
  template <class Start, class Column>
  SparseRows(Index rows, Index cols, const Start* indptr, const Column* indices, const double* data)
      : rows_(rows), cols_(cols) {
    assign(indptr, indices, data);
  }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index entries() const { return static_cast<Index>(columns_.size()); }
  bool is_indicator() const { return values_.empty(); }

  Index begin(Index row) const { return start_.empty() ? row * width_ : start_[size_t(row)]; }
  Index end(Index row) const { return begin(row + 1); }
  // Entries in each row where all rows have equally many, otherwise -1.
  Index width() const { return start_.empty() ? width_ : -1; }

  const Code* columns() const { return columns_.data(); }
  const double* values() const { return values_.data(); }  // meaningless for an indicator design
  double value(Index entry) const { return values_.empty() ? 1.0 : values_[size_t(entry)]; }

  // Rows from this one on that touch the same columns, as far as they are counted.
  Index run_length(Index row) const { return run_[size_t(row)]; }
  // Whether rows touch several columns and those that touch the same ones mostly lie together.
  bool has_groups() const { return has_groups_; }

  // Number of unordered pairs of entries that stand in one row, over all rows.
  Index pairs() const {
    if (start_.empty()) return rows_ * (width_ * (width_ - 1) / 2);
    Index count = 0;
    for (Index i = 0; i < rows_; ++i) count += (end(i) - begin(i)) * (end(i) - begin(i) - 1) / 2;
    return count;
  }

  // Row order[r] becomes the r-th; rows that are not in it go.
  void select_rows(const std::vector<Index>& order) {
    std::vector<Index> start;
    if (!start_.empty()) {
      start.reserve(order.size() + 1);
      start.push_back(0);
      for (const Index row : order) start.push_back(start.back() + end(row) - begin(row));
    }
    const size_t count = start_.empty() ? order.size() * size_t(width_) : size_t(start.back());
    columns_ = entries_of(order, columns_, count);
    if (!values_.empty()) values_ = entries_of(order, values_, count);
    start_ = std::move(start);
    rows_ = Index(order.size());
    find_runs();
  }

  // Column c becomes new_column[c].
  void relabel(const std::vector<Code>& new_column) {
    for (Code& c : columns_) c = new_column[size_t(c)];
  }

 private:
  template <class Start, class Column>
  void assign(const Start* indptr, const Column* indices, const double* data) {
    check(indptr, indices);
    columns_.assign(indices, indices + indptr[rows_]);
    store_values(Index(indptr[rows_]), data);
    store_starts(indptr);
    find_runs();
  }

  template <class Start, class Column>
  void check(const Start* indptr, const Column* indices) const {
    if (rows_ < 0 || cols_ < 0) throw std::invalid_argument("exog_vc: negative dimension");
    if (cols_ > std::numeric_limits<Code>::max()) {
      throw std::invalid_argument("exog_vc: more than 2^31 - 1 columns");
    }
    if (indptr[0] != 0) throw std::invalid_argument("exog_vc: indptr must begin with 0");
    for (Index i = 0; i < rows_; ++i) {
      if (indptr[i] > indptr[i + 1])
        throw std::invalid_argument("exog_vc: indptr must not decrease");
    }
    bool in_order = true;  // then none stands twice
    for (Index i = 0; i < rows_; ++i) {
      for (Start e = indptr[i]; e < indptr[i + 1]; ++e) {
        const Column c = indices[e];
        if (c < 0 || c >= cols_) refuse_column(c, i);
        in_order = in_order && (e == indptr[i] || indices[e - 1] < c);
      }
    }
    if (!in_order) check_distinct(indptr, indices);
  }

  [[noreturn]] MIXED_GLM_COLD void refuse_column(Index column, Index row) const {
    throw std::invalid_argument("exog_vc: column index " + std::to_string(column) + " in row " +
                                std::to_string(row) + " is outside 0.." +
                                std::to_string(cols_ - 1));
  }

  template <class Start, class Column>
  void check_distinct(const Start* indptr, const Column* indices) const {
    std::vector<Index> last_row(static_cast<size_t>(cols_), -1);
    for (Index i = 0; i < rows_; ++i) {
      for (Start e = indptr[i]; e < indptr[i + 1]; ++e) {
        const Column c = indices[e];
        if (std::exchange(last_row[size_t(c)], i) != i) continue;
        throw std::invalid_argument("exog_vc: column " + std::to_string(c) +
                                    " stands twice in row " + std::to_string(i));
      }
    }
  }

  // What stands in the rows of `order`, of a list of all entries.
  template <class T>
  std::vector<T> entries_of(const std::vector<Index>& order, const std::vector<T>& all,
                            size_t count) const {
    std::vector<T> entries(count);
    T* to = entries.data();
    if (width() == 1) {
      for (const Index row : order) *to++ = all[size_t(row)];
      return entries;
    }
    for (const Index row : order) {
      to = std::copy(all.data() + begin(row), all.data() + end(row), to);
    }
    return entries;
  }

  void store_values(Index count, const double* data) {
    if (data == nullptr) return;
    for (Index e = 0; e < count; ++e) {
      if (data[e] != 1.0) {
        values_.assign(data, data + count);
        return;
      }
    }
  }

  template <class Start>
  void store_starts(const Start* indptr) {
    width_ = rows_ > 0 ? indptr[1] : 0;
    for (Index i = 0; i < rows_; ++i) {
      if (indptr[i + 1] - indptr[i] != width_) {
        start_.assign(indptr, indptr + rows_ + 1);
        return;
      }
    }
  }

  void find_runs() {
    if (width() == 1) {
      count_runs([this](Index row) { return columns_[size_t(row)] == columns_[size_t(row) + 1]; });
      return;
    }
    const Index ends = count_runs([this](Index row) {
      const auto at = columns_.begin() + begin(row), next = columns_.begin() + end(row);
      return end(row + 1) - end(row) == next - at && std::equal(at, next, next);
    });
    has_groups_ = 2 * ends <= rows_;
  }

  // goes_on(row): the next one touches the same columns. How often it does not.
  template <class GoesOn>
  Index count_runs(GoesOn&& goes_on) {
    constexpr std::uint8_t most = 255;
    Index ends = 1;
    run_.resize(size_t(rows_));
    if (rows_ > 0) run_.back() = 1;
    for (Index i = rows_ - 2; i >= 0; --i) {
      const bool same = goes_on(i);
      run_[size_t(i)] = same ? std::uint8_t(std::min<int>(run_[size_t(i) + 1] + 1, most)) : 1;
      if (!same) ++ends;
    }
    return ends;
  }

  Index rows_, cols_, width_ = 0;
  std::vector<Code> columns_;
  std::vector<double> values_;     // empty: all ones
  std::vector<Index> start_;       // empty: every row has width_ entries
  std::vector<std::uint8_t> run_;  // of each row: how long it goes on
  bool has_groups_ = false;
};

}  // namespace mixed_glm
