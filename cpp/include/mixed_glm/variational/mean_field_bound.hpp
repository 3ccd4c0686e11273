// The mean-field bound of log p(y), fully normalized, and its gradient, as functions of means and
// standard deviations of all parameters (beta, psi, u), u in the caller's order. One pass each.
//
//     d/d m_j = (A' E l')_j - P_j m_j      d/d sd_j = 1 / sd_j - sd_j (P_j + c_j) (mean_field.hpp)
//     d/d m_k = t_k S_k - n_k - m_k / vcp_p_k^2
//     d/d sd_k = 1 / sd_k - sd_k (2 t_k S_k + 1 / vcp_p_k^2)                          (psi)
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
    const Vector sd_slope = sd_.cwiseInverse() - sd_.cwiseProduct(prior_.precision() + weight);

    const Vector scaled = scales_.scaled(squares());
    const auto r = model_->prior().vcp_p.array().square().inverse();
    const auto psi = scales_.mean().array(), psi_sd = scales_.sd().array();
    const Vector psi_slope = scaled.array() - model_->design().component_size().array() - r * psi;
    const Vector psi_sd_slope = psi_sd.inverse() - psi_sd * (2.0 * scaled.array() + r);
    const Design& design = model_->design();
    return {value, design.join(slope, psi_slope), design.join(sd_slope, psi_sd_slope)};
  }

 private:
  void set(ConstVectorRef mean, ConstVectorRef sd) {
    Vector psi, psi_sd;
    model_->design().split(mean, mean_, psi);
    model_->design().split(sd, sd_, psi_sd);
    variance_ = sd_.cwiseAbs2();
    scales_.set(psi, psi_sd);
    prior_.set_psi(scales_.effective_psi());
  }

  template <int Order>
  double pass(Vector* gradient, Vector* weight) {
    const MeanFieldSites sites(likelihood_, model_->design(), variance_, weight);
    RowTeam rows(model_->design());
    return model_->constant() + pass_rows<Order>(*model_, sites, mean_, gradient, nullptr, rows);
  }

  Vector squares() const {
    Vector sums = Vector::Zero(model_->design().components());
    for (Index j = 0; j < model_->design().effects(); ++j) {
      sums[model_->design().component(j)] += mean_[j] * mean_[j] + variance_[j];
    }
    return sums;
  }

  double rest() const {
    const Index p = model_->design().fixed();
    const auto fe_p = model_->prior().fe_p.array();
    const auto beta_squares = mean_.tail(p).array().square() + variance_.tail(p).array();
    return sd_.array().log().sum() + 0.5 * double(mean_.size()) - fe_p.log().sum() -
           0.5 * (beta_squares / fe_p.square()).sum() + scales_.bound(squares());
  }

  const Model* model_;
  ExpectedLikelihood likelihood_;
  ScalePosterior scales_;
  CoefficientPrior prior_;
  Vector mean_, sd_, variance_;
};

}  // namespace mixed_glm
