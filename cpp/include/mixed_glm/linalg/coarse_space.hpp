// What is known in advance of the eigenvectors of S~ far from one: a shift common to all levels of
// a factor is left to the prior. With a column of U for each remaining factor, D_S^1/2 1 on its
// levels, normalized, and W = S~^-1 U, G = U'W, P = I - U U',
//
//     S~^-1 = W G^-1 W' + R      R = (P S~ P)^+      log|S~| = log|P S~ P|_+ - log|G|
//
// E = I - S~ has no diagonal, so that that of P E P is known from E U alone.
#pragma once

#include <mixed_glm/linalg/block_cg.hpp>
#include <mixed_glm/linalg/dense_cholesky.hpp>

namespace mixed_glm {

class CoarseSpace {
 public:
  // Viewed.
  explicit CoarseSpace(const CrossedBlocks& blocks)
      : blocks_(&blocks), w_(Matrix::Zero(blocks.parts(), blocks.rest())) {}

  Index size() const { return blocks_->parts(); }
  double entry(Index level) const { return u_[level]; }  // of the row of U, in the part's column
  Index column(Index level) const { return blocks_->part()[size_t(level)]; }

  // Of the scale's S~; W begins as what it was, which is for the caller to solve for.
  void set_scale(const SchurScale& scale) {
    Vector squares = Vector::Zero(size());
    for (Index j = 0; j < scale.rest.size(); ++j) squares[column(j)] += scale.rest[j];
    u_.resize(scale.rest.size());
    for (Index j = 0; j < u_.size(); ++j) {
      u_[j] = scale.rest_root[j] / std::sqrt(squares[column(j)]);
    }
  }
  Matrix& w() { return w_; }  // a column for each level
  void forget() { w_.setZero(); }

  // From W and S~ U, a column for each level. False where G is not positive definite.
  bool set(const Matrix& schur_u) {
    const Index k = size(), levels = u_.size();
    Matrix g = Matrix::Zero(k, k), ueu = Matrix::Zero(k, k);
    e_ = -schur_u;
    for (Index j = 0; j < levels; ++j) e_(column(j), j) += u_[j];
    for (Index j = 0; j < levels; ++j) {
      g.row(column(j)) += u_[j] * w_.col(j).transpose();
      ueu.row(column(j)) += u_[j] * e_.col(j).transpose();
    }
    g = (0.5 * (g + g.transpose())).eval();
    const Eigen::LLT<Matrix> factor(g);
    if (factor.info() != Eigen::Success) return false;
    const Matrix lower = factor.matrixL();
    log_determinant_ = 2.0 * lower.diagonal().array().log().sum();
    root_ = w_;
    lower.triangularView<Eigen::Lower>().solveInPlace(root_);
    diagonal_.resize(levels);
    for (Index j = 0; j < levels; ++j) {
      const Index a = column(j);
      diagonal_[j] = u_[j] * (u_[j] * ueu(a, a) - 2.0 * e_(a, j));
    }
    return true;
  }

  double log_determinant() const { return log_determinant_; }     // of G
  const Matrix& root() const { return root_; }                    // G^-1/2 W', a column each
  const Vector& projected_diagonal() const { return diagonal_; }  // of P E P

  // y <- P y, M vectors at once.
  template <int M, class T>
  void project(Team* team, std::vector<T>& y) const {
    const Index levels = u_.size();
    const std::vector<double> sums =
        sum_over_levels<T>(team, levels, size() * M, [&](Index first, Index last, T* sum) {
          for (Index j = first; j < last; ++j) {
            T* const to = sum + column(j) * M;
            const T u = T(u_[j]);
            for (int c = 0; c < M; ++c) to[c] += u * y[size_t(j * M + c)];
          }
        });
    const std::vector<T> shift(sums.begin(), sums.end());
    for_levels(team, levels, [&](Index first, Index last) {
      for (Index j = first; j < last; ++j) {
        const T* const from = shift.data() + column(j) * M;
        const T u = T(u_[j]);
        for (int c = 0; c < M; ++c) y[size_t(j * M + c)] -= u * from[c];
      }
    });
  }

 private:
  const CrossedBlocks* blocks_;
  Vector u_, diagonal_;
  Matrix w_, e_, root_;  // W', U'E, G^-1/2 W'
  double log_determinant_ = 0.0;
};

}  // namespace mixed_glm
