// A variational fit: the Gaussian q(beta, psi, u) that maximizes the bound of log p(y), with
// independent parameters or with a full covariance of (beta, u).
#pragma once

#include <mixed_glm/variational/ascent.hpp>
#include <mixed_glm/variational/full_gaussian.hpp>
#include <mixed_glm/variational/mean_field.hpp>
#include <optional>

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

// Fits of the response that the model holds. Owns all memory that they need: a fit leaves nothing
// behind that the next, of another response, could see.
class VariationalFitter {
 public:
  // The model is viewed and must outlive this object.
  explicit VariationalFitter(const Model& model, VariationalSettings settings = {})
      : model_(&model), settings_(settings), independent_(model, settings.nodes) {}

  // A start so far off that the ascent ends nowhere is given up for the family's.
  VariationalFit fit_mean_field(const VariationalStart& start = {}) {
    return fit_mean_field(start, settings_.ascent);
  }

  // Begins with a rough mean-field fit, which is cheap and finds its way from nearly any start.
  VariationalFit fit_full_gaussian(const VariationalStart& start = {}) {
    AscentSettings rough = settings_.ascent;
    rough.tolerance = std::max(rough.tolerance, rough_tolerance);
    const VariationalFit mean_field = fit_mean_field(start, rough);
    if (!mean_field.started) return {};
    Vector mean, sd, psi, psi_sd;
    model_->design().split(mean_field.mean, mean, psi);
    model_->design().split(mean_field.sd, sd, psi_sd);
    if (!full_.has_value()) full_.emplace(*model_, settings_.nodes);
    full_->reset();
    ScalePosterior scales(*model_);
    scales.set(psi, psi_sd);
    if (!full_->start(scales.effective_psi(), mean, sd.cwiseAbs2())) return {};
    VariationalFit fit = ascend(*full_, scales, settings_.ascent);
    fit.iterations += mean_field.iterations;
    fit.passes += mean_field.passes;
    fit.fe_cov = full_->fe_cov();
    fit.weight = model_->design().share_to_user_rows(full_->weight());
    fit.effect_precision = full_->effect_precision();
    return fit;
  }

 private:
  VariationalFit fit_mean_field(const VariationalStart& start, const AscentSettings& settings) {
    VariationalFit fit = mean_field_from(start, settings);
    if (fit.converged || start.mean.size() == 0) return fit;
    VariationalFit other = mean_field_from({}, settings);
    other.iterations += fit.iterations;
    other.passes += fit.passes;
    return other.started && !(fit.started && fit.elbo > other.elbo) ? other : fit;
  }

  VariationalFit mean_field_from(const VariationalStart& start, const AscentSettings& settings) {
    MeanField& q = independent_;
    q.reset();
    ScalePosterior scales(*model_);
    if (start.mean.size() > 0) {
      Vector mean, sd, psi, psi_sd;
      model_->design().split(start.mean, mean, psi);
      model_->design().split(start.sd, sd, psi_sd);
      q.set_mean(mean);
      q.set_variance(sd.cwiseAbs2());
      scales.set(psi, psi_sd);
    } else if (!q.start(scales.effective_psi())) {
      return {};
    }
    VariationalFit fit = ascend(q, scales, settings);
    fit.fe_cov = q.variance().tail(model_->design().fixed()).asDiagonal();
    return fit;
  }

  VariationalFit ascend(CoefficientPosterior& q, ScalePosterior& scales,
                        const AscentSettings& settings) const {
    VariationalAscent ascent(q, scales, settings);
    VariationalFit fit;
    fit.converged = ascent.run();
    fit.started = std::isfinite(ascent.elbo());
    fit.elbo = ascent.elbo();
    fit.iterations = ascent.iterations();
    fit.passes = q.passes();
    fit.trace = ascent.trace();
    const Design& design = model_->design();
    fit.mean = design.join(q.mean(), scales.mean());
    fit.sd = design.join(q.variance().cwiseSqrt(), scales.sd());
    return fit;
  }

  const Model* model_;
  VariationalSettings settings_;
  MeanField independent_;
  std::optional<FullGaussian> full_;
};

inline VariationalFit fit_mean_field(const Model& model, const VariationalStart& start = {},
                                     const VariationalSettings& settings = {}) {
  return VariationalFitter(model, settings).fit_mean_field(start);
}

inline VariationalFit fit_full_gaussian(const Model& model, const VariationalStart& start = {},
                                        const VariationalSettings& settings = {}) {
  return VariationalFitter(model, settings).fit_full_gaussian(start);
}

}  // namespace mixed_glm
