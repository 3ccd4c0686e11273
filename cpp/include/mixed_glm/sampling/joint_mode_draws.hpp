// Draws from the Gaussian at a mode of the joint posterior density of (beta, psi, u), whose
// precision is minus the Hessian there. With the profile's Hessian d2F and T = dx/dpsi
// (conditional_profile.hpp), V = (-d2F)^-1:
//
//     psi ~ N(psi_0, V)      x | psi ~ N(x_0 + T (psi - psi_0), H^-1)
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/inference/conditional_profile.hpp>
#include <mixed_glm/sampling/gaussian_draws.hpp>

namespace mixed_glm {

class JointModeDraws {
 public:
  JointModeDraws(const Model& model, ConstVectorRef params)
      : likelihood_(model), mode_(likelihood_, model.prior()) {
    Vector coefficients;
    model.design().split(params, coefficients, psi_);
    mode_.set_start(coefficients);
    is_maximum_ = mode_.expand_at_start(psi_);
    if (!is_maximum_) return;
    profile_.update(model, mode_, psi_);
    curvature_.compute(-profile_.hessian);
    is_maximum_ = curvature_.info() == Eigen::Success;
  }

  bool is_maximum() const { return is_maximum_; }

  // psi: K x m and z: (q + p) x m, standard normal, become the draws. Returns their log densities,
  // that of psi included.
  DrawDensities draw(Matrix& psi, RowMatrix& z) const {
    DrawDensities log_density = spread_by_precision(mode_.precision(), z);
    z.colwise() += mode_.coefficients();
    if (psi.rows() == 0) return log_density;
    const double normalizer = curvature_.matrixLLT().diagonal().array().log().sum() -
                              0.5 * double(psi.rows()) * log_two_pi;
    const Vector of_psi = normalizer - 0.5 * psi.colwise().squaredNorm().transpose().array();
    log_density.all += of_psi;
    log_density.fixed += of_psi;
    curvature_.matrixU().solveInPlace(psi);
    add_atb(psi, profile_.slopes.transpose(), z.transpose());
    psi.colwise() += psi_;
    return log_density;
  }

 private:
  RowLikelihood likelihood_;
  ConditionalMode mode_;
  ConditionalProfile profile_;
  Eigen::LLT<Matrix> curvature_;
  Vector psi_;
  bool is_maximum_ = false;
};

}  // namespace mixed_glm
