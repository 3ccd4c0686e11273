// Mode of the marginal posterior of psi, by a quasi-Newton method in a trust region: exact
// gradients, BFGS updates of minus the Hessian, which begins as the information of a balanced
// Gaussian model.
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/inference/marginal.hpp>
#include <mixed_glm/inference/trust_region.hpp>

namespace mixed_glm {

struct MarginalModeSettings {
  double tolerance = 1e-8;          // on gradient' B^-1 gradient, B minus the Hessian
  double stalled_tolerance = 1e-4;  // the same, where no step improves any more
  int max_iterations = 200;
  double initial_radius = 1.5;    // in units of psi
  double difference_step = 0.02;  // of the final Hessian, in units of its own standard deviations
  Monitor* monitor = nullptr;
};

struct MarginalMode {
  Vector psi;        // K
  Matrix precision;  // K x K, minus the Hessian
  double log_density = 0.0;
  int iterations = 0;  // evaluations of the marginal
  bool found = false;  // false: the density could not be evaluated at all
  bool converged = false;
};

class MarginalModeSearch {
 public:
  explicit MarginalModeSearch(Marginal& marginal, MarginalModeSettings settings = {})
      : marginal_(&marginal), settings_(settings) {}

  // Afterwards the marginal stands at the mode found. Where nothing can be evaluated, not even at
  // other starts, found is false.
  MarginalMode find(const Vector& start) {
    if (!begin(start)) return mode_;
    mode_.precision = prior_and_information().asDiagonal();
    if (start.size() == 0) {
      mode_.converged = true;
      return mode_;
    }
    double radius = settings_.initial_radius;
    if (!at_mode()) advance(radius, first_direction());
    while (mode_.iterations < settings_.max_iterations && !at_mode() && radius > 1e-9) {
      advance(radius, gradient_);
    }
    mode_.converged = decrement() <= settings_.stalled_tolerance;
    if (!stands_at_mode_) evaluate(mode_.psi);
    return mode_;
  }

  // Minus the Hessian by forward differences of the gradient: K evaluations.
  Matrix curvature() {
    const Index k = mode_.psi.size();
    if (k == 1 && last_move_ > 1e-3 && last_move_ < 0.1) return mode_.precision;  // a fresh secant
    const Vector gradient = gradient_;
    Matrix result(k, k);
    for (Index c = 0; c < k; ++c) {
      const double step = settings_.difference_step / std::sqrt(mode_.precision(c, c));
      Vector psi = mode_.psi;
      psi[c] += step;
      if (!evaluate(psi)) return mode_.precision;
      result.col(c) = (gradient - marginal_->gradient(psi)) / step;
    }
    result = (0.5 * (result + result.transpose())).eval();
    return Eigen::LLT<Matrix>(result).info() == Eigen::Success ? result : mode_.precision;
  }

 private:
  bool evaluate(const Vector& psi) {
    ++mode_.iterations;
    const bool valid = marginal_->evaluate(psi);
    tell_step(settings_.monitor, marginal_->log_density());
    return valid;
  }

  // The first of a few starts at which the density can be evaluated.
  bool begin(const Vector& start) {
    for (const double shift : {0.0, 1.0, 2.0, -1.0, -2.0}) {
      mode_.psi = start.array() + shift;
      if (!evaluate(mode_.psi)) continue;
      mode_.log_density = marginal_->log_density();
      gradient_ = marginal_->gradient(mode_.psi);
      mode_.found = true;
      return true;
    }
    return false;
  }

  Vector prior_and_information() const {
    return marginal_->information().array() +
           marginal_->model().prior().vcp_p.array().square().inverse();
  }

  double decrement() const {
    return gradient_.dot(Eigen::LLT<Matrix>(mode_.precision).solve(gradient_));
  }
  bool at_mode() const { return decrement() <= settings_.tolerance; }

  // In place of the gradient n_k (r_k - 1) - ..., r_k = D_k sum E[u^2] / n_k, for the first step,
  // which may be far: n_k log r_k is nearly linear in psi, and has the same root.
  Vector first_direction() const {
    const Vector& size = marginal_->model().design().component_size();
    Vector direction = gradient_;
    for (Index k = 0; k < size.size(); ++k) {
      const double ratio = marginal_->expected_squares()[k] / size[k];
      if (size[k] > 0.0 && ratio > 0.0) direction[k] += size[k] * (std::log(ratio) - (ratio - 1.0));
    }
    return direction;
  }

  void advance(double& radius, const Vector& direction) {
    const TrustRegionStep trial = TrustRegion(-direction, mode_.precision).solve(radius);
    const Vector psi = mode_.psi + trial.step;
    const bool valid = evaluate(psi);
    const double noise = marginal_->value_error() + 1e-11 * std::abs(mode_.log_density);
    const double gain = marginal_->log_density() - mode_.log_density;
    if (!valid || !(gain >= 0.01 * trial.predicted - noise)) {
      stands_at_mode_ = false;
      radius = 0.3 * std::min(radius, trial.step.norm());
      return;
    }
    const Vector gradient = marginal_->gradient(psi);
    last_move_ = std::sqrt(trial.step.dot(mode_.precision * trial.step));
    update(trial.step, gradient_ - gradient);
    if (!trial.interior && gain > 0.5 * trial.predicted) radius *= 2.0;
    mode_.psi = psi;
    mode_.log_density = marginal_->log_density();
    gradient_ = gradient;
    stands_at_mode_ = true;
  }

  // BFGS; a step along which the density is not concave leaves the matrix as it is.
  void update(const Vector& step, const Vector& change) {
    Matrix& b = mode_.precision;
    const double curvature = step.dot(change);
    const Vector product = b * step;
    const double old_curvature = step.dot(product);
    if (curvature <= 0.02 * old_curvature) {  // damped (Powell 1978)
      b *= 0.5;
      return;
    }
    b += change * change.transpose() / curvature - product * product.transpose() / old_curvature;
  }

  Marginal* marginal_;
  MarginalModeSettings settings_;
  MarginalMode mode_;
  Vector gradient_;
  double last_move_ = 0.0;  // length of the last step, in standard deviations
  bool stands_at_mode_ = true;
};

}  // namespace mixed_glm
