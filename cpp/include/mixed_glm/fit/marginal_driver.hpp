// The fits through the marginal posterior of psi as a method with settings.
#pragma once

#include <memory>
#include <mixed_glm/fit/make_marginal.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>

namespace mixed_glm {

class MarginalDriver;

struct MarginalMethod {
  using Driver = MarginalDriver;
  Approximation approximation;
  MarginalFitSettings settings;
  Vector start = {};  // of all hyperparameters; empty: the modes of their priors
};

class MarginalDriver {
 public:
  // The model is viewed and must outlive this object; it may be given another response between
  // fits.
  explicit MarginalDriver(const Model& model, const MarginalMethod& method = {},
                          Monitor* monitor = nullptr, Team* team = nullptr)
      : marginal_(
            make_marginal(model, method.approximation, marginal_newton_settings(monitor, team))),
        settings_(method.settings),
        start_(method.start.size() > 0 ? method.start : model.hyperparameters().start()) {
    settings_.mode.monitor = monitor;
  }

  MarginalFit fit() {
    marginal_->reset();
    return fit_marginal(*marginal_, start_, settings_);
  }

 private:
  std::unique_ptr<Marginal> marginal_;
  MarginalFitSettings settings_;
  Vector start_;
};

}  // namespace mixed_glm
