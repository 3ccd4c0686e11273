// A precision matrix H of the coefficients: filled on a bordered pattern, factorized, solved with,
// drawn from. Entries of its inverse: selected_inverse.hpp.
#pragma once

#include <mixed_glm/linalg/bordered_cholesky.hpp>

namespace mixed_glm {

class Precision {
 public:
  // The team, if there is one, is viewed.
  explicit Precision(const BorderedPattern& pattern, Team* team = nullptr)
      : exact_(pattern, team) {}

  const BorderedPattern& pattern() const { return exact_.pattern(); }
  double* values() { return exact_.values(); }
  const double* values() const { return exact_.values(); }
  void set_zero() { exact_.set_zero(); }
  // H's, before it is factorized.
  void scale_diagonal(double factor) { exact_.scale_diagonal(factor); }

  // False if H is not positive definite in floating point; the values are then meaningless.
  bool factorize() { return exact_.factorize(); }
  double log_determinant() const { return exact_.log_determinant(); }
  // x <- H^-1 x: the effects by elimination number, then the border. A vector, or a row-major
  // matrix with one column for each right-hand side; one thread at a time.
  template <class X>
  void solve_in_place(X&& x) const {
    exact_.solve_in_place(x);
  }
  // z, standard normal, becomes x = L'^-1 z with H = L L', of covariance H^-1.
  template <class X>
  void spread(X&& z) const {
    exact_.solve_upper(z);
  }
  // Lower triangular: the border's marginal precision is its product with its transpose.
  Matrix border_factor() const {
    const Index p = pattern().border();
    return exact_.dense_factor().bottomRightCorner(p, p).triangularView<Eigen::Lower>();
  }

  const BorderedCholesky& exact() const { return exact_; }

 private:
  BorderedCholesky exact_;
};

}  // namespace mixed_glm
