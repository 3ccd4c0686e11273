// Third cumulants of the fixed effects given theta (third_cumulants.hpp) and their covariance to
// second order (second_order.hpp) where each row touches one effect at most, in one pass over the
// rows. Then cov(eta_i, eta_j) = z_i z_j e_g [same effect g] + Z_i' Z_j, e_g the variance of u_g
// given beta, and the sum over pairs of rows is one over effects:
//
//     1/2 sum_g e_g^2 r_g r_g' + sum_g e_g R_g R_g' + 1/2 kappa_a : kappa_b
//     r_g = sum_i l'''_i z_i^2 Z_i,   R_g = sum_i l'''_i z_i Z_i Z_i',
//     kappa = sum_i l'''_i Z_i (x) Z_i (x) Z_i
#pragma once

#include <mixed_glm/inference/effect_sums.hpp>
#include <mixed_glm/inference/fixed_tails.hpp>
#include <mixed_glm/inference/second_order.hpp>
#include <mixed_glm/linalg/symmetric_cubes.hpp>
#include <mixed_glm/model/likelihood_sites.hpp>

namespace mixed_glm {

class SecondOrderRows {
 public:
  // Both are viewed.
  SecondOrderRows(const Model& model, const SelectedInverse& sigma)
      : model_(&model),
        sigma_(&sigma),
        shares_(model.design(), sigma),
        cubes_(model.design().fixed()),
        sums_(model.design(), pairs() + model.design().fixed()),
        columns_(model.design().fixed(), most_columns * (model.design().fixed() + 1)) {}

  // mode: where the likelihood has been expanded, with the correction delta of the mean.
  FixedCumulants cumulants(const ConditionalMode& mode, const RowLikelihood& likelihood,
                           const Vector& delta) {
    const Index p = design().fixed();
    const LikelihoodSites sites(*model_, likelihood.family().kernel());
    const Vector& third = likelihood.third_derivative();
    const Matrix root = fixed_root(mode);
    whitened_.setIdentity(p, p);
    expanded_at_ = mode.coefficients() - mode.last_step();
    cubes_.set_zero();
    sums_.begin();
    shares_.begin(&root);
    for (block_.first = 0; block_.first < design().rows(); block_.first += row_block_size) {
      block_.count = std::min(row_block_size, design().rows() - block_.first);
      sums_.open(block_.first, block_.count);
      const ConstMatrixRef z = shares_.of_rows(block_.first, block_.count);
      const ConstVectorRef block_third = third.segment(block_.first, block_.count);
      set_weights(mode, sites, z, block_third, delta);
      add_squares(z);
      add_products(block_third, z);
      sums_.close(
          [&](Code effect, const double* sums) { add_effect(1.0 / pivot(mode, effect), sums); });
    }
    add_columns();
    whitened_.triangularView<Eigen::StrictlyUpper>() = whitened_.transpose();
    const Matrix kappa = cubes_.whole();
    add_abt(0.5 * kappa, kappa, whitened_);
    const Matrix inverse = root.triangularView<Eigen::Lower>().solve(Matrix::Identity(p, p));
    FixedCumulants cumulants;
    cumulants.gaussian = sigma_->border_block();
    cumulants.covariance = inverse.transpose() * whitened_ * inverse;
    cumulants.third = transform_cubes(kappa, inverse);
    return cumulants;
  }

 private:
  static constexpr double eta_step = 1.0 / 4096;
  static constexpr Index most_columns = 32;  // effects whose shares are added together

  const Design& design() const { return model_->design(); }
  Index pairs() const { return design().fixed() * (design().fixed() + 1) / 2; }
  // Its inverse square is e_g.
  double pivot(const ConditionalMode& mode, Code effect) const {
    return mode.precision().values()[design().pattern().diagonal_position(effect)];
  }

