// A distribution with the shape of a density around its mode, to sample from:
//
//     x = mode + axes (z + sum_k ridge_k(z_k)),   z_k independent, with the density of its profile
//
// which is known with its density, as the map from z to x is:
//
//     log q(x) = sum_k log q_k(z_k) - log|axes| - log|det(I + [ridge_k'(z_k)])|
#pragma once

#include <Eigen/LU>
#include <mixed_glm/math/monotone_cubic.hpp>
#include <mixed_glm/ridge/profile_density.hpp>
#include <mixed_glm/ridge/ridge_shape.hpp>

namespace mixed_glm {

class RidgeProposal {
 public:
  // temper: divides the log density of the profiles; above one for tails that are a little longer.
  explicit RidgeProposal(const RidgeShape& shape, double temper = 1.0)
      : mode_(shape.mode), axes_(shape.axes) {
    for (const AxisProfile& profile : shape.profiles) {
      densities_.emplace_back(profile.z, profile.value, profile.slope, temper);
      ridges_.emplace_back(profile.z, profile.ridge);
    }
    if (dimension() > 0) log_volume_ = std::log(std::abs(axes_.determinant()));
  }

  Index dimension() const { return mode_.size(); }
  const ProfileDensity& density(Index axis) const { return densities_[size_t(axis)]; }

  struct Point {
    Vector x;
    Vector independent;  // z
    Vector whitened;     // z + sum_k ridge_k(z_k)
    double log_density;  // log q(x)
  };
  // uniform: in the open unit cube.
  Point at(const Vector& uniform) const {
    const Index k = dimension();
    Point point{Vector(), Vector(k), Vector::Zero(k), -log_volume_};
    Matrix jacobian = Matrix::Identity(k, k);
    for (Index axis = 0; axis < k; ++axis) {
      const auto place = density(axis).quantile(uniform[axis]);
      const auto ridge = ridges_[size_t(axis)].at(place.z);
      point.independent[axis] = place.z;
      point.log_density += place.log_density;
      point.whitened += ridge.value;
      jacobian.col(axis) += ridge.slope;
    }
    if (k > 0) point.log_density -= std::log(std::abs(jacobian.determinant()));
    point.whitened += point.independent;
    point.x = mode_ + axes_ * point.whitened;
    return point;
  }

 private:
  Vector mode_;
  Matrix axes_;
  std::vector<ProfileDensity> densities_;
  std::vector<MonotoneCubic> ridges_;
  double log_volume_ = 0.0;
};

}  // namespace mixed_glm
