// A model with one variance component alone, lanes being groups: its design so (lane_design.hpp),
// and its response.
#pragma once

#include <mixed_glm/leaf/lane_design.hpp>
#include <mixed_glm/model/model.hpp>

namespace mixed_glm {

class GroupLanes {
 public:
  using Batch = LaneDesign::Batch;

  // The model is viewed and must outlive this object.
  explicit GroupLanes(const Model& model)
      : model_(&model), lanes_(&LaneDesign::of(model.design())) {
    update_response();
  }

  // After the model's response has been replaced.
  void update_response() {
    const Response& response = model_->response();
    gather(model_->offset(), offset_);
    gather(response.a, a_);
    gather(response.b, b_);
  }

  const Model& model() const { return *model_; }
  Index fixed() const { return lanes_->fixed(); }  // p
  Index rows() const { return lanes_->rows(); }
  const std::vector<Batch>& batches() const { return lanes_->batches(); }
  Index largest() const { return lanes_->largest(); }
  Index effect(Index batch, Index lane) const { return lanes_->effect(batch, lane); }

  // lane_count numbers for each row of lanes from here on, and p + 1 of these for (x, factor).
  const double* columns(Index row) const { return lanes_->columns(row); }
  Index width() const { return lanes_->width(); }
  const double* factor(Index row) const { return lanes_->factor(row); }
  const double* mask(Index row) const { return lanes_->mask(row); }
  const double* offset(Index row) const { return offset_.data() + row * lane_count; }
  const double* a(Index row) const { return a_.data() + row * lane_count; }
  const double* b(Index row) const { return b_.data() + row * lane_count; }
  const Vector& all_a() const { return a_; }
  const Vector& all_b() const { return b_; }

 private:
  void gather(const Vector& of_rows, Vector& lanes) const {
    const std::vector<Index>& row_of = lanes_->row_of();
    lanes.resize(Index(row_of.size()));
    for (Index s = 0; s < lanes.size(); ++s) lanes[s] = of_rows[row_of[size_t(s)]];
  }

  const Model* model_;
  const LaneDesign* lanes_;
  Vector offset_, a_, b_;
};

}  // namespace mixed_glm
