// Which approximation integrates fixed and random effects out given psi, with all that any of them
// needs: a marginal posterior (marginal.hpp) by name.
#pragma once

#include <memory>
#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/refuse_correlated.hpp>
#include <mixed_glm/inference/enum_names.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <mixed_glm/variational/variational_marginal.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

// Nodes that an approximation takes by default: of each leaf effect, of each tilted density.
constexpr Index leaf_n_quad = 15, ep_n_quad = 11;

enum class ApproximationName { laplace, leaf, ep, vb };

inline constexpr EnumNames<ApproximationName, 4> approximation_names = {{
    {ApproximationName::laplace, "laplace"},
    {ApproximationName::leaf, "leaf"},
    {ApproximationName::ep, "ep"},
    {ApproximationName::vb, "vb"},
}};

constexpr const char* to_string(ApproximationName name) {
  return name_of(approximation_names, name);
}

// Throws std::invalid_argument for an unknown name.
inline ApproximationName approximation_named(std::string_view name) {
  return value_named(approximation_names, "approx", name);
}

struct Approximation {
  ApproximationName name = ApproximationName::laplace;
  Index leaf = -1;   // component that is integrated by quadrature; -1: largest_single()
  Index n_quad = 0;  // nodes of a leaf effect or a tilted density; 0: the default; "vb": 0 for as
                     // many as needed
  bool mean_correction = true;  // of Laplace's means, to second order

  LaplaceSettings laplace_settings(const NewtonSettings& inner) const {
    LaplaceSettings settings;
    settings.inner = inner;
    settings.mean_correction = mean_correction;
    return settings;
  }
  LeafSettings leaf_settings(const NewtonSettings& inner) const {
    LeafSettings settings;
    settings.inner = inner;
    settings.mean_correction = mean_correction;
    settings.n_quad = n_quad > 0 ? n_quad : leaf_n_quad;
    return settings;
  }
  EpSettings ep_settings(const NewtonSettings& inner) const {
    EpSettings settings;
    settings.n_quad = n_quad > 0 ? n_quad : ep_n_quad;
    settings.laplace = laplace_settings(inner);
    return settings;
  }
};

// Components that can be a leaf, and the largest of them (-1: none).
inline std::vector<bool> leaf_candidates(const Design& design) {
  if (!design.is_correlated()) return design.single_components();
  return std::vector<bool>(size_t(design.components()), false);
}
inline Index default_leaf(const Design& design) {
  return design.is_correlated() ? -1 : design.largest_single();
}

// Throws std::invalid_argument unless each row touches at most one effect of the leaf.
inline Index checked_leaf(const Design& design, Index leaf) {
  refuse_correlated(design, "leaf quadrature", independent_only);
  const Index chosen = leaf == -1 ? design.largest_single() : leaf;
  if (chosen >= 0 && chosen < design.components() && design.single_components()[size_t(chosen)]) {
    return chosen;
  }
  refuse_argument("leaf", "a component of which each row touches at most one effect",
                  std::to_string(leaf));
}

// The model is viewed and must outlive the marginal.
inline std::unique_ptr<Marginal> make_marginal(const Model& model, const Approximation& approx,
                                               const NewtonSettings& inner) {
  switch (approx.name) {
    case ApproximationName::leaf:
      return std::make_unique<LeafMarginal>(model, checked_leaf(model.design(), approx.leaf),
                                            approx.leaf_settings(inner));
    case ApproximationName::ep:
      return std::make_unique<EpMarginal>(model, approx.ep_settings(inner));
    case ApproximationName::vb: {
      refuse_correlated(model.design(), "the variational bound", independent_only);
      AscentSettings ascent;
      ascent.monitor = inner.monitor;
      return std::make_unique<VariationalMarginal>(model, ascent, approx.n_quad);
    }
    case ApproximationName::laplace:
      break;
  }
  return std::make_unique<LaplaceMarginal>(model, approx.laplace_settings(inner));
}

}  // namespace mixed_glm
