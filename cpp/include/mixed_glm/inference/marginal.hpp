// The marginal posterior of the log standard deviations, log p(y, psi), and the Gaussian of the
// coefficients given psi: what every approximation (Laplace, leaf quadrature, ...) provides to the
// search for the mode and to the integration over psi.
//
// The gradient has one form for all of them (D = exp(-2 psi), component k with n_k effects):
//
//     d log p(y, psi) / d psi_k = D_k sum_j E[u_j^2] - n_k - psi_k / vcp_p_k^2
#pragma once

#include <mixed_glm/inference/component_sums.hpp>
#include <mixed_glm/inference/conditional_mode.hpp>

namespace mixed_glm {

// Inner iterations of a fit: psi moves on before a tighter end could matter, and where it does not
// move, the predicted start is already better than this.
inline NewtonSettings marginal_newton_settings(Monitor* monitor = nullptr, Team* team = nullptr) {
  NewtonSettings settings;
  settings.monitor = monitor;
  settings.team = team;
  settings.tolerance = 1e-6;
  settings.last_step = true;
  return settings;
}

// First three moments of each effect given psi, in the order of the coefficients (u, beta); for a
// Gaussian the third central moment is zero.
struct ConditionalPosterior {
  Vector mean;      // q + p
  Vector variance;  // q + p
  Vector third;     // q, third central moments; empty: all zero
  Matrix fe_cov;    // p x p
};

class Marginal {
 public:
  virtual ~Marginal() = default;

  // log p(y, psi) and everything below at psi, from a warm start. False where it fails.
  virtual bool evaluate(const Vector& psi) = 0;
  // Forgets all evaluations, and takes over the response that the model now holds: what follows is
  // what it would be in an object made anew.
  virtual void reset() = 0;

  virtual double log_density() const = 0;
  // K: sums of E[u_j^2] D_k over the effects of each component.
  virtual const Vector& expected_squares() const = 0;
  // K, of a balanced Gaussian model about psi_k.
  virtual const Vector& information() const = 0;
  virtual ConditionalPosterior posterior() const = 0;
  virtual const Model& model() const = 0;
  virtual int passes() const = 0;  // over the rows, with curvature
  // Nats by which the log density may be wrong although its gradient is right.
  virtual double value_error() const { return 1e-5 + model().rounding(); }
  // Evaluations that had to be made by a simpler approximation.
  virtual int fallbacks() const { return 0; }

  // The next evaluations may be rough: a Newton decrement of the coefficients that is good enough
  // as long as psi is still far from where it goes. 0: as exact as the settings say.
  virtual void allow_decrement(double /*decrement*/) {}
  virtual double last_decrement() const { return 0.0; }  // what the last evaluation made of it

  Vector gradient(const Vector& psi) const {
    const auto sd = model().prior().vcp_p.array();
    return expected_squares().array() - model().design().component_size().array() -
           psi.array() / sd.square();
  }
};

}  // namespace mixed_glm
