// The marginal posterior of theta by expectation propagation for the coefficients (u, beta) given
// theta.
//
//     log p(y, theta) = EP evidence + log p(theta),   E[u_j^2] = m_j^2 + Sigma_jj
//
// The evidence is stationary in the sites where EP has converged, so the common gradient
// (marginal.hpp) holds with nothing added; slopes in the family's hyperparameter are those expected
// under the tilted densities. The first theta starts at the Laplace approximation,
// each further one at the sites of the last. Where EP does not converge the point is taken by
// Laplace, and counted.
#pragma once

#include <mixed_glm/ep/ep_gaussian.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>

namespace mixed_glm {

struct EpSettings {
  Index n_quad = 15;        // nodes for each tilted density
  double tolerance = 1e-4;  // on the largest change of a row (ep_gaussian.hpp)
  int max_sweeps = 200;
  double damping = 1.0;  // of the first sweeps; less where the changes grow
  LaplaceSettings laplace;
};

class EpMarginal final : public Marginal {
 public:
  explicit EpMarginal(const Model& model, EpSettings settings = {})
      : model_(&model),
        settings_(settings),
        laplace_(model, settings.laplace),
        ep_(model, settings.n_quad, settings.laplace.inner.team),
        second_moments_(model.design().effects(), model.design().effect_pairs()) {}

  bool evaluate(const Vector& theta) override {
    fell_back_ = !converge(theta);
    if (fell_back_) {
      started_ = false;
      ++fallbacks_;
      return laplace_.evaluate(theta);
    }
    log_density_ = ep_.log_evidence() + model_->hyperparameters().log_density(theta);
    set_second_moments();
    if (model_->hyperparameters().family().size > 0) ep_.expand_family();
    return true;
  }

  ProbeReport probe_report(const Vector& information) const override {
    if (fell_back_) return laplace_.probe_report(information);
    return report_probes(ep_.prior(), model_->design(), ep_.precision(), ep_.sigma(), information);
  }
  void set_probes(Index count) override {
    laplace_.set_probes(count);
    ep_.set_probes(count);
  }
  void anchor_probes() override {
    if (!fell_back_) ep_.anchor_probes();
  }

  void reset() override {
    laplace_.reset();
    ep_.forget();
    forget_fixed();
    sweeps_ = fallbacks_ = 0;
    started_ = fell_back_ = false;
  }

  double log_density() const override { return fell_back_ ? laplace_.log_density() : log_density_; }
  const SecondMoments& second_moments() const override {
    return fell_back_ ? laplace_.second_moments() : second_moments_;
  }
  const CoefficientPrior& prior() const override {
    return fell_back_ ? laplace_.prior() : ep_.prior();
  }
  double family_slope() const override {
    return fell_back_ ? laplace_.family_slope() : ep_.family_slope();
  }
  double family_information() const override {
    return fell_back_ ? laplace_.family_information() : ep_.family_information();
  }
  const Vector& family_pull() const override {
    return fell_back_ ? laplace_.family_pull() : ep_.family_pull();
  }
  const Model& model() const override { return *model_; }
  int passes() const override { return laplace_.passes() + sweeps_; }
  int fallbacks() const override { return fallbacks_; }
  const Precision& precision() const { return fell_back_ ? laplace_.precision() : ep_.precision(); }

  ConditionalPosterior posterior() const override {
    const Design& design = model_->design();
    ConditionalPosterior result;
    if (fell_back_) {
      result = laplace_.posterior();
      add_tails(result, result.third.head(std::min(design.effects(), result.third.size())));
      return result;
    }
    result.mean = ep_.mean();
    result.variance.resize(design.coefficients());
    for (Index j = 0; j < design.effects(); ++j) result.variance[j] = ep_.sigma().variance(j);
    result.fe_cov = ep_.sigma().border_block();
    add_tails(result, wants_third() ? ThirdCumulants(design, ep_.sigma()).of_effects(ep_.third())
                                    : Vector());
    return result;
  }
  FixedCumulants fixed_cumulants(bool thorough) override {
    if (fell_back_) return laplace_.fixed_cumulants(thorough);
    const Index p = model_->design().fixed();
    if (!wants_third() || p == 0 || p > most_skew_fixed_effects) return {};
    FixedCumulants cumulants;
    cumulants.gaussian = ep_.sigma().border_block();
    cumulants.third = ThirdCumulants(model_->design(), ep_.sigma()).of_fixed(ep_.third());
    return cumulants;
  }

 private:
  bool converge(const Vector& theta) {
    ep_.set_theta(theta);
    if (!started_) {
      if (!laplace_.evaluate(theta)) return false;
      ep_.expand_at(laplace_.mode().coefficients());
    }
    started_ = true;
    double damping = settings_.damping, last = std::numeric_limits<double>::infinity();
    for (int k = 0; k < settings_.max_sweeps; ++k) {
      ++sweeps_;
      tell_pass(settings_.laplace.inner.monitor);
      if (!ep_.refresh()) return false;
      const double change = ep_.sweep(damping);
      if (!ep_.is_finite()) return false;
      if (change <= settings_.tolerance) return true;
      if (change > last) damping = std::max(0.6 * damping, 0.1);
      last = change;
    }
    return false;
  }

  void set_second_moments() {
    for (Index j = 0; j < model_->design().effects(); ++j) {
      const double mean = ep_.mean()[j], variance = ep_.sigma().variance(j);
      second_moments_.set(j, mean * mean + variance, variance);
    }
    const EffectPairs& pairs = model_->design().effect_pairs();
    for (size_t k = 0; k < pairs.size(); ++k) {
      const Code a = pairs[k].first, b = pairs[k].second;
      const double covariance = ep_.sigma().covariance(a, b);
      second_moments_.set_pair(Index(k), ep_.mean()[a] * ep_.mean()[b] + covariance, covariance);
    }
  }

  const Model* model_;
  EpSettings settings_;
  LaplaceMarginal laplace_;
  EpGaussian ep_;
  SecondMoments second_moments_;
  double log_density_ = 0.0;
  int sweeps_ = 0, fallbacks_ = 0;
  bool started_ = false, fell_back_ = false;
};

}  // namespace mixed_glm
