// What the moments of a block of tilted densities are computed from, and the moments:
//
//     Z_i = int N(eta; cavity mean, 1 / cavity precision) p(y_i | eta) d eta,
//     and the mean, variance and third cumulant of the integrand
#pragma once

#include <mixed_glm/math/compiler.hpp>
#include <mixed_glm/model/row_block.hpp>

namespace mixed_glm {

struct TiltedRows {
  RowBlock::Column cavity_mean, cavity_precision;
  // Mean and standard deviation of the posterior as it stands: where expectation propagation has
  // converged, those of the tilted density.
  RowBlock::Column center, spread;
  RowBlock::Column log_z, mean, variance, third;

  // Moments of a density that was taken in coordinates (eta - center) / unit, from its sums
  // s_j = sum w x^j. log_scale: of the integral, besides s_0.
  MIXED_GLM_INLINE void set(size_t r, double unit, double log_scale, double log_s0, double first,
                            double second, double cube) noexcept {
    log_z[r] = log_scale + log_s0;
    mean[r] = center[r] + unit * first;
    variance[r] = unit * unit * (second - first * first);
    third[r] = unit * unit * unit * (cube - first * (3.0 * second - 2.0 * first * first));
  }
};

}  // namespace mixed_glm
