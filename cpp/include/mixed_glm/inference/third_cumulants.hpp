// Third cumulants of the coefficients given theta, where their posterior is close to a Gaussian
// with covariance Sigma and the rows are what it is skewed by. To leading order
//
//     kappa(x_a, x_b, x_c) = sum_i w_i C_ia C_ib C_ic,     C_ia = cov(eta_i, x_a) = a_i' Sigma e_a
//
// with w_i = l'''_i for Laplace, and the third cumulant of the tilted density over s_i^3 for
// expectation propagation. All C_ia that are needed are on the pattern of the selected inverse: of
// an effect, those of the rows that touch it. The others' share is negligible, as cubes are small
// where covariances are.
#pragma once

#include <mixed_glm/inference/fixed_shares.hpp>
#include <mixed_glm/inference/fixed_tails.hpp>
#include <mixed_glm/linalg/symmetric_cubes.hpp>

namespace mixed_glm {

class ThirdCumulants {
 public:
  // Both are viewed.
  ThirdCumulants(const Design& design, const SelectedInverse& sigma)
      : design_(&design), sigma_(&sigma), shares_(design, sigma) {}

  // q: of each random effect. row_weight: n, the order of the design.
  Vector of_effects(const Vector& row_weight) {
    Vector third = Vector::Zero(design_->effects());
    for_blocks([&](Index first, Index count) {
      if (design_->has_pairs()) {
        add_effects(row_weight, first, count, third);
      } else {
        add_single_effects(row_weight, first, count, third);
      }
    });
    return third;
  }

  // Of the fixed effects, as cubes (symmetric_cubes.hpp); empty where they are too many.
  Matrix of_fixed(const Vector& row_weight) {
    if (design_->fixed() > most_skew_fixed_effects) return Matrix();
    SymmetricCubes cubes(design_->fixed());
    shares_.begin();
    for_blocks([&](Index first, Index count) {
      cubes.add(row_weight.segment(first, count), shares_.of_rows(first, count));
    });
    return cubes.whole();
  }

 private:
  template <class Visit>
  void for_blocks(Visit&& visit) const {
    for (Index first = 0; first < design_->rows(); first += row_block_size) {
      visit(first, std::min(row_block_size, design_->rows() - first));
    }
  }

  // Where a row touches one effect at most, run by run.
  void add_single_effects(const Vector& row_weight, Index first, Index count, Vector& third) {
    const SparseRows& z = design_->z();
    resize_buffer(shares_of_run_, row_block_size, 1);
    for_each_run(z, first, count, [&](const EntryRun& run) {
      double* const covariance = shares_of_run_.data() + run.begin;
      set_shares(first, run, covariance);
      const double* const weight = row_weight.data() + first + run.begin;
      for (Index r = 0; r < run.length(); ++r) {
        covariance[r] = weight[r] * covariance[r] * covariance[r] * covariance[r];
      }
      third[run.effect] += detail::sum_rows(shares_of_run_.data() + run.begin, run.length(), 0);
    });
  }

  // a_i' Sigma e_j for the rows of a run, but for their other effects.
  void set_shares(Index first, const EntryRun& run, double* shares) const {
    const SparseRows& z = design_->z();
    const double own = sigma_->variance(run.effect);
    std::fill_n(shares, run.length(), own);
    if (!z.is_indicator()) {
      for (Index r = 0, e = run.entry; r < run.length(); ++r, e += run.stride) {
        shares[r] *= z.value(e);
      }
    }
    const Index length = run.length();
    add_columns(design_->x_from(first + run.begin), design_->x().outerStride(), design_->fixed(),
                sigma_->with_border(run.effect).data(), length, length, shares);
  }

  // cov(eta_i, u_j) for each entry (i, j) of a row, then their cubes.
  void add_effects(const Vector& row_weight, Index first, Index count, Vector& third) {
    const SparseRows& z = design_->z();
    const std::int32_t* pair = design_->pair_positions() + design_->pair_begin(first);
    resize_buffer(x_, design_->fixed(), 1);
    for (Index r = first; r < first + count; ++r) {
      const Index begin = z.begin(r), entries = z.end(r) - begin;
      if (entries > shares_of_row_.size()) resize_buffer(shares_of_row_, entries, 1);
      x_ = design_->x().row(r).transpose();
      for (Index e = 0; e < entries; ++e) {
        const Code effect = z.columns()[begin + e];
        shares_of_row_[e] = z.value(begin + e) * sigma_->variance(effect) +
                            product_with_x(sigma_->with_border(effect).data());
      }
      for (Index e = 1; e < entries; ++e) {
        for (Index f = 0; f < e; ++f) {
          const double covariance = sigma_->values()[*pair++];
          shares_of_row_[e] += z.value(begin + f) * covariance;
          shares_of_row_[f] += z.value(begin + e) * covariance;
        }
      }
      for (Index e = 0; e < entries; ++e) {
        const double covariance = shares_of_row_[e];
        third[z.columns()[begin + e]] += row_weight[r] * covariance * covariance * covariance;
      }
    }
  }

  // A plain loop, for the few fixed effects that there mostly are.
  double product_with_x(const double* border) const {
    double sum = 0.0;
    for (Index a = 0; a < x_.size(); ++a) sum += border[a] * x_[a];
    return sum;
  }

  const Design* design_;
  const SelectedInverse* sigma_;
  FixedShares shares_;
  Vector shares_of_run_, shares_of_row_, x_;
};

}  // namespace mixed_glm
