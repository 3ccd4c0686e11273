// Sites for starting a Newton iteration from nothing: each row is expanded at its own family start
// (near the row's maximum, as glm's mustart) instead of at the linear predictor. With coefficients
// zero, so that block.eta is the offset, the coefficients
//
//     H^-1 A' (l'(eta0) + w (eta0 - offset)),   w = -l''(eta0),   H = A' diag(w) A + P
//
// are one Newton step from there: the weighted least-squares start of McCullagh and Nelder (1989).
#pragma once

#include <mixed_glm/model/likelihood_sites.hpp>

namespace mixed_glm {

class StartSites {
 public:
  // Both are viewed. family: the model's, at some theta.
  StartSites(const Model& model, const Family& family)
      : model_(&model), family_(&family), likelihood_(model, family) {}

  template <int Order>
  void evaluate(RowBlock& block) const {
    const RowBlock::Column offset = block.eta;
    std::visit([&](const auto& kernel) { set_initial_eta(kernel, block); }, *family_);
    likelihood_.evaluate<Order>(block);
    for (size_t r = 0; r < size_t(block.count); ++r) {
      block.pull[r] += block.weight[r] * (block.eta[r] - offset[r]);
    }
  }

 private:
  template <class Kernel>
  void set_initial_eta(const Kernel& kernel, RowBlock& block) const {
    const Response& response = model_->response();
    for (Index r = 0; r < block.count; ++r) {
      const Index i = block.first + r;
      block.eta[size_t(r)] = kernel.initial_eta(response.a[i], response.b[i]);
    }
  }

  const Model* model_;
  const Family* family_;
  LikelihoodSites likelihood_;
};

}  // namespace mixed_glm
