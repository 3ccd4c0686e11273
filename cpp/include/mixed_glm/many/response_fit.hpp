// The fit of whatever response a model holds at present, by one of the methods. What it needs
// beyond the response is made once; a fit leaves nothing behind that the next could see.
#pragma once

#include <memory>
#include <mixed_glm/inference/verdict.hpp>
#include <mixed_glm/many/fit_method.hpp>

namespace mixed_glm {

struct ResponseEstimate {
  Verdict verdict = Verdict::failed;  // then the rest is empty
  double log_evidence = std::numeric_limits<double>::quiet_NaN();
  int iterations = 0;
  Vector mean, sd;  // of (beta, psi, u), the caller's order; sd may be empty
};

class ResponseFit {
 public:
  virtual ~ResponseFit() = default;
  virtual ResponseEstimate fit() = 0;
};

namespace detail {

class MapFit final : public ResponseFit {
 public:
  MapFit(const Model& model, const MapMethod& method, Monitor* monitor)
      : search_(model, watched(method.settings, monitor)),
        start_(Vector::Constant(model.design().components(), method.start_psi)) {}

  ResponseEstimate fit() override {
    const JointModeResult mode = search_.find_from(start_);
    ResponseEstimate result;
    if (!std::isfinite(mode.log_density)) return result;
    const JointCovariance covariance = search_.covariance();
    result.verdict = verdict(mode, covariance, !search_.collapsed().empty());
    result.iterations = mode.iterations;
    result.mean = mode.params;
    if (covariance.valid) result.sd = covariance.sd;
    return result;
  }

 private:
  static JointModeSettings watched(JointModeSettings settings, Monitor* monitor) {
    settings.monitor = monitor;
    return settings;
  }

  JointMode search_;
  Vector start_;
};

class VariationalResponseFit final : public ResponseFit {
 public:
  VariationalResponseFit(const Model& model, const VariationalMethod& method, Monitor* monitor)
      : fitter_(model, watched(method.settings, monitor)), full_(method.full) {}

  ResponseEstimate fit() override {
    const VariationalFit fit = full_ ? fitter_.fit_full_gaussian() : fitter_.fit_mean_field();
    if (!fit.started) return {};
    return {fit.converged ? Verdict::converged : Verdict::not_converged, fit.elbo, fit.iterations,
            fit.mean, fit.sd};
  }

 private:
  static VariationalSettings watched(VariationalSettings settings, Monitor* monitor) {
    settings.ascent.monitor = monitor;
    return settings;
  }

  VariationalFitter fitter_;
  bool full_;
};

class MarginalResponseFit final : public ResponseFit {
 public:
  MarginalResponseFit(const Model& model, const MarginalMethod& method, Monitor* monitor)
      : settings_(method.settings), start_(method.start) {
    settings_.mode.monitor = monitor;
    marginal_ = make_marginal(model, method.approximation, marginal_newton_settings(monitor));
    if (start_.size() == 0) start_ = model.hyperparameters().start();
  }

  ResponseEstimate fit() override {
    marginal_->reset();
    MarginalFit fit = fit_marginal(*marginal_, start_, settings_);
    const Verdict verdict = mixed_glm::verdict(fit);
    if (verdict == Verdict::failed) return {};
    return {verdict, fit.posterior.log_evidence, fit.mode.iterations, std::move(fit.posterior.mean),
            std::move(fit.posterior.sd)};
  }

 private:
  std::unique_ptr<Marginal> marginal_;
  MarginalFitSettings settings_;
  Vector start_;
};

}  // namespace detail

// The model is viewed and must outlive the fit. monitor: told of all work; may be null.
inline std::unique_ptr<ResponseFit> make_response_fit(const Model& model, const FitMethod& method,
                                                      Monitor* monitor = nullptr) {
  if (const auto* map = std::get_if<MapMethod>(&method)) {
    return std::make_unique<detail::MapFit>(model, *map, monitor);
  }
  if (const auto* variational = std::get_if<VariationalMethod>(&method)) {
    return std::make_unique<detail::VariationalResponseFit>(model, *variational, monitor);
  }
  return std::make_unique<detail::MarginalResponseFit>(model, std::get<MarginalMethod>(method),
                                                       monitor);
}

}  // namespace mixed_glm
