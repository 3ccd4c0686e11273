// Derivatives in theta of a density from which the coefficients x are integrated out, by Fisher's
// identity, with d for d/dtheta_i,
//
//     d log p(y, theta) = E[ d log p(y, x | theta) ] + d log p(theta)
//
// with the moments of the effects given y and theta; and of the joint density itself, with those of
// the point (SecondMoments::of_point). The only place where its parts are put together: of terms
// (coefficient_prior.hpp), of the family, sum_i E[d l_i / d phi], and of the priors of theta
// (hyperparameters.hpp).
#pragma once

#include <mixed_glm/model/coefficient_prior.hpp>
#include <mixed_glm/model/model.hpp>

namespace mixed_glm {

// prior: at theta. of_family: the sum of E[d l_i / d phi] over the rows, normalizing constants
// included, where the family has a hyperparameter.
inline Vector hyper_gradient(const Model& model, const CoefficientPrior& prior,
                             const SecondMoments& moments, ConstVectorRef theta,
                             double of_family = 0.0) {
  Vector result = model.hyperparameters().slope(theta);
  const Vector of_terms = prior.gradient(moments);
  result.head(of_terms.size()) += of_terms;
  const Hyperparameters::Block family = model.hyperparameters().family();
  result.segment(family.begin, family.size).array() += of_family;
  return result;
}

// Minus the second derivatives, the moments held. of_family: minus the sum of d2 l_i / d phi2.
inline Matrix hyper_curvature(const Model& model, const CoefficientPrior& prior,
                              const SecondMoments& moments, ConstVectorRef theta,
                              double of_family = 0.0) {
  Matrix result = model.hyperparameters().curvature(theta).asDiagonal();
  const Matrix of_terms = prior.curvature(moments);
  result.topLeftCorner(of_terms.rows(), of_terms.cols()) += of_terms;
  const Hyperparameters::Block family = model.hyperparameters().family();
  result.diagonal().segment(family.begin, family.size).array() += of_family;
  return result;
}

}  // namespace mixed_glm
