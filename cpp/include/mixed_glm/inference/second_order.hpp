// The covariance of the fixed effects beta given theta to second order, where Sigma = H^-1 is that
// of the mode x of all coefficients and Delta(x) = -1/2 Sigma grad log|H| the correction of their
// mean. A linear tilt of the density by t moves the mode by Sigma t and changes no derivative, so
// that the covariance, which is the slope of the mean in t, is
//
//     cov(x) = (I + D Delta) Sigma
//
// For Laplace, with C_ia = cov(eta_i, beta_a), these are the sums
//
//     Sigma_ab + sum_i C_ia C_ib (l''''_i s_i / 2 + l'''_i a_i' Delta)
//              + 1/2 sum_ij l'''_i C_ia cov(eta_i, eta_j)^2 C_jb l'''_j
//
// which a pass over the rows has where each touches one effect at most (second_order_rows.hpp).
// Here, for any design, and for a leaf (leaf/leaf_correction.hpp), slopes are differences, one
// evaluation for each fixed effect. They stand in coordinates whitened by the factor L of beta's
// marginal precision, z = L' (beta - mean), where Sigma is the identity.
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/model/row_variance.hpp>

namespace mixed_glm {

// Adds 1/2 A' (l''' s), minus the slope of 1/2 log|H|. variances: n, becomes s; null: not wanted.
inline void add_mean_pull(const Vector& third, const RowVariance& row_variance, RowTeam& rows,
                          Vector& pull, Vector* variances = nullptr) {
  rows.for_blocks(
      [&](TeamBlock& block) {
        row_variance.evaluate(block, block.value);
        if (variances != nullptr) {
          variances->segment(block.first, block.count) = block.view(block.value);
        }
        block.view(block.pull) =
            0.5 * third.segment(block.first, block.count).cwiseProduct(block.view(block.value));
        rows.add_gradient(block, pull);
      },
      [&](TeamBlock& chunk) { rows.finish_gradient(chunk, pull); });
}

// The factor L of beta's marginal precision.
inline Matrix fixed_root(const ConditionalMode& mode) { return mode.precision().border_factor(); }

// Fixed effects up to which differences are taken.
constexpr Index most_second_order = 20;

// p x p; empty where it fails. mode: found, viewed; correction(point, Delta): false where it fails.
template <class Correction>
Matrix second_order_covariance(const ConditionalMode& mode, Correction&& correction) {
  constexpr double difference = 0.01;  // of z
  const Matrix root = fixed_root(mode);
  const Index p = root.rows(), size = mode.coefficients().size();
  RowMatrix directions = RowMatrix::Zero(size, p);
  directions.bottomRows(p).setIdentity();
  mode.precision().spread(directions);
  Vector before, after;
  if (!correction(mode.coefficients(), before)) return Matrix();
  const Vector way = root.transpose() * before.tail(p);
  Matrix slopes(p, p);
  for (Index b = 0; b < p; ++b) {
    // To where the mean is, whichever sign a coefficient is given.
    const double step = way[b] < 0.0 ? -difference : difference;
    if (!correction(mode.coefficients() + step * directions.col(b), after)) return Matrix();
    slopes.col(b) = root.transpose() * (after - before).tail(p) / step;
  }
  const Matrix whitened = Matrix::Identity(p, p) + 0.5 * (slopes + slopes.transpose());
  const Matrix upper = root.transpose();
  const Matrix half = upper.triangularView<Eigen::Upper>().solve(whitened);
  return upper.triangularView<Eigen::Upper>().solve(Matrix(half.transpose()));
}

// Delta of Laplace anywhere, at theta.
class LaplaceCorrection {
 public:
  // All are viewed.
  LaplaceCorrection(const Model& model, const CoefficientPrior& prior, const Vector& theta)
      : prior_(&prior),
        likelihood_(model),
        precision_(model.design().pattern()),
        sigma_(model.design().pattern()),
        row_variance_(model.design(), sigma_),
        gradient_(model.design().coefficients()) {
    likelihood_.set_theta(theta);
  }

  bool operator()(const Vector& coefficients, Vector& delta) {
    precision_.set_zero();
    gradient_.setZero();
    likelihood_.expand(coefficients, gradient_, precision_.values());
    prior_->add_precision(precision_.values());
    if (!precision_.factorize()) return false;
    sigma_.compute(precision_);
    delta.setZero(coefficients.size());
    add_mean_pull(likelihood_.third_derivative(), row_variance_, likelihood_.rows(), delta);
    precision_.solve_in_place(delta);
    return delta.allFinite();
  }

 private:
  const CoefficientPrior* prior_;
  RowLikelihood likelihood_;
  Precision precision_;
  SelectedInverse sigma_;
  RowVariance row_variance_;
  Vector gradient_;
};

}  // namespace mixed_glm
