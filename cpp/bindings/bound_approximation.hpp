// Which approximation of the posterior given psi, with all that any of them needs.
#pragma once

#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <string>

namespace bound_model {

struct Approximation {
  std::string name;         // "laplace", "leaf", "ep" or "vb"
  mixed_glm::Index leaf;    // component to integrate by quadrature
  mixed_glm::Index n_quad;  // nodes of the leaf, or of a tilted density; "vb": 0 for as many as
                            // needed
  bool mean_correction;

  mixed_glm::LaplaceSettings laplace_settings(const mixed_glm::NewtonSettings& inner) const {
    mixed_glm::LaplaceSettings settings;
    settings.inner = inner;
    settings.mean_correction = mean_correction;
    return settings;
  }
  mixed_glm::LeafSettings leaf_settings(const mixed_glm::NewtonSettings& inner) const {
    mixed_glm::LeafSettings settings;
    settings.inner = inner;
    settings.mean_correction = mean_correction;
    settings.n_quad = n_quad;
    return settings;
  }
  mixed_glm::EpSettings ep_settings(const mixed_glm::NewtonSettings& inner) const {
    mixed_glm::EpSettings settings;
    settings.n_quad = n_quad;
    settings.laplace = laplace_settings(inner);
    return settings;
  }
};

}  // namespace bound_model
