// The covariance of the fixed effects beta given theta to second order, where Sigma = H^-1 is that
// of Laplace: with log|H| expanded along the directions d in which the coefficients move with beta,
// and Delta the correction of their mean,
//
//     cov(beta_a, beta_b) = Sigma_ab - D^2(1/2 log|H|)[d_a, d_b] + D^3 l[d_a, d_b, Delta]
//       = Sigma_ab + sum_i C_ia C_ib (l''''_i s_i / 2 + l'''_i a_i' Delta)
//                  + 1/2 sum_ij l'''_i C_ia cov(eta_i, eta_j)^2 C_jb l'''_j
//
// C_ia = cov(eta_i, beta_a). Everything stands in coordinates whitened by the factor L of beta's
// marginal precision, z = L' (beta - mean), where Sigma is the identity and C becomes Z.
//
// This is for any design: the slopes of grad log|H| are taken by differences, one evaluation for
// each fixed effect. Where each row touches one effect at most, a pass over the rows will do
// (second_order_rows.hpp).
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/inference/fixed_shares.hpp>
#include <mixed_glm/linalg/multiply.hpp>
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

// A' Delta of a block of rows, as its linear predictor.
inline void predict_shift(const Model& model, const Vector& delta, RowBlock& block) {
  detail::predict(model, delta, block);
  block.view(block.eta) -= model.offset().segment(block.first, block.count);
}

class SecondOrderCovariance {
 public:
  // Fixed effects up to which differences are taken.
  static constexpr Index most_differences = 20;

  // All are viewed. mode: where the likelihood has been expanded, at theta, with the selected
  // inverse sigma and the correction delta of the mean.
  SecondOrderCovariance(const Model& model, const ConditionalMode& mode,
                        const RowLikelihood& likelihood, const SelectedInverse& sigma,
                        const Vector& delta, const Vector& theta)
      : model_(&model),
        mode_(&mode),
        third_(&likelihood.third_derivative()),
        sigma_(&sigma),
        delta_(&delta),
        theta_(&theta) {}

  // Empty where it fails.
  Matrix covariance() {
    const Index p = design().fixed();
    const Matrix root = fixed_root(*mode_);
    Matrix whitened = Matrix::Identity(p, p);
    add_rows(root, whitened);
    if (!add_differences(whitened)) return Matrix();
    const Matrix upper = root.transpose();
    const Matrix half = upper.triangularView<Eigen::Upper>().solve(whitened);
    return upper.triangularView<Eigen::Upper>().solve(Matrix(half.transpose()));
  }

 private:
  static constexpr double difference = 0.02;  // of z

  const Design& design() const { return model_->design(); }

  // sum_i Z_i Z_i' l'''_i a_i' Delta.
  void add_rows(const Matrix& root, Matrix& covariance) {
    FixedShares shares(design(), *sigma_);
    shares.begin(&root);
    RowBlock block;
    for (block.first = 0; block.first < design().rows(); block.first += row_block_size) {
      block.count = std::min(row_block_size, design().rows() - block.first);
      predict_shift(*model_, *delta_, block);
      const Vector weight =
          third_->segment(block.first, block.count).cwiseProduct(block.view(block.eta));
      const ConstMatrixRef z = shares.of_rows(block.first, block.count);
      add_atb(z, weight.asDiagonal() * z, covariance);
    }
  }

  // -D^2(1/2 log|H|)[d_a, d_b]: slopes along d_a of the pulls at the mode and a step along d_b.
  bool add_differences(Matrix& covariance) {
    const Index p = design().fixed(), size = design().coefficients();
    RowMatrix directions = RowMatrix::Zero(size, p);
    directions.bottomRows(p).setIdentity();
    mode_->precision().spread(directions);
    Probe probe(*model_, mode_->prior(), *theta_);
    const Vector& at = mode_->coefficients();
    Vector before, after;
    if (!probe.pull(at, before)) return false;
    Matrix slopes(p, p);
    for (Index b = 0; b < p; ++b) {
      if (!probe.pull(at + difference * directions.col(b), after)) return false;
      slopes.col(b) = directions.transpose() * (after - before) / difference;
    }
    covariance += 0.5 * (slopes + slopes.transpose());
    return true;
  }

  // Evaluates A' (l''' s) / 2 anywhere.
  class Probe {
   public:
    Probe(const Model& model, const CoefficientPrior& prior, const Vector& theta)
        : prior_(&prior),
          likelihood_(model),
          precision_(model.design().pattern()),
          sigma_(model.design().pattern()),
          row_variance_(model.design(), sigma_),
          gradient_(model.design().coefficients()) {
      likelihood_.set_theta(theta);
    }

    bool pull(const Vector& coefficients, Vector& sum) {
      precision_.set_zero();
      gradient_.setZero();
      likelihood_.expand(coefficients, gradient_, precision_.values());
      prior_->add_precision(precision_.values());
      if (!precision_.factorize()) return false;
      sigma_.compute(precision_);
      sum.setZero(coefficients.size());
      add_mean_pull(likelihood_.third_derivative(), row_variance_, likelihood_.rows(), sum);
      return sum.allFinite();
    }

   private:
    const CoefficientPrior* prior_;
    RowLikelihood likelihood_;
    Precision precision_;
    SelectedInverse sigma_;
    RowVariance row_variance_;
    Vector gradient_;
  };

  const Model* model_;
  const ConditionalMode* mode_;
  const Vector* third_;
  const SelectedInverse* sigma_;
  const Vector *delta_, *theta_;
};

}  // namespace mixed_glm
