// What one thread needs to fit one response after another: a model of its own over the shared
// design, whose response is replaced in place, and the memory of the method.
#pragma once

#include <mixed_glm/families/support.hpp>
#include <mixed_glm/fit/fit_driver.hpp>
#include <mixed_glm/inference/monitor.hpp>
#include <mixed_glm/many/many_results.hpp>
#include <mixed_glm/many/response_batch.hpp>
#include <mixed_glm/model/ordered_normals.hpp>
#include <mixed_glm/model/ordinal_rows.hpp>

namespace mixed_glm {

class ResponseWorker {
 public:
  // The design is viewed and must outlive this object, as must the rows of an ordinal model.
  ResponseWorker(const Design& design, const Family& family, const Prior& prior,
                 const FitMethod& method, const OrdinalRows* ordinal = nullptr)
      : ordinal_(ordinal),
        rows_(empty_rows(design.user_rows())),
        model_(design, family, rows_, prior),
        driver_(make_driver(model_, method, &monitor_)) {}

  ResponseWorker(const ResponseWorker&) = delete;  // the driver views the model
  ResponseWorker& operator=(const ResponseWorker&) = delete;

  ParameterLayout layout() const { return model_.layout(); }

  // A fit that throws is one that failed: it must not end those of the others. Throws Interrupted
  // when `stop` is set, and std::bad_alloc: the others would fail as well, and buffers may be gone.
  FitResult fit(const ResponseBatch& batch, Index j, const std::atomic<bool>& stop) {
    monitor_.watch(stop);
    FitResult nothing;
    try {
      if (load(batch, j)) return driver_->fit();
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
  static Response empty_rows(Index n) {
    return {Vector::Zero(n), Vector::Zero(n), Vector::Zero(n)};
  }

  // False for a response that is none of this family.
  bool load(const ResponseBatch& batch, Index j) {
    const auto endog = batch.endog.col(j);
    const auto trials = ResponseBatch::column(batch.trials, j);
    if (!supports(model_.family(), endog, trials)) return false;
    if (ordinal_ != nullptr) return load_ordinal(batch, j);
    encode_response(model_.family(), endog, trials, batch.weights, rows_);
    if (batch.offset.size() == 0 && batch.shift.size() == 0) {
      model_.set_rows(rows_, no_offset_);
      return true;
    }
    offset_.setZero(batch.endog.rows());
    if (batch.offset.size() > 0) offset_ = ResponseBatch::column(batch.offset, j);
    if (batch.shift.size() > 0) offset_.array() += batch.shift(j, 0);
    if (!offset_.allFinite()) return false;
    model_.set_rows(rows_, offset_);
    return true;
  }

  // False also where an inner category has no observation.
  bool load_ordinal(const ResponseBatch& batch, Index j) {
    Vector origin = Vector::Zero(ordinal_->thresholds());
    if (batch.shift.size() > 0) origin = batch.shift.row(j);
    if (batch.offset.size() > 0) offset_ = ResponseBatch::column(batch.offset, j);
    const Vector sd = model_.prior().fe_p.head(origin.size());
    const double normalizer = log_ordered_probability(origin, sd);
    if (!ordinal_->encode(batch.endog.col(j), batch.weights, normalizer, rows_)) return false;
    const Vector offset = ordinal_->offset(offset_, origin);
    if (!offset.allFinite()) return false;
    model_.set_rows(rows_, offset);
    return true;
  }

  const OrdinalRows* ordinal_;
  Response rows_;
  Vector no_offset_, offset_;
  Model model_;
  StopMonitor monitor_;
  std::unique_ptr<FitDriver> driver_;
};

}  // namespace mixed_glm
