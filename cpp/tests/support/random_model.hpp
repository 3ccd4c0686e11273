// Models with responses drawn from them: every family, for any random design.
#pragma once

#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/model/model.hpp>

#include "random_design.hpp"

namespace test_support {

inline const std::vector<mixed_glm::Family>& all_families() {
  static const std::vector<mixed_glm::Family> families = {
      mixed_glm::BinomialLogit(),         mixed_glm::BinomialProbit(), mixed_glm::PoissonLog(),
      mixed_glm::BinomialCloglog(),       mixed_glm::BinomialLoglog(), mixed_glm::ExponentialLog(),
      mixed_glm::NegativeBinomialLog(0.7)};
  return families;
}

// Those with a hyperparameter that is estimated.
inline const std::vector<mixed_glm::Family>& shaped_families() {
  static const std::vector<mixed_glm::Family> families = {mixed_glm::GaussianIdentity(),
                                                          mixed_glm::EstimatedNegativeBinomialLog(),
                                                          mixed_glm::GammaLog()};
  return families;
}

// Something in the family's support, more or less at the mean.
inline double draw_response(const mixed_glm::Family& family, double eta, double trials,
                            std::mt19937& generator) {
  const std::string name = mixed_glm::family_name(family);
  const double mean = std::visit([&](const auto& kernel) { return kernel.mean(eta); }, family);
  if (name == "binomial") {
    return double(
        std::binomial_distribution<>(int(trials), std::clamp(mean, 0.02, 0.98))(generator));
  }
  if (name == "gaussian") return std::normal_distribution<>(mean, 0.7)(generator);
  if (name == "gamma") return std::gamma_distribution<>(2.0, 0.5 * mean)(generator);
  if (name == "exponential") return std::exponential_distribution<>(1.0 / mean)(generator);
  return double(std::poisson_distribution<>(std::min(mean, 50.0))(generator));
}

// The model views the design. trials: 1 for binary rows.
inline mixed_glm::Model random_model(const mixed_glm::Design& design, const RandomDesign& source,
                                     const mixed_glm::Family& family, unsigned seed,
                                     double trials = 1.0, double sd = 0.8) {
  Random random(seed + 100);
  std::mt19937 generator(seed);
  const Vector u = sd * random.normal_matrix(source.z.cols(), 1);
  const Vector beta = 0.3 * random.normal_matrix(design.fixed(), 1);
  const Vector eta = source.x * beta + source.z * u + source.offset;
  Vector y(eta.size());
  for (Index i = 0; i < y.size(); ++i) y[i] = draw_response(family, eta[i], trials, generator);
  const Vector weights = Vector::Ones(y.size());
  mixed_glm::Prior prior{Vector::Constant(design.fixed(), 2.0),
                         Vector::Constant(design.components(), 0.8)};
  for (const Index order : design.correlated_orders()) {
    for (const mixed_glm::LkjPrior& lkj : mixed_glm::lkj_priors(2.0, order)) {
      prior.cor.emplace_back(lkj);
    }
  }
  return {design, family,
          mixed_glm::encode_response(family, y, Vector::Constant(y.size(), trials), weights), prior,
          source.offset};
}

}  // namespace test_support
