// Covariance of the Gaussian at a mode of the joint posterior: the inverse of minus the Hessian of
// (beta, theta, u), of which only the standard deviations and the block of beta are formed. With
// Sigma = H^-1, T = dx/dpsi and V = (-d2F)^-1 of the profile (conditional_profile.hpp)
//
//     Cov(theta) = V      Cov(x) = Sigma + T V T'      Cov(x, theta) = T V
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/inference/conditional_profile.hpp>
#include <mixed_glm/linalg/multiply.hpp>
#include <mixed_glm/linalg/selected_inverse.hpp>

namespace mixed_glm {

struct JointCovariance {
  bool valid = false;  // false: the point is not a strict maximum, and the rest is empty
  Vector sd;           // of (beta, theta, u), the caller's order
  Matrix fe_cov;       // p x p
  Matrix vcp_cov;      // of theta
};

// mode: at the point, with its factorized H; profile: there too; sigma: work space.
inline JointCovariance joint_covariance(const Model& model, const ConditionalMode& mode,
                                        const ConditionalProfile& profile, SelectedInverse& sigma) {
  const Design& design = model.design();
  JointCovariance result;
  const Index k = profile.hessian.rows();
  const Eigen::LLT<Matrix> curvature(-profile.hessian);
  if (curvature.info() != Eigen::Success) return result;
  const Matrix v = curvature.solve(Matrix::Identity(k, k));

  sigma.compute(mode.precision());
  const auto slopes = profile.slopes.transpose();  // T'
  const Matrix spread = multiply_ab(v, slopes);    // V T'
  Vector variance(slopes.cols());
  for (Index j = 0; j < slopes.cols(); ++j) variance[j] = spread.col(j).dot(slopes.col(j));
  for (Index j = 0; j < design.effects(); ++j) variance[j] += sigma.variance(j);
  variance.tail(design.fixed()) += sigma.border_block().diagonal();

  result.fe_cov = sigma.border_block();
  add_atb(slopes.rightCols(design.fixed()), spread.rightCols(design.fixed()), result.fe_cov);
  result.vcp_cov = v;
  result.sd = design.join(variance.cwiseSqrt(), v.diagonal().cwiseSqrt());
  result.valid = result.sd.allFinite();
  return result;
}

inline JointCovariance joint_covariance(const Model& model, ConstVectorRef params) {
  Vector coefficients, theta;
  model.design().split(params, coefficients, theta);
  RowLikelihood likelihood(model);
  ConditionalMode mode(likelihood, model.prior());
  mode.set_start(coefficients);
  if (!mode.expand_at_start(theta)) return {};
  ConditionalProfile profile;
  profile.update(model, mode, theta);
  SelectedInverse sigma(model.design().pattern());
  return joint_covariance(model, mode, profile, sigma);
}

}  // namespace mixed_glm
