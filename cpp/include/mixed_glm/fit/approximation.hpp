// Which approximation integrates fixed and random effects out given psi: its name, with all that
// any of them may be asked for. What it stands for: approximations.hpp.
#pragma once

#include <array>
#include <mixed_glm/inference/enum_names.hpp>
#include <mixed_glm/leaf/leaf_block.hpp>
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
};

}  // namespace mixed_glm
