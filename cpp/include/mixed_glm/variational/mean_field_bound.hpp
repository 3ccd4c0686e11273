// The mean-field bound of log p(y), fully normalized, and its gradient, as functions of means and
// standard deviations of all parameters (beta, psi, u), u in the caller's order. One pass each.
//
//     d/d m_j = (A' E l')_j - P_j m_j      d/d sd_j = 1 / sd_j - sd_j (P_j + c_j) (mean_field.hpp)
//
// and those of psi (scale_posterior.hpp).
#pragma once

#include <mixed_glm/variational/mean_field.hpp>
#include <mixed_glm/variational/scale_posterior.hpp>

namespace mixed_glm {

class MeanFieldBound {
 public:
  // nodes: of the quadrature; 0: as many as it needs.
  explicit MeanFieldBound(const Model& model, Index nodes = 0)
      : model_(&model),
        likelihood_(model, nodes),
        scales_(model),
        prior_(model.design(), model.prior()) {}

  double value(ConstVectorRef mean, ConstVectorRef sd) {
    set(mean, sd);
    return pass<0>(nullptr, nullptr) + rest();
  }

  struct Gradient {
    double value;
    Vector mean, sd;
  };

  Gradient gradient(ConstVectorRef mean, ConstVectorRef sd) {
    set(mean, sd);
    Vector slope = Vector::Zero(mean_.size()), weight = Vector::Zero(mean_.size());
    const double value = pass<1>(&slope, &weight) + rest();
    prior_.add_gradient(mean_, slope);
    const Vector sd_slope = sd_.cwiseInverse() - sd_.cwiseProduct(prior_.diagonal() + weight);

    const ScalePosterior::Gradient of_psi = scales_.gradient(squares());
    const Design& design = model_->design();
    return {value, design.join(slope, of_psi.mean), design.join(sd_slope, of_psi.sd)};
  }

 private:
  void set(ConstVectorRef mean, ConstVectorRef sd) {
    Vector psi, psi_sd;
    model_->design().split(mean, mean_, psi);
    model_->design().split(sd, sd_, psi_sd);
    variance_ = sd_.cwiseAbs2();
    scales_.set(psi, psi_sd);
    prior_.set(scales_.effective_psi());
  }

  template <int Order>
  double pass(Vector* gradient, Vector* weight) {
    const MeanFieldSites sites(likelihood_, model_->design(), variance_, weight);
    RowTeam rows(model_->design());
    return model_->log_likelihood_constant() +
           pass_rows<Order>(*model_, sites, mean_, gradient, nullptr, rows);
  }

  Vector squares() const { return prior_.squares(mean_, variance_); }

  double rest() const {
    return coefficient_bound(*model_, mean_, variance_, sd_.array().log().sum()) +
           scales_.bound(squares());
  }

  const Model* model_;
  ExpectedLikelihood likelihood_;
  ScalePosterior scales_;
  CoefficientPrior prior_;
  Vector mean_, sd_, variance_;
};

}  // namespace mixed_glm
