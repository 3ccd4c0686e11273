// A fit by any method. The same drivers stand behind the Python package: compiled with the same
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
#include <mixed_glm/fit/fit_driver.hpp>
#include <mixed_glm/fit/mixed_model.hpp>
#include <mixed_glm/parallel/thread_count.hpp>

namespace mixed_glm {

namespace detail {

// Tolerance and number of iterations as the method's own settings have them, where they are given.
inline void set_search(const FitOptions& options, double& tolerance, int& max_iterations) {
  if (options.tolerance > 0.0) tolerance = options.tolerance;
  if (options.max_iterations > 0) max_iterations = options.max_iterations;
}

inline FitMethod map_method(const FitOptions& options) {
  MapMethod method;
  method.start = options.start;
  set_search(options, method.settings.gradient_tolerance, method.settings.max_iterations);
  return method;
}

inline FitMethod variational_method(const FitOptions& options, bool full) {
  VariationalMethod method;
  method.full = full;
  method.settings.nodes = options.n_quad;
  set_search(options, method.settings.ascent.tolerance, method.settings.ascent.max_iterations);
  return method;
}

inline FitMethod marginal_method(const FitOptions& options, const Approximation& approximation,
                                 const Vector& start) {
  MarginalMethod method;
  method.approximation = approximation;
  method.start = start;
  method.settings.integrate = options.integrate;
  method.settings.keep_points = false;  // FitResult has moments alone
  set_search(options, method.settings.mode.tolerance, method.settings.mode.max_iterations);
  return method;
}

// A normal distribution gives thresholds out of order some probability, and the bound is minus
// infinity.
inline void check_method(const Model& model, const FitOptions& options) {
  const bool variational = options.method == Method::vb || options.method == Method::vb_full;
  if (!variational || !family_categories(model.family())) return;
  refuse_argument("method", "auto, laplace, leaf, ep or map for the cumulative family",
                  to_string(options.method));
}

inline FitMethod method_of(const FitOptions& options) {
  Approximation approximation{ApproximationName::laplace, options.leaf, options.n_quad,
                              options.mean_correction};
  switch (options.method) {
    case Method::map:
      return map_method(options);
    case Method::vb:
      return variational_method(options, false);
    case Method::vb_full:
      return variational_method(options, true);
    case Method::automatic:
    case Method::laplace:
      break;
    case Method::leaf:
      approximation.name = ApproximationName::leaf;
      break;
    case Method::ep:
      approximation.name = ApproximationName::ep;
      break;
  }
  return marginal_method(options, approximation, options.start);
}

constexpr Method method_of(ApproximationName name) {
  switch (name) {
    case ApproximationName::leaf:
      return Method::leaf;
    case ApproximationName::ep:
      return Method::ep;
    default:
      return Method::laplace;
  }
}

// Looks at the model to choose a method.
inline FitResult fit_automatic(const Model& model, const FitOptions& options, Team& team) {
  const Choice choice = choose(model, options.monitor, &team);
  MarginalMethod method =
      std::get<MarginalMethod>(marginal_method(options, choice.approximation, choice.start));
  method.settings.mode.monitor = options.monitor;
  FitResult result = result_of(model, fit_chosen(model, choice, method.settings,
                                                 marginal_newton_settings(options.monitor, &team)));
  result.method = method_of(choice.approximation.name);
  return result;
}

}  // namespace detail

inline FitResult fit(const Model& model, const FitOptions& options = {}) {
  options.check(model);
  detail::check_method(model, options);
  Team team(thread_count(options.n_jobs));
  if (options.method == Method::automatic) return detail::fit_automatic(model, options, team);
  const FitMethod method = detail::method_of(options);
  FitResult result = make_driver(model, method, options.monitor, &team)->fit();
  result.method = options.method;
  return result;
}

// Told in the coordinates of the columns as they were given.
inline FitResult fit(const MixedModel& model, const FitOptions& options = {}) {
  FitResult result = fit(model.model(), options);
  return model.coordinates() ? result_back(*model.coordinates(), std::move(result)) : result;
}

}  // namespace mixed_glm
