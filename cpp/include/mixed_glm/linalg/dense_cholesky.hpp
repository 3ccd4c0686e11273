// Dense Cholesky factor, in place, by blocks of columns (LAPACK's potrf): what is left of each
// block is cut into pieces of fixed size, for any number of threads.
//
//     [A .; B C]:   A = L L',   B <- B L'^-1,   C <- C - B B'
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/parallel/for_each_piece.hpp>

namespace mixed_glm {

// Lower triangle of `a`: that of a symmetric matrix; becomes L. False if it is not positive
// definite.
inline bool factorize_dense(Eigen::Ref<Matrix> a, Team* team = nullptr) {
  constexpr Index block = 128, piece = 200;
  for (Index first = 0; first < a.rows(); first += block) {
    const Index size = std::min(block, a.rows() - first), next = first + size;
    auto corner = a.block(first, first, size, size);
    Eigen::LLT<Eigen::Ref<Matrix>> llt(corner);
    if (llt.info() != Eigen::Success) return false;
    const Index rest = a.rows() - next;
    if (rest == 0) break;
    auto below = a.block(next, first, rest, size);
    const EqualPieces pieces(rest, piece);
    for_each_piece(team, pieces.count, [&](int, Index k) {
      auto rows = below.middleRows(pieces.begin(k), pieces.length(k));
      corner.transpose().triangularView<Eigen::Upper>().solveInPlace<Eigen::OnTheRight>(rows);
    });
    for_each_piece(team, pieces.count, [&](int, Index k) {
      const Index begin = pieces.begin(k), length = pieces.length(k), left = rest - begin - length;
      const auto own = below.middleRows(begin, length);
      auto columns = a.block(next, next + begin, rest, length);
      add_lower_aat(-1.0, own, columns.middleRows(begin, length));
      subtract_abt(below.bottomRows(left), own, columns.bottomRows(left));
    });
  }
  return a.diagonal().allFinite();
}

}  // namespace mixed_glm
