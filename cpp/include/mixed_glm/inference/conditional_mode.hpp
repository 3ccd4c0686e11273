// Mode of the coefficients (u, beta) given the hyperparameters theta, by Newton's method:
//
//     maximize  sum_i l_i(a_i' x) - x' P x / 2        step = H^-1 gradient,  H = A' W A + P
//
// The objective is strictly concave, so Newton with step halving converges from anywhere. Where a
// start is so far off that the iteration stalls (exp overflows), it begins anew from the family's
// own start. Where rounding hides that H is positive definite (weights W of 1e20 and more beside
// small ones, far from the mode), steps are damped (Levenberg 1944):
//
//     step = (H + ridge diag H)^-1 gradient
//
// The mode itself counts as found only with a factor of H as it is.
#pragma once

#include <cmath>
#include <mixed_glm/inference/monitor.hpp>
#include <mixed_glm/linalg/precision.hpp>
#include <mixed_glm/model/coefficient_likelihood.hpp>
#include <mixed_glm/model/coefficient_prior.hpp>

namespace mixed_glm {

struct NewtonSettings {
  double tolerance = 1e-12;  // on the Newton decrement gradient' H^-1 gradient, and
  double gradient_tolerance = std::numeric_limits<double>::infinity();  // on its largest entry
  double value_error = 0.0;  // nats by which a value may be wrong although its gradient is right
  bool last_step = false;  // take the step that the converged point still promises, without a new H
  double stalled_tolerance = 1e-6;  // on the decrement where no step improves any more: what
                                    // rounding, or the error of a quadrature, leaves
  int max_iterations = 100;         // over all restarts
  int patience = 25;      // iterations from a given start before the family's own is tried
  int max_halvings = 40;  // of one step
  Monitor* monitor = nullptr;
  Team* team = nullptr;  // of threads, for passes over the rows and for large factorizations
};

// The objective, its gradient and the factorized H at one point, and the search for the mode.
// Owns all memory that the iteration needs.
class ConditionalMode {
 public:
  // The likelihood is viewed and must outlive this object.
  ConditionalMode(CoefficientLikelihood& likelihood, const Prior& prior,
                  NewtonSettings settings = {})
      : likelihood_(&likelihood),
        settings_(settings),
        prior_(likelihood.design(), prior),
        precision_(likelihood.design().pattern(), settings.team),
        coefficients_(Vector::Zero(likelihood.design().coefficients())),
        gradient_(likelihood.design().coefficients()),
        step_(likelihood.design().coefficients()),
        trial_(likelihood.design().coefficients()),
        fallback_(Vector::Zero(likelihood.design().coefficients())) {
    if (prior.fe_start.size() > 0) fallback_.tail(prior.fe_start.size()) = prior.fe_start;
  }

  // Start of the next search; without a call, the last mode.
  void set_start(const Vector& coefficients) {
    coefficients_ = coefficients;
    started_ = true;
  }

  // The searches to come end at this decrement, if it is above the one of the settings; only where
  // the last step follows, which makes up for most of it.
  void allow_decrement(double decrement) { allowed_ = settings_.last_step ? decrement : 0.0; }

  // Forgets the last mode: the next search begins as the first did.
  void reset() {
    started_ = false;
    iterations_ = 0;
    allowed_ = 0.0;
    precision_.forget();
  }

  // True if converged. Afterwards the members below describe the last point.
  bool find(ConstVectorRef theta) {
    prior_.set(theta);
    likelihood_->set_theta(theta);
    last_gradient_norm_ = std::numeric_limits<double>::infinity();
    bool own_start = !started_;
    bool valid = own_start ? begin_anew() : expand(coefficients_);
    for (int k = 1; k <= settings_.max_iterations; ++k) {
      if (valid && at_mode()) {
        end(settings_.last_step);
        return true;
      }
      if (!own_start && (!valid || k % settings_.patience == 0)) {
        own_start = true;
        valid = begin_anew();
      } else if (!valid || !take_step()) {
        break;
      }
    }
    end(false);
    return valid && !damped_ && decrement_ <= settings_.stalled_tolerance;
  }

  // Describes the start itself, without a search. False where the density is not finite there, or
  // H not positive definite in floating point.
  bool expand_at_start(ConstVectorRef theta) {
    prior_.set(theta);
    likelihood_->set_theta(theta);
    return expand(coefficients_) && !damped_;
  }

  const CoefficientPrior& prior() const { return prior_; }
  const Precision& precision() const { return precision_; }  // of H
  void set_probes(Index count) { precision_.set_probes(count); }
  void anchor_probes() { precision_.anchor(); }
  const Vector& coefficients() const { return coefficients_; }
  const Vector& gradient() const { return gradient_; }
  // From the point of gradient() and H to coefficients(): zero, or Newton's step.
  const Vector& last_step() const { return step_; }
  double gradient_norm() const {  // largest absolute entry
    return gradient_.size() > 0 ? gradient_.cwiseAbs().maxCoeff() : 0.0;
  }
  // log p(y, beta, u | theta), fully normalized.
  double log_density() const { return log_density_; }
  double decrement() const { return decrement_; }
  int iterations() const { return iterations_; }  // passes with curvature, over all searches

