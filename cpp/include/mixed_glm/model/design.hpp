// The design of a model, and all symbolic work that depends on it alone:
//
//     A = [X Z]                          X: n x p dense, Z: n x q sparse
//     u_j ~ N(0, exp(2 psi[component(j)])), independent but for terms of correlated effects
//
// Inside, effects are numbered in elimination order, coefficients stand as (u, beta), as in the
// bordered precision matrix, and rows may be sorted (row_order.hpp) and merged (merged_rows.hpp).
// join() and to_user_rows() restore the caller's order.
#pragma once

#include <memory>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <mixed_glm/model/elimination.hpp>
#include <mixed_glm/model/merged_rows.hpp>
#include <mixed_glm/model/parameter_layout.hpp>
#include <mixed_glm/model/row_order.hpp>
#include <mixed_glm/terms/correlated_levels.hpp>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace mixed_glm {

class LaneDesign;  // leaf/lane_design.hpp

class Design {
 public:
  // x (n x p) is viewed and must outlive the design; it is copied only where rows are sorted, and
  // not even there if x_own points to its numbers, which may be overwritten then.
  // ident[j] in 0 .. components - 1: the variance component of effect j. correlated: its terms of
  // correlated effects, by columns of z.
  Design(ConstMatrixRef x, SparseRows z, const std::vector<Code>& ident, Index components,
         const std::vector<CorrelatedColumns>& correlated = {},
         Factorization factorization = Factorization::automatic, double* x_own = nullptr)
      : Design(x, std::move(z), nullptr, ident, components, correlated, factorization) {
    rearrange_rows({sorted_row_order(z_, component_, largest_single()), {}}, x_own);
    locate_pairs();
  }

  // The same, with equal rows merged where that pays (merged_rows.hpp). For models of one offset
  // (n; empty: zero): rows with different ones are not equal.
  static std::unique_ptr<Design> merged(ConstMatrixRef x, SparseRows z,
                                        const std::vector<Code>& ident, Index components,
                                        ConstVectorRef offset,
                                        const std::vector<CorrelatedColumns>& correlated = {},
                                        Factorization factorization = Factorization::automatic,
                                        double* x_own = nullptr) {
    std::unique_ptr<Design> design(
        new Design(x, std::move(z), nullptr, ident, components, correlated, factorization));
    design->rearrange_rows(
        RowMerger(x, design->z_, offset)
            .merge(sorted_row_order(design->z_, design->component_, design->largest_single())),
        x_own);
    design->locate_pairs();
    return design;
  }

  // The same with effects that are neighbours where a row of `cliques` touches both; every row of z
  // must be part of one. Rows stay in the caller's order.
  static std::unique_ptr<Design> with_cliques(ConstMatrixRef x, SparseRows z,
                                              const SparseRows& cliques,
                                              const std::vector<Code>& ident, Index components) {
    std::unique_ptr<Design> design(
        new Design(x, std::move(z), &cliques, ident, components, {}, Factorization::exact));
    design->locate_pairs();
    return design;
  }

  Design(const Design&) = delete;  // others view its members
  Design& operator=(const Design&) = delete;

  Index rows() const { return x_.rows(); }
  Index user_rows() const { return user_rows_; }               // n; more than rows() if merged
  Index fixed() const { return x_.cols(); }                    // p
  Index effects() const { return z_.cols(); }                  // q
  Index coefficients() const { return effects() + fixed(); }   // q + p
  Index components() const { return component_size_.size(); }  // K

  // Components of which each row touches at most one effect, and the largest of them (-1: none).
  const std::vector<bool>& single_components() const { return single_; }
  Index largest_single() const { return largest_single_component(single_, component_size_); }

  // A value for each row, from the caller's order to the design's and back.
  Vector to_design_rows(ConstVectorRef values) const {
    Vector sorted(rows());
    to_design_rows(values, sorted);
    return sorted;
  }
  void to_design_rows(ConstVectorRef values, VectorRef sorted) const {
    if (row_order_.empty()) {
      sorted = values;
      return;
    }
    for (Index r = 0; r < rows(); ++r) sorted[r] = values[row_order_[size_t(r)]];
  }
  // Of rows that were merged, the sum.
  void sum_to_design_rows(ConstVectorRef values, VectorRef sums) const {
    if (row_of_.empty()) return to_design_rows(values, sums);
    sums.setZero();
    for (Index i = 0; i < user_rows_; ++i) sums[row_of_[size_t(i)]] += values[i];
  }
  // The same, of values that are not needed any more.
  Vector summed(Vector values) const {
    if (row_order_.empty()) return values;
    Vector sums(rows());
    sum_to_design_rows(values, sums);
    return sums;
  }
  Vector to_user_rows(ConstVectorRef values) const {
    if (row_order_.empty()) return values;
    Vector restored(user_rows_);
    if (!row_of_.empty()) {
      for (Index i = 0; i < user_rows_; ++i) restored[i] = values[row_of_[size_t(i)]];
      return restored;
    }
    for (Index r = 0; r < values.size(); ++r) restored[row_order_[size_t(r)]] = values[r];
    return restored;
  }

