// Draws of x = (u, beta) from a Gaussian of precision H = L L' about zero that is made skew:
//
//     x = L'^-1 z, z standard normal;   u_j <- sd_j T_j(u_j / sd_j), each by a map of its own
//     (skew_map.hpp); beta <- its root times what skew_fixed_effects.hpp makes of its whitened
//     coordinates
//
// Effects keep the copula of the Gaussian. The density is the Gaussian's over the slope of the
// maps.
#pragma once

#include <mixed_glm/linalg/symmetric_cubes.hpp>
#include <mixed_glm/sampling/gaussian_draws.hpp>
#include <mixed_glm/sampling/skew_fixed_effects.hpp>

namespace mixed_glm {

class SkewDraws {
 public:
  // variance, third: q, of the effects, third may be empty; fixed_third: cubes of the fixed
  // effects, or empty. The factor is viewed.
  void set(const BorderedCholesky& cholesky, ConstVectorRef variance, ConstVectorRef third,
           const Matrix& fixed_third) {
    cholesky_ = &cholesky;
    maps_.clear();
    sd_ = variance.cwiseSqrt();
    for (Index j = 0; j < third.size(); ++j) {
      maps_.emplace_back(variance[j] > 0.0 ? third[j] / (variance[j] * sd_[j]) : 0.0);
    }
    fixed_ = fixed_third.size() == 0
                 ? SkewFixedEffects()
                 : SkewFixedEffects(transform_cubes(fixed_third, fixed_factor()));
    is_skew_ = fixed_third.size() > 0;
  }

  // z: (q + p) x m, standard normal, becomes the draws.
  DrawDensities draw(RowMatrix& z) const {
    const Index q = sd_.size(), p = z.rows() - q;
    Matrix whitened = z.bottomRows(p);
    DrawDensities log_density = spread_by_precision(*cholesky_, z);
    if (is_skew_) {
      for (Index c = 0; c < z.cols(); ++c) {
        const double log_slope = fixed_.apply(whitened.col(c));
        log_density.all[c] -= log_slope;
        log_density.fixed[c] -= log_slope;
      }
      fixed_factor().transpose().template triangularView<Eigen::Upper>().solveInPlace(whitened);
      z.bottomRows(p) = whitened;
    }
    for (Index j = 0; j < Index(maps_.size()); ++j) {
      for (Index c = 0; c < z.cols(); ++c) {
        const SkewMap::Image image = maps_[size_t(j)](z(j, c) / sd_[j]);
        z(j, c) = sd_[j] * image.value;
        log_density.all[c] -= image.log_slope;
      }
    }
    return log_density;
  }

 private:
  // Of the fixed effects' marginal precision.
  Matrix fixed_factor() const {
    const Index p = cholesky_->pattern().border();
    return cholesky_->dense_factor().bottomRightCorner(p, p).triangularView<Eigen::Lower>();
  }

  const BorderedCholesky* cholesky_ = nullptr;
  Vector sd_;
  std::vector<SkewMap> maps_;
  SkewFixedEffects fixed_;
  bool is_skew_ = false;
};

}  // namespace mixed_glm
