// Whether columns are linearly independent, by a quick look that settles nearly every case.
#pragma once

#include <algorithm>
#include <mixed_glm/linalg/dense_cholesky.hpp>

namespace mixed_glm {

namespace detail {

// X'X, its lower triangle; by rows that stay in the first-level cache.
inline Matrix gram(const ConstMatrixRef& x) {
  constexpr Index at_once = 512;
  Matrix result = Matrix::Zero(x.cols(), x.cols());
  for (Index first = 0; first < x.rows(); first += at_once) {
    const auto rows = x.middleRows(first, std::min(at_once, x.rows() - first));
    for (Index a = 0; a < x.cols(); ++a) {
      for (Index b = 0; b <= a; ++b) result(a, b) += rows.col(a).dot(rows.col(b));
    }
  }
  return result;
}

}  // namespace detail

// Whether they clearly are, whatever their scales: the cosines between them make a matrix without
// an eigenvalue that is small beside the rounding of its entries. False may be a matter of that.
inline bool are_clearly_independent(const ConstMatrixRef& x) {
  constexpr double least = 1e-6;
  if (x.rows() < x.cols()) return false;
  Matrix cosines = detail::gram(x);
  const Vector norm = cosines.diagonal().cwiseSqrt();
  if (!(norm.array() > 0.0).all()) return false;
  for (Index a = 0; a < x.cols(); ++a) {
    for (Index b = 0; b < a; ++b) cosines(a, b) /= norm[a] * norm[b];
    cosines(a, a) = 1.0 - least;
  }
  return factorize_dense(cosines);
}

}  // namespace mixed_glm
