// The Laplace marginal of crossed factors by conjugate gradients and probes, forced on small
// models, against the exact factor.

#include <catch2/catch.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

struct CrossedLaplace {
  CrossedLaplace(const test_support::RandomDesign& random, Factorization factorization,
                 Team* team = nullptr)
      : design(random.design(factorization)),
        model(random_model(design, random, BinomialLogit(), 3, 1.0)),
        laplace(model, {marginal_newton_settings(nullptr, team)}) {}

  Design design;
  Model model;
  LaplaceMarginal laplace;
};

}  // namespace

TEST_CASE("probes give the marginal of crossed factors, its gradient and the moments") {
  for (const Shape shape : {Shape::crossed, Shape::three_factors, Shape::slopes}) {
    const auto random = random_design(shape, 600, 2, 5);
    CrossedLaplace exact(random, Factorization::exact), probes(random, Factorization::iterative);
    const Vector psi = Vector::Constant(exact.design.components(), -0.3);
    REQUIRE(exact.laplace.evaluate(psi));
    probes.laplace.set_probes(512);
    REQUIRE(probes.laplace.evaluate(psi));
    const Vector information = exact.laplace.information(psi);
    const ProbeReport report = probes.laplace.probe_report(information);
    CHECK(report.probes == 512);
    CHECK(exact.laplace.probe_report(information).probes == 0);
    CHECK(std::abs(probes.laplace.log_density() - exact.laplace.log_density()) <=
          4.0 * report.log_density_error + 0.01);
    const Vector off = (probes.laplace.gradient(psi) - exact.laplace.gradient(psi)).cwiseAbs();
    for (Index k = 0; k < off.size(); ++k) {
      CHECK(off[k] <= (5.0 * report.psi_error + 0.01) * std::sqrt(information[k]));
    }
    const ConditionalPosterior a = exact.laplace.posterior(), b = probes.laplace.posterior();
    const Index p = exact.design.fixed();
    CHECK((a.fe_cov - b.fe_cov).norm() <= 0.01 * a.fe_cov.norm());
    CHECK((a.mean.tail(p) - b.mean.tail(p)).cwiseAbs().maxCoeff() <= 0.01);
  }
}

TEST_CASE("evaluations near an anchor know what its many probes know") {
  const auto random = random_design(Shape::crossed, 600, 2, 6);
  CrossedLaplace exact(random, Factorization::exact), few(random, Factorization::iterative),
      anchored(random, Factorization::iterative);
  const Vector psi = Vector::Constant(2, 0.5);
  anchored.laplace.set_probes(512);
  REQUIRE(anchored.laplace.evaluate(psi));
  anchored.laplace.anchor_probes();
  const Vector nearby = psi.array() + 0.1;
  REQUIRE(exact.laplace.evaluate(nearby));
  REQUIRE(few.laplace.evaluate(nearby));
  REQUIRE(anchored.laplace.evaluate(nearby));
  const auto error = [&](const LaplaceMarginal& laplace) {
    return (laplace.gradient(nearby) - exact.laplace.gradient(nearby)).norm();
  };
  CHECK(error(anchored.laplace) <= 0.5 * error(few.laplace) + 1e-3);
}

TEST_CASE("probes give the same bits for any number of threads, and after a reset") {
  const auto random = random_design(Shape::three_factors, 1500, 2, 7);
  Team team(3, 1);
  CrossedLaplace one(random, Factorization::iterative),
      three(random, Factorization::iterative, &team);
  const Vector psi = Vector::Constant(3, 0.2), other = Vector::Constant(3, -0.2);
  REQUIRE(one.laplace.evaluate(psi));
  REQUIRE(three.laplace.evaluate(psi));
  const double density = one.laplace.log_density();
  const Vector gradient = one.laplace.gradient(psi);
  CHECK(three.laplace.log_density() == density);
  CHECK(three.laplace.gradient(psi) == gradient);
  REQUIRE(one.laplace.evaluate(other));
  one.laplace.reset();
  REQUIRE(one.laplace.evaluate(psi));
  CHECK(one.laplace.log_density() == density);
  CHECK(one.laplace.gradient(psi) == gradient);
}
