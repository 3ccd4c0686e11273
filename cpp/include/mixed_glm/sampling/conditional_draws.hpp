// Draws of the coefficients given psi, from an approximation of their conditional posterior. It is
// evaluated at a psi, and serves the draws of all psi near by: means move to first order
// (gaussian_draws.hpp), and the skewness is that of the psi (skew_draws.hpp).
#pragma once

#include <mixed_glm/model/model.hpp>
#include <mixed_glm/sampling/gaussian_draws.hpp>
#include <vector>

namespace mixed_glm {

class ConditionalDraws {
 public:
  virtual ~ConditionalDraws() = default;

  virtual const Model& model() const = 0;
  // Asks for these random effects alone, by their numbers in the design; all, where it is not
  // called. Returns those that have to be drawn for them, increasing.
  virtual std::vector<Index> want(const std::vector<Index>& effects) = 0;
  // Takes the tails of the fixed effects from a psi, for all draws that follow; without, they have
  // none. thorough: as in inference/marginal.hpp. False where it fails.
  virtual bool expand_fixed(const Vector& psi, bool thorough) = 0;
  // False where it fails.
  virtual bool evaluate(const Vector& psi) = 0;
  // psi: K x m. z: (q + p) x m, standard normal, becomes the draws (u, beta), in the order of the
  // design; effects that do not have to be drawn are left as they are. Returns the log densities
  // of what is drawn, given psi.
  virtual DrawDensities draw(const Matrix& psi, RowMatrix& z) = 0;
};

}  // namespace mixed_glm
