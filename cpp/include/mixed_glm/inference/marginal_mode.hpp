// Mode of the marginal posterior of psi, by a quasi-Newton method in a trust region: exact
// gradients, BFGS updates of minus the Hessian, which begins as the information of a balanced
// Gaussian model.
#pragma once

#include <Eigen/Cholesky>
#include <mixed_glm/inference/balanced_step.hpp>
#include <mixed_glm/inference/trust_region.hpp>
#include <mixed_glm/linalg/multiply.hpp>

namespace mixed_glm {

struct MarginalModeSettings {
  double tolerance = 1e-6;          // on gradient' B^-1 gradient, B minus the Hessian
  double stalled_tolerance = 1e-4;  // the same, where no step improves any more
  int max_iterations = 200;
  double initial_radius = 1.5;    // in units of psi
  double difference_step = 0.02;  // of the final Hessian, in units of its own standard deviations
  Matrix precision = {};  // minus the Hessian at the start, as far as it is known; empty: it is not
  Monitor* monitor = nullptr;
};

struct MarginalMode {
  Vector psi;        // K
  Matrix precision;  // K x K, minus the Hessian
  double log_density = 0.0;
  int iterations = 0;  // evaluations of the marginal
  bool found = false;  // false: the density could not be evaluated at all
  bool converged = false;
  bool stood_in = false;  // a simpler approximation stood in there
  ProbeReport probes;     // how exact it is
};

class MarginalModeSearch {
 public:
  explicit MarginalModeSearch(Marginal& marginal, MarginalModeSettings settings = {})
      : marginal_(&marginal), settings_(settings) {}

  // Afterwards the marginal stands at the mode found. Where nothing can be evaluated, not even at
  // other starts, found is false.
  MarginalMode find(const Vector& start) {
    const double coefficients = double(marginal_->model().design().coefficients());
    marginal_->allow_decrement(start.size() > 0 ? first_share * coefficients : 0.0);
    if (!begin(start)) return mode_;
    if (settings_.precision.size() > 0) {
      mode_.precision = settings_.precision;
    } else {
      mode_.precision = bent_.information.asDiagonal();
    }
    if (start.size() == 0) {
      sharpen();
      mode_.converged = true;
      return mode_;
    }
    return go_on();
  }

  // Once more from the mode found, after the marginal has become a little different. look(): called
  // when it has been evaluated there.
  template <class Look>
  MarginalMode find_again(Look&& look) {
    if (!evaluate(mode_.psi)) {
      mode_.converged = false;
      return mode_;
    }
    look();
    return find_on();
  }
  // The same where the marginal stands at the mode found, evaluated as it is now.
  MarginalMode find_on() {
    move_to(mode_.psi);
    return go_on();
  }

  // Minus the Hessian by forward differences of the gradient, along the axes of a basis whitened by
  // the precision so far. Where the last step of the search was short enough to be such a
  // difference itself, good to about one percent, it is the first axis if `reuse_last_step`: one
  // evaluation less than components.
  Matrix curvature(bool reuse_last_step = true) {
    const Index k = mode_.psi.size();
    if (k == 0) return mode_.precision;
    const Matrix whitening = Eigen::LLT<Matrix>(mode_.precision).matrixL();  // z = whitening' psi
    Matrix axes = Matrix::Identity(k, k), slopes(k, k);
    Index known = 0;
    const Vector last = last_step_.size() == k ? whitening.transpose() * last_step_ : Vector();
    if (reuse_last_step && last.size() == k && is_good_difference(last.norm())) {
      axes = reflected_axes(last);
      slopes.col(0) = last_change_ / axes.col(0).dot(last);
      known = 1;
    }
    const Vector gradient = gradient_, mode = mode_.psi;
    const auto lower = whitening.triangularView<Eigen::Lower>();
    for (Index c = known; c < k; ++c) {
      const Vector step = lower.transpose().solve(settings_.difference_step * axes.col(c));
      if (!evaluate(mode + step)) return mode_.precision;
      slopes.col(c) = (gradient - marginal_->gradient(mode + step)) / settings_.difference_step;
    }
    const Matrix product = multiply_abt(multiply_abt(slopes, axes), whitening);
    const Matrix result = 0.5 * (product + product.transpose());
    return Eigen::LLT<Matrix>(result).info() == Eigen::Success ? result : mode_.precision;
  }

 private:
  // Newton decrements of the coefficients that are allowed while psi is under way: of the first
  // evaluation, for each coefficient, and of the others, as a share of the decrement of psi.
  static constexpr double first_share = 1e-3, share = 1e-4;
  static constexpr double rough = 1e-6;  // more is too rough for the mode itself
  // Decrement of psi from which on the step will not lead so near the mode that roughness would
  // cost another evaluation: six standard deviations.
  static constexpr double far = 40.0;
  // Of the decrement, by which the value may be wrong after the last step.
  static constexpr double value_share = 0.1;

