// Which approximation integrates fixed and random effects out given psi, with all that any of them
// needs: a marginal posterior (marginal.hpp) by name.
#pragma once

#include <array>
#include <memory>
#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/fit/check_argument.hpp>
#include <mixed_glm/fit/refuse_correlated.hpp>
#include <mixed_glm/inference/enum_names.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/lane_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <mixed_glm/variational/variational_marginal.hpp>
#include <stdexcept>
#include <string>

namespace mixed_glm {

// Nodes that an approximation takes by default: of each coordinate of a leaf of one, two and three
// components, of each tilted density.
constexpr std::array<Index, 3> leaf_n_quad = {15, 9, 7};
constexpr Index ep_n_quad = 11;

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
  LeafBlock leaf = {};  // components that are integrated by quadrature; none: default_leaf()
  Index n_quad = 0;     // nodes of a leaf's coordinate or a tilted density; 0: the default; "vb": 0
                        // for as many as needed
  bool mean_correction = true;  // of Laplace's means, to second order

  LaplaceSettings laplace_settings(const NewtonSettings& inner) const {
    LaplaceSettings settings;
    settings.inner = inner;
    settings.mean_correction = mean_correction;
    return settings;
  }
  // coordinates: of the leaf, once it is known.
  LeafSettings leaf_settings(const NewtonSettings& inner, Index coordinates) const {
    LeafSettings settings;
    settings.inner = inner;
    settings.mean_correction = mean_correction;
    settings.by_need = n_quad == 0;
    settings.n_quad = n_quad > 0 ? n_quad : leaf_n_quad[size_t(coordinates - 1)];
    return settings;
  }
  EpSettings ep_settings(const NewtonSettings& inner) const {
    EpSettings settings;
    settings.n_quad = n_quad > 0 ? n_quad : ep_n_quad;
    settings.laplace = laplace_settings(inner);
    return settings;
  }
};

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

// The model is viewed and must outlive the marginal.
inline std::unique_ptr<Marginal> make_marginal(const Model& model, const Approximation& approx,
                                               const NewtonSettings& inner) {
  switch (approx.name) {
    case ApproximationName::leaf: {
      const LeafBlock leaf = checked_leaf(model.design(), approx.leaf);
      const LeafSettings settings = approx.leaf_settings(inner, leaf.size());
      if (LaneMarginal::suits(model)) return std::make_unique<LaneMarginal>(model, settings);
      return std::make_unique<LeafMarginal>(model, leaf, settings);
    }
    case ApproximationName::ep:
      refuse_joint_rows(model.family(), "expectation propagation");
      return std::make_unique<EpMarginal>(model, approx.ep_settings(inner));
    case ApproximationName::vb: {
      refuse_correlated(model.design(), "the variational bound", independent_only);
      refuse_joint_rows(model.family(), "the variational bound");
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
