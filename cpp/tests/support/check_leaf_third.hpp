// Third cumulants beside a leaf against third differences of the collapsed log likelihood.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <mixed_glm/leaf/leaf_marginal.hpp>

namespace test_support {

inline double third_difference(const std::function<double(double)>& f) {
  const auto at = [&](double h) {
    return (f(2.0 * h) - 2.0 * f(h) + 2.0 * f(-h) - f(-2.0 * h)) / (2.0 * h * h * h);
  };
  return (4.0 * at(0.1) - at(0.2)) / 3.0;
}

// Of a model with two fixed effects. touched_share: by how much skewnesses of the other effects may
// differ, those of them known only by the rows and groups that touch them.
inline void check_leaf_third(const mixed_glm::Model& model, const mixed_glm::LeafBlock& leaf,
                             const mixed_glm::LeafSettings& settings, const mixed_glm::Vector& psi,
                             double touched_share) {
  using namespace mixed_glm;
  const Index p = 2;
  REQUIRE(model.design().fixed() == p);
  LeafSettings plain = settings;
  plain.mean_correction = false;
  LeafMarginal marginal(model, leaf, settings), at_mode(model, leaf, plain);
  REQUIRE(marginal.evaluate(psi));
  REQUIRE(at_mode.evaluate(psi));
  const Vector x = at_mode.reduced_mean();
  LeafLikelihood likelihood(marginal.leaf(), settings.n_quad);
  likelihood.set_prior(marginal.leaf_prior(psi));
  // Standardized, along the direction in which everything moves with weights' x.
  const auto skewness = [&](const Vector& weights) {
    Vector direction = weights;
    marginal.precision().solve_in_place(direction);
    const Vector unit = direction / std::sqrt(direction.dot(weights));
    return third_difference([&](double t) { return likelihood.value(x + t * unit); });
  };
  const Matrix third = marginal.fixed_cumulants(true).third;
  for (const double other : {0.0, 1.0, -0.7}) {
    const Vector w = Eigen::Vector2d(1.0, other);
    Vector weights = Vector::Zero(x.size());
    weights.tail(p) = w;
    const double found =
        transform_cubes(third, w)(0, 0) / std::pow(w.dot(marginal.fe_cov() * w), 1.5);
    CAPTURE(other);
    CHECK(found == Approx(skewness(weights)).margin(2e-5));
  }
  const Vector variance = marginal.reduced_variance();
  for (Index j = 0; j < variance.size(); ++j) {
    const double found = marginal.reduced_third()[j] / std::pow(variance[j], 1.5);
    CAPTURE(j);
    CHECK(found == Approx(skewness(Vector::Unit(x.size(), j))).margin(touched_share));
  }
}

}  // namespace test_support
