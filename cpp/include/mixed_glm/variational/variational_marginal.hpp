// The variational bound of the marginal density of theta: at each theta the highest
//
//     log p(y, theta) >= E log p(y | x) + E log p(x | theta) - E log q(x) + log p(theta),
//     q(x) = N(m, H^-1)
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
        second_moments_(model.design().effects()) {}

  bool evaluate(const Vector& theta) override {
    ScalePosterior scales(q_.model());
    scales.fix(theta);
    theta_ = theta;
    valid_ = (valid_ && ascend(scales)) || (start(scales) && ascend(scales));
    if (valid_) {
      second_moments_ =
          SecondMoments::of_gaussian(q_.mean(), q_.variance(), model().design().effects());
    }
    return valid_;
  }

  void reset() override {
    mean_field_.reset();
    q_.reset();
    valid_ = false;
  }

  double log_density() const override { return log_density_; }
  const SecondMoments& second_moments() const override { return second_moments_; }
  const CoefficientPrior& prior() const override { return q_.prior(); }
  const Model& model() const override { return q_.model(); }
  int passes() const override { return q_.passes() + mean_field_.passes(); }

  ConditionalPosterior posterior() const override {
    return {q_.mean(), q_.variance(), {}, q_.fe_cov()};
  }

 private:
  // From independent coefficients at their rough optimum.
  bool start(ScalePosterior& scales) {
    if (!mean_field_.start(theta_)) return false;
    AscentSettings rough = settings_;
    rough.tolerance = rough_tolerance;
    VariationalAscent(mean_field_, scales, rough).run();
    return q_.start(theta_, mean_field_.mean(), mean_field_.variance());
  }

  bool ascend(ScalePosterior& scales) {
    VariationalAscent ascent(q_, scales, settings_);
    const bool converged = ascent.run();
    log_density_ = ascent.elbo();
    return converged;
  }

  AscentSettings settings_;
  MeanField mean_field_;
  FullGaussian q_;
  Vector theta_;
  SecondMoments second_moments_;
  double log_density_ = 0.0;
  bool valid_ = false;
};

}  // namespace mixed_glm
