// How many probes (linalg/schur_probes.hpp) the Monte Carlo errors that they tell ask for.
#pragma once

#include <algorithm>
#include <cmath>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/coefficient_prior.hpp>

namespace mixed_glm {

// What is exact has no probes and no errors.
struct ProbeReport {
  Index probes = 0;
  double psi_error = 0.0;  // of the mode of psi, the largest, in posterior standard deviations
  double sd_error = 0.0;   // of the sds of the effects, as a share: rms over those of a component
  double log_density_error = 0.0;  // nats
  bool fell_back = false;  // iterations did not converge: the exact factor has taken their place
};

constexpr double allowed_psi_error = 0.02, allowed_sd_error = 0.02;
constexpr double rough_error = 0.1;  // of either: it is told
constexpr Index most_probes = 512;

// At a mode of theta. information: of theta, the diagonal of minus the Hessian.
inline ProbeReport report_probes(const CoefficientPrior& prior, const Design& design,
                                 const Precision& precision, const SelectedInverse& sigma,
                                 const Vector& information) {
  ProbeReport report;
  report.probes = precision.probes();
  report.fell_back = precision.fell_back();
  if (report.probes == 0) return report;
  report.log_density_error = 0.5 * precision.log_determinant_error();
  const MonteCarloErrors& errors = sigma.errors();
  for (Index k = 0; k < errors.trace.size(); ++k) {
    if (design.effects_of(k).empty()) continue;
    const double tau = prior.diagonal()[design.effects_of(k).front()];
    const double move = tau * errors.trace[k] / std::sqrt(std::max(information[k], 1e-300));
    report.psi_error = std::max(report.psi_error, move);
    report.sd_error = std::max(report.sd_error, errors.sd[k]);
  }
  return report;
}

inline bool is_rough(const ProbeReport& report) {
  return report.psi_error > rough_error || report.sd_error > rough_error;
}

// Where they are needed, with some to spare: what is estimated is an error itself.
inline Index probes_wanted(const ProbeReport& report) {
  const double share =
      std::max(report.psi_error / allowed_psi_error, report.sd_error / allowed_sd_error);
  if (share <= 1.0) return report.probes;
  const double wanted = 1.3 * share * share * double(report.probes);
  return std::max(report.probes, Index(std::min(wanted, double(most_probes))));
}

}  // namespace mixed_glm