  // l''''_i s_i / 2 + l'''_i a_i' Delta, as weights of the block.
  void set_weights(const ConditionalMode& mode, const LikelihoodSites& sites,
                   const ConstMatrixRef& z, const ConstVectorRef& third, const Vector& delta) {
    detail::predict(*model_, expanded_at_, block_);
    set_steps();
    block_.view(block_.eta) += block_.view(step_);
    sites.expand<3>(block_, fourth_.data());
    auto variance = block_.view(block_.value);
    variance.setZero();
    for (Index a = 0; a < z.cols(); ++a) variance += z.col(a).cwiseAbs2();
    sums_.for_each_run([&](const EntryRun& run) {
      const double inverse = 1.0 / pivot(mode, run.effect);
      add_given_fixed(run, inverse * inverse);
    });
    predict_shift(*model_, delta, block_);
    const auto fourth = 0.5 * (block_.view(fourth_) - third).cwiseQuotient(block_.view(step_));
    block_.view(block_.weight) =
        fourth.cwiseProduct(variance) + third.cwiseProduct(block_.view(block_.eta));
  }

  // For the fourth derivative. Short beside the distance to where the domain of a gap row ends,
  // which is its linear predictor (families/cumulative_logit.hpp).
  void set_steps() {
    block_.view(step_).setConstant(eta_step);
    if (!std::holds_alternative<CumulativeLogit>(model_->family())) return;
    const double* const code = model_->response().b.data() + block_.first;
    for (Index r = 0; r < block_.count; ++r) {
      const double distance = block_.eta[size_t(r)];
      if (code[r] < 0.0) step_[size_t(r)] = std::min(eta_step, 1e-3 * distance);
    }
  }

  // z_i^2 e_g, to the variances in block_.value.
  void add_given_fixed(const EntryRun& run, double variance) {
    const SparseRows& z = design().z();
    double* const sums = block_.value.data();
    if (z.is_indicator()) return add_to_run(sums, run, variance);
    for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
      sums[r] += z.value(e) * z.value(e) * variance;
    }
  }

  // sum_i Z_i Z_i' weight_i, its lower triangle.
  void add_squares(const ConstMatrixRef& z) {
    for (Index a = 0; a < z.cols(); ++a) {
      const Index below = z.cols() - a;
      block_.view(block_.pull) = block_.view(block_.weight).cwiseProduct(z.col(a));
      whitened_.col(a).tail(below).noalias() +=
          z.rightCols(below).transpose() * block_.view(block_.pull);
    }
  }

  // kappa, and R and r of the effects.
  void add_products(const ConstVectorRef& third, const ConstMatrixRef& z) {
    cubes_.add(third, z, [&](Index b, Index c, const Vector& products) {
      sums_.add(b * (b + 1) / 2 + c, products.data());
    });
    for (Index a = 0; a < z.cols(); ++a) {
      block_.view(block_.pull) = third.cwiseProduct(z.col(a));
      sums_.add_square(pairs() + a, block_.pull.data());
    }
  }

  // What an effect adds is a sum of squares of columns: sqrt(e) R, and e r / sqrt(2).
  void add_effect(double sd, const double* sums) {
    const Index p = design().fixed();
    if (used_ == columns_.cols()) add_columns();
    for (Index b = 0; b < p; ++b) {
      for (Index c = 0; c <= b; ++c) {
        columns_(b, used_ + c) = columns_(c, used_ + b) = sd * *sums++;
      }
    }
    for (Index a = 0; a < p; ++a) columns_(a, used_ + p) = std::sqrt(0.5) * sd * sd * *sums++;
    used_ += p + 1;
  }
  void add_columns() {
    const auto used = columns_.leftCols(used_);
    add_abt(used, used, whitened_);
    used_ = 0;
  }

  const Model* model_;
  const SelectedInverse* sigma_;
  FixedShares shares_;
  SymmetricCubes cubes_;
  EffectSums sums_;
  RowBlock block_;
  RowBlock::Column fourth_, step_;
  Vector expanded_at_;
  Matrix whitened_, columns_;  // columns_: p x (p + 1) for each effect
  Index used_ = 0;             // of columns_
};

}  // namespace mixed_glm
