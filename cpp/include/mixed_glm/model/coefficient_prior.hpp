// The Gaussian prior of the coefficients (u, beta) given the log standard deviations psi:
// independent, with precisions P = diag(exp(-2 psi[component]), 1 / fe_p^2).
#pragma once

#include <cmath>
#include <mixed_glm/model/model.hpp>

namespace mixed_glm {

// exp(-2 psi), the precision of an effect. It saturates at exp(600), where the effects have long
// been zero in double precision, so that a collapsed component neither overflows nor gives NaN.
inline double effect_precision(double psi) { return std::exp(std::min(-2.0 * psi, 600.0)); }

class CoefficientPrior {
 public:
  explicit CoefficientPrior(const Model& model)
      : model_(&model), precision_(model.design().coefficients()) {
    const Index p = model.design().fixed();
    precision_.tail(p) = model.prior().fe_p.array().square().inverse();
    const double q = double(model.design().effects());
    normalizer_fixed_ =
        -model.prior().fe_p.array().log().sum() - 0.5 * (q + double(p)) * log_two_pi;
  }

  void set_psi(ConstVectorRef psi) {
    const Design& design = model_->design();
    component_precision_ = psi.unaryExpr([](double value) { return effect_precision(value); });
    for (Index j = 0; j < design.effects(); ++j) {
      precision_[j] = component_precision_[design.component(j)];
    }
    log_normalizer_ = normalizer_fixed_ - design.component_size().dot(psi);
  }

  const Vector& precision() const { return precision_; }                      // q + p
  const Vector& component_precision() const { return component_precision_; }  // K

  double log_density(const Vector& coefficients) const {
    return log_normalizer_ - 0.5 * (precision_.array() * coefficients.array().square()).sum();
  }
  // + 1/2 log|P| without the constant: what the Gaussian integral over the coefficients needs.
  double log_normalizer() const { return log_normalizer_; }

  void add_gradient(const Vector& coefficients, Vector& gradient) const {
    gradient.array() -= precision_.array() * coefficients.array();
  }

  // Adds P to the diagonal of a bordered matrix.
  void add_precision(double* values) const {
    const BorderedPattern& pattern = model_->design().pattern();
    for (Index j = 0; j < pattern.effects(); ++j) {
      values[pattern.diagonal_position(j)] += precision_[j];
    }
    for (Index a = 0; a < pattern.border(); ++a) {
      const Index row = pattern.tail() + a;
      values[pattern.dense_position(row, row)] += precision_[pattern.effects() + a];
    }
  }

  // sum of D_k u_j^2 over the effects of each component.
  Vector scaled_squares(const Vector& coefficients) const {
    const Design& design = model_->design();
    Vector sums = Vector::Zero(design.components());
    for (Index j = 0; j < design.effects(); ++j) {
      sums[design.component(j)] += precision_[j] * coefficients[j] * coefficients[j];
    }
    return sums;
  }

 private:
  const Model* model_;
  Vector precision_, component_precision_;
  double normalizer_fixed_, log_normalizer_ = 0.0;
};

}  // namespace mixed_glm
