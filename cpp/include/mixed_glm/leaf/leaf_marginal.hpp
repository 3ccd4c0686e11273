// The marginal posterior of theta with the leaf, one component or a block, integrated by quadrature
// and the other coefficients (v, beta) by Laplace with the second-order correction of their mean:
//
//     log p(y, theta) = L(v, beta) + log p(v, beta | theta) + log p(theta)
//                     + d/2 log 2 pi - 1/2 log|H|
//
// at the mode of (v, beta), d their number and H minus the Hessian there (leaf_likelihood.hpp). The
// moments of leaf_moments.hpp make the common gradient (marginal.hpp) exact.
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/inference/second_order.hpp>
#include <mixed_glm/leaf/leaf_correction.hpp>
#include <mixed_glm/leaf/leaf_hyper.hpp>
#include <mixed_glm/leaf/leaf_moments.hpp>
#include <mixed_glm/leaf/leaf_settings.hpp>

namespace mixed_glm {

class LeafMarginal final : public Marginal {
 public:
  LeafMarginal(const Model& model, const LeafBlock& leaf, LeafSettings settings = {})
      : settings_(with_quadrature_error(settings)),
        leaf_(model, leaf),
        likelihood_(leaf_, settings.n_quad, settings.inner.team),
        mode_(likelihood_, model.prior(), settings_.inner),
        full_likelihood_(model, settings.inner.team),
        joint_mode_(full_likelihood_, model.prior(), start_settings(settings)),
        sigma_(leaf_.reduced().design().pattern(), settings.inner.team),
        moments_(leaf_, likelihood_),
        prior_(model.design(), model.prior()),
        hyper_(leaf_),
        second_moments_(model.design().effects(), model.design().effect_pairs()) {}

  bool evaluate(const Vector& theta) override {
    prior_.set(theta);
    leaf_.set_theta(theta);
    likelihood_.set_prior(leaf_prior(theta));
    const bool warm = valid_ && predict(theta);
    theta_ = theta;
    valid_ = (warm && mode_.find(theta)) || (start_at_joint_mode(theta) && mode_.find(theta));
    if (!valid_) return false;
    const Design& reduced = leaf_.reduced().design();
    log_density_ = mode_.log_density() + model().hyperparameters().log_density(theta) +
                   0.5 * double(reduced.coefficients()) * log_two_pi -
                   0.5 * mode_.precision().log_determinant();
    sigma_.compute(mode_.precision());
    moments_.compute(sigma_, mode_);
    if (settings_.inner.last_step) log_density_ += moments_.delta().dot(mode_.gradient());
    set_second_moments();
    valid_ = std::isfinite(log_density_) && second_moments_.is_finite();
    return valid_;
  }

  void start_at(const Vector& coefficients) override { joint_mode_.set_start(coefficients); }
  void allow_decrement(double decrement) override { mode_.allow_decrement(decrement); }
  double last_decrement() const override { return mode_.decrement(); }

  void update_response() override { leaf_.update_response(); }
  void reset() override {
    update_response();
    mode_.reset();
    joint_mode_.reset();
    forget_fixed();
    valid_ = false;
  }

  double log_density() const override { return log_density_; }
  const SecondMoments& second_moments() const override { return second_moments_; }
  const CoefficientPrior& prior() const override { return prior_; }
  double family_slope() const override { return moments_.family_slope(); }
  double family_information() const override { return moments_.family_information(); }
  const Model& model() const override { return leaf_.full(); }
  int passes() const override { return mode_.iterations(); }
  double value_error() const override {
    return likelihood_.nodes().is_exact() ? Marginal::value_error()
                                          : leaf_quadrature_error + model().rounding();
  }

  const LeafDesign& leaf() const { return leaf_; }
  LeafPrior leaf_prior(const Vector& theta) const { return hyper_.prior(theta); }
  // The family of the leaf's rows at another theta, until the next evaluation.
  void set_family(ConstVectorRef theta) { leaf_.set_theta(theta); }
  // The distribution of (v, beta): its mean, the factor of its precision, variances and third
  // cumulants of v, and d mode / d theta along a change of theta.
  Vector reduced_mean() const {
    return settings_.mean_correction ? Vector(mode_.coefficients() + moments_.delta())
                                     : mode_.coefficients();
  }
  const Precision& precision() const { return mode_.precision(); }
  Vector reduced_variance() const {
    Vector variance(leaf_.reduced().design().effects());
    for (Index j = 0; j < variance.size(); ++j) variance[j] = sigma_.variance(j);
    return variance;
  }
  Matrix fe_cov() const { return fixed_tails().spread_out(sigma_.border_block()); }
  Vector reduced_third() const {
    return settings_.mean_correction ? moments_.third().of_effects() : Vector();
  }
  Vector theta_response(const Vector& change) const {
    Vector direction = mode_.prior().coupling(mode_.coefficients(), change);
    moments_.add_square_coupling(hyper_.fall_of_precision(theta_, change), direction);
    const Hyperparameters::Block family = model().hyperparameters().family();
    if (family.size > 0) direction += change[family.begin] * moments_.family_pull();
    mode_.precision().solve_in_place(direction);
    return direction;
  }

