// How a fit integrates over psi: at its mode, between few nodes on a line (line_rule.hpp), over a
// grid or a central composite design (psi_points.hpp), or by importance sampling along ridges
// (ridge_rule.hpp), and how fine a grid is by default.
//
// A lattice sum over a smooth density converges so fast that the default grids cost at most 0.02
// standard deviations in means and 4 % in standard deviations.
#pragma once

#include <mixed_glm/inference/enum_names.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

enum class Integrate { automatic, mode, line, grid, ccd, ridge };

inline constexpr EnumNames<Integrate, 6> integrate_names = {{
    {Integrate::automatic, "auto"},
    {Integrate::line, "line"},
    {Integrate::grid, "grid"},
    {Integrate::ridge, "ridge"},
    {Integrate::ccd, "ccd"},
    {Integrate::mode, "mode"},
}};

constexpr const char* to_string(Integrate integrate) { return name_of(integrate_names, integrate); }

// Throws std::invalid_argument for an unknown name.
inline Integrate integrate_named(std::string_view name) {
  return value_named(integrate_names, "integrate", name);
}

struct GridSettings {
  double step = 1.0;   // h, in standard deviations
  double drop = 10.0;  // nats below the highest point at which the grid ends
  Index max_points = 20000;
};

inline GridSettings default_grid(Index components) {
  switch (components) {
    case 0:
    case 1:
      return {1.0, 10.0};
    case 2:
    case 3:
      return {1.4, 7.0};
    case 4:
      return {1.6, 6.0};
    default:
      return {1.8, 5.0};
  }
}

// `automatic`: the line for one component, a grid for two, ridges for more. Without components
// there is nothing to integrate. Throws std::invalid_argument for a rule that does not suit their
// number.
inline Integrate resolve(Integrate integrate, Index components) {
  constexpr Index most_grid_components = 2;
  if (components == 0) return Integrate::mode;
  if (integrate == Integrate::line && components != 1) {
    throw std::invalid_argument("integrate: 'line' is for one component, got " +
                                std::to_string(components) + "; use 'auto'");
  }
  if (integrate != Integrate::automatic) return integrate;
  if (components == 1) return Integrate::line;
  return components <= most_grid_components ? Integrate::grid : Integrate::ridge;
}

}  // namespace mixed_glm