 private:
  // Tolerances of steps where these are iterative: what one leaves is for the next, if there is
  // any.
  static constexpr double rough_step = 1e-3, exact_step = 1e-8;

  // Newton's step squares the error, and costs nothing: it is known already. gradient() and H stay
  // those of the point before.
  void end(bool with_last_step) {
    if (!with_last_step) {
      step_.setZero();
      return;
    }
    coefficients_ += step_;
    log_density_ += 0.5 * decrement_;
  }

  // The gradient is as small as asked for, or as rounding allows: it has ceased to fall.
  bool at_mode() {
    if (is_one_step_away()) return true;
    if (damped_ || decrement_ > std::max(settings_.tolerance, allowed_)) return false;
    const double norm = gradient_norm();
    const bool stalled = norm > 0.5 * last_gradient_norm_;
    last_gradient_norm_ = norm;
    return norm <= settings_.gradient_tolerance || stalled;
  }

  // The last step leads to the mode of a quadratic function, exactly but for the digits of the
  // value that a long one costs.
  bool is_one_step_away() const {
    return settings_.last_step && likelihood_->is_quadratic() && !damped_ && decrement_ <= 1e3;
  }

  // Value, gradient, factorized H and step at a point. False where they are not finite.
  bool expand(const Vector& point) {
    assemble(point);
    if (!std::isfinite(log_density_) || !gradient_.allFinite()) return false;
    damped_ = !precision_.factorize();
    if (damped_ && !factorize_damped(point)) return false;
    step_ = gradient_;
    precision_.solve_in_place(step_, likelihood_->is_quadratic() ? exact_step : rough_step);
    decrement_ = gradient_.dot(step_);
    return std::isfinite(decrement_);
  }

  // Value, gradient and H.
  void assemble(const Vector& point) {
    ++iterations_;
    tell_pass(settings_.monitor);
    precision_.set_zero();
    gradient_.setZero();
    log_density_ =
        likelihood_->expand(point, gradient_, precision_.values()) + prior_.log_density(point);
    prior_.add_gradient(point, gradient_);
    prior_.add_precision(precision_.values());
  }

  // H is gone after an attempt to factorize it, so that each costs a pass.
  bool factorize_damped(const Vector& point) {
    for (const double ridge : {1e-12, 1e-8, 1e-4}) {
      assemble(point);
      precision_.scale_diagonal(1.0 + ridge);
      if (precision_.factorize()) return true;
    }
    return false;
  }

  double value_at(const Vector& point) {
    return likelihood_->value(point) + prior_.log_density(point);
  }

  // The full step is tried with its curvature, which an accepted step needs anyway; shorter ones by
  // value alone. False if no step improves: the point is a mode as far as rounding tells. Where
  // rounding hides whether the value rises, the full step is judged by its slope ("approximate
  // Wolfe conditions", Hager and Zhang 2005).
  bool take_step() {
    const double before = log_density_, slope = decrement_;
    const double noise =
        settings_.value_error + 1e-13 * (std::abs(before) + double(likelihood_->design().rows()));
    const auto improves = [&](double value, double length) {
      return value >= before + 1e-4 * length * slope - noise;
    };
    const Vector& direction = step_before_ = step_;
    const auto flattens = [&] {
      return log_density_ >= before - noise - likelihood_->rounding() &&
             std::abs(gradient_.dot(direction)) <= 0.5 * slope;
    };
    trial_ = coefficients_ + direction;
    if (expand(trial_) && (improves(log_density_, 1.0) || flattens())) {
      coefficients_.swap(trial_);
      return true;
    }
    double length = 0.5;
    for (int k = 0; k < settings_.max_halvings; ++k, length *= 0.5) {
      trial_ = coefficients_ + length * direction;
      if (!improves(value_at(trial_), length)) continue;
      coefficients_.swap(trial_);
      return expand(coefficients_);
    }
    expand(coefficients_);
    return false;
  }

  // At the family's own start; where that is far off, as offsets can make it, or does not exist, at
  // zero (or where the prior says), if that is more likely.
  bool begin_anew() {
    const bool valid = jump_to_family_start() && expand(coefficients_);
    if (valid && !damped_) return true;
    if (valid && !(value_at(fallback_) > log_density_)) return true;
    coefficients_ = fallback_;
    started_ = true;
    return expand(coefficients_);
  }

  bool jump_to_family_start() {
    precision_.set_zero();
    gradient_.setZero();
    likelihood_->start(gradient_, precision_.values());
    prior_.add_precision(precision_.values());
    if (!gradient_.allFinite() || !precision_.factorize()) return false;
    coefficients_ = gradient_;
    precision_.solve_in_place(coefficients_);
    started_ = true;
    return coefficients_.allFinite();
  }

  CoefficientLikelihood* likelihood_;
  NewtonSettings settings_;
  CoefficientPrior prior_;
  Precision precision_;
  Vector coefficients_, gradient_, step_, step_before_, trial_, fallback_;
  double log_density_ = 0.0, decrement_ = 0.0, last_gradient_norm_ = 0.0, allowed_ = 0.0;
  int iterations_ = 0;
  bool started_ = false, damped_ = false;
};

}  // namespace mixed_glm
