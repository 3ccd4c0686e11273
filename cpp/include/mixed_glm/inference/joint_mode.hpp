// Mode of the JOINT posterior density of (beta, theta, u), by a trust-region Newton method.
//
// The profile over the coefficients (conditional_profile.hpp) has as its Hessian the Schur
// complement of the joint Hessian: it is what may be indefinite, and it is small. So the trust
// region acts on theta alone, the sparse Newton method on the coefficients, and each outer step
// predicts the next x(theta) to first order.
#pragma once

#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/trust_region.hpp>
#include <mixed_glm/inference/variance_collapse.hpp>

namespace mixed_glm {

struct JointModeSettings {
  double gradient_tolerance = 1e-7;  // largest absolute entry of the joint gradient
  int max_iterations = 500;          // trust-region steps
  double initial_radius = 1.0;       // in units of theta
  Monitor* monitor = nullptr;
};

struct JointModeResult {
  Vector params;  // (beta, theta, u), the caller's order
  double log_density = 0.0;
  double gradient_norm = 0.0;  // largest absolute entry of the joint gradient
  int iterations = 0;          // trust-region steps
  int passes = 0;              // passes over the rows with curvature
  bool converged = false;
};

class JointMode {
 public:
  explicit JointMode(const Model& model, JointModeSettings settings = {})
      : model_(&model),
        settings_(settings),
        likelihood_(model),
        inner_(likelihood_, model.prior(), inner_settings(settings)),
        sigma_(model.design().pattern()) {
    refuse_shape(model.family(), "the joint mode");
  }

  // From the theta of params = (beta, theta, u); its coefficients only start the first search for
  // their mode, which is unique.
  JointModeResult find(ConstVectorRef params) {
    Vector coefficients;
    model_->design().split(params, coefficients, theta_);
    inner_.set_start(coefficients);
    return search();
  }
  // From theta alone, for the response that the model holds at present.
  JointModeResult find_from(const Vector& theta) {
    theta_ = theta;
    inner_.reset();
    return search();
  }

  // At the mode found last.
  JointCovariance covariance() { return joint_covariance(*model_, inner_, profile_, sigma_); }
  std::vector<Index> collapsed() const {
    return collapsed_components(model_->design(), inner_.prior(), inner_.coefficients());
  }

 private:
  JointModeResult search() {
    bool going = inner_.find(theta_);
    update_profile();
    double radius = settings_.initial_radius;
    int k = 0;
    for (; going && k < settings_.max_iterations && !at_mode(); ++k) {
      const double norm = gradient_norm();
      going =
          theta_.size() > 0 && advance(radius) && !(at_rounding() && gradient_norm() > 0.5 * norm);
    }
    JointModeResult result;
    result.params = model_->design().join(inner_.coefficients(), theta_);
    result.log_density = log_density_;
    result.gradient_norm = gradient_norm();
    result.iterations = k;
    result.passes = inner_.iterations();
    result.converged = at_mode() || at_rounding();
    return result;
  }

  void update_profile() {
    log_density_ = inner_.log_density() + model_->hyperparameters().log_density(theta_);
    tell_step(settings_.monitor, log_density_);
    profile_.update(*model_, inner_, theta_);
  }

  static NewtonSettings inner_settings(const JointModeSettings& settings) {
    NewtonSettings inner;
    inner.gradient_tolerance = 0.3 * settings.gradient_tolerance;
    inner.monitor = settings.monitor;
    return inner;
  }

  double gradient_norm() const {
    const double inner = inner_.gradient_norm();
    return theta_.size() > 0 ? std::max(inner, profile_.gradient.cwiseAbs().maxCoeff()) : inner;
  }
  TrustRegion region() const { return {-profile_.gradient, -profile_.hessian}; }
  bool at_mode() const {
    if (gradient_norm() > settings_.gradient_tolerance) return false;
    return theta_.size() == 0 || region().is_convex();
  }
  // A Newton step promises nothing more that arithmetic could tell: the gradient of a large data
  // set cannot be computed to an absolute 1e-7.
  bool at_rounding() const {
    const double negligible = 1e-13 * (std::abs(log_density_) + 1.0);
    if (theta_.size() == 0) return inner_.decrement() <= negligible;
    const TrustRegion region = this->region();
    return region.is_convex() && inner_.decrement() + region.decrement() <= negligible;
  }

  // One trust-region step; a rejected one shrinks the radius. False where none helps.
  bool advance(double& radius) {
    const TrustRegion region = this->region();
    const Vector start_theta = theta_, start_x = inner_.coefficients();
    const RowMatrix slopes = profile_.slopes;
    const double start_value = log_density_;
    const double noise = 1e-12 * (std::abs(start_value) + 1.0) + model_->rounding();
    for (; radius > 1e-10; radius *= 0.25) {
      const TrustRegionStep trial = region.solve(radius);
      theta_ = start_theta + trial.step;
      inner_.set_start(start_x + slopes * trial.step);
      const bool found = inner_.find(theta_);
      const double gain =
          inner_.log_density() + model_->hyperparameters().log_density(theta_) - start_value;
      if (found && gain >= 0.05 * trial.predicted - noise) {
        if (!trial.interior && gain > 0.5 * trial.predicted) radius *= 3.0;
        update_profile();
        return true;
      }
      radius = std::min(radius, trial.step.norm());
    }
    theta_ = start_theta;
    inner_.set_start(start_x);
    inner_.find(theta_);
    update_profile();
    return false;
  }

  const Model* model_;
  JointModeSettings settings_;
  RowLikelihood likelihood_;
  ConditionalMode inner_;
  ConditionalProfile profile_;
  SelectedInverse sigma_;
  Vector theta_;
  double log_density_ = 0.0;
};

}  // namespace mixed_glm
