// The product rule against moments of the normal distribution.

#include <catch2/catch.hpp>
#include <mixed_glm/math/product_rule.hpp>

using mixed_glm::Index;
using mixed_glm::ProductRule;
using mixed_glm::Vector;

TEST_CASE("a product of rules integrates polynomials times a normal density") {
  for (const Index m : {1, 2, 3}) {
    for (const Index n : {5, 9}) {
      const ProductRule rule(n, m);
      CAPTURE(m, n);
      const Vector density = (rule.log_weights - rule.nodes.rowwise().squaredNorm()).array().exp();
      const double mass = std::pow(std::acos(-1.0), 0.5 * double(m));
      CHECK(density.sum() == Approx(mass).epsilon(1e-8));
      for (Index c = 0; c < m; ++c) {
        const auto x = rule.nodes.col(c).array();
        CHECK((density.array() * x).sum() == Approx(0.0).margin(1e-11));
        CHECK((density.array() * x.square()).sum() == Approx(0.5 * mass).epsilon(1e-8));
        CHECK((density.array() * x.pow(4)).sum() == Approx(0.75 * mass).epsilon(1e-8));
        for (Index d = 0; d < c; ++d) {
          const auto other = rule.nodes.col(d).array();
          CHECK((density.array() * x.square() * other.square()).sum() ==
                Approx(0.25 * mass).epsilon(1e-8));
        }
      }
    }
  }
}

TEST_CASE("corners without weight are left out, and products that are too large refused") {
  CHECK(ProductRule(9, 2).log_weights.size() == 81);
  CHECK(ProductRule(21, 2).log_weights.size() < 441);
  CHECK(ProductRule(7, 0).log_weights.size() == 1);
  CHECK_THROWS_AS(ProductRule(40, 3), std::invalid_argument);
  CHECK_THROWS_AS(ProductRule(0, 2), std::invalid_argument);
}
