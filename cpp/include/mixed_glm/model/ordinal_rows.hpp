// The rows that the design of an ordinal model has in the place of its observations: each a linear
// combination of thresholds and, for most, an observation's linear predictor,
//
//     eta_i - w_1 c_1 - w_2 c_2
//
// The thresholds c_1 < ... < c_m, m = C - 1, are coefficients before beta, as a constant's would
// be. Which rows there are depends on the link: split_rows.hpp (logit), interval_rows.hpp.
#pragma once

#include <cmath>
#include <mixed_glm/families/response.hpp>
#include <mixed_glm/linalg/sparse_rows.hpp>
#include <vector>

namespace mixed_glm {

class OrdinalRows {
 public:
  virtual ~OrdinalRows() = default;

  // The rows of a response that they are for; normalizer: of the prior of the thresholds, nats.
  // False where an inner category has no observation: nothing would keep its thresholds in order.
  bool encode(const ConstVectorRef& y, const ConstVectorRef& weights, double normalizer,
              Response& response) const {
    for (Vector* column : {&response.a, &response.b, &response.constant}) column->setZero(size());
    const Vector counts = count(y, weights);
    if (!((counts.segment(1, thresholds_ - 1).array() > 0.0).all())) return false;
    set_rows(y, weights, counts, response);
    if (thresholds_ > 1) response.constant[size() - 1] -= normalizer;
    return true;
  }

  Index observations() const { return observations_; }
  Index thresholds() const { return thresholds_; }
  Index size() const { return Index(rows_.size()); }

  // size() x (m + p)
  Matrix exog(const ConstMatrixRef& x) const {
    Matrix result = Matrix::Zero(size(), x.cols() + thresholds_);
    for (Index r = 0; r < size(); ++r) {
      for (const Part& part : {row(r).first, row(r).second}) {
        result(r, part.threshold) -= part.weight;
      }
      if (row(r).observation >= 0) result.row(r).tail(x.cols()) = x.row(row(r).observation);
    }
    return result;
  }

  // size() x q
  SparseRows effects(const SparseRows& z) const {
    std::vector<std::int64_t> start = {0};
    std::vector<Code> columns;
    std::vector<double> values;
    for (Index r = 0; r < size(); ++r) {
      const Index i = row(r).observation;
      for (Index e = i < 0 ? 0 : z.begin(i); i >= 0 && e < z.end(i); ++e) {
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
    for (Index r = 0; r < size(); ++r) {
      const bool has_own = row(r).observation >= 0 && offset.size() > 0;
      result[r] = has_own ? offset[row(r).observation] : 0.0;
      for (const Part& part : {row(r).first, row(r).second}) {
        if (part.weight != 0.0) result[r] -= part.weight * origin[part.threshold];
      }
    }
    return result;
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

 protected:
  struct Part {
    Index threshold;
    double weight;
  };
  struct Row {
    Index observation;  // -1: none, of thresholds alone
    Part first, second = {0, 0.0};
  };

  OrdinalRows(int categories, Index observations)
      : observations_(observations), thresholds_(categories - 1) {}

  // counts: of the categories, none of the inner ones zero.
  virtual void set_rows(const ConstVectorRef& y, const ConstVectorRef& weights,
                        const Vector& counts, Response& response) const = 0;

  void add(const Row& row) { rows_.push_back(row); }
  const Row& row(Index r) const { return rows_[size_t(r)]; }

  static void set(Index r, const RowCode& code, Response& response) {
    response.a[r] = code.a;
    response.b[r] = code.b;
  }

  // Share of the categories from 0 to k, half an observation added.
  static double share(const Vector& counts, Index k) {
    return (counts.head(k + 1).sum() + 0.5) / (counts.sum() + 1.0);
  }

 private:
  Index observations_, thresholds_;
  std::vector<Row> rows_;
};

}  // namespace mixed_glm