  // The inverse of the sum: equal shares for the rows that were merged.
  Vector share_to_user_rows(ConstVectorRef sums) const {
    Vector counts(rows());
    sum_to_design_rows(Vector::Ones(user_rows_), counts);
    return to_user_rows(sums.cwiseQuotient(counts));
  }

  const Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>& x() const { return x_; }
  // Column 0 from a row on; null where there is no column.
  const double* x_from(Index row) const { return fixed() == 0 ? nullptr : x_.data() + row; }
  const SparseRows& z() const { return z_; }
  const BorderedPattern& pattern() const { return elimination_.pattern; }
  Code component(Index effect) const { return component_[size_t(effect)]; }
  const Vector& component_size() const { return component_size_; }  // effects in each component
  const std::vector<Code>& effects_of(Index component) const {
    return effects_of_[size_t(component)];
  }
  // Terms of correlated effects, and the pairs of effects that these couple, term by term.
  const std::vector<CorrelatedLevels>& correlated() const { return correlated_; }
  const EffectPairs& effect_pairs() const { return effect_pairs_; }
  std::vector<Index> correlated_orders() const {
    std::vector<Index> orders;
    orders.reserve(correlated_.size());
    for (const CorrelatedLevels& term : correlated_) orders.push_back(term.order());
    return orders;
  }
  Index correlations() const { return correlations_; }
  bool is_correlated() const { return !correlated_.empty(); }
  Code user_effect(Index effect) const { return order()[size_t(effect)]; }

  // Where the products of the pairs of entries of row i are added: pair_begin(i), then (0,1),
  // (0,2), (1,2), (0,3), ... in the order of the row's entries.
  const std::int32_t* pair_positions() const { return pair_positions_.data(); }
  bool has_pairs() const { return !pair_positions_.empty(); }
  Index pair_begin(Index row) const {
    const Index w = z_.width();
    return w >= 0 ? row * (w * (w - 1) / 2) : pair_start_[size_t(row)];
  }

  // (beta, theta, u in the caller's order) from and to (u, beta) in elimination order and theta,
  // of any length.
  void split(ConstVectorRef params, Vector& coefficients, Vector& theta) const {
    const ParameterLayout layout{fixed(), params.size() - this->coefficients(), effects(),
                                 components()};
    coefficients.resize(this->coefficients());
    coefficients.tail(fixed()) = layout.beta(params);
    theta = layout.theta(params);
    const auto u = layout.u(params);
    for (Index k = 0; k < effects(); ++k) coefficients[k] = u[user_effect(k)];
  }
  Vector join(ConstVectorRef coefficients, ConstVectorRef theta) const {
    const ParameterLayout layout{fixed(), theta.size(), effects(), components()};
    Vector params(layout.size());
    layout.beta(params) = coefficients.tail(fixed());
    layout.theta(params) = theta;
    auto u = layout.u(params);
    for (Index k = 0; k < effects(); ++k) u[user_effect(k)] = coefficients[k];
    return params;
  }

 private:
  // cliques: rows of effects that are neighbours; null: those of z and the correlated ones.
  Design(ConstMatrixRef x, SparseRows z, const SparseRows* cliques, const std::vector<Code>& ident,
         Index components, const std::vector<CorrelatedColumns>& correlated,
         Factorization factorization)
      : x_(x.data(), x.rows(), x.cols(), Eigen::OuterStride<>(x.outerStride())),
        z_(std::move(z)),
        component_size_(checked_sizes(ident, components)),
        single_(single_effect_components(z_, ident, components)),
        elimination_(choose_elimination(
            cliques != nullptr ? effect_neighbours(*cliques) : neighbours(z_, correlated), ident,
            component_size_, single_, x.cols(), factorization)),
        component_(ident.size()),
        effects_of_(size_t(components)),
        user_rows_(x.rows()) {
    z_.relabel(detail::numbers_of(order()));
    for (size_t k = 0; k < order().size(); ++k) {
      component_[k] = ident[size_t(order()[k])];
      effects_of_[size_t(component_[k])].push_back(static_cast<Code>(k));
    }
    for (const CorrelatedColumns& columns : correlated) add_correlated(columns, ident);
  }

  static Neighbours neighbours(const SparseRows& z,
                               const std::vector<CorrelatedColumns>& correlated) {
    if (correlated.empty()) return effect_neighbours(z);
    return effect_neighbours(with_levels(z, correlated));
  }

