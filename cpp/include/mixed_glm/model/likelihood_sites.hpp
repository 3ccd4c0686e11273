// Sites of the likelihood itself: each row expanded to second order at its linear predictor,
//
//     value = l(eta)      pull = l'(eta)      weight = -l''(eta)
//
// The family is looked up once for each block of rows.
#pragma once

#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/model/model.hpp>
#include <mixed_glm/model/row_pass.hpp>

namespace mixed_glm {

class LikelihoodSites {
 public:
  explicit LikelihoodSites(const Model& model)
      : family_(&model.family()), a_(model.response().a.data()), b_(model.response().b.data()) {}

  template <int Order>
  void evaluate(RowBlock& block) const {
    const auto expand = [&](const auto& kernel) {
      evaluate_rows<Order>(kernel, block.count, block.eta.data(), a_ + block.first,
                           b_ + block.first, block.value.data(), block.pull.data(),
                           block.weight.data(), nullptr);
    };
    std::visit(expand, *family_);
    if constexpr (Order >= 2) block.view(block.weight) *= -1.0;
  }

  // l'''(eta); the other arrays of the block are overwritten.
  void third_derivative(RowBlock& block, RowBlock::Column& third) const {
    const auto expand = [&](const auto& kernel) {
      evaluate_rows<3>(kernel, block.count, block.eta.data(), a_ + block.first, b_ + block.first,
                       block.value.data(), block.pull.data(), block.weight.data(), third.data());
    };
    std::visit(expand, *family_);
  }

 private:
  const Family* family_;
  const double *a_, *b_;
};

}  // namespace mixed_glm
