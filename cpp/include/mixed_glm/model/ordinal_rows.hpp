// The rows that the design of an ordinal model has in the place of its observations.
//
// The thresholds c_1 < ... < c_m, m = C - 1, are coefficients before beta, as a constant's would
// be, and with the logit link
//
//     log P(y = k) = log F(eta - c_k) + log F(c_(k+1) - eta) + log(1 - exp(c_k - c_(k+1))),
//
// without what has c_0 or c_C. So an observation has a binary row at each threshold next to its
// category, with a column of -1 there; and each inner category has one gap row for all of its
// observations, with 1 and -1 at its two thresholds, no other column and no random effect
// (families/cumulative_logit.hpp).
#pragma once

#include <mixed_glm/families/cumulative_logit.hpp>
#include <mixed_glm/families/response.hpp>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <mixed_glm/model/ordered_normals.hpp>
#include <vector>

namespace mixed_glm {

class OrdinalRows {
 public:
  // Rows for the response y alone: n categories 0 .. C - 1.
  OrdinalRows(const CumulativeLogit& family, const ConstVectorRef& y) : OrdinalRows(family) {
    observations_ = y.size();
    for (Index i = 0; i < y.size(); ++i) {
      const auto k = Index(y[i]);
      if (k > 0) rows_.push_back({i, k - 1});
      if (k < thresholds_) rows_.push_back({i, k});
    }
  }
  // Rows for whatever response.
  OrdinalRows(const CumulativeLogit& family, Index observations) : OrdinalRows(family) {
    observations_ = observations;
    for (Index i = 0; i < observations; ++i) {
      for (Index t = 0; t < thresholds_; ++t) rows_.push_back({i, t});
    }
  }

  Index observations() const { return observations_; }
  Index thresholds() const { return thresholds_; }
  Index size() const { return binary() + gaps(); }

  // size() x (m + p)
  Matrix exog(const ConstMatrixRef& x) const {
    Matrix result = Matrix::Zero(size(), x.cols() + thresholds_);
    for (Index r = 0; r < binary(); ++r) {
      result(r, row(r).threshold) = -1.0;
      result.row(r).tail(x.cols()) = x.row(row(r).observation);
    }
    for (Index g = 0; g < gaps(); ++g) {
      result(binary() + g, g) = -1.0;
      result(binary() + g, g + 1) = 1.0;
    }
    return result;
  }

  // size() x q
  SparseRows effects(const SparseRows& z) const {
    std::vector<std::int64_t> start = {0};
    std::vector<Code> columns;
    std::vector<double> values;
    for (Index r = 0; r < size(); ++r) {
      const bool is_gap = r >= binary();
      const Index i = is_gap ? 0 : row(r).observation;
      for (Index e = z.begin(i); !is_gap && e < z.end(i); ++e) {
        columns.push_back(z.columns()[e]);
        values.push_back(z.value(e));
      }
      start.push_back(std::int64_t(columns.size()));
    }
    return {size(), z.cols(), start.data(), columns.data(), values.data()};
  }

  // offset: n, or empty; origin: m, what the thresholds are beside their coefficients. size()
  Vector offset(const ConstVectorRef& offset, const ConstVectorRef& origin) const {
    Vector result(size());
    for (Index r = 0; r < binary(); ++r) {
      const double own = offset.size() > 0 ? offset[row(r).observation] : 0.0;
      result[r] = own - origin[row(r).threshold];
    }
    for (Index g = 0; g < gaps(); ++g) result[binary() + g] = origin[g + 1] - origin[g];
    return result;
  }

  // The rows of a response that they are for; normalizer: of the prior of the thresholds, nats.
  // False where an inner category has no observation: nothing would keep its thresholds in order.
  bool encode(const ConstVectorRef& y, const ConstVectorRef& weights, double normalizer,
              Response& response) const {
    for (Vector* column : {&response.a, &response.b, &response.constant}) column->setZero(size());
    for (Index r = 0; r < binary(); ++r) {
      const double above = y[row(r).observation] - double(row(r).threshold);  // 0 or 1: next to it
      if (above != 0.0 && above != 1.0) continue;
      set(r, family_.encode(above, 1.0, weights[row(r).observation]), response);
    }
    const Vector counts = count(y, weights);
    for (Index g = 0; g < gaps(); ++g) {
      if (!(counts[g + 1] > 0.0)) return false;
      const double start = share_logit(counts, g + 1) - share_logit(counts, g);
      set(binary() + g, family_.encode_gap(counts[g + 1], start), response);
    }
    if (gaps() > 0) response.constant[size() - 1] -= normalizer;
    return true;
  }

  // m: thresholds in order, whatever the data.
  Vector any_thresholds() const {
    Vector result(thresholds_);
    for (Index t = 0; t < thresholds_; ++t) {
      result[t] = std::log(double(t + 1) / double(thresholds_ - t));
    }
    return result;
  }

  // C: how often each category is there.
  Vector count(const ConstVectorRef& y, const ConstVectorRef& weights) const {
    Vector counts = Vector::Zero(thresholds_ + 1);
    for (Index i = 0; i < y.size(); ++i) counts[Index(y[i])] += weights[i];
    return counts;
  }

 private:
  struct Row {
    Index observation, threshold;
  };

  explicit OrdinalRows(const CumulativeLogit& family)
      : family_(family), thresholds_(family.categories() - 1) {}

  const Row& row(Index r) const { return rows_[size_t(r)]; }
  Index binary() const { return Index(rows_.size()); }
  Index gaps() const { return thresholds_ - 1; }

  static void set(Index r, const RowCode& code, Response& response) {
    response.a[r] = code.a;
    response.b[r] = code.b;
  }

  // Log odds of categories up to k, half an observation added.
  static double share_logit(const Vector& counts, Index k) {
    const double below = counts.head(k + 1).sum();
    return std::log((below + 0.5) / (counts.sum() - below + 0.5));
  }

  CumulativeLogit family_;
  Index thresholds_, observations_ = 0;
  std::vector<Row> rows_;
};

}  // namespace mixed_glm
