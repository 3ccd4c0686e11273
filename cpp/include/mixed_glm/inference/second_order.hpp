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
// Where each row touches one effect at most, cov(eta_i, eta_j) = z_i z_j e_g [same effect g] + Z_i'
// Z_j, e_g the variance of u_g given beta, and the sum over pairs of rows is one over effects:
//
//     1/2 sum_g e_g^2 r_g r_g' + sum_g e_g R_g R_g' + 1/2 kappa_a : kappa_b
//     r_g = sum_i l'''_i z_i^2 Z_i,   R_g = sum_i l'''_i z_i Z_i Z_i',   kappa = sum_i l'''_i Z_i
//     (x) Z_i (x) Z_i
//
// Otherwise the slopes of grad log|H| are taken by differences: one evaluation for each fixed
// effect.
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>
#include <mixed_glm/linalg/symmetric_cubes.hpp>
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
        family_(&likelihood.family().kernel()),
        third_(&likelihood.third_derivative()),
        sigma_(&sigma),
        delta_(&delta),
        theta_(&theta) {
    const Index p = design().fixed();
    root_ = mode.cholesky().dense_factor().bottomRightCorner(p, p).triangularView<Eigen::Lower>();
  }

  bool is_cheap() const { return !design().has_pairs(); }

  // third: third cumulants of beta, as cubes. Empty where it fails.
  Matrix covariance(const Matrix& third) {
    const Index p = design().fixed();
    Matrix whitened = Matrix::Identity(p, p);
    add_rows(whitened);
    if (is_cheap()) {
      add_pairs(transform_cubes(third, root_), whitened);
    } else if (!add_differences(whitened)) {
      return Matrix();
    }
    const Matrix upper = root_.transpose();
    const Matrix half = upper.triangularView<Eigen::Upper>().solve(whitened);
    return upper.triangularView<Eigen::Upper>().solve(Matrix(half.transpose()));
  }

 private:
  static constexpr double eta_step = 1e-3;    // for l''''
  static constexpr double difference = 0.02;  // of z

  const Design& design() const { return model_->design(); }

  // sum_i Z_i Z_i' (l''''_i s_i / 2 + l'''_i a_i' Delta), the first of them not with differences.
  void add_rows(Matrix& covariance) {
    const RowVariance row_variance(design(), *sigma_);
    RowBlock block;
    for (block.first = 0; block.first < design().rows(); block.first += row_block_size) {
      block.count = std::min(row_block_size, design().rows() - block.first);
      const auto third = third_->segment(block.first, block.count);
      detail::predict(*model_, *delta_, block);
      Vector weight = third.cwiseProduct(block.view(block.eta) -
                                         model_->offset().segment(block.first, block.count));
      if (is_cheap()) {
        const Vector fourth = fourth_derivatives(block);
        row_variance.evaluate(block, block.value);
        weight += 0.5 * fourth.cwiseProduct(block.view(block.value));
      }
      const Matrix z = whitened_rows(block);
      covariance.noalias() += z.transpose() * weight.asDiagonal() * z;
    }
  }

  Vector fourth_derivatives(RowBlock& block) const {
    const LikelihoodSites sites(*model_, *family_);
    detail::predict(*model_, mode_->coefficients(), block);
    Vector above(block.count), below(block.count);
    block.view(block.eta).array() += eta_step;
    sites.expand<3>(block, above.data());
    block.view(block.eta).array() -= 2.0 * eta_step;
    sites.expand<3>(block, below.data());
    return (above - below) / (2.0 * eta_step);
  }

  // Z of a block's rows.
  Matrix whitened_rows(const RowBlock& block) const {
    Matrix c = design().x().middleRows(block.first, block.count) * sigma_->border_block();
    const SparseRows& z = design().z();
    for (Index r = 0; r < block.count; ++r) {
      for (Index e = z.begin(block.first + r); e < z.end(block.first + r); ++e) {
        c.row(r) += z.value(e) * sigma_->with_border(z.columns()[e]).transpose();
      }
    }
    return c * root_;
  }

  void add_pairs(const Matrix& kappa, Matrix& covariance) const {
    const Index p = design().fixed();
    for (Index a = 0; a < p; ++a) {
      for (Index b = 0; b <= a; ++b) {
        const double share =
            0.5 * kappa.middleCols(a * p, p).cwiseProduct(kappa.middleCols(b * p, p)).sum();
        covariance(a, b) += share;
        if (b < a) covariance(b, a) += share;
      }
    }
    const std::vector<Index> start = first_of_effects();
    const std::vector<Index> rows = rows_by_effect(start);
    for (Index j = 0; j < design().effects(); ++j) {
      add_effect(j, rows.data() + start[size_t(j)], start[size_t(j) + 1] - start[size_t(j)],
                 covariance);
    }
  }

  // Rows by the effect that they touch: where each effect's begin, and the rows.
  std::vector<Index> first_of_effects() const {
    const SparseRows& z = design().z();
    std::vector<Index> start(size_t(design().effects()) + 1, 0);
    for (Index e = 0; e < z.entries(); ++e) ++start[size_t(z.columns()[e]) + 1];
    for (size_t j = 1; j < start.size(); ++j) start[j] += start[j - 1];
    return start;
  }
  std::vector<Index> rows_by_effect(std::vector<Index> next) const {
    const SparseRows& z = design().z();
    std::vector<Index> rows(size_t(z.entries()));
    for (Index i = 0; i < design().rows(); ++i) {
      for (Index e = z.begin(i); e < z.end(i); ++e) {
        rows[size_t(next[size_t(z.columns()[e])]++)] = i;
      }
    }
    return rows;
  }

  void add_effect(Index j, const Index* rows, Index count, Matrix& covariance) const {
    const SparseRows& entries = design().z();
    const double pivot = mode_->cholesky().values()[design().pattern().diagonal_position(j)];
    const double variance = 1.0 / (pivot * pivot);  // given beta
    Matrix z(count, design().fixed());
    Vector weight(count), square(count);
    for (Index r = 0; r < count; ++r) {
      const double value = entries.value(entries.begin(rows[r]));
      z.row(r) = design().x().row(rows[r]);
      weight[r] = value * (*third_)[rows[r]];
      square[r] = value * weight[r];
    }
    z = (z * sigma_->border_block()).eval();
    for (Index r = 0; r < count; ++r) {
      z.row(r) += entries.value(entries.begin(rows[r])) * sigma_->with_border(j).transpose();
    }
    z = (z * root_).eval();
    const Vector first = z.transpose() * square;
    const Matrix second = z.transpose() * weight.asDiagonal() * z;
    covariance += 0.5 * variance * variance * first * first.transpose();
    covariance.noalias() += variance * second * second;
  }

  // -D^2(1/2 log|H|)[d_a, d_b]: slopes along d_a of the pulls at the mode and a step along d_b.
  bool add_differences(Matrix& covariance) {
    const Index p = design().fixed(), size = design().coefficients();
    RowMatrix directions = RowMatrix::Zero(size, p);
    directions.bottomRows(p).setIdentity();
    mode_->cholesky().solve_upper(directions);
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
          cholesky_(model.design().pattern()),
          sigma_(model.design().pattern()),
          row_variance_(model.design(), sigma_),
          gradient_(model.design().coefficients()) {
      likelihood_.set_theta(theta);
    }

    bool pull(const Vector& coefficients, Vector& sum) {
      cholesky_.set_zero();
      gradient_.setZero();
      likelihood_.expand(coefficients, gradient_, cholesky_.values());
      prior_->add_precision(cholesky_.values());
      if (!cholesky_.factorize()) return false;
      sigma_.compute(cholesky_);
      sum.setZero(coefficients.size());
      add_mean_pull(likelihood_.third_derivative(), row_variance_, likelihood_.rows(), sum);
      return sum.allFinite();
    }

   private:
    const CoefficientPrior* prior_;
    RowLikelihood likelihood_;
    BorderedCholesky cholesky_;
    SelectedInverse sigma_;
    RowVariance row_variance_;
    Vector gradient_;
  };

  const Model* model_;
  const ConditionalMode* mode_;
  const Family* family_;
  const Vector* third_;
  const SelectedInverse* sigma_;
  const Vector *delta_, *theta_;
  Matrix root_;
};

}  // namespace mixed_glm
