// Laplace approximation of the marginal posterior of theta (Tierney and Kadane 1986), with the
// second-order correction of the mean. At the conditional mode x = (u, beta) with precision H:
//
//     log p(y, theta) = log p(y, x, theta) + (q + p)/2 log 2 pi - 1/2 log|H|
//     Delta           = 1/2 H^-1 A' (l''' s),   s_i = a_i' H^-1 a_i
//     E[x]            = x + Delta               E[u_j^2] = u_j^2 + 2 u_j Delta_j + Sigma_jj
//
// with which the common form of the gradient (marginal.hpp) is the exact derivative; that in the
// family's hyperparameter phi is, with g = A' l'_phi,
//
//     sum_i (l_phi + 1/2 s_i l''_phi) + g' Delta          dx/dphi = H^-1 g
//
// Third cumulants: third_cumulants.hpp;
// the covariance of beta to second order: second_order.hpp.
#pragma once

#include <memory>
#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/inference/second_order_rows.hpp>
#include <mixed_glm/inference/third_cumulants.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/shape_sites.hpp>

namespace mixed_glm {

struct LaplaceSettings {
  NewtonSettings inner;
  bool mean_correction = true;  // report x + Delta, and skewness, rather than x
};

class LaplaceMarginal final : public Marginal {
 public:
  explicit LaplaceMarginal(const Model& model, LaplaceSettings settings = {})
      : model_(&model),
        settings_(settings),
        likelihood_(model, settings.inner.team),
        mode_(likelihood_, model.prior(), settings.inner),
        sigma_(model.design().pattern(), settings.inner.team),
        row_variance_(model.design(), sigma_),
        delta_(model.design().coefficients()),
        second_moments_(model.design().effects(), model.design().effect_pairs()) {
    if (model.hyperparameters().family().size == 0) return;
    variances_.resize(model.design().rows());
    information_.resize(model.design().rows());
  }

  bool evaluate(const Vector& theta) override {
    predict(theta);
    theta_ = theta;
    valid_ = mode_.find(theta);
    if (!valid_) return false;
    log_density_ = mode_.log_density() + model_->hyperparameters().log_density(theta) +
                   0.5 * double(model_->design().coefficients()) * log_two_pi -
                   0.5 * mode_.precision().log_determinant();
    sigma_.compute(mode_.precision());
    correct_mean();
    if (settings_.inner.last_step) log_density_ += delta_.dot(mode_.gradient());  // d log|H| of it
    set_second_moments();
    if (variances_.size() > 0) set_family_slope();
    slope_error_ =
        mode_.precision().probes() > 0 ? probe_report(information(theta)).psi_error : 0.0;
    valid_ =
        std::isfinite(log_density_) && second_moments_.is_finite() && std::isfinite(family_slope_);
    return valid_;
  }

  void start_at(const Vector& coefficients) override { mode_.set_start(coefficients); }
  void allow_decrement(double decrement) override { mode_.allow_decrement(decrement); }
  // The last step makes up for nearly all of it, as each coefficient moves by a small part of its
  // own standard deviation.
  double rough_decrement() const override { return 1e-3 * double(model_->design().coefficients()); }
  // The last step of a quadratic likelihood is exact, however long.
  double last_decrement() const override {
    return likelihood_.is_quadratic() ? 0.0 : mode_.decrement();
  }

  ProbeReport probe_report(const Vector& information) const override {
    return report_probes(mode_.prior(), model_->design(), mode_.precision(), sigma_, information);
  }
  double value_error() const override { return Marginal::value_error() + slope_error_; }
  bool took_exact_factor() const override { return mode_.precision().fell_back(); }
  void set_probes(Index count) override { mode_.set_probes(count); }
  void anchor_probes() override { mode_.anchor_probes(); }

  void reset() override {
    mode_.reset();
    forget_fixed();
    valid_ = false;
  }

  double log_density() const override { return log_density_; }
  const SecondMoments& second_moments() const override { return second_moments_; }
  const CoefficientPrior& prior() const override { return mode_.prior(); }
  double family_slope() const override { return family_slope_; }
  double family_information() const override { return information_.sum(); }
  const Vector& family_pull() const override { return family_pull_; }
  const Model& model() const override { return *model_; }
  int passes() const override { return mode_.iterations(); }
  Vector mode_of_coefficients() const override { return mode_.coefficients(); }
  const ConditionalMode& mode() const { return mode_; }
  const Precision& precision() const { return mode_.precision(); }
  const Vector& delta() const { return delta_; }
  // d (u, beta) / d theta along a change of theta: H^-1 (C, g) change.
  Vector theta_response(const Vector& change) const {
    Vector direction = mode_.prior().coupling(mode_.coefficients(), change);
    const Hyperparameters::Block family = model_->hyperparameters().family();
    if (family.size > 0) direction += change[family.begin] * family_pull_;
    mode_.precision().solve_in_place(direction);
    return direction;
  }

