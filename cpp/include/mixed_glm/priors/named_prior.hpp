// Priors of standard deviations by their names and numbers, as Python and other languages give
// them:
//
//     normal (mean, sd of the logarithm)     half_normal (scale)     half_t (df, scale)
//     gamma (shape, rate)                    inverse_gamma (shape, scale)
#pragma once

#include <mixed_glm/priors/hyper_prior.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

struct NamedPrior {
  std::string name;
  double first = 0.0, second = 1.0;
};

// Throws std::invalid_argument for an unknown name.
inline HyperPrior make_prior(const NamedPrior& prior) {
  if (prior.name == "normal") return NormalPrior(prior.first, prior.second);
  if (prior.name == "half_normal") return HalfNormalPrior(prior.first);
  if (prior.name == "half_t") return HalfTPrior(prior.first, prior.second);
  if (prior.name == "gamma") return GammaPrior(prior.first, prior.second);
  if (prior.name == "inverse_gamma") return InverseGammaPrior(prior.first, prior.second);
  throw std::invalid_argument(
      "prior: expected normal, half_normal, half_t, gamma or inverse_gamma, got " + prior.name);
}

}  // namespace mixed_glm
