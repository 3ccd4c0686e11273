// Derivatives of the rows' log likelihoods in the family's hyperparameter phi, expected under a
// Gaussian of each linear predictor with variance s_i, to second order:
//
//     value = l_phi + 1/2 s_i l''_phi      pull = l'_phi
//
// so that a pass over the rows gives what Laplace needs of phi (inference/laplace_marginal.hpp).
#pragma once

#include <mixed_glm/families/evaluate_rows.hpp>
#include <mixed_glm/model/family_at.hpp>
#include <mixed_glm/model/row_pass.hpp>

namespace mixed_glm {

class ShapeSites {
 public:
  // All are viewed. variance: n; null: zero. information: n, of each row; null: not wanted.
  ShapeSites(const Model& model, const Family& family, const Vector* variance = nullptr,
             Vector* information = nullptr)
      : family_(&family),
        a_(model.response().a.data()),
        b_(model.response().b.data()),
        variance_(variance),
        information_(information) {}

  template <int Order>
  MIXED_GLM_NOINLINE void evaluate(RowBlock& block) const {
    static_assert(Order == 1, "there is no curvature");
    RowBlock::Column information;
    const auto rows = [&](const auto& kernel) {
      if constexpr (has_shape_v<std::decay_t<decltype(kernel)>>) {
        evaluate_shape_slopes(kernel, block.count, block.eta.data(), a_ + block.first,
                              b_ + block.first, block.value.data(), block.pull.data(),
                              block.weight.data(), information.data());
      }
    };
    std::visit(rows, *family_);
    if (variance_ != nullptr) {
      const auto variance = variance_->segment(block.first, block.count);
      block.view(block.value) += 0.5 * block.view(block.weight).cwiseProduct(variance);
    }
    if (information_ != nullptr) {
      information_->segment(block.first, block.count) = block.view(information);
    }
  }

 private:
  const Family* family_;
  const double *a_, *b_;
  const Vector* variance_;
  Vector* information_;
};

}  // namespace mixed_glm
