// The marginal posterior of the hyperparameters, log p(y, theta), and the conditional posterior of
// the coefficients given theta: what every approximation (Laplace, leaf quadrature, ...) provides
// to the search for the mode and to the integration over theta.
//
// The gradient has one form for all of them (hyper_derivatives.hpp), in which an approximation has
// its say by the second moments of the effects and the expected slopes in phi.
#pragma once

#include <mixed_glm/inference/conditional_mode.hpp>
#include <mixed_glm/inference/fixed_tails.hpp>
#include <mixed_glm/inference/hyper_derivatives.hpp>
#include <mixed_glm/inference/probe_rule.hpp>

namespace mixed_glm {

// Inner iterations of a fit: theta moves on before a tighter end could matter, and where it does
// not move, the predicted start is already better than this.
inline NewtonSettings marginal_newton_settings(Monitor* monitor = nullptr, Team* team = nullptr) {
  NewtonSettings settings;
  settings.monitor = monitor;
  settings.team = team;
  settings.tolerance = 1e-6;
  settings.last_step = true;
  return settings;
}

// First three moments of each coefficient given theta, in the order (u, beta); for a Gaussian the
// third central moment is zero.
struct ConditionalPosterior {
  Vector mean;      // q + p
  Vector variance;  // q + p
  Vector third;     // q + p, third central moments; empty: all zero, or not asked for
  Matrix fe_cov;    // p x p
};

// Second-order terms that a marginal may have beside those that every evaluation knows, at the cost
// of as much again; they hardly differ nearby.
enum class Correction {
  own,   // each evaluation has its own
  none,  // left out, and -1/2 log|H| with them, whose slope they are: far from the mode
  held   // those of where the marginal stood when it was told so
};

class Marginal {
 public:
  virtual ~Marginal() = default;

  // log p(y, theta) and everything below at theta, from a warm start. False where it fails.
  virtual bool evaluate(const Vector& theta) = 0;
  // Coefficients (u, beta) near which the first evaluation will find its own; where it would have
  // to search for them, it begins there.
  virtual void start_at(const Vector& /*coefficients*/) {}
  // Takes over the response that the model now holds; warm starts remain.
  virtual void update_response() {}
  // Forgets all evaluations, and takes over the response that the model now holds: what follows is
  // what it would be in an object made anew.
  virtual void reset() = 0;

  virtual double log_density() const = 0;
  virtual const SecondMoments& second_moments() const = 0;
  virtual const CoefficientPrior& prior() const = 0;  // at theta, of all coefficients
  // Where the family has a hyperparameter phi: the sum of E[d l_i / d phi], normalizing constants
  // included, and about minus the sum of the second derivatives.
  virtual double family_slope() const { return 0.0; }
  virtual double family_information() const { return 0.0; }
  // g, with which the mean of the coefficients moves by H^-1 g dphi; empty: there is no phi.
  virtual const Vector& family_pull() const { return no_pull_; }
  virtual ConditionalPosterior posterior() const = 0;
  // (u, beta) where their density given theta is highest, as far as it is known: for start_at().
  virtual Vector mode_of_coefficients() const { return posterior().mean; }
  // Whether posteriors that follow have third moments, which cost a look at the rows.
  void want_third(bool wanted) { wants_third_ = wanted; }
  virtual const Model& model() const = 0;
  virtual int passes() const = 0;  // over the rows, with curvature
  // Nats by which the log density may be wrong although its gradient is right.
  virtual double value_error() const { return 1e-5 + model().rounding(); }
  // How exact the last evaluation was, at a mode of theta; information: of theta, the diagonal of
  // minus the Hessian there.
  virtual ProbeReport probe_report(const Vector& /*information*/) const { return {}; }
  // More probes for the evaluations that follow.
  virtual void set_probes(Index /*count*/) {}
  // Where many were needed, evaluations nearby can do with what they know more here
  // (linalg/probe_anchor.hpp).
  virtual void anchor_probes() {}
  // Whether the exact factor has taken the place of iterations that do not converge.
  virtual bool took_exact_factor() const { return false; }
  // Evaluations that had to be made by a simpler approximation.
  virtual int fallbacks() const { return 0; }

  // Cumulants of the fixed effects where it has been evaluated; no third ones: a Gaussian.
  // thorough: also where they cost as much as an evaluation for each fixed effect.
  virtual FixedCumulants fixed_cumulants(bool /*thorough*/) { return {}; }
  // Takes the tails of the fixed effects from here, for all posteriors that follow.
  void expand_fixed(bool thorough) { fixed_tails_ = FixedTails(fixed_cumulants(thorough)); }
  const FixedTails& fixed_tails() const { return fixed_tails_; }
  // Whether means of fixed effects are the mode and a first correction, rather than means.
  virtual bool corrects_modes() const { return false; }

  // Of a quadrature whose number of nodes was not asked for: a fit begins with a few, and goes on
  // with more (quadrature_check.hpp). spread: standard deviation of psi. False: there are no more.
  virtual void begin_with_few_nodes() {}
  virtual bool take_more_nodes(double /*spread*/) { return false; }
  virtual Index nodes() const { return 0; }  // of each effect; 0: no quadrature, or as asked for

  // The next evaluations may be rough: a Newton decrement of the coefficients that is good enough
  // as long as theta is still far from where it goes. 0: as exact as the settings say.
  virtual void allow_decrement(double /*decrement*/) {}
  // One that will do while psi is many standard deviations from its mode.
  virtual double rough_decrement() const { return 0.0; }
  virtual double last_decrement() const { return 0.0; }  // what the last evaluation made of it

  // Of the evaluations to come; held: of the last one, too, which then has its own.
  virtual void set_correction(Correction /*correction*/) {}
  virtual bool can_hold_correction() const { return false; }
  // The part of the log density of which the gradient has the slope that it had where the
  // correction was held.
  virtual double held_part() const { return 0.0; }

  // Of log p(y, theta), where it has been evaluated.
  Vector gradient(const Vector& theta) const {
    return hyper_gradient(model(), prior(), second_moments(), theta, family_slope());
  }
  // Minus its diagonal second derivatives as those of a balanced Gaussian model; above zero.
  Vector information(const Vector& theta) const {
    Vector result = model().hyperparameters().curvature(theta);
    const Matrix of_terms = prior().information(second_moments());
    result.head(of_terms.rows()) += of_terms.diagonal();
    const Hyperparameters::Block family = model().hyperparameters().family();
    result.segment(family.begin, family.size).array() += family_information();
    return result;
  }

 protected:
  bool wants_third() const { return wants_third_; }
  void forget_fixed() { fixed_tails_ = FixedTails(); }
  // Completes a posterior: mean, variance of u and the Gaussian's covariance of beta are there;
  // third: q, of the effects, or empty.
  void add_tails(ConditionalPosterior& posterior, const Vector& third) const {
    const Index p = posterior.fe_cov.rows();
    posterior.fe_cov = fixed_tails_.spread_out(posterior.fe_cov);
    posterior.variance.tail(p) = posterior.fe_cov.diagonal();
    if (!wants_third_ || (third.size() == 0 && fixed_tails_.is_empty())) return;
    posterior.third = Vector::Zero(posterior.mean.size());
    posterior.third.head(third.size()) = third;
    if (fixed_tails_.is_empty()) return;
    posterior.third.tail(p) =
        fixed_tails_.skewness().array() * posterior.variance.tail(p).array().pow(1.5);
  }

 private:
  FixedTails fixed_tails_;
  bool wants_third_ = true;
  Vector no_pull_;
};

}  // namespace mixed_glm
