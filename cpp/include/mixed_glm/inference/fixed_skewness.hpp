// The skewness of the fixed effects beta: their third cumulants at one theta, the mode, serve at
// all others in units of each one's covariance. They hardly depend on theta, and cost as much as an
// evaluation where there are many fixed effects.
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/linalg/symmetric_cubes.hpp>

namespace mixed_glm {

// Fixed effects beyond which their third cumulants, p^3 numbers, are not looked for.
constexpr Index most_skew_fixed_effects = 64;

class FixedSkewness {
 public:
  FixedSkewness() = default;
  // third: cubes (symmetric_cubes.hpp), may be empty; covariance: at the same theta.
  FixedSkewness(const Matrix& third, const Matrix& covariance) {
    if (third.size() == 0 || !third.allFinite()) return;
    const Eigen::LLT<Matrix> factor(covariance);
    if (factor.info() != Eigen::Success) return;
    const Index p = covariance.rows();
    whitened_ = transform_cubes(third, factor.matrixU().solve(Matrix::Identity(p, p)));
    each_.resize(p);
    for (Index a = 0; a < p; ++a) {
      each_[a] = third(a, a * p + a) / (covariance(a, a) * std::sqrt(covariance(a, a)));
    }
  }

  bool is_empty() const { return whitened_.size() == 0; }
  // Cubes of L^-1 (beta - mean), L the lower Cholesky factor of the covariance.
  const Matrix& whitened() const { return whitened_; }
  const Vector& each() const { return each_; }  // p, skewness of each fixed effect

 private:
  Matrix whitened_;
  Vector each_;
};

}  // namespace mixed_glm
