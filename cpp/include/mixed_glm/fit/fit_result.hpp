// What a fit found, whatever the method: plain numbers in the caller's order.
#pragma once

#include <limits>
#include <memory>
#include <mixed_glm/fit/fit_options.hpp>
#include <mixed_glm/fit/map_driver.hpp>
#include <mixed_glm/fit/marginal_driver.hpp>
#include <mixed_glm/fit/variational_driver.hpp>
#include <mixed_glm/model/standardization.hpp>

namespace mixed_glm {

struct FitResult {
  FitStatus status = FitStatus::failed;
  Method method = Method::automatic;  // the one that was used, where it was chosen
  ParameterLayout layout;             // of mean and sd
  Vector mean, sd;  // of (beta, theta, u), hyperparameters.hpp; map: the mode, and the
                    // Gaussian there; sd and covariances are empty where it is no maximum
  Matrix fe_cov;    // p x p, covariance of beta
  Matrix vcp_cov;   // d x d, covariance of all hyperparameters theta
  double log_density = std::numeric_limits<double>::quiet_NaN();   // map: log p(y, beta, psi, u);
                                                                   // laplace, leaf, ep: log p(y,
                                                                   // psi); both at their mode
  double log_evidence = std::numeric_limits<double>::quiet_NaN();  // estimate of log p(y); vb: the
                                                                   // bound; map: none
  int iterations = 0;
  int passes = 0;                               // over the rows, with curvature
  IntegrationReport integration;                // over psi: laplace, leaf, ep
  std::shared_ptr<const MarginalFit> marginal;  // likewise, where its points were to be kept

  bool has_result() const { return status != FitStatus::failed; }
  bool converged() const { return is_converged(status); }

  auto fe_mean() const { return layout.beta(mean); }
  auto fe_sd() const { return layout.beta(sd); }
  auto vcp_mean() const { return layout.psi(mean); }
  auto vcp_sd() const { return layout.psi(sd); }
  auto cor_mean() const { return layout.cor(mean); }
  auto cor_sd() const { return layout.cor(sd); }
  auto family_mean() const { return layout.family(mean); }
  auto family_sd() const { return layout.family(sd); }
  auto vc_mean() const { return layout.u(mean); }
  auto vc_sd() const { return layout.u(sd); }
};

namespace detail {

inline FitResult begin_result(const Model& model, FitStatus status, int iterations, int passes) {
  FitResult result;
  result.status = status;
  result.layout = model.layout();
  if (!result.has_result()) return result;
  result.iterations = iterations;
  result.passes = passes;
  return result;
}

}  // namespace detail

inline FitResult result_of(const Model& model, MapFit fit) {
  FitResult result = detail::begin_result(model, fit.status, fit.mode.iterations, fit.mode.passes);
  if (!result.has_result()) return result;
  result.mean = std::move(fit.mode.params);
  result.log_density = fit.mode.log_density;
  if (!fit.covariance.valid) return result;
  result.sd = std::move(fit.covariance.sd);
  result.fe_cov = std::move(fit.covariance.fe_cov);
  result.vcp_cov = std::move(fit.covariance.vcp_cov);
  return result;
}

inline FitResult result_of(const Model& model, VariationalFit fit) {
  FitResult result = detail::begin_result(model, status_of(fit), fit.iterations, fit.passes);
  if (!result.has_result()) return result;
  result.mean = std::move(fit.mean);
  result.sd = std::move(fit.sd);
  result.fe_cov = std::move(fit.fe_cov);
  result.vcp_cov = result.layout.theta(result.sd).cwiseAbs2().asDiagonal();
  result.log_evidence = fit.elbo;
  return result;
}

inline FitResult result_of(const Model& model, MarginalFit fit) {
  FitResult result = detail::begin_result(model, fit.status, fit.mode.iterations, fit.passes);
  if (!result.has_result()) return result;
  result.mean = fit.posterior.mean;
  result.sd = fit.posterior.sd;
  result.fe_cov = fit.posterior.fe_cov;
  result.vcp_cov = fit.posterior.vcp_cov;
  result.log_density = fit.mode.log_density;
  result.log_evidence = fit.posterior.log_evidence;
  result.integration = fit.integration;
  if (fit.has_points) result.marginal = std::make_shared<const MarginalFit>(std::move(fit));
  return result;
}

// A fit in other coordinates of the fixed effects, told in the caller's.
inline FitResult result_back(const Standardization& coordinates, FitResult result) {
  if (!result.has_result()) return result;
  result.mean = coordinates.params_back(result.mean);
  if (result.method == Method::map) result.log_density -= coordinates.log_determinant();
  if (result.sd.size() == 0) return result;
  result.layout.beta(result.sd) = coefficient_sds_back(coordinates.matrix(), result.fe_cov);
  result.fe_cov = coordinates.covariance_back(result.fe_cov);
  return result;
}

}  // namespace mixed_glm
