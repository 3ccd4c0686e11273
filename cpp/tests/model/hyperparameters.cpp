// The blocks of theta, its prior, and where everything stands among the parameters.

#include <catch2/catch.hpp>
#include <mixed_glm/model/hyperparameters.hpp>
#include <mixed_glm/model/parameter_layout.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;

namespace {

const std::vector<HyperPrior> of_psi = {NormalPrior(0.0, 1.0), NormalPrior(-0.5, 0.3)};
const std::vector<HyperPrior> of_cor = {NormalPrior(0.2, 2.0)};
const std::vector<HyperPrior> of_family = {NormalPrior(1.0, 0.7), NormalPrior(0.0, 3.0)};

}  // namespace

TEST_CASE("theta is psi, then correlations, then the family's own") {
  const Hyperparameters all(of_psi, of_cor, of_family);
  CHECK(all.size() == 5);
  CHECK(all.psi().begin == 0);
  CHECK(all.psi().size == 2);
  CHECK(all.cor().begin == 2);
  CHECK(all.cor().size == 1);
  CHECK(all.family().begin == 3);
  CHECK(all.family().size == 2);
  CHECK(all.prior(3).normal()->mean() == 1.0);
  CHECK(all.start() == (Vector(5) << 0.0, -0.5, 0.2, 1.0, 0.0).finished());
  CHECK(all.joint_start() == (Vector(5) << 1.0, 0.5, 0.2, 1.0, 0.0).finished());

  const Hyperparameters only(of_psi);
  CHECK(only.size() == 2);
  CHECK(only.cor().size + only.family().size == 0);
}

TEST_CASE("the prior of theta is the product of its priors") {
  const Hyperparameters all(of_psi, of_cor, of_family);
  const Vector theta = Vector::LinSpaced(5, -0.7, 0.9);
  double expected = 0.0;
  for (Index i = 0; i < 5; ++i) {
    expected += all.prior(i).value(theta[i]) + all.prior(i).log_normalizer();
    CHECK(all.slope(theta)[i] == all.prior(i).slope(theta[i]));
    CHECK(all.curvature(theta)[i] == all.prior(i).curvature(theta[i]));
  }
  CHECK(all.log_density(theta) == Approx(expected).epsilon(1e-14));
}

TEST_CASE("a vector of parameters is cut into beta, theta and u, and put together again") {
  const ParameterLayout layout{2, 3, 4, 1};
  Vector params = Vector::LinSpaced(9, 0.0, 8.0);
  CHECK(layout.size() == 9);
  CHECK(layout.beta(params) == Vector::LinSpaced(2, 0.0, 1.0));
  CHECK(layout.theta(params) == Vector::LinSpaced(3, 2.0, 4.0));
  CHECK(layout.psi(params) == Vector::Constant(1, 2.0));
  CHECK(layout.u(params) == Vector::LinSpaced(4, 5.0, 8.0));
  layout.theta(params).setZero();
  CHECK(params.sum() == Approx(27.0));
  CHECK(params[layout.theta_begin()] == 0.0);
  CHECK(params[layout.effects_begin()] == 5.0);
}

TEST_CASE("split and join take as many hyperparameters as there are") {
  const auto source = test_support::random_design(test_support::Shape::nested, 50, 3, 4);
  const Design design = source.design();
  for (const Index hyper : {0, 2, 5}) {
    const ParameterLayout layout{design.fixed(), hyper, design.effects(), 0};
    const Vector params = test_support::Random(7).normal_matrix(layout.size(), 1);
    Vector coefficients, theta;
    design.split(params, coefficients, theta);
    CHECK(coefficients.size() == design.coefficients());
    CHECK(theta == layout.theta(params));
    CHECK(coefficients.tail(design.fixed()) == layout.beta(params));
    CHECK(design.join(coefficients, theta) == params);
  }
}
