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
  // The design is viewed and must outlive this object.
  CoefficientPrior(const Design& design, const Prior& prior)
      : design_(&design), precision_(design.coefficients()) {
    precision_.tail(design.fixed()) = prior.fe_p.array().square().inverse();
    normalizer_fixed_ =
        -prior.fe_p.array().log().sum() - 0.5 * double(design.coefficients()) * log_two_pi;
  }

  void set_psi(ConstVectorRef psi) {
    component_precision_ = psi.unaryExpr([](double value) { return effect_precision(value); });
    for (Index j = 0; j < design_->effects(); ++j) {
      precision_[j] = component_precision_[design_->component(j)];
    }
    log_normalizer_ = normalizer_fixed_ - design_->component_size().dot(psi);
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
    const BorderedPattern& pattern = design_->pattern();
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
    Vector sums = Vector::Zero(design_->components());
    for (Index j = 0; j < design_->effects(); ++j) {
      sums[design_->component(j)] += precision_[j] * coefficients[j] * coefficients[j];
    }
    return sums;
  }

 private:
  const Design* design_;
  Vector precision_, component_precision_;
  double normalizer_fixed_, log_normalizer_ = 0.0;
};

}  // namespace mixed_glm
