// What a density of several variables looks like around its mode, in coordinates
//
//     x = mode + axes z,   axes = (minus the Hessian at the mode)^-1/2, symmetric: each axis stays
//                          with its variable, so that skewness is not mixed
//
// by its profiles: along each axis k the log density, its slope, and where its ridge runs, at
// nodes. A ridge is where the other coordinates go as z_k does; it has no entry of the axis itself.
#pragma once

#include <mixed_glm/linalg/symmetric_eigen.hpp>
#include <vector>

namespace mixed_glm {

struct AxisProfile {
  Vector z;             // nodes, increasing
  Vector value, slope;  // of the log density less that at the mode, on the ridge
  Matrix ridge;         // nodes x K
};

struct RidgeShape {
  Vector mode;
  Matrix axes;
  std::vector<AxisProfile> profiles;  // of each axis

  Index dimension() const { return mode.size(); }
};

inline Matrix symmetric_axes(const Matrix& precision) {
  const SymmetricEigen eigen(precision);
  const Vector scale = eigen.values().cwiseSqrt().cwiseInverse();
  return eigen.vectors() * scale.asDiagonal() * eigen.vectors().transpose();
}

}  // namespace mixed_glm
