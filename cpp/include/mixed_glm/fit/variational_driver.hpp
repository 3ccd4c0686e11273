// The variational fits as methods with settings.
#pragma once

#include <mixed_glm/fit/refuse_correlated.hpp>
#include <mixed_glm/inference/fit_status.hpp>
#include <mixed_glm/variational/fit_variational.hpp>

namespace mixed_glm {

class VariationalDriver;

struct VariationalMethod {
  using Driver = VariationalDriver;
  VariationalSettings settings;
  bool full = false;            // covariance of (u, beta)
  VariationalStart start = {};  // empty: the family's
};

class VariationalDriver {
 public:
  // The model is viewed and must outlive this object; it may be given another response between
  // fits.
  explicit VariationalDriver(const Model& model, const VariationalMethod& method = {},
                             Monitor* monitor = nullptr, Team* = nullptr)
      : fitter_(model, watched(method.settings, monitor)),
        full_(method.full),
        start_(method.start) {
    refuse_correlated(model.design(), "variational Bayes", independent_only);
  }

  VariationalFit fit() {
    return full_ ? fitter_.fit_full_gaussian(start_) : fitter_.fit_mean_field(start_);
  }

 private:
  static VariationalSettings watched(VariationalSettings settings, Monitor* monitor) {
    settings.ascent.monitor = monitor;
    return settings;
  }

  VariationalFitter fitter_;
  bool full_;
  VariationalStart start_;
};

inline FitStatus status_of(const VariationalFit& fit) {
  if (!fit.started) return FitStatus::failed;
  return fit.converged ? FitStatus::converged : FitStatus::not_converged;
}

}  // namespace mixed_glm
