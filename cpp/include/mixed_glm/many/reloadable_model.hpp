// A model of its own over a design that others share, whose response is replaced in place.
#pragma once

#include <mixed_glm/families/support.hpp>
#include <mixed_glm/many/response_batch.hpp>
#include <mixed_glm/model/model.hpp>
#include <mixed_glm/model/ordered_normals.hpp>
#include <mixed_glm/model/ordinal_rows.hpp>

namespace mixed_glm {

class ReloadableModel {
 public:
  // The design is viewed and must outlive this object, as must the rows of an ordinal model.
  ReloadableModel(const Design& design, const Family& family, const Prior& prior,
                  const OrdinalRows* ordinal = nullptr)
      : ordinal_(ordinal),
        rows_(empty_rows(design.user_rows())),
        model_(design, family, rows_, prior) {}

  ReloadableModel(const ReloadableModel&) = delete;  // others view the model
  ReloadableModel& operator=(const ReloadableModel&) = delete;

  const Model& model() const { return model_; }

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

 private:
  static Response empty_rows(Index n) {
    return {Vector::Zero(n), Vector::Zero(n), Vector::Zero(n)};
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
};

}  // namespace mixed_glm
