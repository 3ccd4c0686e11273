// What an approximation's own class takes, from what was asked for.
#pragma once

#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/leaf_settings.hpp>

namespace mixed_glm {

inline LaplaceSettings laplace_settings(const Approximation& approx, const NewtonSettings& inner) {
  LaplaceSettings settings;
  settings.inner = inner;
  settings.mean_correction = approx.mean_correction;
  return settings;
}

// coordinates: of the leaf, once it is known.
inline LeafSettings leaf_settings(const Approximation& approx, const NewtonSettings& inner,
                                  Index coordinates) {
  LeafSettings settings;
  settings.inner = inner;
  settings.mean_correction = approx.mean_correction;
  settings.by_need = approx.n_quad == 0;
  settings.n_quad = approx.n_quad > 0 ? approx.n_quad : leaf_n_quad[size_t(coordinates - 1)];
  return settings;
}

inline EpSettings ep_settings(const Approximation& approx, const NewtonSettings& inner) {
  EpSettings settings;
  settings.n_quad = approx.n_quad > 0 ? approx.n_quad : ep_n_quad;
  settings.laplace = laplace_settings(approx, inner);
  return settings;
}

}  // namespace mixed_glm
