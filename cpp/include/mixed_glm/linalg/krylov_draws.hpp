// Draws from N(0, H^-1) of an H of crossed factors (krylov_factor.hpp):
//
//     b = L_b'^-1 z_b      u_r = D_S^-1/2 (S~^-1/2 z_r - V b)
//     u_0 = D_0^-1/2 z_0 - D_0^-1 (B u_r + H_0b b)
//
// S~^-1/2 z by Lanczos (Chow and Saad 2014), in the space of conjugate gradients from z.
#pragma once

#include <mixed_glm/linalg/krylov_factor.hpp>

namespace mixed_glm {

class KrylovDraws {
 public:
  // Of a refined factor; viewed.
  explicit KrylovDraws(const KrylovFactor& factor) : factor_(&factor) {}

  // z: standard normal, a column for each draw. False where it does not converge.
  template <class Z>
  bool spread(Z&& z) const {
    const Index q = factor_->blocks().eliminated(), r = factor_->blocks().rest();
    const SchurScale& scale = factor_->scale();
    if (factor_->blocks().border() > 0) {
      auto border = z.bottomRows(factor_->blocks().border());
      factor_->border_factor().template triangularView<Eigen::Lower>().transpose().solveInPlace(
          border);
    }
    for (Index i = 0; i < q; ++i) z.row(i) /= scale.eliminated_root[i];
    for (Index first = 0; first < z.cols(); first += together) {
      auto rest = z.block(q, first, r, std::min<Index>(together, z.cols() - first));
      if (!spread_rest(rest)) return false;
    }
    const auto border = z.bottomRows(factor_->blocks().border());
    for (Index j = 0; j < r; ++j) {
      z.row(q + j).noalias() -= factor_->v().col(j).transpose() * border;
      z.row(q + j) /= scale.rest_root[j];
    }
    factor_->substitute(z);
    return true;
  }

 private:
  static constexpr int together = 8;
  static constexpr double tolerance = 1e-6;
  using Block = std::vector<double>;

  // z <- S~^-1/2 z
  template <class Z>
  bool spread_rest(Z& z) const {
    const Index r = z.rows(), count = z.cols();
    Block b(size_t(r * together), 0.0), x(b.size());
    for (Index j = 0; j < r; ++j) {
      for (Index c = 0; c < count; ++c) b[size_t(j * together + c)] = z(j, c);
    }
    std::vector<Block> residuals;
    BlockCG<together, double> cg(factor_->schur(), factor_->blocks().eliminated());
    const auto keep = [&](int, const Block& residual, const Block&) {
      residuals.push_back(residual);
    };
    if (!cg.solve(b, x, tolerance, true, NoProjection(), keep)) return false;
    z.setZero();
    for (Index c = 0; c < count; ++c) {
      const Vector factor = residual_factors(cg.steps()[size_t(c)]);
      for (Index i = 0; i < factor.size(); ++i) {
        const Block& from = residuals[size_t(i)];
        for (Index j = 0; j < r; ++j) z(j, c) += factor[i] * from[size_t(j * together + c)];
      }
    }
    return true;
  }

  // T^-1/2 e_1 in the basis of the residuals: vector i of Lanczos is (-1)^i residual i, normalized.
  static Vector residual_factors(const LanczosSteps& steps) {
    if (steps.length.empty()) return {};
    const SymmetricEigen t = steps.eigen();
    Vector factor =
        t.vectors() * t.vectors().row(0).transpose().cwiseQuotient(t.values().cwiseSqrt());
    double ratio = 1.0;
    for (Index i = 0; i < factor.size(); ++i) {
      factor[i] *= (i % 2 == 0 ? 1.0 : -1.0) / std::sqrt(ratio);
      ratio *= steps.ratio[size_t(i)];
    }
    return factor;
  }

  const KrylovFactor* factor_;
};

}  // namespace mixed_glm
