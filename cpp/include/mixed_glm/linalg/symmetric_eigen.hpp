// Eigenvalues and eigenvectors of a small dense symmetric matrix, A = V diag(values) V', by
// Jacobi's rotations: one for each pair of coordinates in turn, until all that lies off the
// diagonal is negligible against the diagonal (Golub and Van Loan 2013, section 8.5).
//
// Eigen's own SelfAdjointEigenSolver does the same: in an extension module, compiled once for each
// instruction set, it was the largest single item of the time to compile. Jacobi's rotations are
// also accurate to the last digits of the small eigenvalues of a graded matrix, and matrices are of
// the order of the number of hyperparameters. (math/gauss_hermite.hpp asks for a tridiagonal one.)
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <mixed_glm/typedefs.hpp>
#include <utility>

namespace mixed_glm {

class SymmetricEigen {
 public:
  // NaN in, NaN out.
  explicit SymmetricEigen(Matrix a)
      : a_(std::move(a)), vectors_(Matrix::Identity(a_.rows(), a_.rows())) {
    for (int sweep = 0; sweep < most_sweeps && rotate_all(); ++sweep) {
    }
    values_ = a_.diagonal();
    sort();
  }

  const Vector& values() const { return values_; }    // increasing
  const Matrix& vectors() const { return vectors_; }  // in the columns

 private:
  static constexpr int most_sweeps = 50;  // about six are needed

  // False where there was nothing left to do.
  bool rotate_all() {
    bool rotated = false;
    for (Index p = 0; p < a_.rows(); ++p) {
      for (Index q = p + 1; q < a_.rows(); ++q) {
        const double least = std::min(std::abs(a_(p, p)), std::abs(a_(q, q)));
        if (std::abs(a_(p, q)) <= 0.01 * std::numeric_limits<double>::epsilon() * least) continue;
        rotate(p, q);
        rotated = true;
      }
    }
    return rotated;
  }

  // In the plane of p and q, by the smaller of the two angles that take a_pq to zero.
  void rotate(Index p, Index q) {
    const double ratio = 0.5 * (a_(q, q) - a_(p, p)) / a_(p, q);
    const double tangent = std::copysign(1.0, ratio) / (std::abs(ratio) + std::hypot(ratio, 1.0));
    const double cosine = 1.0 / std::hypot(tangent, 1.0), sine = tangent * cosine;
    const auto turn = [&](double& x, double& y) {
      const double old = x;
      x = cosine * old - sine * y;
      y = sine * old + cosine * y;
    };
    const Index n = a_.rows();
    for (Index i = 0; i < n; ++i) turn(a_(i, p), a_(i, q));
    for (Index i = 0; i < n; ++i) turn(a_(p, i), a_(q, i));
    for (Index i = 0; i < n; ++i) turn(vectors_(i, p), vectors_(i, q));
    a_(p, q) = a_(q, p) = 0.0;
  }

  void sort() {
    for (Index i = 0; i + 1 < values_.size(); ++i) {
      Index least = i;
      for (Index j = i + 1; j < values_.size(); ++j) {
        if (values_[j] < values_[least]) least = j;
      }
      std::swap(values_[i], values_[least]);
      vectors_.col(i).swap(vectors_.col(least));
    }
  }

  Matrix a_, vectors_;
  Vector values_;
};

}  // namespace mixed_glm
