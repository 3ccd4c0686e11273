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
      const SparseRows& z = design_->z();
      if (z.has_groups() && z.is_indicator()) {
        add_groups(row_weight, first, count, third);
      } else if (design_->has_pairs()) {
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
      std::fill_n(covariance, run.length(), sigma_->variance(run.effect));
      if (!z.is_indicator()) {
        for (Index r = 0, e = run.entry; r < run.length(); ++r, e += run.stride) {
          covariance[r] *= z.value(e);
        }
      }
      third[run.effect] += sum_cubes(row_weight, first, run, run.effect);
    });
  }

  // Of an indicator design, for rows that touch the same effects.
  void add_groups(const Vector& row_weight, Index first, Index count, Vector& third) {
    const SparseRows& z = design_->z();
    resize_buffer(shares_of_run_, row_block_size, 1);
    for_each_group(z, first, count, [&](const RowGroup& group) {
      const Code* const effects = z.columns() + group.entry;
      const std::int32_t* const pair =
          design_->pair_positions() + design_->pair_begin(first + group.begin);
      for (Index e = 0; e < group.width; ++e) {
        double share = sigma_->variance(effects[e]);
        for (Index f = 0; f < group.width; ++f) {
          if (f == e) continue;
          const Index high = std::max(e, f);
          share += sigma_->values()[pair[high * (high - 1) / 2 + std::min(e, f)]];
        }
        std::fill_n(shares_of_run_.data() + group.begin, group.length(), share);
        third[effects[e]] += sum_cubes(row_weight, first, group, effects[e]);
      }
    });
  }

  // Of rows' weights times the cubes of their shares in an effect, where those of their effects are
  // there; adds those of the fixed effects.
  template <class Run>
  double sum_cubes(const Vector& row_weight, Index first, const Run& run, Code effect) {
    const Index length = run.length();
    double* const share = shares_of_run_.data() + run.begin;
    add_columns(design_->x_from(first + run.begin), design_->x().outerStride(), design_->fixed(),
                sigma_->with_border(effect).data(), length, length, share);
    const double* const weight = row_weight.data() + first + run.begin;
    for (Index r = 0; r < length; ++r) share[r] = weight[r] * share[r] * share[r] * share[r];
    return detail::sum_rows(share, length, 0);
  }

  // cov(eta_i, u_j) for each entry (i, j) of a row, then their cubes.
  void add_effects(const Vector& row_weight, Index first, Index count, Vector& third) {
    const SparseRows& z = design_->z();
    const std::int32_t* pair = design_->pair_positions() + design_->pair_begin(first);
    const Index stride = design_->x().outerStride();
    detail::with_columns(design_->fixed(), [&](auto p) {
      for (Index r = first; r < first + count; ++r) {
        const Index begin = z.begin(r), entries = z.end(r) - begin;
        if (entries > shares_of_row_.size()) resize_buffer(shares_of_row_, entries, 1);
        for (Index e = 0; e < entries; ++e) {
          const Code effect = z.columns()[begin + e];
          shares_of_row_[e] =
              z.value(begin + e) * sigma_->variance(effect) +
              row_product(design_->x_from(r), stride, p, sigma_->with_border(effect).data());
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
    });
  }

  const Design* design_;
  const SelectedInverse* sigma_;
  FixedShares shares_;
  Vector shares_of_run_, shares_of_row_;
};

}  // namespace mixed_glm
