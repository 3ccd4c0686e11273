// Derivatives of the joint density, its mode, and the Gaussian there, against finite differences
// and dense linear algebra.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/inference/joint_covariance.hpp>
#include <mixed_glm/inference/joint_density.hpp>
#include <mixed_glm/inference/joint_mode.hpp>
#include <mixed_glm/inference/variance_collapse.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;
using test_support::all_shapes;
using test_support::Random;
using test_support::random_design;

namespace {

Model poisson_model(const Design& design, const test_support::RandomDesign& source, unsigned seed) {
  Random random(seed + 100);
  const Vector u = random.normal_matrix(design.effects(), 1);
  const Vector beta = 0.3 * random.normal_matrix(design.fixed(), 1);
  const Vector eta = source.x * beta + source.z * u + source.offset;
  std::mt19937 generator(seed);
  const Vector y = eta.unaryExpr([&](double e) {
    return double(std::poisson_distribution<>(std::exp(std::min(e, 4.0)))(generator));
  });
  const Vector ones = Vector::Ones(design.rows());
  const Family family = PoissonLog();
  return {design, family, encode_response(family, y, ones, ones),
          Prior{Vector::Constant(design.fixed(), 2.0), Vector::Constant(design.components(), 0.5)},
          source.offset};
}

}  // namespace

TEST_CASE("gradient and Hessian of the joint density agree with finite differences") {
  for (const auto shape : all_shapes()) {
    const auto random = random_design(shape, 60, 3, 7);
    const Design design = random.design();
    const Model model = poisson_model(design, random, 7);
    JointDensity density(model);
    const Vector at = 0.3 * Random(9).normal_matrix(model.layout().size(), 1);
    const Vector gradient = density.gradient(at);
    const Matrix hessian = density.hessian(at);
    CHECK((hessian - hessian.transpose()).norm() == 0.0);
    const double h = 1e-5;
    for (Index k = 0; k < at.size(); ++k) {
      CAPTURE(int(shape), k);
      Vector up = at, down = at;
      up[k] += h;
      down[k] -= h;
      const double slope = (density.value(up) - density.value(down)) / (2.0 * h);
      CHECK(gradient[k] == Approx(slope).epsilon(1e-6).margin(1e-5));
      const Vector column = (density.gradient(up) - density.gradient(down)) / (2.0 * h);
      CHECK((column - hessian.col(k)).norm() <= 1e-6 * (1.0 + column.norm()));
    }
  }
}

TEST_CASE("the joint mode has no gradient, and the covariance there is the dense inverse") {
  for (const auto shape : all_shapes()) {
    CAPTURE(int(shape));
    const auto random = random_design(shape, 90, 2, 3);
    const Design design = random.design();
    const Model model = poisson_model(design, random, 3);
    Vector start = Vector::Zero(model.layout().size());
    start.segment(design.fixed(), design.components()).setOnes();
    const JointModeResult mode = JointMode(model).find(start);
    JointDensity density(model);
    REQUIRE(mode.converged);
    CHECK(density.gradient(mode.params).cwiseAbs().maxCoeff() < 1e-6);
    CHECK(density.value(mode.params) == Approx(mode.log_density).epsilon(1e-13));

    const JointCovariance covariance = joint_covariance(model, mode.params);
    REQUIRE(covariance.valid);
    const Matrix precision = -Matrix(density.hessian(mode.params));
    const Vector scale = precision.diagonal().cwiseSqrt().cwiseInverse();
    const Matrix scaled = scale.asDiagonal() * precision * scale.asDiagonal();
    const Matrix dense = scale.asDiagonal() * scaled.inverse() * scale.asDiagonal();
    const Vector sd = dense.diagonal().cwiseSqrt();
    CHECK(((covariance.sd - sd).array() / sd.array()).abs().maxCoeff() < 1e-9);
    const Index p = design.fixed();
    CHECK((covariance.fe_cov - dense.topLeftCorner(p, p)).norm() < 1e-9 * dense.norm());
  }
}

TEST_CASE("the conditional mode is found from absurd starts") {
  const auto random = random_design(test_support::Shape::crossed, 80, 2, 4);
  const Design design = random.design();
  const Model model = poisson_model(design, random, 4);
  const Vector psi = Vector::Zero(design.components());
  RowLikelihood likelihood(model);
  ConditionalMode reference(likelihood, model.prior());
  REQUIRE(reference.find(psi));
  for (const double scale : {1.0, 30.0, 300.0, 1e6, 1e100}) {
    CAPTURE(scale);
    ConditionalMode mode(likelihood, model.prior());
    mode.set_start(scale * Random(1).normal_matrix(design.coefficients(), 1));
    REQUIRE(mode.find(psi));
    CHECK((mode.coefficients() - reference.coefficients()).norm() < 1e-6);
  }
}

TEST_CASE("a component that the data do not support collapses, and is found out") {
  auto random = random_design(test_support::Shape::one_factor, 200, 1, 2);
  const Design design = random.design();
  const Family family = BinomialLogit();
  Random draw(5);
  const Vector y = Vector::NullaryExpr(200, [&] { return draw.uniform() < 0.5 ? 1.0 : 0.0; });
  const Vector ones = Vector::Ones(200);
  const Model model(design, family, encode_response(family, y, ones, ones),
                    Prior{Vector::Ones(1), Vector::Ones(1)}, random.offset);
  Vector start = Vector::Zero(model.layout().size());
  start[1] = 1.0;
  const JointModeResult mode = JointMode(model).find(start);
  CHECK(mode.converged);
  CHECK(mode.params[1] == Approx(-double(design.effects())).epsilon(1e-6));
  CHECK(collapsed_components(model, mode.params) == std::vector<Index>{0});
}
