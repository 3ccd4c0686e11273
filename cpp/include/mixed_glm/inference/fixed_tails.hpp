// What the posterior of the fixed effects beta given theta has beyond the Gaussian: the share by
// which its covariance differs, and its third cumulants. Taken at one theta, the mode, both serve
// at all others in units of the covariance there: they hardly depend on theta.
#pragma once

#include <Eigen/Cholesky>
#include <cmath>
#include <mixed_glm/linalg/symmetric_cubes.hpp>
#include <mixed_glm/linalg/symmetric_eigen.hpp>
#include <vector>

namespace mixed_glm {

// Fixed effects beyond which their third cumulants, p^3 numbers, are not looked for.
constexpr Index most_skew_fixed_effects = 64;

// Of beta given theta.
struct FixedCumulants {
  Matrix gaussian;    // p x p, the covariance of the Gaussian
  Matrix covariance;  // p x p, to second order; empty: the same
  Matrix third;       // cubes (linalg/symmetric_cubes.hpp); empty: zero
};

class FixedTails {
 public:
  FixedTails() = default;
  explicit FixedTails(const FixedCumulants& cumulants) {
    if (cumulants.third.size() == 0 || !cumulants.third.allFinite()) return;
    const Eigen::LLT<Matrix> gaussian(cumulants.gaussian);
    if (gaussian.info() != Eigen::Success) return;
    if (cumulants.covariance.size() > 0) set_spread(gaussian, cumulants.covariance);
    const Matrix covariance = spread_out(cumulants.gaussian);
    const Eigen::LLT<Matrix> factor(covariance);
    if (factor.info() != Eigen::Success) return;
    const Index p = covariance.rows();
    third_ = transform_cubes(cumulants.third, factor.matrixU().solve(Matrix::Identity(p, p)));
    skewness_.resize(p);
    for (Index a = 0; a < p; ++a) {
      skewness_[a] = cumulants.third(a, a * p + a) / std::pow(covariance(a, a), 1.5);
    }
  }

  bool is_empty() const { return third_.size() == 0; }
  // Cubes of L^-1 (beta - mean), L the lower Cholesky factor of the covariance.
  const Matrix& third() const { return third_; }
  const Vector& skewness() const { return skewness_; }  // p, of each fixed effect
  // Those so skewed that corrections of their means are out of their domain. What separates rows
  // has 0.995 in truth, as a half-normal density; up to 2 corrections have been found to be right
  // within 0.4 standard deviations, and beyond they grow without bound.
  std::vector<Index> strained() const {
    std::vector<Index> found;
    for (Index a = 0; a < skewness_.size(); ++a) {
      if (std::abs(skewness_[a]) > 2.0) found.push_back(a);
    }
    return found;
  }
  // The covariance that belongs to a Gaussian's, and the linear map that makes it.
  Matrix spread_out(const Matrix& gaussian) const {
    if (spread_.size() == 0) return gaussian;
    return spread_ * gaussian * spread_.transpose();
  }
  const Matrix& spread() const { return spread_; }  // p x p; empty: the identity

 private:
  // Shares of variances between which an expansion is to be believed.
  static constexpr double least_share = 0.7, largest_share = 1.6;

  // Symmetric in coordinates whitened by the Gaussian's factor.
  void set_spread(const Eigen::LLT<Matrix>& gaussian, const Matrix& covariance) {
    if (!covariance.allFinite()) return;
    const Matrix half = gaussian.matrixL().solve(covariance);
    const Matrix share = gaussian.matrixL().solve(half.transpose());
    const SymmetricEigen eigen(0.5 * (share + share.transpose()));
    const Vector roots = eigen.values().cwiseMax(least_share).cwiseMin(largest_share).cwiseSqrt();
    const Matrix root = eigen.vectors() * roots.asDiagonal() * eigen.vectors().transpose();
    const Matrix lower = gaussian.matrixL();
    const Matrix back = gaussian.matrixU().solve(root * lower.transpose());
    spread_ = back.transpose();
  }

  Matrix third_, spread_;
  Vector skewness_;
};

}  // namespace mixed_glm
