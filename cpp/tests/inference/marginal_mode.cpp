// The search for the mode of psi, the curvature there, and whole fits.

#include <catch2/catch.hpp>
#include <mixed_glm/inference/fit_marginal.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;

namespace {

// Minus the Hessian by central differences of the gradient.
Matrix differentiated(Marginal& marginal, const Vector& at) {
  const double h = 1e-3;
  Matrix result(at.size(), at.size());
  for (Index k = 0; k < at.size(); ++k) {
    Vector up = at, down = at;
    up[k] += h;
    down[k] -= h;
    REQUIRE(marginal.evaluate(up));
    const Vector gradient = marginal.gradient(up);
    REQUIRE(marginal.evaluate(down));
    result.col(k) = (marginal.gradient(down) - gradient) / (2.0 * h);
  }
  return 0.5 * (result + result.transpose());
}

}  // namespace

TEST_CASE("the mode of psi has no gradient, and its curvature is the Hessian") {
  for (const auto shape : all_shapes()) {
    for (const Family& family : all_families()) {
      CAPTURE(int(shape), family_name(family), link_name(family));
      const auto source = random_design(shape, 150, 2, 21);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 7);
      LaplaceMarginal marginal(model);
      MarginalModeSearch search(marginal);
      const MarginalMode mode = search.find(Vector::Zero(design.components()));
      REQUIRE(mode.converged);
      CHECK(mode.iterations < 40);
      CHECK(marginal.log_density() == Approx(mode.log_density).epsilon(1e-12));
      const Vector gradient = marginal.gradient(mode.psi);
      CHECK(gradient.dot(mode.precision.ldlt().solve(gradient)) < 1e-6);
      const Matrix curvature = search.curvature(), exact = differentiated(marginal, mode.psi);
      CHECK((curvature - exact).norm() < 0.05 * exact.norm());
    }
  }
}

TEST_CASE("the mode of psi is found from far away") {
  const auto source = random_design(test_support::Shape::crossed, 200, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 9);
  LaplaceMarginal marginal(model);
  const MarginalMode reference = MarginalModeSearch(marginal).find(Vector::Zero(2));
  REQUIRE(reference.converged);
  for (const double a : {-20.0, -6.0, 3.0, 8.0, 20.0}) {
    for (const double b : {-10.0, 2.0, 10.0}) {
      CAPTURE(a, b);
      LaplaceMarginal fresh(model);
      const MarginalMode mode = MarginalModeSearch(fresh).find((Vector(2) << a, b).finished());
      CHECK(mode.converged);
      const Vector difference = mode.psi - reference.psi;  // in standard deviations:
      CHECK(difference.dot(reference.precision * difference) < 1e-5);
    }
  }
}

TEST_CASE("a search that is cut short says so and stands where it says") {
  const auto source = random_design(test_support::Shape::nested, 200, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 9);
  MarginalModeSettings settings;
  settings.max_iterations = 3;
  LaplaceMarginal marginal(model);
  const MarginalMode mode = MarginalModeSearch(marginal, settings).find(Vector::Constant(2, -5.0));
  CHECK_FALSE(mode.converged);
  CHECK(marginal.log_density() == Approx(mode.log_density).epsilon(1e-12));
}

TEST_CASE("the three ways to integrate over psi agree") {
  const auto source = random_design(test_support::Shape::crossed, 900, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 1);
  MarginalFitSettings settings;
  std::vector<MarginalFit> fits;
  for (const Integrate integrate : {Integrate::grid, Integrate::ccd, Integrate::mode}) {
    settings.integrate = integrate;
    LaplaceMarginal marginal(model);
    fits.push_back(fit_marginal(marginal, Vector::Zero(2), settings));
    REQUIRE(fits.back().status == FitStatus::converged);
    CHECK(fits.back().failed_points == 0);
    CHECK(fits.back().posterior.weights.sum() == Approx(1.0));
  }
  const PosteriorSummary& grid = fits[0].posterior;
  for (const MarginalFit& other : fits) {
    const auto off = (other.posterior.mean - grid.mean).array() / grid.sd.array();
    const auto ratio = other.posterior.sd.array() / grid.sd.array();
    CHECK(off.abs().maxCoeff() < 0.3);
    CHECK((ratio - 1.0).abs().maxCoeff() < 0.15);
    CHECK(other.posterior.log_evidence == Approx(grid.log_evidence).margin(0.1));
  }
}

TEST_CASE("without components a fit is the conditional posterior itself") {
  auto source = random_design(test_support::Shape::one_factor, 50, 2, 6);
  source.z.resize(50, 0);
  source.ident.clear();
  source.components = 0;
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 6);
  LaplaceMarginal marginal(model);
  const MarginalFit fit = fit_marginal(marginal, Vector(0));
  REQUIRE(fit.status == FitStatus::converged);
  CHECK(fit.posterior.mean.size() == 2);
  CHECK(fit.posterior.log_evidence == Approx(marginal.log_density()).epsilon(1e-13));
}
