// Second moments of the effects given the hyperparameters, on the pattern of their prior precision
// P: all that log p(u | theta) asks about the effects, and so what every approximation (Laplace,
// leaf quadrature, EP, variational) owes to gradient and information in theta:
//
//     square    E[u_j^2]
//     variance  Cov(u_j, u_j)
//
// The two differ by more than the square of the mean where an approximation corrects its mean to
// second order. P is diagonal where all effects are independent; what a term of correlated effects
// asks about pairs of them joins here.
#pragma once

#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class SecondMoments {
 public:
  explicit SecondMoments(Index effects) : square_(effects), variance_(effects) {}

  // Of the first `effects` of (u, beta) as they stand: E[u u'] = u u'.
  static SecondMoments of_point(const Vector& coefficients, Index effects) {
    SecondMoments result(effects);
    result.square_ = coefficients.head(effects).cwiseAbs2();
    result.variance_.setZero();
    return result;
  }
  // Of a Gaussian: E[u u'] = m m' + Sigma.
  static SecondMoments of_gaussian(const Vector& mean, const Vector& variance, Index effects) {
    SecondMoments result(effects);
    result.square_ =
        mean.head(effects).array() * mean.head(effects).array() + variance.head(effects).array();
    result.variance_ = variance.head(effects);
    return result;
  }

  void set(Index effect, double square, double variance) {
    square_[effect] = square;
    variance_[effect] = variance;
  }

  double square(Index effect) const { return square_[effect]; }
  double variance(Index effect) const { return variance_[effect]; }
  bool is_finite() const { return square_.allFinite(); }

 private:
  Vector square_, variance_;  // q
};

}  // namespace mixed_glm
