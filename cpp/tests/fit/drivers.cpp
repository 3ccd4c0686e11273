// The drivers behind every fit: what they say of where a search ended, and draws from what was
// fitted.

#include <catch2/catch.hpp>
#include <mixed_glm/fit/fit.hpp>
#include <mixed_glm/fit/make_draws.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_design;
using test_support::random_model;

TEST_CASE("the joint mode is the same from psi alone and from all parameters") {
  const auto source = random_design(test_support::Shape::crossed, 200, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 1);
  MapDriver driver(model);
  const MapFit fit = driver.fit();
  const auto start = joint_start(model);
  REQUIRE(start.has_value());
  CHECK((start->segment(design.fixed(), 2).array() == joint_start_psi).all());
  CHECK(MapDriver(model).fit_from(*start).mode.params == fit.mode.params);
  CHECK(driver.fit().mode.params == fit.mode.params);  // a fit leaves nothing behind
  const MapFit there = map_fit_at(model, fit.mode.params, true);
  CHECK(there.status == fit.status);
  CHECK(there.collapsed == fit.collapsed);
  CHECK(there.covariance.sd.isApprox(fit.covariance.sd, 1e-9));
  CHECK(there.mode.log_density == Approx(fit.mode.log_density).epsilon(1e-13));
  CHECK(there.mode.gradient_norm < 1e-6);
}

TEST_CASE("a point is told by its status") {
  const auto source = random_design(test_support::Shape::one_factor, 80, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 1);
  Vector params = Vector::Zero(model.layout().size());
  CHECK(map_fit_at(model, params, false).status == FitStatus::not_converged);
  CHECK(map_fit_at(model, params, true).status == FitStatus::collapsed);  // all effects at zero
  params.tail(design.effects()).setConstant(3.0);  // so large that the sds want to grow
  params[design.fixed()] = -2.0;
  CHECK(map_fit_at(model, params, true).collapsed.empty());
  params.setConstant(std::nan(""));
  CHECK(map_fit_at(model, params, true).status == FitStatus::failed);
}

TEST_CASE("every driver gives what fit() gives") {
  const auto source = random_design(test_support::Shape::one_factor, 80, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 2);
  VariationalMethod full;
  full.full = true;
  MarginalMethod leaf, ep;
  leaf.approximation.name = ApproximationName::leaf;
  ep.approximation.name = ApproximationName::ep;
  const std::pair<Method, FitMethod> methods[] = {
      {Method::map, MapMethod()}, {Method::vb, VariationalMethod()},
      {Method::vb_full, full},    {Method::laplace, MarginalMethod()},
      {Method::leaf, leaf},       {Method::ep, ep}};
  for (const auto& [method, settings] : methods) {
    CAPTURE(to_string(method));
    const auto driver = make_driver(model, settings);
    const FitResult expected = fit(model, {method});
    REQUIRE(expected.has_result());
    CHECK(expected.method == method);
    for (int again = 0; again < 2; ++again) {
      const FitResult result = driver->fit();
      CHECK(result.status == expected.status);
      CHECK(result.mean == expected.mean);
      CHECK(result.sd == expected.sd);
      CHECK(result.iterations == expected.iterations);
    }
  }
}

TEST_CASE("a fit that has not converged says why") {
  const auto source = random_design(test_support::Shape::one_factor, 80, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 2);
  MarginalMethod method;
  const MarginalFit good = MarginalDriver(model, method).fit();
  CHECK(good.status == FitStatus::converged);
  CHECK(std::string(good.reason).empty());
  method.start = Vector::Constant(design.components(), -5.0);
  method.settings.mode.max_iterations = 1;
  const MarginalFit bad = MarginalDriver(model, method).fit();
  CHECK(bad.status == FitStatus::not_converged);
  CHECK(std::string(bad.reason) == "mode of the variance parameters not found");
}

TEST_CASE("draws are of the approximation asked for") {
  const auto source = random_design(test_support::Shape::one_factor, 80, 2, 3);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 2);
  const Vector psi = Vector::Constant(design.components(), -0.5);
  for (const ApproximationName name :
       {ApproximationName::laplace, ApproximationName::leaf, ApproximationName::ep}) {
    const auto draws = make_draws(model, {name});
    REQUIRE(draws->evaluate(psi));
    RowMatrix x = RowMatrix::Zero(design.coefficients(), 3);
    const DrawDensities density = draws->draw(psi.replicate(1, 3), x);
    CHECK(density.all.allFinite());
    CHECK(x.allFinite());
  }
  CHECK_THROWS_AS(make_draws(model, {ApproximationName::vb}), std::invalid_argument);
  CHECK_THROWS_AS(make_draws(model, {ApproximationName::leaf, 9}), std::invalid_argument);
}
