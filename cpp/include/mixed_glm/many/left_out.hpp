// The log marginal posterior of theta where some rows are left out: what of log p(y, theta) remains
// without them, at given points theta, on several threads.
//
// Each evaluation begins at the coefficients that all rows have at its theta, of which those of the
// rest are few steps away; it depends on nothing that was evaluated before, so that results are the
// same on any number of threads.
#pragma once

#include <mixed_glm/fit/make_marginal.hpp>
#include <mixed_glm/inference/monitor.hpp>
#include <mixed_glm/many/reloadable_model.hpp>
#include <mixed_glm/parallel/run_workers.hpp>
#include <mixed_glm/parallel/thread_count.hpp>
#include <optional>
#include <vector>

namespace mixed_glm {

// A model, viewed, and points theta as columns.
struct LeftOutProblem {
  const Design& design;
  const Family& family;
  const Prior& prior;
  const OrdinalRows* ordinal;
  Approximation approximation;
  const ResponseBatch& all;  // one response
  ConstMatrixRef points;
};

class LeftOutWorker {
 public:
  explicit LeftOutWorker(const LeftOutProblem& problem)
      : points_(problem.points),
        all_weights_(problem.all.weights),
        weights_(problem.all.weights),
        batch_{problem.all.endog, problem.all.trials, problem.all.offset, weights_,
               problem.all.shift},
        model_(problem.design, problem.family, problem.prior, problem.ordinal) {
    Approximation uncorrected = problem.approximation;
    uncorrected.mean_correction = false;  // means are where a search begins
    if (!model_.load(batch_, 0)) throw std::invalid_argument("endog: expected a response");
    marginal_ = make_marginal(model_.model(), uncorrected, marginal_newton_settings(&monitor_));
    marginal_->want_third(false);
    find_starts();
  }
  LeftOutWorker(const LeftOutWorker&) = delete;  // the marginal views the model
  LeftOutWorker& operator=(const LeftOutWorker&) = delete;

  // log p(y without the rows, theta) - log p(y, theta) at each point; NaN where it is not found.
  Vector log_ratios(const std::vector<Index>& rows, const std::atomic<bool>& stop) {
    monitor_.watch(stop);
    for (const Index i : rows) weights_[i] = 0.0;
    const bool loaded = model_.load(batch_, 0);
    const Vector found = loaded ? at_points() : Vector(Vector::Constant(points_.cols(), nan));
    for (const Index i : rows) weights_[i] = all_weights_[i];
    return found;
  }

 private:
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  // Nats from the mode of the coefficients before a last step, which makes up for nearly all of it.
  static constexpr double decrement = 1e-3;

  void find_starts() {
    const Index s = points_.cols();
    starts_.setZero(model_.model().design().coefficients(), s);
    everything_.setConstant(s, nan);
    shorter_ = make_rows_left_out(*marginal_, s);
    for (Index k = 0; k < s; ++k) {
      if (marginal_->evaluate(points_.col(k))) {
        starts_.col(k) = marginal_->posterior().mean;
        everything_[k] = marginal_->log_density();
        if (shorter_) shorter_->add_point(points_.col(k));
      } else if (shorter_) {
        shorter_->skip_point();
      }
    }
  }

  // Of the rows that are there.
  Vector at_points() {
    Vector found = Vector::Constant(points_.cols(), nan);
    if (shorter_) {
      marginal_->update_response();
      shorter_->update_response();
    }
    for (Index k = 0; k < found.size(); ++k) {
      if (shorter_) found[k] = shorter_->log_ratio(k);
      if (std::isnan(found[k])) found[k] = log_density_at(k) - everything_[k];
    }
    return found;
  }

  double log_density_at(Index k) {
    marginal_->reset();
    marginal_->start_at(starts_.col(k));
    marginal_->allow_decrement(decrement);
    return marginal_->evaluate(points_.col(k)) ? marginal_->log_density() : nan;
  }

  ConstMatrixRef points_;
  ConstVectorRef all_weights_;
  Vector weights_;
  ResponseBatch batch_;
  StopMonitor monitor_;
  ReloadableModel model_;
  std::unique_ptr<Marginal> marginal_;
  std::unique_ptr<RowsLeftOut> shorter_;  // way, where the marginal has one
  Matrix starts_;
  Vector everything_;
};

// log p(y without a set of rows, theta) - log p(y, theta), points x sets; nothing if interrupted.
inline std::optional<Matrix> log_ratios_without(const LeftOutProblem& problem,
                                                const std::vector<std::vector<Index>>& sets,
                                                int n_jobs, const ShouldStop& should_stop = {}) {
  Matrix found(problem.points.cols(), Index(sets.size()));
  std::atomic<size_t> next{0};
  const Worker work = [&](const std::atomic<bool>& stop) {
    try {
      LeftOutWorker worker(problem);
      for (size_t j = next++; j < sets.size() && !stop; j = next++) {
        found.col(Index(j)) = worker.log_ratios(sets[j], stop);
      }
    } catch (const Interrupted&) {
      return;
    }
  };
  const int threads = std::min<int>(thread_count(n_jobs), int(std::min<size_t>(sets.size(), 1024)));
  if (!run_workers(threads, work, should_stop)) return std::nullopt;
  return found;
}

}  // namespace mixed_glm
