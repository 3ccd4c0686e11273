// One design fitted to many responses, on several threads. The symbolic work is done once, each
// thread's memory is used again for every response, and results depend neither on the number of
// threads nor on the other responses.
//
//     ManyFitter fitter(design, PoissonLog(), prior, MarginalMethod());
//     std::optional<ManyResults> results = fitter.fit(batch, {4});
#pragma once

#include <mixed_glm/many/response_worker.hpp>
#include <mixed_glm/parallel/run_workers.hpp>
#include <mixed_glm/parallel/thread_count.hpp>

namespace mixed_glm {

struct ManySettings {
  int n_jobs = -1;                   // threads (thread_count.hpp)
  bool keep_random_effects = false;  // m x q means and standard deviations
  bool keep_covariances = false;     // m x p x p, of the fixed effects
  ShouldStop should_stop = {};       // asked every 50 milliseconds whether to stop
};

class ManyFitter {
 public:
  // The design is viewed and must outlive this object. quantiles: of a marginal method.
  ManyFitter(const Design& design, Family family, Prior prior, FitMethod method,
             KeptQuantiles quantiles = {})
      : design_(&design),
        family_(family),
        prior_(std::move(prior)),
        method_(std::move(method)),
        quantiles_(std::move(quantiles)) {
    if (auto* marginal = std::get_if<MarginalMethod>(&method_)) {
      marginal->settings.keep_points = quantiles_.any();  // which they are made of
    }
    auto worker = make_worker();  // so that what is wrong with the arguments is said here
    layout_ = worker->layout();
    give_back(std::move(worker));
  }

  const Design& design() const { return *design_; }

  // Nothing if interrupted. Several threads may call this at a time. Offsets must agree in rows
  // that the design has merged.
  std::optional<ManyResults> fit(const ResponseBatch& batch, const ManySettings& settings = {}) {
    batch.check(design_->user_rows());
    check_merged_offsets(batch.offset);
    ManyResults results(batch.size(), layout_, settings.keep_random_effects,
                        settings.keep_covariances, quantiles_);
    std::atomic<Index> next{0};
    const Worker work = [&](const std::atomic<bool>& stop) {
      std::unique_ptr<ResponseWorker> worker = take();
      try {
        for (Index j = next++; j < batch.size(); j = next++) {
          results.set(j, worker->fit(batch, j, stop));
          if (stop) break;
        }
      } catch (const Interrupted&) {
        return;  // the worker stopped in the middle of a fit: it is not used again
      }
      give_back(std::move(worker));
    };
    const auto most = static_cast<int>(std::min<Index>(batch.size(), 1024));
    const int threads = std::min(thread_count(settings.n_jobs), most);
    if (!run_workers(threads, work, settings.should_stop)) return std::nullopt;
    return results;
  }

 private:
  // A value that is not finite is told by the status of its response.
  void check_merged_offsets(const ConstMatrixRef& offset) const {
    if (design_->rows() == design_->user_rows()) return;
    Vector own(design_->rows());
    for (Index j = 0; j < offset.cols(); ++j) {
      design_->to_design_rows(offset.col(j), own);
      const Vector merged = design_->to_user_rows(own);
      if (!offset.col(j).allFinite() || merged == offset.col(j)) continue;
      throw std::invalid_argument(
          "offset: expected equal values in rows that the design has merged, got others for "
          "response " +
          std::to_string(j) + "; make the design without merging (merge_rows)");
    }
  }

  std::unique_ptr<ResponseWorker> make_worker() const {
    return std::make_unique<ResponseWorker>(*design_, family_, prior_, method_);
  }

  std::unique_ptr<ResponseWorker> take() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<ResponseWorker> worker = std::move(idle_.back());
        idle_.pop_back();
        return worker;
      }
    }
    return make_worker();
  }
  void give_back(std::unique_ptr<ResponseWorker> worker) {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(worker));
  }

  const Design* design_;
  Family family_;
  Prior prior_;
  FitMethod method_;
  KeptQuantiles quantiles_;
  ParameterLayout layout_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ResponseWorker>> idle_;
};

}  // namespace mixed_glm
