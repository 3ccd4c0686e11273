// The marginal posterior of theta by expectation propagation for the coefficients (u, beta) given
// theta.
//
//     log p(y, theta) = EP evidence + log p(theta),   E[u_j^2] = m_j^2 + Sigma_jj
//
// The evidence is stationary in the sites where EP has converged, so the common gradient
// (marginal.hpp) holds with nothing added; slopes in the family's hyperparameter are those expected
// under the tilted densities. The first theta starts at the
// mode of the coefficients, each further one at the sites that those before predict
// (site_history.hpp). Where EP does not converge the point is taken by Laplace, and counted.
#pragma once

#include <memory>
#include <mixed_glm/ep/ep_gaussian.hpp>
#include <mixed_glm/ep/site_history.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>

namespace mixed_glm {

struct EpSettings {
  Index n_quad = 15;        // nodes for each tilted density
  double tolerance = 1e-7;  // nats, on the change by a sweep (ep_gaussian.hpp)
  int max_sweeps = 200;
  double damping = 1.0;  // of the first sweeps; less where the changes grow
  LaplaceSettings laplace;
};

class EpMarginal final : public Marginal {
 public:
  explicit EpMarginal(const Model& model, EpSettings settings = {})
      : model_(&model),
        settings_(settings),
        ep_(model, settings.n_quad, settings.laplace.inner.team),
        history_(model.design().rows()),
        second_moments_(model.design().effects(), model.design().effect_pairs()) {}

  bool evaluate(const Vector& theta) override {
    fell_back_ = !converge(theta);
    if (fell_back_) return take_by_laplace(theta);
    log_density_ = ep_.log_evidence() + model_->hyperparameters().log_density(theta);
    set_second_moments();
    if (model_->hyperparameters().family().size > 0) ep_.expand_family();
    slope_error_ = ep_.precision().probes() > 0 ? probe_report(information(theta)).psi_error : 0.0;
    return true;
  }

  void start_at(const Vector& coefficients) override { start_ = coefficients; }
  void allow_decrement(double decrement) override { allowed_ = decrement; }
  double last_decrement() const override {
    return fell_back_ ? laplace_->last_decrement() : last_change_;
  }
  ProbeReport probe_report(const Vector& information) const override {
    if (fell_back_) return laplace_->probe_report(information);
    return report_probes(ep_.prior(), model_->design(), ep_.precision(), ep_.sigma(), information);
  }
  double value_error() const override {
    if (fell_back_) return laplace_->value_error();
    return Marginal::value_error() + slope_error_;
  }
  bool took_exact_factor() const override {
    return ep_.precision().fell_back() || (laplace_ && laplace_->took_exact_factor());
  }
  void set_probes(Index count) override {
    probes_ = count;
    if (laplace_) laplace_->set_probes(count);
    ep_.set_probes(count);
  }
  void anchor_probes() override {
    if (!fell_back_) ep_.anchor_probes();
  }

  void reset() override {
    if (laplace_) laplace_->reset();
    ep_.forget();
    forget_fixed();
    history_.clear();
    start_.resize(0);
    allowed_ = 0.0;
    passes_ = fallbacks_ = 0;
    fell_back_ = false;
  }

  double log_density() const override {
    return fell_back_ ? laplace_->log_density() : log_density_;
  }
  const SecondMoments& second_moments() const override {
    return fell_back_ ? laplace_->second_moments() : second_moments_;
  }
  const CoefficientPrior& prior() const override {
    return fell_back_ ? laplace_->prior() : ep_.prior();
  }
  double family_slope() const override {
    return fell_back_ ? laplace_->family_slope() : ep_.family_slope();
  }
  double family_information() const override {
    return fell_back_ ? laplace_->family_information() : ep_.family_information();
  }
  const Vector& family_pull() const override {
    return fell_back_ ? laplace_->family_pull() : ep_.family_pull();
  }
  const Model& model() const override { return *model_; }
  int passes() const override { return passes_ + (laplace_ ? laplace_->passes() : 0); }
  int fallbacks() const override { return fallbacks_; }
  const Precision& precision() const {
    return fell_back_ ? laplace_->precision() : ep_.precision();
  }

  ConditionalPosterior posterior() const override {
    const Design& design = model_->design();
    ConditionalPosterior result;
    if (fell_back_) {
      result = laplace_->posterior();
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
    if (fell_back_) return laplace_->fixed_cumulants(thorough);
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
    if (!history_.is_empty()) {
      ep_.predict_sites(history_, theta);
    } else if (!expand_at_start(theta)) {
      return false;
    }
    double damping = settings_.damping;
    last_change_ = std::numeric_limits<double>::infinity();
    for (int k = 0; k < settings_.max_sweeps; ++k) {
      ++passes_;
      tell_pass(settings_.laplace.inner.monitor);
      if (!ep_.refresh()) return false;
      const double change = ep_.sweep(damping);
      if (!ep_.is_finite()) return false;
      if (change > last_change_) damping = std::max(0.6 * damping, 0.1);
      last_change_ = change;
      if (change > std::max(settings_.tolerance, allowed_)) continue;
      ep_.remember_sites(history_, theta);
      ep_.take_last_step();
      return true;
    }
    return false;
  }

  // Sites at the mode of the coefficients, found here unless there is one.
  bool expand_at_start(const Vector& theta) {
    if (start_.size() == 0) {
      NewtonSettings rough = settings_.laplace.inner;
      rough.tolerance = start_tolerance;
      rough.last_step = true;
      RowLikelihood likelihood(*model_, rough.team);
      ConditionalMode mode(likelihood, model_->prior(), rough);
      const bool found = mode.find(theta);
      passes_ += mode.iterations();
      if (!found) return false;
      start_ = mode.coefficients();
    }
    ep_.expand_at(start_);
    start_.resize(0);
    return true;
  }

  bool take_by_laplace(const Vector& theta) {
    ++fallbacks_;
    if (!laplace_) {
      laplace_ = std::make_unique<LaplaceMarginal>(*model_, settings_.laplace);
      if (probes_ > 0) laplace_->set_probes(probes_);
    }
    history_.clear();
    if (!laplace_->evaluate(theta)) return false;
    start_ = laplace_->mode().coefficients();
    return true;
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

  static constexpr double start_tolerance = 1e-2;  // nats from the mode

  const Model* model_;
  EpSettings settings_;
  std::unique_ptr<LaplaceMarginal> laplace_;  // made where it has to stand in
  EpGaussian ep_;
  SiteHistory history_;
  SecondMoments second_moments_;
  Vector start_;  // coefficients to begin at; empty: their mode is to be found
  double log_density_ = 0.0, allowed_ = 0.0, last_change_ = 0.0;
  Index probes_ = 0;          // asked for
  double slope_error_ = 0.0;  // nats that probes may be off, on a way of one standard deviation
  int passes_ = 0, fallbacks_ = 0;
  bool fell_back_ = false;
};

}  // namespace mixed_glm