  ConditionalPosterior posterior() const override {
    ConditionalPosterior result;
    const Design& design = model_->design();
    result.mean = mode_.coefficients();
    if (settings_.mean_correction) result.mean += delta_;
    result.variance.resize(design.coefficients());
    for (Index j = 0; j < design.effects(); ++j) result.variance[j] = sigma_.variance(j);
    result.fe_cov = sigma_.border_block();
    add_tails(result, wants_third() && has_tails() ? third_of_effects() : Vector());
    return result;
  }
  bool corrects_modes() const override { return settings_.mean_correction; }
  FixedCumulants fixed_cumulants(bool thorough) override {
    const Index p = model_->design().fixed();
    if (!has_tails() || p == 0 || p > most_skew_fixed_effects) return {};
    const Vector& third = likelihood_.third_derivative();
    if (!model_->design().has_pairs()) {  // each row touches one effect at most
      if (!second_order_) second_order_ = std::make_unique<SecondOrderRows>(*model_, sigma_);
      return second_order_->cumulants(mode_, likelihood_, delta_);
    }
    const bool second_order = thorough && p <= most_second_order;
    if (!second_order && !wants_third()) return {};
    FixedCumulants cumulants;
    cumulants.gaussian = sigma_.border_block();
    cumulants.third = ThirdCumulants(model_->design(), sigma_).of_fixed(third);
    if (second_order) {
      cumulants.covariance =
          second_order_covariance(mode_, LaplaceCorrection(*model_, mode_.prior(), theta_));
    }
    return cumulants;
  }

 private:
  // Beyond the Gaussian, which a quadratic likelihood has not.
  bool has_tails() const { return settings_.mean_correction && !likelihood_.is_quadratic(); }

  // The last mode, moved to first order. Far steps are not predicted.
  void predict(const Vector& theta) {
    if (!valid_) return;
    const Vector change = theta - theta_;
    if (change.size() == 0 || change.cwiseAbs().maxCoeff() > 1.0) return;
    mode_.set_start(mode_.coefficients() + theta_response(change));
  }

  void correct_mean() {
    delta_.setZero();
    add_mean_pull(likelihood_.third_derivative(), row_variance_, likelihood_.rows(), delta_,
                  variances_.size() > 0 ? &variances_ : nullptr);
    mode_.precision().solve_in_place(delta_);
  }

  void set_family_slope() {
    family_pull_.setZero(model_->design().coefficients());
    const ShapeSites sites(*model_, likelihood_.family().kernel(), &variances_, &information_);
    const double sum = pass_rows<1>(*model_, sites, mode_.coefficients(), &family_pull_, nullptr,
                                    likelihood_.rows());
    family_slope_ = sum + family_pull_.dot(delta_) + likelihood_.family().constant_slope();
  }

  Vector third_of_effects() const {
    return ThirdCumulants(model_->design(), sigma_).of_effects(likelihood_.third_derivative());
  }

  void set_second_moments() {
    for (Index j = 0; j < model_->design().effects(); ++j) {
      second_moments_.set_laplace(j, mode_.coefficients()[j], delta_[j], sigma_.variance(j));
    }
    const EffectPairs& pairs = model_->design().effect_pairs();
    for (size_t k = 0; k < pairs.size(); ++k) {
      second_moments_.set_laplace_pair(Index(k), pairs[k], mode_.coefficients(), delta_,
                                       sigma_.covariance(pairs[k].first, pairs[k].second));
    }
  }

  const Model* model_;
  LaplaceSettings settings_;
  RowLikelihood likelihood_;
  ConditionalMode mode_;
  SelectedInverse sigma_;
  RowVariance row_variance_;
  std::unique_ptr<SecondOrderRows> second_order_;  // made when it is first asked for
  Vector theta_, delta_;
  SecondMoments second_moments_;
  // Of the family's hyperparameter, where it has one: s, about -l_phi_phi of each row, g.
  Vector variances_, information_, family_pull_;
  double log_density_ = 0.0, family_slope_ = 0.0;
  double slope_error_ = 0.0;  // nats that probes may be off, on a way of one standard deviation
  bool valid_ = false;
};

}  // namespace mixed_glm
