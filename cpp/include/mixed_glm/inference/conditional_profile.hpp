// The joint log density as a function of theta alone, the coefficients x = (u, beta) at their mode:
//
//     F(theta)   = max_x log p(y, x, theta)
//     dF/dtheta  = d log p(y, x, theta) / d theta, x held
//     d2F        = d2 log p(y, x, theta) / d theta2 + C' H^-1 C,   C_i = -(dP/dtheta_i) x
//     dx/dtheta  = H^-1 C
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/inference/hyper_derivatives.hpp>
#include <mixed_glm/linalg/multiply.hpp>

namespace mixed_glm {

struct ConditionalProfile {
  Vector gradient;   // d
  Matrix hessian;    // d x d
  RowMatrix slopes;  // (q + p) x d, dx/dtheta

  // mode: at x(theta), with its factorized H.
  void update(const Model& model, const ConditionalMode& mode, const Vector& theta) {
    refuse_shape(model.family(), "the joint mode");
    const Vector& x = mode.coefficients();
    const SecondMoments moments =
        SecondMoments::of_point(x, model.design().effects(), model.design().effect_pairs());
    gradient = hyper_gradient(model, mode.prior(), moments, theta);
    const RowMatrix coupling = mode.prior().coupling(x);
    slopes = coupling;
    if (theta.size() > 0) mode.precision().solve_in_place(slopes);
    hessian = multiply_abt(coupling.transpose(), slopes.transpose()) -
              hyper_curvature(model, mode.prior(), moments, theta);
  }
};

}  // namespace mixed_glm
