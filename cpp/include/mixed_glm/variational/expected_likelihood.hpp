// The expected log likelihood of a block of rows whose linear predictors are normal, as sites of a
// pass over the rows (row_pass.hpp):
//
//     value = E l(eta)    pull = E l'(eta)    weight = -E l''(eta)    slope = d weight / d variance
#pragma once

#include <mixed_glm/model/model.hpp>
#include <mixed_glm/model/row_pass.hpp>
#include <mixed_glm/variational/expected_rows.hpp>

namespace mixed_glm {

class ExpectedLikelihood {
 public:
  // nodes: of a Gauss-Hermite rule; 0: as many as each block asks for (normal_rule.hpp).
  explicit ExpectedLikelihood(const Model& model, Index nodes = 0)
      : family_(&model.family()),
        a_(model.response().a.data()),
        b_(model.response().b.data()),
        rules_(std::visit([](const auto& kernel) { return rule_needs(kernel); }, *family_), nodes) {
  }

  RowBlock::Column& variance() { return variance_; }  // of the predictors: set before evaluate()
  RowBlock::Column& slope() { return slope_; }

  // Order 0: values only.
  template <int Order>
  void evaluate(RowBlock& block) {
    constexpr int order = Order == 0 ? 0 : 2;
    auto sd = block.view(sd_);
    sd = block.view(variance_).cwiseMax(0.0).cwiseSqrt();
    for (RowBlock::Column* c : {&block.value, &block.pull, &block.weight, &slope_}) {
      block.view(*c).setZero();
    }
    const NormalRows rows{block.count, block.eta.data(), sd_.data(), a_ + block.first,
                          b_ + block.first};
    const ExpectedRows out{block.value.data(), block.pull.data(), block.weight.data(),
                           slope_.data()};
    const double largest = sd.maxCoeff();
    const auto expect = [&](const auto& kernel) {
      expect_rows<order>(kernel, rules_, largest, rows, out);
    };
    std::visit(expect, *family_);
    if constexpr (order > 0) {
      block.view(block.weight) *= -1.0;
      block.view(slope_).array() *= -0.5 / block.view(variance_).array().max(1e-8);
    }
  }

 private:
  const Family* family_;
  const double *a_, *b_;
  NormalRules rules_;
  alignas(64) RowBlock::Column variance_, sd_, slope_;
};

}  // namespace mixed_glm
