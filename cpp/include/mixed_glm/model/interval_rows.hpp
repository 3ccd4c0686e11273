// The rows of an ordinal model with another link than the logit: four for each observation, next to
// each other, at the two thresholds next to its category (families/cumulative_interval.hpp).
// An outer category stands at the thresholds of its neighbour.
#pragma once

#include <algorithm>
#include <mixed_glm/families/cumulative_interval.hpp>
#include <mixed_glm/families/response_location.hpp>
#include <mixed_glm/model/ordinal_rows.hpp>

namespace mixed_glm {

class IntervalRows final : public OrdinalRows {
 public:
  // Rows for the response y alone: n categories 0 .. C - 1.
  IntervalRows(const CumulativeInterval& family, const ConstVectorRef& y)
      : OrdinalRows(family.categories(), y.size()), family_(family) {
    for (Index i = 0; i < y.size(); ++i) add_four(i, lower(Index(y[i])));
  }
  // Rows for whatever response.
  IntervalRows(const CumulativeInterval& family, Index observations)
      : OrdinalRows(family.categories(), observations), family_(family) {
    for (Index i = 0; i < observations; ++i) {
      for (Index t = 0; t <= lower(thresholds()); ++t) add_four(i, t);
    }
  }

 private:
  using Place = CumulativeInterval::Place;
  static constexpr Index together = CumulativeInterval::rows_together;

  // The lower of the two thresholds at which a category stands.
  Index lower(Index category) const {
    return std::clamp<Index>(category - 1, 0, std::max<Index>(thresholds() - 2, 0));
  }
  Index upper(Index low) const { return std::min(low + 1, thresholds() - 1); }

  void add_four(Index i, Index low) {
    const Index high = upper(low);
    add({i, {low, 1.0}});
    add({i, {high, 1.0}});
    add({i, {low, 2.0}, {high, -1.0}});
    add({i, {high, 2.0}, {low, -1.0}});
  }

  Place place(Index category) const {
    if (category == 0) return Place::below;
    return category == thresholds() ? Place::above : Place::between;
  }

  void set_rows(const ConstVectorRef& y, const ConstVectorRef& weights, const Vector& counts,
                Response& response) const override {
    const Vector starts = start_thresholds(counts);
    for (Index r = 0; r < size(); ++r) {
      response.b[r] = -row(r).first.weight * starts[row(r).first.threshold] -
                      row(r).second.weight * starts[row(r).second.threshold];
    }
    for (Index r = 0; r < size(); r += together) {
      const Index i = row(r).observation, category = Index(y[i]);
      if (lower(category) != row(r).first.threshold) continue;
      response.a[r] = weights[i];
      response.a[r + 1] = double(static_cast<int>(place(category)));
    }
  }

  // Under which the shares of the categories are those observed, in order.
  Vector start_thresholds(const Vector& counts) const {
    Vector starts(thresholds());
    for (Index t = 0; t < starts.size(); ++t) {
      starts[t] = -detail::predictor(family_, 1.0 - share(counts, t));
    }
    return starts;
  }

  CumulativeInterval family_;
};

}  // namespace mixed_glm
