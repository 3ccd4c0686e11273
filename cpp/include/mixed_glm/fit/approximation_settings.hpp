// What an approximation's own class takes, from what was asked for.
#pragma once

#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/refuse_correlated.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/leaf_settings.hpp>
#include <string>

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

// The leaf, or the default one. Throws std::invalid_argument where there is none, or these
// components cannot be one.
inline LeafBlock checked_leaf(const Design& design, const LeafBlock& leaf) {
  const LeafBlock chosen = leaf.is_default() ? default_leaf(design) : leaf;
  if (is_leaf(design, chosen)) return chosen;
  refuse_correlated(design, "leaf quadrature",
                    "the leaf must be a whole term, of up to three coordinates each of which has "
                    "one effect a row at most, and the only one whose effects are correlated");
  std::string got;
  for (const Index k : leaf.components()) got += (got.empty() ? "" : ", ") + std::to_string(k);
  refuse_argument("leaf",
                  "a component of which each row touches at most one effect, or up to three of the "
                  "same groups",
                  got.empty() ? "none" : got);
}

}  // namespace mixed_glm
