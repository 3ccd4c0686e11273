// The functions of a group's effects whose expectations make their moments, w being their m
// deviations from the centre of the nodes:
//
//     w_c                    m, in the first rows
//     w_c w_d, d <= c        m (m + 1) / 2: (0,0), (1,0), (1,1), ...
//     w_c^3                  m
//
// and the terms of their expectations (leaf_moments.hpp) that come from the shift h, by which the
// effects follow the other coefficients.
#pragma once

#include <mixed_glm/linalg/tiny_matrix.hpp>

namespace mixed_glm {

class LeafPowers {
 public:
  explicit LeafPowers(Index coordinates) : m_(coordinates) {}

  Index size() const { return m_ * (m_ + 5) / 2; }
  static Index first(Index c) { return c; }
  Index pair(Index c, Index d) const {
    const Index high = std::max(c, d), low = std::min(c, d);
    return m_ + high * (high + 1) / 2 + low;
  }
  Index cube(Index c) const { return m_ + m_ * (m_ + 1) / 2 + c; }

  // deviation: K x m. powers: size() x K.
  void expand(const Matrix& deviation, Matrix& powers) const {
    for (Index c = 0; c < m_; ++c) {
      const auto own = deviation.col(c);
      powers.row(first(c)) = own.transpose();
      for (Index d = 0; d <= c; ++d) {
        powers.row(pair(c, d)) = own.cwiseProduct(deviation.col(d)).transpose();
      }
      powers.row(cube(c)) = own.array().cube().matrix().transpose();
    }
  }

  // moments: over the nodes. gradient: size() x m, E_k[df / du_c].
  template <class Moments>
  void expand_gradient(const Moments& moments, Matrix& gradient) const {
    gradient.setZero();
    for (Index c = 0; c < m_; ++c) {
      gradient(first(c), c) = 1.0;
      for (Index d = 0; d <= c; ++d) {
        gradient(pair(c, d), c) += moments[first(d)];
        gradient(pair(c, d), d) += moments[first(c)];
      }
      gradient(cube(c), c) = 3.0 * moments[pair(c, c)];
    }
  }

  // Adds 1/2 { tr(h' Sigma h E_k[f'']) - 2 sum_c (Sigma h)_c' Cov_k(c, f'_c) }. covariance: h'
  // Sigma h; product: Sigma h; slopes: Cov_k(f, c), a row for each function.
  template <class Slopes, class Moments>
  void add_shift(const TinyMatrix& covariance, const Matrix& product, const Slopes& slopes,
                 const Matrix& gradient, Moments& moments) const {
    for (Index c = 0; c < m_; ++c) {
      for (Index d = 0; d <= c; ++d) {
        moments[pair(c, d)] += covariance(c, d) - (slopes.row(first(c)).dot(product.col(d)) +
                                                   slopes.row(first(d)).dot(product.col(c)));
      }
      const double mean = 0.5 * gradient(pair(c, c), c);
      moments[cube(c)] +=
          3.0 * (covariance(c, c) * mean - slopes.row(pair(c, c)).dot(product.col(c)));
    }
  }

 private:
  Index m_;
};

}  // namespace mixed_glm
