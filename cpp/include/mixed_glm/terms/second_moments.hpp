// Second moments of the effects given the hyperparameters, on the pattern of their prior precision
// P: all that log p(u | theta) asks about the effects, and so what every approximation (Laplace,
// leaf quadrature, EP, variational) owes to gradient and information in theta:
//
//     square    E[u_j^2]         product     E[u_j u_k]
//     variance  Cov(u_j, u_j)    covariance  Cov(u_j, u_k)
//
// The two differ by more than the square of the mean where an approximation corrects its mean to
// second order. P is diagonal where all effects are independent; pairs are those that terms of
// correlated effects couple, in the design's order.
#pragma once

#include <mixed_glm/terms/correlated_levels.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

class SecondMoments {
 public:
  explicit SecondMoments(Index effects, const EffectPairs& pairs = {})
      : square_(effects),
        variance_(effects),
        product_(Index(pairs.size())),
        covariance_(Index(pairs.size())) {}

  // Of the first `effects` of (u, beta) as they stand: E[u u'] = u u'.
  static SecondMoments of_point(const Vector& coefficients, Index effects,
                                const EffectPairs& pairs = {}) {
    SecondMoments result(effects, pairs);
    result.square_ = coefficients.head(effects).cwiseAbs2();
    result.variance_.setZero();
    for (size_t k = 0; k < pairs.size(); ++k) {
      const double product = coefficients[pairs[k].first] * coefficients[pairs[k].second];
      result.set_pair(Index(k), product, 0.0);
    }
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
  void set_pair(Index pair, double product, double covariance) {
    product_[pair] = product;
    covariance_[pair] = covariance;
  }
  // By Laplace: E[u u'] = m m' + m Delta' + Delta m' + Sigma, Delta the correction of the mean.
  void set_laplace(Index effect, double mode, double delta, double variance) {
    set(effect, mode * mode + 2.0 * mode * delta + variance, variance);
  }
  void set_laplace_pair(Index pair, EffectPair of, const Vector& mode, const Vector& delta,
                        double covariance) {
    const double m = mode[of.first], n = mode[of.second];
    const double product = m * n + m * delta[of.second] + n * delta[of.first] + covariance;
    set_pair(pair, product, covariance);
  }

  double square(Index effect) const { return square_[effect]; }
  double variance(Index effect) const { return variance_[effect]; }
  double product(Index pair) const { return product_[pair]; }
  double covariance(Index pair) const { return covariance_[pair]; }
  bool is_finite() const { return square_.allFinite() && product_.allFinite(); }

 private:
  Vector square_, variance_;     // q
  Vector product_, covariance_;  // of pairs
};

}  // namespace mixed_glm
