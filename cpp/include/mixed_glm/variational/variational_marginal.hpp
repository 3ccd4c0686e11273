// The variational bound of the marginal density of psi: at each psi the highest
//
//     log p(y, psi) >= E log p(y | x) + E log p(x | psi) - E log q(x) + log p(psi),   q(x) = N(m,
//     H^-1)
//
// (full_gaussian.hpp). The bound is stationary in q, so the common form of the gradient
// (marginal.hpp) is exact with E u_j^2 = m_j^2 + Sigma_jj.
#pragma once

#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/variational/ascent.hpp>
#include <mixed_glm/variational/full_gaussian.hpp>

namespace mixed_glm {

class VariationalMarginal final : public Marginal {
 public:
  explicit VariationalMarginal(const Model& model, AscentSettings settings = {}, Index nodes = 0)
      : settings_(settings),
        mean_field_(model, nodes),
        q_(model, nodes),
        sums_(model.design().components()) {}

  bool evaluate(const Vector& psi) override {
    ScalePosterior scales(q_.model());
    scales.fix(psi);
    psi_ = psi;
    valid_ = (valid_ && ascend(scales)) || (start(scales) && ascend(scales));
    if (valid_) sum_squares();
    return valid_;
  }

  void reset() override {
    mean_field_.reset();
    q_.reset();
    valid_ = false;
  }

  double log_density() const override { return log_density_; }
  const Vector& expected_squares() const override { return sums_.expected_squares(); }
  const Vector& information() const override { return sums_.information(); }
  const Model& model() const override { return q_.model(); }
  int passes() const override { return q_.passes() + mean_field_.passes(); }

  ConditionalPosterior posterior() const override {
    return {q_.mean(), q_.variance(), {}, q_.fe_cov()};
  }

 private:
  // From independent coefficients at their rough optimum.
  bool start(ScalePosterior& scales) {
    if (!mean_field_.start(psi_)) return false;
    AscentSettings rough = settings_;
    rough.tolerance = rough_tolerance;
    VariationalAscent(mean_field_, scales, rough).run();
    return q_.start(psi_, mean_field_.mean(), mean_field_.variance());
  }

  bool ascend(ScalePosterior& scales) {
    VariationalAscent ascent(q_, scales, settings_);
    const bool converged = ascent.run();
    log_density_ = ascent.elbo();
    return converged;
  }

  void sum_squares() {
    const Design& design = model().design();
    sums_.set_zero();
    for (Index j = 0; j < design.effects(); ++j) {
      const Code k = design.component(j);
      const double mean = q_.mean()[j], variance = q_.variance()[j];
      sums_.add(k, effect_precision(psi_[k]), mean * mean + variance, variance);
    }
  }

  AscentSettings settings_;
  MeanField mean_field_;
  FullGaussian q_;
  Vector psi_;
  ComponentSums sums_;
  double log_density_ = 0.0;
  bool valid_ = false;
};

}  // namespace mixed_glm
