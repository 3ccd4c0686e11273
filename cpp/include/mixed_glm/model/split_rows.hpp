// The rows of an ordinal model with logit link, where
//
//     log P(y = k) = log F(eta - c_k) + log F(c_(k+1) - eta) + log(1 - exp(c_k - c_(k+1))),
//
// without what has c_0 or c_C. So an observation has a binary row at each threshold next to its
// category, with a column of -1 there; and each inner category has one gap row for all of its
// observations, with 1 and -1 at its two thresholds, no other column and no random effect
// (families/cumulative_logit.hpp).
#pragma once

#include <mixed_glm/families/cumulative_logit.hpp>
#include <mixed_glm/model/ordinal_rows.hpp>

namespace mixed_glm {

class SplitRows final : public OrdinalRows {
 public:
  // Rows for the response y alone: n categories 0 .. C - 1.
  SplitRows(const CumulativeLogit& family, const ConstVectorRef& y)
      : OrdinalRows(family.categories(), y.size()), family_(family) {
    for (Index i = 0; i < y.size(); ++i) {
      const auto k = Index(y[i]);
      if (k > 0) add({i, {k - 1, 1.0}});
      if (k < thresholds()) add({i, {k, 1.0}});
    }
    add_gaps();
  }
  // Rows for whatever response.
  SplitRows(const CumulativeLogit& family, Index observations)
      : OrdinalRows(family.categories(), observations), family_(family) {
    for (Index i = 0; i < observations; ++i) {
      for (Index t = 0; t < thresholds(); ++t) add({i, {t, 1.0}});
    }
    add_gaps();
  }

 private:
  void add_gaps() {
    for (Index g = 0; g < gaps(); ++g) add({-1, {g, 1.0}, {g + 1, -1.0}});
  }
  Index gaps() const { return thresholds() - 1; }
  Index binary() const { return size() - gaps(); }

  void set_rows(const ConstVectorRef& y, const ConstVectorRef& weights, const Vector& counts,
                Response& response) const override {
    for (Index r = 0; r < binary(); ++r) {
      const Index i = row(r).observation;
      const double above = y[i] - double(row(r).first.threshold);  // 0 or 1: next to it
      if (above != 0.0 && above != 1.0) continue;
      set(r, family_.encode(above, 1.0, weights[i]), response);
    }
    for (Index g = 0; g < gaps(); ++g) {
      const double start = share_logit(counts, g + 1) - share_logit(counts, g);
      set(binary() + g, family_.encode_gap(counts[g + 1], start), response);
    }
  }

  static double share_logit(const Vector& counts, Index k) {
    const double below = counts.head(k + 1).sum();
    return std::log((below + 0.5) / (counts.sum() - below + 0.5));
  }

  CumulativeLogit family_;
};

}  // namespace mixed_glm
