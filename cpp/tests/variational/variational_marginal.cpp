// The variational bound of the marginal of psi: exact gradient, warm starts, and its order among
// the approximations.

#include <catch2/catch.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/variational/fit_variational.hpp>
#include <mixed_glm/variational/variational_marginal.hpp>

#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;

TEST_CASE("the gradient of the variational marginal is exact") {
  for (const auto shape : all_shapes()) {
    for (const Family& family : all_families()) {
      CAPTURE(int(shape), family_name(family), link_name(family));
      const auto source = random_design(shape, 60, 2, 11);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 5);
      VariationalMarginal marginal(model);
      for (const double level : {-2.0, -0.2, 0.6}) {
        const Vector psi = level + Vector::LinSpaced(design.components(), 0.0, 0.4).array();
        test_support::check_gradient(marginal, psi, 1e-2, 2e-5);
      }
    }
  }
}

TEST_CASE("the value does not depend on where the ascent came from") {
  const auto source = random_design(test_support::Shape::crossed, 120, 2, 8);
  const Design design = source.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, source, family, 2);
    const Vector psi = Vector::Constant(2, 0.1);
    VariationalMarginal cold(model), warm(model);
    REQUIRE(cold.evaluate(psi));
    for (const double from : {-8.0, 3.0, -1.0, 0.3}) {
      CAPTURE(family_name(family), link_name(family), from);
      warm.evaluate(Vector::Constant(2, from));
      REQUIRE(warm.evaluate(psi));
      CHECK(warm.log_density() == Approx(cold.log_density()).epsilon(0.0).margin(1e-6));
    }
  }
}

TEST_CASE(
    "at psi of its own the full fit is the marginal's Gaussian, but for the width of q(psi)") {
  for (const Family& family : all_families()) {
    const auto source = random_design(test_support::Shape::few_groups, 300, 2, 4);
    const Design design = source.design();
    const Model model = random_model(design, source, family, 4);
    const VariationalFit fit = fit_full_gaussian(model);
    const Vector psi = fit.mean.segment(2, 1) - fit.sd.segment(2, 1).cwiseAbs2();
    VariationalMarginal marginal(model);
    REQUIRE(marginal.evaluate(psi));
    const ConditionalPosterior posterior = marginal.posterior();
    const Vector joined = design.join(posterior.mean, psi);
    CHECK((joined - fit.mean).head(2).cwiseAbs().maxCoeff() < 1e-4);
    CHECK((posterior.fe_cov - fit.fe_cov).cwiseAbs().maxCoeff() < 1e-4);
  }
}

TEST_CASE("a Gaussian likelihood's stand-in: with much information all approximations agree") {
  const auto source = random_design(test_support::Shape::few_groups, 60, 1, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 4, 4000.0);
  VariationalMarginal variational(model);
  LaplaceMarginal laplace(model);
  const Vector psi = Vector::Constant(1, -0.3);
  REQUIRE(variational.evaluate(psi));
  REQUIRE(laplace.evaluate(psi));
  CHECK(variational.log_density() == Approx(laplace.log_density()).epsilon(0.0).margin(1e-3));
}
