// Inverse of H = L L' from its dense Cholesky factor L, in place, by blocks so that nearly all work
// is matrix multiplication (LAPACK's potri): first L^-1, then L^-T L^-1.
//
//     [A 0; B C]^-1 = [A^-1 0; -C^-1 B A^-1 C^-1]
//     [A 0; B C]' [A 0; B C] = [A'A + B'B  .; C'B  C'C]
#pragma once

#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

namespace detail {

constexpr Index dense_inverse_leaf = 48;

inline void invert_lower(Eigen::Ref<Matrix> l) {
  const Index n = l.rows();
  if (n <= dense_inverse_leaf) {
    Matrix inverse = Matrix::Identity(n, n);
    l.triangularView<Eigen::Lower>().solveInPlace(inverse);
    l.triangularView<Eigen::Lower>() = inverse;
    return;
  }
  const Index h = n / 2;
  auto a = l.topLeftCorner(h, h);
  auto b = l.bottomLeftCorner(n - h, h);
  auto c = l.bottomRightCorner(n - h, n - h);
  invert_lower(a);
  invert_lower(c);
  const Matrix product = b * a.triangularView<Eigen::Lower>();
  b.noalias() = -(c.triangularView<Eigen::Lower>() * product);
}

// The lower triangle of L' L in the place of L.
inline void multiply_transposed_lower(Eigen::Ref<Matrix> l) {
  const Index n = l.rows();
  if (n <= dense_inverse_leaf) {
    const Matrix lower = l.triangularView<Eigen::Lower>();
    l.triangularView<Eigen::Lower>() = lower.transpose() * lower;
    return;
  }
  const Index h = n / 2;
  auto a = l.topLeftCorner(h, h);
  auto b = l.bottomLeftCorner(n - h, h);
  auto c = l.bottomRightCorner(n - h, n - h);
  multiply_transposed_lower(a);
  a.selfadjointView<Eigen::Lower>().rankUpdate(b.transpose());
  const Matrix product = c.transpose().triangularView<Eigen::Upper>() * b;
  b = product;
  multiply_transposed_lower(c);
}

}  // namespace detail

// Lower triangle of `factor`: L; becomes H^-1, both triangles.
inline void invert_from_cholesky(Eigen::Ref<Matrix> factor) {
  detail::invert_lower(factor);
  detail::multiply_transposed_lower(factor);
  factor.triangularView<Eigen::StrictlyUpper>() = factor.transpose();
}

}  // namespace mixed_glm
