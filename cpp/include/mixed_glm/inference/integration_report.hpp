// How the integration over the hyperparameters went.
#pragma once

#include <limits>
#include <mixed_glm/inference/integration.hpp>
#include <mixed_glm/inference/probe_rule.hpp>

namespace mixed_glm {

struct IntegrationReport {
  Integrate rule = Integrate::mode;  // the one that was used, where it was chosen
  Index evaluations = 0;             // of the marginal density, beside those of the search
  double k_hat = std::numeric_limits<double>::quiet_NaN();  // of importance weights; NaN: none
  double ess_share = 1.0;  // effective share of the points, of importance weights
  ProbeReport probes;      // at the mode of the hyperparameters
};

}  // namespace mixed_glm
