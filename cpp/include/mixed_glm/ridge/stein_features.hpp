// Functions that have mean zero under a density p, whatever its constant (Mira, Solgi and Imparato
// 2013, "Zero variance Markov chain Monte Carlo"):
//
//     Laplacian(phi) + grad(phi) . grad(log p)
//
// with phi the monomials up to degree two, and the cubes. In very many dimensions products of two
// variables would be too many, and are left out.
#pragma once

#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

constexpr bool has_stein_products(Index dimension) { return dimension <= 26; }

constexpr Index stein_feature_count(Index dimension) {
  return 3 * dimension + (has_stein_products(dimension) ? dimension * (dimension - 1) / 2 : 0);
}

// z, gradient of log p in z: sample x dimension, of the order of one.
inline Matrix stein_features(const Matrix& z, const Matrix& gradient) {
  const Index k = z.cols();
  Matrix features(z.rows(), stein_feature_count(k));
  Index column = 0;
  for (Index i = 0; i < k; ++i) {
    const auto zi = z.col(i).array();
    const auto slope = gradient.col(i).array();
    features.col(column++) = slope;
    features.col(column++) = 6.0 * zi + 3.0 * zi.square() * slope;
    features.col(column++) = 2.0 + 2.0 * zi * slope;
    for (Index j = 0; j < i && has_stein_products(k); ++j) {
      features.col(column++) = z.col(j).array() * slope + zi * gradient.col(j).array();
    }
  }
  return features;
}

}  // namespace mixed_glm
