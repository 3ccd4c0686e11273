// The random part of a model, Z u: a sparse matrix as it is, or built term by term.
//
//     RandomEffects z(n);
//     z.add_intercepts(herd, 15);       // u[herd_i] in row i: (1 | herd)
//     z.add_slopes(herd, 15, time);     // time_i u[15 + herd_i]: (0 + time | herd)
//     z.correlate(2);                   // the last two are one term: (time | herd)
//
// Every one of them is a variance component of its own, independent of the others but for those
// that are correlated: their effects on one group have a joint normal distribution. Everything is
// copied: nothing need outlive it.
#pragma once

#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/views.hpp>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <mixed_glm/terms/correlated_levels.hpp>
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
  // correlated: columns of the same level, for each term of correlated components.
  RandomEffects(SparseRows z, std::vector<Code> ident, Index components,
                std::vector<CorrelatedColumns> correlated = {})
      : rows_(z.rows()),
        components_(components),
        ident_(std::move(ident)),
        correlated_(std::move(correlated)),
        given_(std::move(z)) {
    check_correlated();
  }

  // codes: n numbers of groups, 0 .. levels - 1; a negative one is a row without a group.
  void add_intercepts(CodeView codes, Index levels) { add(codes, levels, {}); }
  // The same with a factor for each row.
  void add_slopes(CodeView codes, Index levels, VectorView factors) {
    check_length("factors", factors.size(), rows_);
    if (!factors.map().allFinite()) throw std::invalid_argument("factors: expected finite values");
    add(codes, levels, factors);
  }

  // The effects of the last `count` components on one group are correlated. All of them must have
  // been added with the same codes.
  void correlate(Index count) {
    const auto first = Index(terms_.size()) - count;
    if (count < 2 || count > most_correlated || first < 0) {
      refuse_argument("correlate", "2 to " + std::to_string(most_correlated) + " added components",
                      std::to_string(count));
    }
    const Term* const terms = terms_.data() + first;
    CorrelatedColumns term;
    term.order = count;
    for (Index l = 0; l < terms->levels; ++l) {
      for (Index c = 0; c < count; ++c) term.columns.push_back(Code(terms[c].first + l));
    }
    for (Index c = 0; c < count; ++c) {
      const Code shift = Code(terms[c].first - terms->first);
      for (size_t i = 0; i < terms->column.size(); ++i) {
        const Code own = terms->column[i];
        if (terms[c].column[i] == (own < 0 ? own : own + shift)) continue;
        throw std::invalid_argument("correlate: expected components with the same codes");
      }
    }
    correlated_.push_back(std::move(term));
    check_correlated();
  }

  Index rows() const { return rows_; }
  Index effects() const { return Index(ident_.size()); }
  Index components() const { return components_; }
  const std::vector<Code>& ident() const { return ident_; }
  const std::vector<CorrelatedColumns>& correlated() const { return correlated_; }

  // The same, which is no longer here then.
  SparseRows take_matrix() {
    if (!given_ || !terms_.empty()) return matrix();
    SparseRows z = std::move(*given_);
    given_.reset();
    return z;
  }

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
    std::vector<Code> column;     // n; -1: none
    std::vector<double> factor;   // n; empty: all ones
    Index first = 0, levels = 0;  // of its columns
  };

  // Every component of a term has one effect for each of its levels, and is in no other term.
  void check_correlated() const {
    if (correlated_.empty()) return;
    std::vector<Index> left(size_t(components_), 0);  // effects that are in no term yet
    for (const Code k : ident_) {
      if (k >= 0 && k < components_) ++left[size_t(k)];
    }
    for (const CorrelatedColumns& term : correlated_) {
      const Index m = term.order;
      if (m < 2 || m > most_correlated || Index(term.columns.size()) % m != 0) {
        refuse_argument("correlated",
                        "terms of 2 to " + std::to_string(most_correlated) + " columns",
                        std::to_string(m));
      }
      for (size_t e = 0; e < term.columns.size(); ++e) {
        const Code j = term.columns[e];
        if (j < 0 || j >= effects()) {
          refuse_argument("correlated", "numbers of columns", std::to_string(j));
        }
        const Code first = ident_[size_t(term.columns[e % size_t(m)])], own = ident_[size_t(j)];
        if (own == first && own >= 0 && own < components_ && left[size_t(own)]-- > 0) continue;
        refuse_argument("correlated", "one column of each component for each level",
                        "column " + std::to_string(j));
      }
      for (Index c = 0; c < m; ++c) {
        const Code k = ident_[size_t(term.columns[size_t(c)])];
        if (left[size_t(k)] == 0) continue;
        refuse_argument("correlated", "all columns of a component", std::to_string(k));
      }
    }
  }

  void add(CodeView codes, Index levels, VectorView factors) {
    check_length("codes", codes.size(), rows_);
    Term term;
    term.factor.assign(factors.data(), factors.data() + factors.size());
    term.column.reserve(size_t(rows_));
    term.first = effects();
    term.levels = levels;
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
  std::vector<CorrelatedColumns> correlated_;
  std::optional<SparseRows> given_;
  std::vector<Term> terms_;
};

}  // namespace mixed_glm
