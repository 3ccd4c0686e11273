// The random part of a model, Z u: a sparse matrix as it is, or built term by term.
//
//     RandomEffects z(n);
//     z.add_intercepts(herd, 15);       // u[herd_i] in row i: (1 | herd)
//     z.add_slopes(herd, 15, time);     // time_i u[15 + herd_i]: (0 + time | herd)
//
// Every term is a variance component of its own. Everything is copied: nothing need outlive it.
#pragma once

#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/views.hpp>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mixed_glm {

class RandomEffects {
 public:
  // No random effects, until some are added.
  explicit RandomEffects(Index rows) : rows_(rows) {}

  // A matrix z (n x q) and the component of each column, 0 .. components - 1.
  RandomEffects(SparseRows z, std::vector<Code> ident, Index components)
      : rows_(z.rows()), components_(components), ident_(std::move(ident)), given_(std::move(z)) {}

  // codes: n numbers of groups, 0 .. levels - 1; a negative one is a row without a group.
  void add_intercepts(CodeView codes, Index levels) { add(codes, levels, {}); }
  // The same with a factor for each row.
  void add_slopes(CodeView codes, Index levels, VectorView factors) {
    check_length("factors", factors.size(), rows_);
    if (!factors.map().allFinite()) throw std::invalid_argument("factors: expected finite values");
    add(codes, levels, factors);
  }

  Index rows() const { return rows_; }
  Index effects() const { return Index(ident_.size()); }
  Index components() const { return components_; }
  const std::vector<Code>& ident() const { return ident_; }

  SparseRows matrix() const {
    if (given_ && terms_.empty()) return *given_;
    std::vector<std::int64_t> indptr = {0};
    std::vector<Code> columns;
    std::vector<double> values;
    const SparseRows* const given = given_ ? &*given_ : nullptr;
    for (Index i = 0; i < rows_; ++i) {
      const Index end = given != nullptr ? given->end(i) : 0;
      for (Index e = given != nullptr ? given->begin(i) : 0; e < end; ++e) {
        columns.push_back(given->columns()[e]);
        values.push_back(given->value(e));
      }
      for (const Term& term : terms_) {
        if (term.column[size_t(i)] < 0) continue;
        columns.push_back(term.column[size_t(i)]);
        values.push_back(term.factor.empty() ? 1.0 : term.factor[size_t(i)]);
      }
      indptr.push_back(std::int64_t(columns.size()));
    }
    return {rows_, effects(), indptr.data(), columns.data(), values.data()};
  }

 private:
  struct Term {
    std::vector<Code> column;    // n; -1: none
    std::vector<double> factor;  // n; empty: all ones
  };

  void add(CodeView codes, Index levels, VectorView factors) {
    check_length("codes", codes.size(), rows_);
    Term term;
    term.factor.assign(factors.data(), factors.data() + factors.size());
    term.column.reserve(size_t(rows_));
    for (Index i = 0; i < rows_; ++i) {
      if (codes[i] >= levels) {
        refuse_argument("codes", "less than " + std::to_string(levels),
                        std::to_string(codes[i]) + " in row " + std::to_string(i));
      }
      term.column.push_back(codes[i] < 0 ? Code{-1} : static_cast<Code>(effects() + codes[i]));
    }
    terms_.push_back(std::move(term));
    ident_.insert(ident_.end(), size_t(levels), static_cast<Code>(components_));
    ++components_;
  }

  Index rows_ = 0, components_ = 0;
  std::vector<Code> ident_;
  std::optional<SparseRows> given_;
  std::vector<Term> terms_;
};

}  // namespace mixed_glm
