// Checks that every approximation of the marginal posterior of psi must pass.
#pragma once

#include <catch2/catch.hpp>
#include <mixed_glm/inference/marginal.hpp>

namespace test_support {

// The exact gradient against central differences of the value, to fourth order.
inline void check_gradient(mixed_glm::Marginal& marginal, const mixed_glm::Vector& psi, double h,
                           double tolerance) {
  const auto value_at = [&](mixed_glm::Index k, double step) {
    mixed_glm::Vector moved = psi;
    moved[k] += step;
    REQUIRE(marginal.evaluate(moved));
    return marginal.log_density();
  };
  REQUIRE(marginal.evaluate(psi));
  const mixed_glm::Vector gradient = marginal.gradient(psi);
  for (mixed_glm::Index k = 0; k < psi.size(); ++k) {
    const double near = (value_at(k, h) - value_at(k, -h)) / (2.0 * h);
    const double far = (value_at(k, 2.0 * h) - value_at(k, -2.0 * h)) / (4.0 * h);
    CAPTURE(k, psi[k]);
    CHECK(gradient[k] == Approx((4.0 * near - far) / 3.0).epsilon(tolerance).margin(tolerance));
  }
}

}  // namespace test_support
