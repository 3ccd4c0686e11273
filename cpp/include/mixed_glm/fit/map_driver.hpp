// The joint mode of a model and the Gaussian there: the search, and what is said of its end.
#pragma once

#include <cmath>
#include <mixed_glm/fit/refuse_correlated.hpp>
#include <mixed_glm/inference/fit_status.hpp>
#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/inference/mode_given_psi.hpp>
#include <mixed_glm/inference/variance_collapse.hpp>
#include <optional>

namespace mixed_glm {

class MapDriver;

struct MapMethod {
  using Driver = MapDriver;
  JointModeSettings settings;
  Vector start = {};  // of all hyperparameters; empty: joint_start()
};

struct MapFit {
  FitStatus status = FitStatus::failed;
  JointModeResult mode;
  JointCovariance covariance;    // there
  std::vector<Index> collapsed;  // components
};

namespace detail {

inline FitStatus status_of(const MapFit& fit) {
  if (!std::isfinite(fit.mode.log_density)) return FitStatus::failed;
  if (!fit.mode.converged) return FitStatus::not_converged;
  if (!fit.collapsed.empty()) return FitStatus::collapsed;
  return fit.covariance.valid ? FitStatus::converged : FitStatus::not_a_maximum;
}

}  // namespace detail

class MapDriver {
 public:
  // The model is viewed and must outlive this object; it may be given another response between
  // fits.
  explicit MapDriver(const Model& model, const MapMethod& method = {}, Monitor* monitor = nullptr,
                     Team* = nullptr)
      : search_(model, watched(method.settings, monitor)),
        start_(method.start.size() > 0 ? method.start : model.hyperparameters().joint_start()) {
    refuse_correlated(model.design(), "map",
                      "the joint density has no highest point, it grows without bound as a "
                      "correlation tends to one");
  }

  MapFit fit() { return described(search_.find_from(start_)); }
  // From the psi of params = (beta, psi, u); its coefficients only begin the search for theirs.
  MapFit fit_from(ConstVectorRef params) { return described(search_.find(params)); }

 private:
  static JointModeSettings watched(JointModeSettings settings, Monitor* monitor) {
    settings.monitor = monitor;
    return settings;
  }

  MapFit described(JointModeResult mode) {
    MapFit fit;
    fit.mode = std::move(mode);
    if (std::isfinite(fit.mode.log_density)) {
      fit.covariance = search_.covariance();
      fit.collapsed = search_.collapsed();
    }
    fit.status = detail::status_of(fit);
    return fit;
  }

  JointMode search_;
  Vector start_;
};

// What is said of params, where a search of another kind has ended.
inline MapFit map_fit_at(const Model& model, ConstVectorRef params, bool converged) {
  JointDensity density(model);
  MapFit fit;
  fit.mode.params = params;
  fit.mode.log_density = density.value(params);
  fit.mode.gradient_norm = params.size() > 0 ? density.gradient(params).cwiseAbs().maxCoeff() : 0.0;
  fit.mode.converged = converged;
  fit.covariance = joint_covariance(model, params);
  fit.collapsed = collapsed_components(model, params);
  fit.status = detail::status_of(fit);
  return fit;
}

// Where a search over all parameters begins: the start of MapMethod with the mode of the
// coefficients given it. Nothing where that is not found.
inline std::optional<Vector> joint_start(const Model& model, Monitor* monitor = nullptr) {
  NewtonSettings settings;
  settings.monitor = monitor;
  return mode_given_psi(model, model.hyperparameters().joint_start(), settings);
}

}  // namespace mixed_glm
