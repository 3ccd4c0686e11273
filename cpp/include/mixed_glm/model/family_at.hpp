// The family of a model at a theta: its kernel there, and the constants that the rows' kernels
// lack.
#pragma once

#include <mixed_glm/model/model.hpp>

namespace mixed_glm {

class FamilyAt {
 public:
  // The model is viewed; it may be given other responses.
  explicit FamilyAt(const Model& model) : model_(&model), kernel_(model.family()) {}

  void set(ConstVectorRef theta) {
    const Hyperparameters::Block place = model_->hyperparameters().family();
    if (place.size == 0) return;
    kernel_ = with_shape(model_->family(), theta[place.begin]);
    constant_ = model_->shape_constants().at(kernel_);
  }

  const Family& kernel() const { return kernel_; }
  // What the sum of the rows' kernels lacks of log p(y | x, theta), and its derivative in phi.
  double constant() const { return model_->log_likelihood_constant() + constant_.value; }
  double constant_slope() const { return constant_.slope; }

 private:
  const Model* model_;
  Family kernel_;
  ShapeTerm constant_{0.0, 0.0};
};

}  // namespace mixed_glm
