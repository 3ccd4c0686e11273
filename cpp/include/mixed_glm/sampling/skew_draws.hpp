// Draws of x = (u, beta) from a Gaussian of precision H = L L' about zero that is given its tails:
//
//     x = L'^-1 z, z standard normal
//     u_j <- sd_j T_j(u_j / sd_j), each by a map of its own (skew_map.hpp)
//     beta <- C t(C^-1 spread beta), C the lower Cholesky factor of the covariance with its tails,
//             whose whitened coordinates are made skew by t (fixed_tails.hpp,
//             skew_fixed_effects.hpp)
//
// Effects keep the copula of the Gaussian. The density is the Gaussian's over the slope of the
// maps.
#pragma once

#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/sampling/gaussian_draws.hpp>
#include <mixed_glm/sampling/skew_fixed_effects.hpp>

namespace mixed_glm {

class SkewDraws {
 public:
  void set_fixed(const FixedTails& tails) {
    tails_ = tails;
    fixed_ = SkewFixedEffects(tails.third());
  }

  // variance, third: q, of the effects, third may be empty; fe_cov: p x p, with the tails. The
  // factor is viewed.
  void set(const Precision& precision, ConstVectorRef variance, ConstVectorRef third,
           const Matrix& fe_cov) {
    precision_ = &precision;
    maps_.clear();
    sd_ = variance.cwiseSqrt();
    for (Index j = 0; j < third.size(); ++j) {
      maps_.emplace_back(variance[j] > 0.0 ? third[j] / (variance[j] * sd_[j]) : 0.0);
    }
    const Eigen::LLT<Matrix> factor(fe_cov);
    is_skew_ = !tails_.is_empty() && factor.info() == Eigen::Success;
    if (is_skew_) factor_ = factor.matrixL();
  }

  // z: (q + p) x m, standard normal, becomes the draws.
  DrawDensities draw(RowMatrix& z) const {
    DrawDensities log_density = spread_by_precision(*precision_, z);
    if (is_skew_) draw_fixed(z, log_density);
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
  void draw_fixed(RowMatrix& z, DrawDensities& log_density) const {
    Matrix beta = z.bottomRows(factor_.rows());
    double log_spread = 0.0;
    if (tails_.spread().size() > 0) {
      beta = (tails_.spread() * beta).eval();
      log_spread = std::log(std::abs(tails_.spread().determinant()));
    }
    factor_.triangularView<Eigen::Lower>().solveInPlace(beta);
    for (Index c = 0; c < z.cols(); ++c) {
      const double log_slope = log_spread + fixed_.apply(beta.col(c));
      log_density.all[c] -= log_slope;
      log_density.fixed[c] -= log_slope;
    }
    z.bottomRows(factor_.rows()) = factor_.triangularView<Eigen::Lower>() * beta;
  }

  const Precision* precision_ = nullptr;
  FixedTails tails_;
  SkewFixedEffects fixed_;
  Vector sd_;
  Matrix factor_;  // of the covariance of the fixed effects
  std::vector<SkewMap> maps_;
  bool is_skew_ = false;
};

}  // namespace mixed_glm