  static SparseRows with_levels(const SparseRows& z,
                                const std::vector<CorrelatedColumns>& correlated) {
    std::vector<std::int64_t> indptr = {0};
    for (Index i = 0; i < z.rows(); ++i) indptr.push_back(z.end(i));
    std::vector<Code> columns(z.columns(), z.columns() + z.entries());
    for (const CorrelatedColumns& term : correlated) {
      columns.insert(columns.end(), term.columns.begin(), term.columns.end());
      for (Index l = 0; l < term.levels(); ++l) indptr.push_back(indptr.back() + term.order);
    }
    return {Index(indptr.size()) - 1, z.cols(), indptr.data(), columns.data(), nullptr};
  }

  void add_correlated(const CorrelatedColumns& term, const std::vector<Code>& ident) {
    const std::vector<Code> number = detail::numbers_of(order());
    CorrelatedLevels levels;
    for (Index c = 0; c < term.order; ++c) {
      levels.components.push_back(ident[size_t(term.columns[size_t(c)])]);
    }
    levels.first_pair = Index(effect_pairs_.size());
    for (const Code column : term.columns) levels.effects.push_back(number[size_t(column)]);
    for (Index l = 0; l < levels.levels(); ++l) {
      const Code* const u = levels.level(l);
      for (Index r = 1; r < term.order; ++r) {
        for (Index c = 0; c < r; ++c) effect_pairs_.push_back({u[r], u[c]});
      }
    }
    correlations_ += lower_entries(term.order);
    correlated_.push_back(std::move(levels));
  }

  void rearrange_rows(RowMap map, double* x_own) {
    row_order_ = std::move(map.first);
    row_of_ = std::move(map.row_of);
    if (row_order_.empty()) return;
    const Index n = Index(row_order_.size());
    z_.select_rows(row_order_);
    Vector spare(x_own != nullptr ? n : 0);
    if (x_own == nullptr) sorted_x_.resize(n, fixed());
    const Index stride = x_own == nullptr ? n : x_.outerStride();
    for (Index a = 0; a < fixed(); ++a) {
      const double* const column = x_.data() + a * x_.outerStride();
      double* const sorted = x_own == nullptr ? sorted_x_.data() + a * n : spare.data();
      for (Index r = 0; r < n; ++r) sorted[r] = column[row_order_[size_t(r)]];
      if (x_own != nullptr) std::copy(sorted, sorted + n, x_own + a * stride);
    }
    new (&x_) Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>(
        x_own == nullptr ? sorted_x_.data() : x_own, n, fixed(), Eigen::OuterStride<>(stride));
  }

  // How many effects each component has.
  Vector checked_sizes(const std::vector<Code>& ident, Index components) const {
    const auto mismatch = [](const std::string& what, Index expected, Index got) {
      throw std::invalid_argument(what + ": expected length " + std::to_string(expected) +
                                  ", got " + std::to_string(got));
    };
    if (z_.rows() != rows()) mismatch("exog_vc", rows(), z_.rows());
    if (Index(ident.size()) != effects()) mismatch("ident", effects(), Index(ident.size()));
    for (const Code k : ident) {
      if (k < 0 || k >= components) {
        throw std::invalid_argument("ident: expected values in 0.." +
                                    std::to_string(components - 1) + ", got " + std::to_string(k));
      }
    }
    Vector sizes = Vector::Zero(components);
    for (const Code k : ident) sizes[k] += 1.0;
    return sizes;
  }
  const std::vector<Code>& order() const { return elimination_.order; }

  void locate_pairs() {
    if (z_.width() == 0 || z_.width() == 1) return;
    pair_positions_.reserve(static_cast<size_t>(z_.pairs()));
    for (Index i = 0; i < z_.rows(); ++i) {
      if (z_.width() < 0) pair_start_.push_back(Index(pair_positions_.size()));
      for (Index e = z_.begin(i); e < z_.end(i); ++e) {
        for (Index f = z_.begin(i); f < e; ++f) {
          const Index position = pattern().position(z_.columns()[e], z_.columns()[f]);
          pair_positions_.push_back(static_cast<std::int32_t>(position));
        }
      }
    }
  }

  // What is made of the design when it is first asked for.
  struct Lanes {
    std::mutex mutex;
    std::shared_ptr<const LaneDesign> design;
    Index padded_rows = -1;
  };
  friend class LaneDesign;

  Eigen::Map<const Matrix, 0, Eigen::OuterStride<>> x_;  // of the caller, or of sorted_x_
  SparseRows z_;
  Vector component_size_;
  std::vector<bool> single_;
  Elimination elimination_;
  std::vector<Code> component_;
  std::vector<std::vector<Code>> effects_of_;
  std::vector<CorrelatedLevels> correlated_;
  EffectPairs effect_pairs_;
  Index correlations_ = 0;
  std::vector<std::int32_t> pair_positions_;
  std::vector<Index> row_order_;  // row_order_[r]: the caller's (first) row r; empty: the same
  std::vector<Index> row_of_;     // row_of_[i]: row of the caller's row i; empty: none are merged
  Index user_rows_;
  Matrix sorted_x_;
  std::vector<Index> pair_start_;  // empty when all rows have equally many entries
  mutable Lanes lanes_;
};

}  // namespace mixed_glm
