// The fits of many responses as plain arrays, one row for each response. NaN where there is none.
#pragma once

#include <mixed_glm/fit/fit_result.hpp>
#include <mixed_glm/many/kept_quantiles.hpp>
#include <mixed_glm/model/model.hpp>
#include <vector>

namespace mixed_glm {

struct ManyResults {
  RowMatrix fe_mean, fe_sd;    // m x p
  RowMatrix vcp_mean, vcp_sd;  // m x K, of the log standard deviations
  RowMatrix cor_mean, cor_sd;  // of the correlations
  RowMatrix family_mean, family_sd;
  RowMatrix vc_mean, vc_sd;  // m x q, or empty
  RowMatrix fe_cov;          // m x p p, covariances of the fixed effects, or empty
  Quantiles quantiles;       // of marginal methods
  Vector log_evidence;       // m
  std::vector<FitStatus> status;
  std::vector<std::int32_t> iterations;

  ManyResults(Index responses, const ParameterLayout& layout, bool keep_random_effects,
              bool keep_covariances = false, const KeptQuantiles& kept = {})
      : fe_mean(missing_numbers(responses, layout.fixed)),
        fe_sd(fe_mean),
        vcp_mean(missing_numbers(responses, layout.components)),
        vcp_sd(vcp_mean),
        cor_mean(missing_numbers(responses, layout.correlations)),
        cor_sd(cor_mean),
        family_mean(
            missing_numbers(responses, layout.hyper - layout.components - layout.correlations)),
        family_sd(family_mean),
        vc_mean(missing_numbers(keep_random_effects ? responses : 0, layout.effects)),
        vc_sd(vc_mean),
        fe_cov(missing_numbers(keep_covariances ? responses : 0, layout.fixed * layout.fixed)),
        quantiles(responses, layout, keep_random_effects, kept),
        log_evidence(missing_numbers(responses, 1)),
        status(size_t(responses), FitStatus::failed),
        iterations(size_t(responses), 0) {}

  Index size() const { return log_evidence.size(); }

  // Different rows may be set by different threads.
  void set(Index row, const FitResult& fit) {
    status[size_t(row)] = fit.status;
    iterations[size_t(row)] = fit.iterations;
    log_evidence[row] = fit.log_evidence;
    split(fit.layout, fit.mean, row, {fe_mean, vcp_mean, cor_mean, family_mean, vc_mean});
    split(fit.layout, fit.sd, row, {fe_sd, vcp_sd, cor_sd, family_sd, vc_sd});
    if (fe_cov.rows() > 0 && fit.fe_cov.size() == fe_cov.cols()) {
      fe_cov.row(row) = Eigen::Map<const Eigen::RowVectorXd>(fit.fe_cov.data(), fe_cov.cols());
    }
    if (fit.marginal) quantiles.set(row, *fit.marginal, fit.layout);
  }

 private:
  struct Blocks {
    RowMatrix &fe, &vcp, &cor, &family, &vc;
  };

  static void split(const ParameterLayout& layout, const Vector& params, Index row,
                    const Blocks& to) {
    if (params.size() == 0) return;
    to.fe.row(row) = layout.beta(params).transpose();
    to.vcp.row(row) = layout.psi(params).transpose();
    to.cor.row(row) = layout.cor(params).transpose();
    to.family.row(row) = layout.family(params).transpose();
    if (to.vc.rows() > 0) to.vc.row(row) = layout.u(params).transpose();
  }
};

}  // namespace mixed_glm
