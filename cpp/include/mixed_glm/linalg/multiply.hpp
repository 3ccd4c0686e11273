// Products of dense matrices, each compiled once.
//
// Written out in Eigen's notation, a product is compiled anew, with all its special cases, for
// every pair of operand types: blocks, transposes, row-major matrices. These functions take
// whatever lies in memory by columns; a row-major matrix comes as its transpose.
#pragma once

#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/typedefs.hpp>

namespace mixed_glm {

// c += A B.
MIXED_GLM_NOINLINE inline void add_ab(ConstMatrixRef a, ConstMatrixRef b, MatrixRef c) {
  c.noalias() += a * b;
}
// c += A' B.
MIXED_GLM_NOINLINE inline void add_atb(ConstMatrixRef a, ConstMatrixRef b, MatrixRef c) {
  c.noalias() += a.transpose() * b;
}
// c += A B'.
MIXED_GLM_NOINLINE inline void add_abt(ConstMatrixRef a, ConstMatrixRef b, MatrixRef c) {
  c.noalias() += a * b.transpose();
}
// c -= A B'.
MIXED_GLM_NOINLINE inline void subtract_abt(ConstMatrixRef a, ConstMatrixRef b, MatrixRef c) {
  c.noalias() -= a * b.transpose();
}
// Lower triangle of c += factor A A'.
MIXED_GLM_NOINLINE inline void add_lower_aat(double factor, ConstMatrixRef a, MatrixRef c) {
  c.selfadjointView<Eigen::Lower>().rankUpdate(a, factor);
}
// Lower triangle of c += A' A.
MIXED_GLM_NOINLINE inline void add_lower_ata(ConstMatrixRef a, MatrixRef c) {
  c.selfadjointView<Eigen::Lower>().rankUpdate(a.transpose());
}

inline Matrix multiply_ab(ConstMatrixRef a, ConstMatrixRef b) {
  Matrix c = Matrix::Zero(a.rows(), b.cols());
  add_ab(a, b, c);
  return c;
}
inline Matrix multiply_abt(ConstMatrixRef a, ConstMatrixRef b) {
  Matrix c = Matrix::Zero(a.rows(), b.rows());
  add_abt(a, b, c);
  return c;
}

}  // namespace mixed_glm
