// A variational fit: the Gaussian q(beta, psi, u) that maximizes the bound of log p(y), with
// independent parameters or with a full covariance of (beta, u).
#pragma once

#include <mixed_glm/variational/ascent.hpp>
#include <mixed_glm/variational/full_gaussian.hpp>
#include <mixed_glm/variational/mean_field.hpp>

namespace mixed_glm {

struct VariationalSettings {
  AscentSettings ascent;
  Index nodes = 0;  // of the quadrature; 0: as many as it needs
};

struct VariationalFit {
  bool started = false;  // false: no point of finite bound was found, and the rest is empty
  bool converged = false;
  double elbo = 0.0;
  int iterations = 0;
  int passes = 0;             // over the rows
  Vector mean, sd;            // of (beta, psi, u), the caller's order
  Matrix fe_cov;              // p x p
  Vector weight;              // n, of H = A'WA + P; full covariance only
  Vector effect_precision;    // K, of P; full covariance only
  std::vector<double> trace;  // the bound after each iteration
};

// Where an ascent begins: means and standard deviations of (beta, psi, u). Empty: the family's
// start.
struct VariationalStart {
  Vector mean, sd;
};

namespace detail {

inline VariationalFit ascend(CoefficientPosterior& q, ScalePosterior& scales,
                             const VariationalSettings& settings) {
  VariationalAscent ascent(q, scales, settings.ascent);
  VariationalFit fit;
  fit.converged = ascent.run();
  fit.started = std::isfinite(ascent.elbo());
  fit.elbo = ascent.elbo();
  fit.iterations = ascent.iterations();
  fit.passes = q.passes();
  fit.trace = ascent.trace();
  const Design& design = q.model().design();
  fit.mean = design.join(q.mean(), scales.mean());
  fit.sd = design.join(q.variance().cwiseSqrt(), scales.sd());
  return fit;
}

inline VariationalFit mean_field_from(const Model& model, const VariationalStart& start,
                                      const VariationalSettings& settings) {
  MeanField q(model, settings.nodes);
  ScalePosterior scales(model);
  if (start.mean.size() > 0) {
    Vector mean, sd, psi, psi_sd;
    model.design().split(start.mean, mean, psi);
    model.design().split(start.sd, sd, psi_sd);
    q.set_mean(mean);
    q.set_variance(sd.cwiseAbs2());
    scales.set(psi, psi_sd);
  } else if (!q.start(scales.effective_psi())) {
    return {};
  }
  VariationalFit fit = ascend(q, scales, settings);
  fit.fe_cov = q.variance().tail(model.design().fixed()).asDiagonal();
  return fit;
}

}  // namespace detail

// A start so far off that the ascent ends nowhere is given up for the family's.
inline VariationalFit fit_mean_field(const Model& model, const VariationalStart& start = {},
                                     const VariationalSettings& settings = {}) {
  VariationalFit fit = detail::mean_field_from(model, start, settings);
  if (fit.converged || start.mean.size() == 0) return fit;
  VariationalFit other = detail::mean_field_from(model, {}, settings);
  other.iterations += fit.iterations;
  other.passes += fit.passes;
  return other.started && !(fit.started && fit.elbo > other.elbo) ? other : fit;
}

// Begins with a rough mean-field fit, which is cheap and hardly to be led astray.
inline VariationalFit fit_full_gaussian(const Model& model, const VariationalStart& start = {},
                                        const VariationalSettings& settings = {}) {
  VariationalSettings rough = settings;
  rough.ascent.tolerance = std::max(rough.ascent.tolerance, rough_tolerance);
  const VariationalFit mean_field = fit_mean_field(model, start, rough);
  if (!mean_field.started) return {};
  Vector mean, sd, psi, psi_sd;
  model.design().split(mean_field.mean, mean, psi);
  model.design().split(mean_field.sd, sd, psi_sd);
  FullGaussian q(model, settings.nodes);
  ScalePosterior scales(model);
  scales.set(psi, psi_sd);
  if (!q.start(scales.effective_psi(), mean, sd.cwiseAbs2())) return {};
  VariationalFit fit = detail::ascend(q, scales, settings);
  fit.iterations += mean_field.iterations;
  fit.passes += mean_field.passes;
  fit.fe_cov = q.fe_cov();
  fit.weight = model.design().to_user_rows(q.weight());
  fit.effect_precision = q.effect_precision();
  return fit;
}

}  // namespace mixed_glm
