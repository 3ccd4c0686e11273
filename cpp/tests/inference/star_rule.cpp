// Few evaluations in the place of a lattice: the expansion is exact for what it is made for, and
// the posterior is the lattice's.

#include <catch2/catch.hpp>
#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>

#include "../support/random_model.hpp"

namespace star_rule_test {

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

// A polynomial with all terms that a star can tell of.
double polynomial(const Vector& z) {
  const double x = z[0], y = z[1];
  return 3.0 + 0.1 * x - 0.5 * x * x + 0.03 * x * x * x - 0.002 * x * x * x * x - 0.2 * y -
         0.6 * y * y - 0.05 * y * y * y + 0.001 * y * y * y * y + 0.08 * x * y + 0.02 * x * x * y -
         0.03 * x * y * y;
}

Vector slope_of(const Vector& z) {
  const double h = 1e-5;
  Vector result(2);
  for (Index k = 0; k < 2; ++k) {
    const Vector step = h * Vector::Unit(2, k);
    result[k] = (polynomial(z + step) - polynomial(z - step)) / (2.0 * h);
  }
  return result;
}

StarExpansion expansion_of_polynomial(double reach) {
  std::vector<StarPoint> points;
  const auto add = [&](const Vector& z) { points.push_back({polynomial(z), slope_of(z)}); };
  add(Vector::Zero(2));
  for (Index k = 0; k < 2; ++k) {
    for (const double side : {-reach, reach}) add(side * Vector::Unit(2, k));
  }
  return StarExpansion(points, reach);
}

TEST_CASE("a star tells value, slope and bend of a quartic with mixed cubic terms") {
  const StarExpansion expansion = expansion_of_polynomial(1.5);
  for (const double x : {-1.7, -0.3, 0.9}) {
    for (const double y : {-1.1, 0.4, 1.9}) {
      const Vector z = (Vector(2) << x, y).finished();
      CAPTURE(x, y);
      CHECK(expansion.value(z) == Approx(polynomial(z)).epsilon(1e-7));
      CHECK((expansion.gradient(z) - slope_of(z)).norm() < 1e-6);
      Matrix bend(2, 2);
      for (Index k = 0; k < 2; ++k) {
        const Vector step = 1e-4 * Vector::Unit(2, k);
        bend.col(k) = (slope_of(z + step) - slope_of(z - step)) / 2e-4;
      }
      CHECK((expansion.hessian(z) - bend).norm() < 1e-4);
    }
  }
  CHECK(expansion.scales()[0] == Approx(1.0).epsilon(1e-5));
  CHECK(expansion.largest_third() == Approx(0.05 / std::pow(1.2, 1.5)).epsilon(1e-4));
  CHECK(expansion.largest_fourth() == Approx(0.002).epsilon(1e-3));
}

TEST_CASE("beyond its edge an expansion falls without end") {
  const StarExpansion expansion = expansion_of_polynomial(1.5);
  double before = expansion.value((Vector(2) << 0.0, 2.0).finished());
  for (const double y : {3.0, 5.0, 10.0, 100.0}) {
    const double now = expansion.value((Vector(2) << 0.0, y).finished());
    CHECK(now < before);
    before = now;
  }
}

void check_against_lattice(Marginal& marginal, const Vector& start) {
  MarginalFitSettings automatic, lattice;
  lattice.integrate = Integrate::grid;
  lattice.grid = GridSettings{0.7, 10.0, 20000};
  const MarginalFit got = fit_marginal(marginal, start, automatic);
  marginal.reset();
  const MarginalFit exact = fit_marginal(marginal, start, lattice);
  REQUIRE(got.status == FitStatus::converged);
  CHECK(got.integration.rule == Integrate::grid);
  CHECK(got.integration.evaluations == 4);
  CHECK(got.mode.iterations <= exact.mode.iterations);
  CHECK(exact.integration.evaluations > 100);
  const auto& sd = exact.posterior.sd;
  const Vector mean = (got.posterior.mean - exact.posterior.mean).cwiseQuotient(sd);
  CHECK(mean.cwiseAbs().maxCoeff() < 0.02);
  CHECK((got.posterior.sd.cwiseQuotient(sd).array().log()).abs().maxCoeff() < 0.02);
  CHECK(got.posterior.log_evidence == Approx(exact.posterior.log_evidence).margin(0.01));
  CHECK((got.mode.psi - exact.mode.psi)
            .cwiseQuotient(exact.posterior.vcp_cov.diagonal().cwiseSqrt())
            .norm() < 0.02);
}

TEST_CASE("where psi is well determined, five evaluations are as good as a fine lattice") {
  const auto random = random_design(Shape::crossed, 3000, 2, 4);
  const Design design = random.design();
  const Model model = random_model(design, random, Family(PoissonLog()), 4, 1.0, 0.8);
  LaplaceMarginal laplace(model);
  check_against_lattice(laplace, model.hyperparameters().start());
  EpMarginal ep(model);
  check_against_lattice(ep, model.hyperparameters().start());
}

TEST_CASE("where psi is weakly determined, the lattice is evaluated") {
  const auto random = random_design(Shape::crossed, 60, 2, 8);
  const Design design = random.design();
  const Model model = random_model(design, random, Family(BinomialLogit()), 8, 1.0, 0.4);
  LaplaceMarginal laplace(model);
  MarginalFitSettings automatic, lattice;
  lattice.integrate = Integrate::grid;
  const MarginalFit got = fit_marginal(laplace, model.hyperparameters().start(), automatic);
  laplace.reset();
  const MarginalFit exact = fit_marginal(laplace, model.hyperparameters().start(), lattice);
  CHECK(got.integration.evaluations > 20);
  CHECK((got.posterior.mean - exact.posterior.mean).cwiseQuotient(exact.posterior.sd).norm() <
        0.05);
}

}  // namespace star_rule_test
