// Sites of the likelihood itself: each row expanded to second order at its linear predictor,
//
//     value = l(eta)      pull = l'(eta)      weight = -l''(eta)
//
// The family is looked up once for each block of rows.
#pragma once

#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/families/fourth_derivative.hpp>
#include <mixed_glm/model/family_at.hpp>
#include <mixed_glm/model/row_pass.hpp>

namespace mixed_glm {

class LikelihoodSites {
 public:
  // Both are viewed. family: the model's, at some theta.
  LikelihoodSites(const Model& model, const Family& family)
      : family_(&family), a_(model.response().a.data()), b_(model.response().b.data()) {}

  template <int Order>
  void evaluate(RowBlock& block) const {
    expand<Order>(block, nullptr);
  }

  // Order 3 writes l'''(eta) of the block's rows to `third`, which may be null for the others.
  template <int Order>
  MIXED_GLM_NOINLINE void expand(RowBlock& block, double* third) const {
    const auto rows = [&](const auto& kernel) {
      evaluate_rows<Order>(kernel, block.count, block.eta.data(), a_ + block.first,
                           b_ + block.first, block.value.data(), block.pull.data(),
                           block.weight.data(), third);
    };
    std::visit(rows, *family_);
    if constexpr (Order >= 2) block.view(block.weight) *= -1.0;
  }

  // l''''(eta) of the block's rows from their weights and l'''. False where the family does not
  // tell it.
  bool find_fourth(const RowBlock& block, const double* weight, const double* third,
                   double* fourth) const {
    const auto rows = [&](const auto& kernel) {
      return fourth_of_rows(kernel, block.count, weight, third, a_ + block.first, b_ + block.first,
                            fourth);
    };
    return std::visit(rows, *family_);
  }

 private:
  const Family* family_;
  const double *a_, *b_;
};

// What a pass with curvature leaves behind of each row, in the design's order.
struct RowRecord {
  Vector weight;  // -l''
  Vector third;   // l'''
};

// The same sites, to second order, with a record of all rows.
class RecordingSites {
 public:
  RecordingSites(const LikelihoodSites& sites, RowRecord& record)
      : sites_(&sites), record_(&record) {}

  template <int Order>
  void evaluate(RowBlock& block) const {
    static_assert(Order == 2, "recorded with the curvature");
    sites_->expand<3>(block, record_->third.data() + block.first);
    record_->weight.segment(block.first, block.count) = block.view(block.weight);
  }

 private:
  const LikelihoodSites* sites_;
  RowRecord* record_;
};

}  // namespace mixed_glm
