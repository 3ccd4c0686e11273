// The density log p(y, psi | beta) with the random effects integrated out for given fixed effects:
// the marginal density (inference/marginal.hpp) of a model without fixed effects whose offset is
// offset + X beta. The leaf, where there is one, is integrated by adaptive quadrature, which is
// exact up to the quadrature if there are no other effects; these are integrated by Laplace.
#pragma once

#include <memory>
#include <mixed_glm/fit/make_marginal.hpp>

namespace mixed_glm {

class EffectsIntegral {
 public:
  // model: without fixed effects. leaf: to integrate by quadrature; none: Laplace for all.
  EffectsIntegral(const Model& model, const LeafBlock& leaf, Index n_quad)
      : response_{model.design().to_user_rows(model.response().a),
                  model.design().to_user_rows(model.response().b),
                  model.design().to_user_rows(model.response().constant)},
        model_(model.design(), model.family(), response_, model.prior()),
        marginal_(make_marginal(model_, approximation(leaf, n_quad), NewtonSettings())) {}

  // offset: offset + X beta, the caller's order. NaN where the evaluation fails.
  double evaluate(const Vector& psi, ConstVectorRef offset) {
    model_.set_rows(response_, offset);
    marginal_->update_response();
    return marginal_->evaluate(psi) ? marginal_->log_density()
                                    : std::numeric_limits<double>::quiet_NaN();
  }

 private:
  static Approximation approximation(const LeafBlock& leaf, Index n_quad) {
    if (leaf.is_default()) return {};
    return {ApproximationName::leaf, leaf, n_quad};
  }

  Response response_;
  Model model_;
  std::unique_ptr<Marginal> marginal_;
};

}  // namespace mixed_glm