  ConditionalPosterior posterior() const override {
    const Design& full = model().design();
    const Index p = full.fixed(), others = leaf_.reduced().design().effects();
    ConditionalPosterior result;
    result.mean.resize(full.coefficients());
    result.variance.resize(full.coefficients());
    Vector of_effects = Vector::Zero(full.effects());
    const Vector v = reduced_mean(), third = reduced_third();
    for (Index j = 0; j < others; ++j) {
      result.mean[leaf_.full_effect(j)] = v[j];
      result.variance[leaf_.full_effect(j)] = sigma_.variance(j);
      if (third.size() > 0) of_effects[leaf_.full_effect(j)] = third[j];
    }
    for (Index g = 0; g < leaf_.groups(); ++g) {
      for (Index c = 0; c < leaf_.coordinates(); ++c) {
        const Index j = leaf_.group_effect(g, c);
        if (j < 0) continue;
        result.mean[j] = moments_.mean(g, c);
        result.variance[j] = moments_.variance(g, c);
        of_effects[j] = moments_.central_cube(g, c);
      }
    }
    result.mean.tail(p) = v.tail(p);
    result.fe_cov = sigma_.border_block();
    add_tails(result, of_effects);
    return result;
  }
  bool corrects_modes() const override { return settings_.mean_correction; }
  FixedCumulants fixed_cumulants(bool thorough) override {
    const Index p = model().design().fixed();
    if (!settings_.mean_correction || p == 0 || p > most_skew_fixed_effects) return {};
    const bool second_order =
        thorough && p <= most_second_order && leaf_.groups() <= LeafCorrection::most_groups;
    if (!second_order && !wants_third()) return {};
    moments_.compute(sigma_, mode_, true);
    FixedCumulants cumulants;
    cumulants.gaussian = sigma_.border_block();
    cumulants.third = moments_.third().of_fixed();
    if (second_order) {
      LeafCorrection correction(leaf_, likelihood_, theta_, settings_.n_quad, settings_.inner.team);
      cumulants.covariance = second_order_covariance(mode_, correction);
    }
    return cumulants;
  }

 private:
  static NewtonSettings start_settings(const LeafSettings& settings) {
    NewtonSettings start;
    start.monitor = settings.inner.monitor;
    start.team = settings.inner.team;
    return start;
  }

  // The mode of all coefficients together, leaf included, as a start: it is found from anywhere.
  bool start_at_joint_mode(const Vector& theta) {
    if (!joint_mode_.find(theta)) return false;
    const Design& reduced = leaf_.reduced().design();
    const Vector& x = joint_mode_.coefficients();
    Vector start(reduced.coefficients());
    start.tail(reduced.fixed()) = x.tail(reduced.fixed());
    for (Index j = 0; j < reduced.effects(); ++j) start[j] = x[leaf_.full_effect(j)];
    Matrix leaf_start = Matrix::Zero(leaf_.coordinates(), leaf_.groups());
    for (Index g = 0; g < leaf_.groups(); ++g) {
      for (Index c = 0; c < leaf_.coordinates(); ++c) {
        if (leaf_.group_effect(g, c) >= 0) leaf_start(c, g) = x[leaf_.group_effect(g, c)];
      }
    }
    mode_.set_start(start);
    likelihood_.nodes().set_start(leaf_start);
    return true;
  }

  // Starts at the last mode, moved to first order. False for a step too far for that.
  bool predict(const Vector& theta) {
    const Vector change = theta - theta_;
    if (change.cwiseAbs().maxCoeff() > 1.0) return false;
    mode_.set_start(mode_.coefficients() + theta_response(change));
    return true;
  }

  void set_second_moments() {
    for (Index j = 0; j < leaf_.reduced().design().effects(); ++j) {
      second_moments_.set_laplace(leaf_.full_effect(j), mode_.coefficients()[j],
                                  moments_.delta()[j], sigma_.variance(j));
    }
    for (Index g = 0; g < leaf_.groups(); ++g) {
      for (Index c = 0; c < leaf_.coordinates(); ++c) {
        if (leaf_.group_effect(g, c) < 0) continue;
        second_moments_.set(leaf_.group_effect(g, c), moments_.square(g, c, c),
                            moments_.variance(g, c));
      }
    }
    hyper_.for_pairs([&](Index g, Index c, Index d, Index pair) {
      second_moments_.set_pair(pair, moments_.square(g, c, d), moments_.covariance(g, c, d));
    });
  }

  LeafSettings settings_;
  LeafDesign leaf_;
  LeafLikelihood likelihood_;
  ConditionalMode mode_;
  RowLikelihood full_likelihood_;
  ConditionalMode joint_mode_;
  SelectedInverse sigma_;
  LeafMoments moments_;
  Vector theta_;
  CoefficientPrior prior_;  // of all coefficients
  LeafHyper hyper_;
  SecondMoments second_moments_;
  double log_density_ = 0.0;
  bool valid_ = false;
};

}  // namespace mixed_glm
