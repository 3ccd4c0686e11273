// Draws of the coefficients given psi, from the approximation that a fit used. With MIXED_GLM_APART
// they are compiled elsewhere (fit/apart.hpp).
#pragma once

#include <memory>
#include <mixed_glm/fit/approximation.hpp>
#include <mixed_glm/fit/mixed_model.hpp>
#include <mixed_glm/sampling/conditional_draws.hpp>

namespace mixed_glm {

// The model is viewed and must outlive the draws. Throws std::invalid_argument for the variational
// approximation, whose draws no psi is given for.
MIXED_GLM_ONCE std::unique_ptr<ConditionalDraws> make_draws(const Model& model,
                                                            const Approximation& approx);

namespace detail {

// Draws in the coordinates of a fit, told in the caller's.
class DrawsBack final : public ConditionalDraws {
 public:
  DrawsBack(std::unique_ptr<ConditionalDraws> draws, const Standardization& coordinates)
      : draws_(std::move(draws)), coordinates_(coordinates) {}

  const Model& model() const override { return draws_->model(); }
  std::vector<Index> want(const std::vector<Index>& effects) override {
    return draws_->want(effects);
  }
  bool expand_fixed(const Vector& psi, bool thorough) override {
    return draws_->expand_fixed(psi, thorough);
  }
  bool evaluate(const Vector& psi) override { return draws_->evaluate(psi); }
  DrawDensities draw(const Matrix& psi, RowMatrix& z) override {
    DrawDensities log_density = draws_->draw(psi, z);
    auto b = z.bottomRows(coordinates_.scale().size());
    for (Index c = 0; c < z.cols(); ++c) {
      b.col(c) = coefficients_back(coordinates_.matrix(), coordinates_.origin(), b.col(c));
    }
    for (Vector* each : {&log_density.all, &log_density.fixed}) {
      each->array() -= coordinates_.log_determinant();
    }
    return log_density;
  }

 private:
  std::unique_ptr<ConditionalDraws> draws_;
  Standardization coordinates_;
};

}  // namespace detail

// The same of the coefficients of the columns as they were given.
inline std::unique_ptr<ConditionalDraws> make_draws(const MixedModel& model,
                                                    const Approximation& approx) {
  std::unique_ptr<ConditionalDraws> draws = make_draws(model.model(), approx);
  if (!model.coordinates()) return draws;
  return std::make_unique<detail::DrawsBack>(std::move(draws), *model.coordinates());
}

}  // namespace mixed_glm

#ifndef MIXED_GLM_APART
#include <mixed_glm/fit/draws_of_name.hpp>
#endif
