// Third cumulants of the fixed effects given theta (third_cumulants.hpp) and their covariance to
// second order (second_order.hpp) where each row touches one effect at most, in one pass over the
// rows. Then cov(eta_i, eta_j) = z_i z_j e_g [same effect g] + Z_i' Z_j, e_g the variance of u_g
// given beta, and the sum over pairs of rows is one over effects:
//
//     1/2 sum_g e_g^2 r_g r_g' + sum_g e_g R_g R_g' + 1/2 kappa_a : kappa_b
//     r_g = sum_i l'''_i z_i^2 Z_i,   R_g = sum_i l'''_i z_i Z_i Z_i',
//     kappa = sum_i l'''_i Z_i (x) Z_i (x) Z_i
//
// and with a_i' Delta = Z_i' delta + z_i zeta_g, what the correction of the mean adds is
//
//     sum_i Z_i Z_i' l'''_i a_i' Delta = kappa : delta + sum_g zeta_g R_g
//     delta = L' Delta_b,   zeta_g = Delta_g - cov(u_g, beta) L L' Delta_b
#pragma once

#include <mixed_glm/inference/effect_sums.hpp>
#include <mixed_glm/inference/fixed_shares.hpp>
#include <mixed_glm/inference/fixed_tails.hpp>
#include <mixed_glm/inference/second_order.hpp>
#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/linalg/symmetric_cubes.hpp>

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
        numbers_(row_block_size + 8, pairs() + model.design().fixed()),
        columns_(model.design().fixed(), most_columns * (model.design().fixed() + 1)) {}

  // mode: where the likelihood has been expanded, with the correction delta of the mean.
  FixedCumulants cumulants(const ConditionalMode& mode, const RowLikelihood& likelihood,
                           const Vector& delta) {
    const Index p = design().fixed();
    const Matrix root = fixed_root(mode);
    const Vector shift = root.transpose() * delta.tail(p), back = root * shift;
    whitened_.setIdentity(p, p);
    expanded_at_ = mode.coefficients() - mode.last_step();
    cubes_.set_zero();
    sums_.begin();
    shares_.begin(&root);
    for (block_.first = 0; block_.first < design().rows(); block_.first += row_block_size) {
      block_.count = std::min(row_block_size, design().rows() - block_.first);
      sums_.open(block_.first, block_.count);
      const ConstMatrixRef z = shares_.of_rows(block_.first, block_.count);
      set_weights(mode, likelihood, z);
      add_squares(z);
      add_products(likelihood.third_derivative().segment(block_.first, block_.count), z);
      sums_.close([&](Code effect, const double* sums) {
        const double moved = delta[effect] - sigma_->with_border(effect).dot(back);
        add_effect(1.0 / pivot(mode, effect), moved, sums);
      });
    }
    add_columns();
    whitened_.triangularView<Eigen::StrictlyUpper>() = whitened_.transpose();
    const Matrix kappa = cubes_.whole();
    add_abt(0.5 * kappa, kappa, whitened_);
    for (Index a = 0; a < p; ++a) whitened_ += shift[a] * kappa.middleCols(a * p, p);
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
    return mode.cholesky().values()[design().pattern().diagonal_position(effect)];
  }

  // l''''_i s_i / 2, as weights of the block.
  void set_weights(const ConditionalMode& mode, const RowLikelihood& likelihood,
                   const ConstMatrixRef& z) {
    const double* const weight = likelihood.record().weight.data() + block_.first;
    const double* const third = likelihood.record().third.data() + block_.first;
    if (!likelihood.sites().find_fourth(block_, weight, third, fourth_.data())) {
      take_differences(likelihood.sites(), third);
    }
    auto variance = block_.view(block_.value);
    variance.setZero();
    for (Index a = 0; a < z.cols(); ++a) variance += z.col(a).cwiseAbs2();
    sums_.for_each_run([&](const EntryRun& run) {
      const double inverse = 1.0 / pivot(mode, run.effect);
      add_given_fixed(run, inverse * inverse);
    });
    block_.view(block_.weight) = 0.5 * block_.view(fourth_).cwiseProduct(variance);
  }

  // l'''' of the block as a slope of l'''.
  void take_differences(const LikelihoodSites& sites, const double* third) {
    detail::predict(*model_, expanded_at_, block_);
    set_steps();
    block_.view(block_.eta) += block_.view(step_);
    sites.expand<3>(block_, fourth_.data());
    block_.view(fourth_) -= Eigen::Map<const Vector>(third, block_.count);
    block_.view(fourth_).array() /= block_.view(step_).array();
  }

  // Short beside the distance to where the domain of a gap row ends,
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
      block_.view(block_.pull) = block_.view(block_.weight).cwiseProduct(z.col(a));
      add_column_products(block_.pull.data(), z.rightCols(z.cols() - a), &whitened_(a, a));
    }
  }

  // kappa, and R and r of the effects.
  void add_products(const ConstVectorRef& third, const ConstMatrixRef& z) {
    Index k = 0;
    for (Index b = 0; b < z.cols(); ++b) {
      auto weighted = numbers_.col(pairs() + b).head(block_.count);
      weighted = third.cwiseProduct(z.col(b));
      for (Index c = 0; c <= b; ++c, ++k) {
        auto products = numbers_.col(k).head(block_.count);
        products = weighted.cwiseProduct(z.col(c));
        cubes_.add_products(b, c, products.data(), z);
      }
    }
    if (!design().z().is_indicator()) multiply_by_factors();
    sums_.add(numbers_.topRows(block_.count));
  }

  // What r is the sum of: it has squares of the rows' factors.
  void multiply_by_factors() {
    sums_.for_each_run([&](const EntryRun& run) {
      for (Index r = run.begin, e = run.entry; r < run.end; ++r, e += run.stride) {
        numbers_.row(r).tail(design().fixed()) *= design().z().value(e);
      }
    });
  }

  // zeta R, and a sum of squares of columns: sqrt(e) R, and e r / sqrt(2).
  void add_effect(double sd, double moved, const double* sums) {
    const Index p = design().fixed();
    if (used_ == columns_.cols()) add_columns();
    for (Index b = 0; b < p; ++b) {
      for (Index c = 0; c <= b; ++c) {
        whitened_(b, c) += moved * *sums;
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
  Matrix numbers_;             // of the block's rows, a column for each number of an effect
  Matrix whitened_, columns_;  // columns_: p x (p + 1) for each effect
  Index used_ = 0;             // of columns_
};

}  // namespace mixed_glm
