// The ascent of the variational bound over q(u, beta) q(psi):
//
//     log p(y) >= E log p(y | u, beta) + E log p(u, beta, psi) - E log q(u, beta) - E log q(psi)
//
// Every step moves all coefficients towards the maximum of the bound's expansion, then puts q(psi)
// at its own maximum. The prior precisions that a step goes by are Newton's prediction of those at
// which it will end. Where means and variances are all that a posterior is, full steps go on to
// where Anderson's method has them end (anderson.hpp), if the bound is no lower there. A step that
// lowers the bound is taken back and repeated, shorter and without prediction: short enough it
// ascends.
#pragma once

#include <mixed_glm/inference/monitor.hpp>
#include <mixed_glm/variational/anderson.hpp>
#include <mixed_glm/variational/scale_newton.hpp>
#include <vector>

namespace mixed_glm {

struct AscentSettings {
  double tolerance = 1e-6;  // on the change of a step, in standard deviations and log sds
  int max_iterations = 500;
  Monitor* monitor = nullptr;
};

constexpr double rough_tolerance = 1e-2;  // of an ascent that only begins another
constexpr double longest_leap = 1.0;      // steps beyond are too far from a linear iteration

class VariationalAscent {
 public:
  // q and scales stand where the ascent is to begin, and are moved.
  VariationalAscent(CoefficientPosterior& q, ScalePosterior& scales, AscentSettings settings = {})
      : q_(&q), scales_(&scales), settings_(settings) {}

  // True if it converged; q and scales stand at the highest point found.
  bool run() {
    elbo_ = value(q_->expand(1.0));
    trace_.assign(1, elbo_);
    if (!std::isfinite(elbo_)) return false;
    Vector psi = scales_->effective_psi();
    double length = 1.0;
    for (iterations_ = 1; iterations_ <= settings_.max_iterations; ++iterations_) {
      if (!advance(psi, length)) return stalled();
      trace_.push_back(elbo_);
      tell_step(settings_.monitor, elbo_);
      if (change_ <= settings_.tolerance) return true;
      length = oscillates_ ? 0.5 : std::min(1.0, 2.0 * length);
      if (length < 1.0) q_->expand(length);
    }
    --iterations_;
    return false;
  }

  double elbo() const { return elbo_; }
  int iterations() const { return iterations_; }
  const std::vector<double>& trace() const { return trace_; }  // the bound after each iteration

 private:
  double value(double expected_log_likelihood) const {
    return expected_log_likelihood + q_->bound() + scales_->bound(q_->squares());
  }

  // From where q has been expanded for this length; psi becomes the next step's. False where no
  // step is short enough to gain.
  bool advance(Vector& psi, double& length) {
    const ScalePosterior before = *scales_;
    for (; length > 1e-5; length *= 0.3) {
      tell_pass(settings_.monitor);
      if (q_->step(psi, length)) {
        scales_->maximize(q_->squares());
        const Vector move = q_->move() / length;
        const double scale_move = scale_change(before) / length;
        Vector next = scales_->is_point() ? psi : next_scale(*q_, *scales_, psi);
        if ((length == 1.0 && leap(move, psi, next)) || ascends()) {
          note(move, scale_move);
          psi = length == 1.0 ? next : scales_->effective_psi();
          return true;
        }
      }
      anderson_.restart();
      q_->restore();
      *scales_ = before;
      psi = before.effective_psi();
      q_->expand(0.3 * length);
    }
    return false;
  }

  // Whether the bound here is no lower than before, but for noise.
  bool ascends() {
    const double noise = 1e-9 * double(q_->model().design().rows()) + 1e-11 * std::abs(elbo_);
    const double trial = value(q_->expand(1.0));
    if (!(trial >= elbo_ - noise)) return false;
    elbo_ = std::max(trial, elbo_);
    return true;
  }

  // On from the end of a full step, that was a move, and after which psi becomes next. False, and
  // still there, if that is not known to be higher.
  bool leap(const Vector& move, const Vector& psi, Vector& next) {
    const Vector end = q_->point();
    if (end.size() == 0) return false;
    const Index k = scales_->is_point() ? 0 : psi.size();
    Vector image(end.size() + k), residual(end.size() + k), target;
    image << end, next.head(k);
    residual << move, (next - psi).head(k).cwiseQuotient(scales_->sd().head(k));
    if (residual.cwiseAbs().maxCoeff() > longest_leap) anderson_.restart();
    if (!anderson_.extrapolate(image, residual, target)) return false;
    q_->set_point(target.head(end.size()));
    scales_->maximize(q_->squares());
    if (ascends()) {
      next.head(k) = target.tail(k);
      return true;
    }
    q_->set_point(end);
    scales_->maximize(q_->squares());
    anderson_.restart();
    return false;
  }

  double scale_change(const ScalePosterior& before) const {
    double largest = 0.0;
    for (Index k = 0; k < before.components() && !before.is_point(); ++k) {
      largest =
          std::max(largest, std::abs(scales_->mean()[k] - before.mean()[k]) / scales_->sd()[k]);
    }
    return largest;
  }

  // A step that takes most of the last one back will be taken back itself: the next is halved.
  void note(const Vector& move, double scale_change) {
    const double product = move.size() == move_.size() ? move.dot(move_) : 0.0;
    oscillates_ = product < -0.5 * move_.squaredNorm();
    move_ = move;
    change_ = std::max(scale_change, move.size() > 0 ? move.cwiseAbs().maxCoeff() : 0.0);
  }

  // No step gains, because there is nothing left to gain but rounding.
  bool stalled() const { return change_ <= 1e-3; }

  CoefficientPosterior* q_;
  ScalePosterior* scales_;
  AscentSettings settings_;
  Anderson anderson_;
  double elbo_ = 0.0, change_ = std::numeric_limits<double>::infinity();
  int iterations_ = 0;
  Vector move_;
  bool oscillates_ = false;
  std::vector<double> trace_;
};

}  // namespace mixed_glm
