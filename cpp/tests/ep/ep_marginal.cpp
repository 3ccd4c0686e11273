// Expectation propagation: the exact gradient, and that it is exact where it should be.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>

#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

EpSettings tight_ep() {
  EpSettings settings;
  settings.n_quad = 25;
  settings.tolerance = 1e-10;
  return settings;
}

}  // namespace

TEST_CASE("the gradient of the EP evidence is exact for every shape and family") {
  for (const auto shape : all_shapes()) {
    const auto random = random_design(shape, 60, 2, 11);
    const Design design = random.design();
    for (const Family& family : all_families()) {
      CAPTURE(int(shape), family.index());
      const Model model = random_model(design, random, family, 11);
      EpMarginal marginal(model, tight_ep());
      test_support::check_gradient(marginal, Vector::Constant(design.components(), -0.6), 5e-3,
                                   2e-3);
      CHECK(marginal.fallbacks() == 0);
    }
  }
}

TEST_CASE("EP is nearer to quadrature than Laplace is") {
  const auto random = random_design(Shape::one_factor, 90, 1, 3);
  const Design design = random.design();
  const Model model = random_model(design, random, Family(BinomialLogit()), 3);
  const Vector psi = Vector::Constant(1, 0.4);
  EpMarginal ep(model, tight_ep());
  LaplaceMarginal laplace(model);
  LeafMarginal leaf(model, 0);
  REQUIRE(ep.evaluate(psi));
  REQUIRE(laplace.evaluate(psi));
  REQUIRE(leaf.evaluate(psi));
  const double exact = leaf.log_density();
  CHECK(std::abs(ep.log_density() - exact) < 0.3 * std::abs(laplace.log_density() - exact));
}

TEST_CASE("where EP cannot go on, Laplace takes the point, and it is counted") {
  const auto random = random_design(Shape::crossed, 60, 2, 8);
  const Design design = random.design();
  const Model model = random_model(design, random, Family(PoissonLog()), 8);
  EpSettings hasty;
  hasty.max_sweeps = 1;
  EpMarginal marginal(model, hasty);
  LaplaceMarginal laplace(model);
  const Vector psi = Vector::Zero(2);
  REQUIRE(marginal.evaluate(psi));
  REQUIRE(laplace.evaluate(psi));
  CHECK(marginal.fallbacks() == 1);
  CHECK(marginal.log_density() == Approx(laplace.log_density()).epsilon(1e-12));
  CHECK((marginal.posterior().mean - laplace.posterior().mean).norm() < 1e-8);
}

TEST_CASE("offsets against the responses move the evidence by what they do, however large") {
  auto random = random_design(Shape::one_factor, 60, 1, 5);
  const Design design = random.design();
  const Vector at = Vector::Constant(1, -1.0), elsewhere = Vector::Constant(1, 0.3);
  std::vector<double> gains;
  for (const double against : {1e3, 1e11}) {
    random.offset.head(30).setConstant(against);  // the likelihood of a failure there: exp(-eta)
    Vector y = Vector::Zero(60);
    for (Index i = 30; i < 60; ++i) y[i] = double(i % 3 != 0);
    const Family family{BinomialLogit()};
    const Model model(
        design, family, encode_response(family, y, Vector::Ones(60), Vector::Ones(60)),
        {Vector::Constant(design.fixed(), 2.0), Vector::Constant(1, 0.8)}, random.offset);
    EpMarginal marginal(model, tight_ep());
    REQUIRE(marginal.evaluate(at));
    const double here = marginal.log_density();
    REQUIRE(marginal.evaluate(elsewhere));
    CHECK(marginal.fallbacks() == 0);
    gains.push_back(marginal.log_density() - here);
  }
  CHECK(gains[1] == Approx(gains[0]).margin(0.02));
}