  MarginalMode go_on() {
    double radius = settings_.initial_radius;
    while (mode_.iterations < settings_.max_iterations && radius > 1e-9) {
      if (at_mode()) {
        if (roughness_ <= std::max(rough, 0.1 * settings_.tolerance)) {
          if (sharpen()) continue;
          break;
        }
        marginal_->allow_decrement(0.0);  // the mode of a rough evaluation: once more
        if (!evaluate(mode_.psi)) break;
        move_to(mode_.psi);
      } else {
        const double way = decrement();
        const double of_all = way > far ? marginal_->rough_decrement() : 0.0;
        marginal_->allow_decrement(std::max(share * way, of_all));
        advance(radius);
      }
    }
    marginal_->allow_decrement(0.0);
    mode_.converged = decrement() <= std::max(settings_.stalled_tolerance, settings_.tolerance);
    if (!stands_at_mode_) evaluate(mode_.psi);
    if (!is_sharp_) mode_.probes = report();
    return mode_;
  }

  bool evaluate(const Vector& psi) {
    ++mode_.iterations;
    const int before = marginal_->fallbacks();
    const bool valid = marginal_->evaluate(psi);
    stood_in_ = marginal_->fallbacks() > before;
    tell_step(settings_.monitor, marginal_->log_density());
    return valid;
  }

  // The first of a few starts at which the density can be evaluated.
  bool begin(const Vector& start) {
    for (const double shift : {0.0, 1.0, 2.0, -1.0, -2.0}) {
      mode_.psi = start;
      mode_.psi.head(marginal_->model().hyperparameters().psi().size).array() += shift;
      if (!evaluate(mode_.psi)) continue;
      move_to(mode_.psi);
      mode_.found = true;
      return true;
    }
    return false;
  }

  // At the mode: more probes where Monte Carlo errors ask for them. What these know is kept for the
  // evaluations that follow, and so once is enough. False: there is nothing to do.
  bool sharpen() {
    if (is_sharp_) return false;
    is_sharp_ = true;
    mode_.probes = report();
    const Index wanted = probes_wanted(mode_.probes);
    if (wanted <= mode_.probes.probes) return false;
    marginal_->allow_decrement(0.0);
    marginal_->set_probes(wanted);
    if (!evaluate(mode_.psi)) return false;
    move_to(mode_.psi);
    mode_.probes = report();
    marginal_->anchor_probes();
    return true;
  }
  ProbeReport report() const { return marginal_->probe_report(mode_.precision.diagonal()); }

  double decrement() const {
    return gradient_.dot(Eigen::LLT<Matrix>(mode_.precision).solve(gradient_));
  }
  bool at_mode() const { return decrement() <= settings_.tolerance; }

  // Orthonormal axes, the first along v: the reflection that takes the first unit vector there.
  static Matrix reflected_axes(const Vector& v) {
    Vector normal = v.normalized();
    normal[0] += normal[0] < 0.0 ? -1.0 : 1.0;
    return Matrix::Identity(v.size(), v.size()) -
           normal * normal.transpose() * (2.0 / normal.squaredNorm());
  }

  // Whether the last step, of this length in standard deviations, serves as a difference.
  bool is_good_difference(double length) const {
    return length > 1e-3 && length < 0.1 && last_roughness_ < 1e-3 * length * length;
  }

  void advance(double& radius) {
    const TrustRegionStep trial = TrustRegion(-bent_.gradient(), mode_.precision).solve(radius);
    const Vector psi = mode_.psi + trial.step;
    const bool valid = evaluate(psi);
    const double noise = marginal_->value_error() + 1e-11 * std::abs(mode_.log_density) +
                         value_share * (roughness_ + marginal_->last_decrement());
    const double gain = marginal_->log_density() - mode_.log_density;
    if (!valid || !(gain >= 0.01 * trial.predicted - noise)) {
      stands_at_mode_ = false;
      radius = 0.3 * std::min(radius, trial.step.norm());
      return;
    }
    if (!trial.interior && gain > 0.5 * trial.predicted) radius *= 2.0;
    const Vector gradient = gradient_;
    const BalancedStep bent = bent_;
    const double roughness = roughness_;
    move_to(psi);
    rescale(bent_.information.cwiseQuotient(bent.information).cwiseSqrt());
    update(trial.step, bent.gradient(bent_.information) - bent_.gradient());
    last_step_ = trial.step;
    last_change_ = gradient - gradient_;
    last_roughness_ = std::max(roughness, roughness_);
  }

  // The marginal stands at psi, and so does the search from now on.
  void move_to(const Vector& psi) {
    mode_.psi = psi;
    mode_.log_density = marginal_->log_density();
    mode_.stood_in = stood_in_;
    gradient_ = marginal_->gradient(psi);
    roughness_ = marginal_->last_decrement();
    bent_ = BalancedStep::at(*marginal_, psi, gradient_);
    stands_at_mode_ = true;
  }

  void rescale(const Vector& factor) {
    mode_.precision = factor.asDiagonal() * mode_.precision * factor.asDiagonal();
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
  BalancedStep bent_;
  double roughness_ = 0.0;          // of the evaluation at the point where the search stands
  Vector last_step_, last_change_;  // of psi and of the gradient
  double last_roughness_ = 0.0;     // of the evaluations at both ends of the last step
  bool stands_at_mode_ = true;
  bool stood_in_ = false;  // a simpler approximation, at the last evaluation
  bool is_sharp_ = false;  // as many probes as needed
};

}  // namespace mixed_glm
