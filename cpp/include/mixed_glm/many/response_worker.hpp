// What one thread needs to fit one response after another: a model of its own over the shared
// design, whose response is replaced in place, and the memory of the method.
#pragma once

#include <mixed_glm/fit/fit_driver.hpp>
#include <mixed_glm/inference/monitor.hpp>
#include <mixed_glm/many/many_results.hpp>
#include <mixed_glm/many/reloadable_model.hpp>

namespace mixed_glm {

class ResponseWorker {
 public:
  // The design is viewed and must outlive this object, as must the rows of an ordinal model.
  ResponseWorker(const Design& design, const Family& family, const Prior& prior,
                 const FitMethod& method, const OrdinalRows* ordinal = nullptr)
      : model_(design, family, prior, ordinal),
        driver_(make_driver(model_.model(), method, &monitor_)) {}

  ResponseWorker(const ResponseWorker&) = delete;  // the driver views the model
  ResponseWorker& operator=(const ResponseWorker&) = delete;

  ParameterLayout layout() const { return model_.model().layout(); }

  // A fit that throws is one that failed: it must not end those of the others. Throws Interrupted
  // when `stop` is set, and std::bad_alloc: the others would fail as well, and buffers may be gone.
  FitResult fit(const ResponseBatch& batch, Index j, const std::atomic<bool>& stop) {
    monitor_.watch(stop);
    FitResult nothing;
    try {
      if (model_.load(batch, j)) return driver_->fit();
      nothing.status = FitStatus::invalid_response;
    } catch (const Interrupted&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      nothing.status = FitStatus::failed;
    }
    return nothing;
  }

 private:
  ReloadableModel model_;
  StopMonitor monitor_;
  std::unique_ptr<FitDriver> driver_;
};

}  // namespace mixed_glm
