// What a fit found, whatever the method: plain numbers in the caller's order.
#pragma once

#include <limits>
#include <mixed_glm/fit/fit_options.hpp>
#include <mixed_glm/inference/verdict.hpp>

namespace mixed_glm {

struct FitResult {
  Verdict status = Verdict::failed;
  Method method = Method::automatic;  // the one that was used, where it was chosen
  Index fixed = 0, components = 0;    // p, K
  Vector mean, sd;  // of (beta, psi, u), psi: log standard deviations; map: the mode, and the
                    // Gaussian there; sd is empty where status is not_a_maximum
  Matrix fe_cov;    // p x p, covariance of beta
  Matrix vcp_cov;   // K x K, covariance of psi
  double log_density = std::numeric_limits<double>::quiet_NaN();   // map: log p(y, beta, psi, u);
                                                                   // laplace, leaf, ep: log p(y,
                                                                   // psi); both at their mode
  double log_evidence = std::numeric_limits<double>::quiet_NaN();  // estimate of log p(y); vb: the
                                                                   // bound; map: none
  int iterations = 0;
  int passes = 0;  // over the rows, with curvature

  bool has_result() const { return status != Verdict::failed; }
  bool converged() const {
    return status == Verdict::converged || status == Verdict::fell_back ||
           status == Verdict::collapsed;
  }

  auto fe_mean() const { return mean.head(fixed); }
  auto fe_sd() const { return sd.head(fixed); }
  auto vcp_mean() const { return mean.segment(fixed, components); }
  auto vcp_sd() const { return sd.segment(fixed, components); }
  auto vc_mean() const { return mean.tail(mean.size() - fixed - components); }
  auto vc_sd() const { return sd.tail(sd.size() - fixed - components); }
};

}  // namespace mixed_glm
