// A fit by any method. The same functions stand behind the Python package: compiled with the same
// options for the same instruction set, both give the same bits.
//
//     const MixedModel model(data);
//     const FitResult result = fit(model);                        // chooses a method
//     const FitResult mode = fit(model, {Method::map});
//
// Throws std::invalid_argument for an option that does not fit the model. Whatever the data do is
// told by the result's status. With options.monitor a fit can be watched, and stopped.
#pragma once

#include <mixed_glm/fit/choose.hpp>
#include <mixed_glm/fit/fit_result.hpp>
#include <mixed_glm/fit/mixed_model.hpp>
#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/inference/mode_given_psi.hpp>
#include <mixed_glm/inference/variance_collapse.hpp>
#include <mixed_glm/parallel/thread_count.hpp>
#include <mixed_glm/variational/fit_variational.hpp>

namespace mixed_glm {

namespace detail {

inline FitResult empty_result(const Model& model, Method method) {
  FitResult result;
  result.method = method;
  result.fixed = model.design().fixed();
  result.components = model.design().components();
  return result;
}

// The joint mode and the Gaussian there.
inline FitResult fit_map(const Model& model, const FitOptions& options) {
  FitResult result = empty_result(model, Method::map);
  const Vector psi =
      options.start.size() > 0 ? options.start : model.hyperparameters().joint_start();
  NewtonSettings inner;
  inner.monitor = options.monitor;
  const std::optional<Vector> start = mode_given_psi(model, psi, inner);
  if (!start) return result;
  JointModeSettings settings;
  settings.monitor = options.monitor;
  if (options.tolerance > 0.0) settings.gradient_tolerance = options.tolerance;
  if (options.max_iterations > 0) settings.max_iterations = options.max_iterations;
  const JointModeResult mode = JointMode(model, settings).find(*start);
  const JointCovariance covariance = joint_covariance(model, mode.params);
  result.mean = mode.params;
  result.sd = covariance.sd;
  result.fe_cov = covariance.fe_cov;
  result.vcp_cov = covariance.vcp_cov;
  result.log_density = mode.log_density;
  result.iterations = mode.iterations;
  result.passes = mode.passes;
  result.status = verdict(mode, covariance, !collapsed_components(model, mode.params).empty());
  return result;
}

// The Gaussian that maximizes the bound.
inline FitResult fit_vb(const Model& model, const FitOptions& options) {
  FitResult result = empty_result(model, options.method);
  VariationalSettings settings;
  settings.nodes = options.n_quad;
  settings.ascent.monitor = options.monitor;
  if (options.tolerance > 0.0) settings.ascent.tolerance = options.tolerance;
  if (options.max_iterations > 0) settings.ascent.max_iterations = options.max_iterations;
  const VariationalFit fit = options.method == Method::vb_full
                                 ? fit_full_gaussian(model, {}, settings)
                                 : fit_mean_field(model, {}, settings);
  if (!fit.started) return result;
  result.status = fit.converged ? Verdict::converged : Verdict::not_converged;
  result.mean = fit.mean;
  result.sd = fit.sd;
  result.fe_cov = fit.fe_cov;
  result.vcp_cov = result.vcp_sd().cwiseAbs2().asDiagonal();
  result.log_evidence = fit.elbo;
  result.iterations = fit.iterations;
  result.passes = fit.passes;
  return result;
}

inline Method method_of(const std::string& approximation) {
  return approximation == "ep"     ? Method::ep
         : approximation == "leaf" ? Method::leaf
                                   : Method::laplace;
}

// Through the marginal posterior of psi.
inline FitResult fit_by(const Model& model, const Approximation& approximation,
                        const FitOptions& options, const Vector& start, Team& team) {
  FitResult result = empty_result(model, method_of(approximation.name));
  MarginalFitSettings settings;
  settings.integrate = options.integrate;
  settings.mode.monitor = options.monitor;
  if (options.tolerance > 0.0) settings.mode.tolerance = options.tolerance;
  if (options.max_iterations > 0) settings.mode.max_iterations = options.max_iterations;
  const auto marginal =
      make_marginal(model, approximation, marginal_newton_settings(options.monitor, &team));
  const MarginalFit fit = fit_marginal(*marginal, start, settings);
  result.status = verdict(fit);
  result.iterations = fit.mode.iterations;
  result.passes = fit.passes;
  if (result.status == Verdict::failed) return result;
  result.mean = fit.posterior.mean;
  result.sd = fit.posterior.sd;
  result.fe_cov = fit.posterior.fe_cov;
  result.vcp_cov = fit.posterior.vcp_cov;
  result.log_density = fit.mode.log_density;
  result.log_evidence = fit.posterior.log_evidence;
  return result;
}

}  // namespace detail

inline FitResult fit(const Model& model, const FitOptions& options = {}) {
  options.check(model.design());
  const Vector start = options.start.size() > 0 ? options.start : model.hyperparameters().start();
  Approximation approximation{"laplace", options.leaf, options.n_quad, options.mean_correction};
  Team team(thread_count(options.n_jobs));
  switch (options.method) {
    case Method::map:
      return detail::fit_map(model, options);
    case Method::vb:
    case Method::vb_full:
      return detail::fit_vb(model, options);
    case Method::automatic: {
      const Choice choice = choose(model, options.monitor, &team);
      return detail::fit_by(model, choice.approximation, options, choice.start, team);
    }
    case Method::laplace:
      break;
    case Method::leaf:
      approximation.name = "leaf";
      break;
    case Method::ep:
      approximation.name = "ep";
      break;
  }
  return detail::fit_by(model, approximation, options, start, team);
}

inline FitResult fit(const MixedModel& model, const FitOptions& options = {}) {
  return fit(model.model(), options);
}

}  // namespace mixed_glm
