// Skew draws of the fixed effects from standard normal ones z, their coordinates whitened by a root
// of their covariance, in which their third cumulants are kappa. One coordinate after the other,
//
//     t_i = m_i + s_i T_i(z_i)                    T_i of skewness kappa_iii (skew_map.hpp)
//     m_i = 1/2 sum_{j,k < i} kappa_ijk (t_j t_k - [j = k]) - sum_{j < i} c_ij t_j
//     log s_i = 1/2 sum_{j < i} kappa_iij t_j + constant
//
// which has third cumulants kappa to first order, and mean zero and covariance one to second order
// by c_ij = 1/2 sum_{k,l < i} kappa_ikl kappa_jkl and the constant. The map is triangular, so that
// its density is known.
#pragma once

#include <mixed_glm/sampling/skew_map.hpp>
#include <vector>

namespace mixed_glm {

class SkewFixedEffects {
  // kappa_ijk and kappa_iij, j, k < i.
  auto quadratic(Index i) const { return kappa_.block(0, i * kappa_.rows(), i, i); }
  auto scaling(Index i) const { return kappa_.col(i * kappa_.rows() + i).head(i); }

 public:
  SkewFixedEffects() = default;
  // kappa: cubes (linalg/symmetric_cubes.hpp), or empty.
  explicit SkewFixedEffects(Matrix kappa) : kappa_(std::move(kappa)) {
    const Index p = kappa_.rows();
    linear_.setZero(p, p);
    log_scale_.setZero(p);
    for (Index i = 0; i < p; ++i) {
      maps_.emplace_back(kappa_(i, i * p + i));
      const auto curved = quadratic(i);
      for (Index j = 0; j < i; ++j) {
        const auto other = kappa_.middleCols(j * p, p).topLeftCorner(i, i);
        linear_(i, j) = 0.5 * curved.cwiseProduct(other).sum();
      }
      const double left = 1.0 - 0.5 * curved.squaredNorm();
      log_scale_[i] = 0.5 * std::log(std::max(left, 0.25)) - 0.25 * scaling(i).squaredNorm();
    }
  }

  // z: p numbers, become t. Returns the logarithm of the slope of the map.
  double apply(VectorRef t) const {
    double log_slope = 0.0;
    for (Index i = 0; i < kappa_.rows(); ++i) {
      const auto before = t.head(i);
      const double mean = 0.5 * (before.dot(quadratic(i) * before) - quadratic(i).trace()) -
                          linear_.row(i).head(i).dot(before);
      const double log_scale = log_scale_[i] + 0.5 * scaling(i).dot(before);
      const SkewMap::Image image = maps_[size_t(i)](t[i]);
      t[i] = mean + std::exp(log_scale) * image.value;
      log_slope += log_scale + image.log_slope;
    }
    return log_slope;
  }

 private:
  Matrix kappa_;   // p x p p
  Matrix linear_;  // c
  Vector log_scale_;
  std::vector<SkewMap> maps_;
};

}  // namespace mixed_glm
