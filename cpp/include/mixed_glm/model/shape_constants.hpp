// What of the rows' log densities depends on the family's hyperparameter but not on the linear
// predictors (families/shape.hpp): summed once for each value of it, over the distinct responses.
#pragma once

#include <algorithm>
#include <mixed_glm/families/response.hpp>
#include <mixed_glm/families/shape.hpp>
#include <vector>

namespace mixed_glm {

class ShapeConstants {
 public:
  // a, b: rows of the caller; merged_a, merged_b: of each of them those of the row that it is part
  // of. Nothing for a family without a shape.
  void set(const Family& family, const Vector& a, const Vector& b, const Vector& merged_a,
           const Vector& merged_b) {
    responses_.clear();
    merging_loss_ = 0.0;
    if (!has_shape(family)) return;
    const auto rows = [&](const auto& kernel) {
      using Kernel = std::decay_t<decltype(kernel)>;
      if constexpr (has_shape_v<Kernel>) {
        for (Index i = 0; i < a.size(); ++i) {
          if (!(b[i] > 0.0)) continue;
          const double y = a[i] / b[i];
          merging_loss_ += b[i] * kernel.merging_loss(y, merged_a[i] / merged_b[i]);
          add(Kernel::constant_depends_on_response ? y : 0.0, b[i]);
        }
      }
    };
    std::visit(rows, family);
    join();
  }

  // family: at a value of the hyperparameter.
  ShapeTerm at(const Family& family) const {
    const auto sum = [&](const auto& kernel) {
      ShapeTerm result{0.0, 0.0};
      if constexpr (has_shape_v<std::decay_t<decltype(kernel)>>) {
        for (const Counted& response : responses_) {
          const ShapeTerm term = kernel.shape_constant(response.y);
          result.value += response.weight * term.value;
          result.slope += response.weight * term.slope;
        }
        const ShapeTerm rate = kernel.loss_rate();
        result.value -= merging_loss_ * rate.value;
        result.slope -= merging_loss_ * rate.slope;
      }
      return result;
    };
    return std::visit(sum, family);
  }

 private:
  struct Counted {
    double y, weight;
    bool operator<(const Counted& other) const { return y < other.y; }
  };

  void add(double y, double weight) {
    if (!responses_.empty() && responses_.back().y == y) {
      responses_.back().weight += weight;
    } else {
      responses_.push_back({y, weight});
    }
  }
  // Those of equal y.
  void join() {
    std::stable_sort(responses_.begin(), responses_.end());
    std::vector<Counted> all;
    all.swap(responses_);
    for (const Counted& response : all) add(response.y, response.weight);
  }

  std::vector<Counted> responses_;
  double merging_loss_ = 0.0;
};

}  // namespace mixed_glm
