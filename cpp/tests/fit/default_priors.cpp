// Priors in units of the data, where none are given: units and origins of covariates do not matter,
// and results are those of the columns as they were given.

#include <catch2/catch.hpp>
#include <mixed_glm/fit/fit.hpp>
#include <mixed_glm/fit/make_draws.hpp>
#include <mixed_glm/inference/joint_density.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;

namespace {

// Counts of 15 plants in 8 weeks each; the slope of time varies from plant to plant.
struct Plants {
  explicit Plants(double unit = 1.0, double origin = 0.0)
      : y(120), x(120, 2), plant(120), time(120), offset(120) {
    test_support::Random random(5);
    const Matrix u = 0.5 * random.normal_matrix(15, 2);
    for (Index i = 0; i < 120; ++i) {
      plant[size_t(i)] = Code(i % 15);
      const double t = 0.3 * random.normal();
      offset[i] = 0.2 * random.normal();
      const double mean = std::exp(1.5 + offset[i] + (0.4 + u(i % 15, 1)) * t + u(i % 15, 0));
      y[i] = 0.0;
      for (double p = -std::log(random.uniform()); p < mean; p -= std::log(random.uniform()))
        ++y[i];
      time[i] = unit * t;
      x.row(i) << 1.0, unit * t + origin;
    }
  }
  ModelData data() const {
    ModelData result;
    result.endog = y;
    result.exog = x;
    result.offset = offset;
    result.random = RandomEffects(y.size());
    result.random.add_intercepts(plant, 15);
    result.random.add_slopes(plant, 15, time);
    result.family = PoissonLog();
    return result;
  }
  // n, of (beta, psi, u).
  Vector linear_predictor(const Vector& params) const {
    Vector eta = offset + x * params.head(2);
    for (Index i = 0; i < 120; ++i) {
      eta[i] += params[4 + i % 15] + time[i] * params[4 + 15 + i % 15];
    }
    return eta;
  }
  Vector y;
  Matrix x;
  std::vector<Code> plant;
  Vector time, offset;
};

constexpr Method fit_methods[] = {Method::automatic, Method::map,  Method::vb, Method::vb_full,
                                  Method::laplace,   Method::leaf, Method::ep};

}  // namespace

TEST_CASE("the unit and the origin of a covariate do not matter") {
  const Plants plain, other(86400.0, -3e5);
  const MixedModel model(plain.data()), moved(other.data());
  const double log_unit = std::log(86400.0);
  for (const Method method : fit_methods) {
    CAPTURE(to_string(method));
    const FitResult expected = fit(model, {method}), got = fit(moved, {method});
    REQUIRE(expected.converged());
    REQUIRE(got.status == expected.status);
    CHECK((other.linear_predictor(got.mean) - plain.linear_predictor(expected.mean))
              .cwiseAbs()
              .maxCoeff() < 1e-6);
    CHECK((got.vc_mean().head(15) - expected.vc_mean().head(15)).cwiseAbs().maxCoeff() < 1e-6);
    CHECK((86400.0 * got.vc_mean().tail(15) - expected.vc_mean().tail(15)).cwiseAbs().maxCoeff() <
          1e-6);
    CHECK(got.fe_sd()[1] * 86400.0 == Approx(expected.fe_sd()[1]).epsilon(1e-6));
    CHECK(got.vcp_mean()[0] == Approx(expected.vcp_mean()[0]).margin(1e-6));
    CHECK(got.vcp_mean()[1] + log_unit == Approx(expected.vcp_mean()[1]).margin(1e-6));
    CHECK(got.vcp_cov.isApprox(expected.vcp_cov, 1e-6));
    // The intercept where time was zero before.
    const Vector at = (Vector(2) << 1.0, -3e5).finished();
    CHECK(std::sqrt(at.dot(got.fe_cov * at)) == Approx(expected.fe_sd()[0]).epsilon(1e-6));
    CHECK(got.fe_cov.diagonal().cwiseSqrt().isApprox(got.fe_sd(), 1e-9));
    if (method == Method::map) {  // a density per slope of another unit and of another log sd
      CHECK(got.log_density - log_unit - 15.0 * log_unit ==
            Approx(expected.log_density).margin(1e-6));
    } else {
      CHECK(got.log_evidence == Approx(expected.log_evidence).margin(1e-6));
    }
  }
}

TEST_CASE("defaults are what their description says, written out as numbers") {
  const Plants plants;
  ModelData data = plants.data();
  data.exog = {plants.x.data() + 120, 120, 1};  // without a constant nothing is centred
  const MixedModel model(data);
  CHECK_FALSE(model.coordinates());
  const auto sd_of = [](const Vector& v) {
    return std::sqrt((v.array() - v.mean()).square().mean());
  };
  const Vector fe_p = Vector::Constant(1, 2.5 / sd_of(plants.x.col(1)));
  CHECK(model.model().prior().fe_p.isApprox(fe_p, 1e-13));
  ModelData numbers = data;
  numbers.fe_p = fe_p;
  numbers.sd_priors = {NormalPrior(0.0, 1.0), NormalPrior(-std::log(sd_of(plants.time)), 1.0)};
  const FitResult expected = fit(MixedModel(numbers), {Method::laplace});
  const FitResult got = fit(model, {Method::laplace});
  CHECK(got.log_evidence == Approx(expected.log_evidence).epsilon(1e-12));
  CHECK(got.mean.isApprox(expected.mean, 1e-9));

  // With a constant: the prior at the means, in a model of centred columns.
  Matrix centred = plants.x;
  centred.col(1).array() -= plants.x.col(1).mean();
  data = numbers = plants.data();
  numbers.exog = centred;
  const double location =
      response_location(data.family, plants.y, Vector(), Vector(), plants.offset);
  numbers.fe_priors = {{0, {location, 2.5}}, {1, {0.0, fe_p[0]}}};
  const FitResult at_means = fit(MixedModel(numbers), {Method::laplace});
  const FitResult own = fit(MixedModel(data), {Method::laplace});
  CHECK(own.log_evidence == Approx(at_means.log_evidence).epsilon(1e-10));
  CHECK(own.mean[1] == Approx(at_means.mean[1]).epsilon(1e-6));
  CHECK(own.mean[0] + plants.x.col(1).mean() * own.mean[1] ==
        Approx(at_means.mean[0]).epsilon(1e-8));
}

TEST_CASE("numbers mean what they say") {
  const Plants plants;
  ModelData data = plants.data();
  const Vector fe_p = (Vector(2) << 3.0, 0.7).finished(),
               vcp_p = (Vector(2) << 0.5, 2.0).finished();
  data.fe_p = fe_p;
  data.vcp_p = vcp_p;
  const MixedModel model(data);
  CHECK_FALSE(model.coordinates());
  CHECK(model.model().prior().fe_p == fe_p);
  CHECK(model.model().prior().vcp_p == vcp_p);
  CHECK(model.model().offset() == model.design().to_design_rows(plants.offset));
  const Vector params = Vector::LinSpaced(34, -1.0, 1.0);
  CHECK(model.params_back(params) == params);
  const FitResult map = fit(model, {Method::map});
  CHECK(map.log_density == Approx(JointDensity(model.model()).value(map.mean)).epsilon(1e-13));
}

TEST_CASE("priors of single fixed effects, with means of their own") {
  const Plants plants;
  ModelData data = plants.data();
  const Vector fe_p = (Vector(2) << 3.0, 0.05).finished();
  data.fe_p = fe_p;
  data.fe_priors = {{1, {2.0, 0.05}}};
  // The same about zero, beside an offset.
  ModelData shifted = plants.data();
  const Vector offset = plants.offset + 2.0 * plants.x.col(1);
  shifted.fe_p = fe_p;
  shifted.offset = offset;
  for (const Method method : fit_methods) {
    CAPTURE(to_string(method));
    const FitResult got = fit(MixedModel(data), {method});
    FitResult expected = fit(MixedModel(shifted), {method});
    REQUIRE(got.has_result());
    expected.mean[1] += 2.0;
    CHECK((got.mean - expected.mean).cwiseAbs().maxCoeff() < 1e-8);
    CHECK(got.sd.isApprox(expected.sd, 1e-8));
    if (method == Method::map)
      CHECK(got.log_density == Approx(expected.log_density).epsilon(1e-10));
  }
  // Beside defaults: the constant's prior is still at the means of the columns, unless it is given.
  ModelData one = plants.data();
  one.fe_priors = {{1, {2.0, 0.05}}};
  const MixedModel kept(one);
  REQUIRE(kept.coordinates());
  CHECK(kept.coordinates()->center()[1] == Approx(plants.x.col(1).mean()).epsilon(1e-10));
  CHECK(fit(kept, {Method::laplace}).mean[1] == Approx(2.0).margin(0.2));
  one.fe_priors = {{0, {-4.0, 0.01}}};
  const MixedModel replaced(one);
  REQUIRE(replaced.coordinates());
  CHECK(replaced.coordinates()->keeps_columns());
  CHECK(fit(replaced, {Method::laplace}).mean[0] == Approx(-4.0).margin(0.1));
}

TEST_CASE("unit and origin of a Gaussian response do not matter") {
  const Plants plants;
  ModelData data = plants.data();
  data.family = GaussianIdentity();
  const Vector far = 1000.0 * plants.y.array() + 5e6, offset = 1000.0 * plants.offset;
  ModelData moved = data;
  moved.endog = far;
  moved.offset = offset;
  const MixedModel plain(data), other(moved);
  CHECK(plain.model().hyperparameters().size() == 3);
  const FitResult one = fit(plain), two = fit(other);
  REQUIRE(one.converged());
  CHECK(one.method == Method::laplace);
  Vector expected = 1000.0 * one.mean;
  expected[0] += 5e6;
  expected.segment(2, 3) = one.mean.segment(2, 3).array() + std::log(1000.0);
  Vector sd = 1000.0 * one.sd;
  sd.segment(2, 3) = one.sd.segment(2, 3);
  CHECK((two.mean - expected).cwiseQuotient(sd).cwiseAbs().maxCoeff() < 1e-8);
  CHECK(two.sd.isApprox(sd, 1e-8));
  CHECK(two.log_evidence == Approx(one.log_evidence - 120.0 * std::log(1000.0)).epsilon(1e-9));
  data.family_priors = {HalfNormalPrior(1e-3), HalfNormalPrior(1.0)};
  CHECK_THROWS_AS(MixedModel(data), std::invalid_argument);
}

TEST_CASE("wrong priors are named") {
  const Plants plants;
  const Vector short_p = Vector::Ones(1), negative = Vector::Constant(2, -1.0);
  const auto message = [&](auto&& change) -> std::string {
    ModelData data = plants.data();
    try {
      change(data);
      const MixedModel model(data);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  using Catch::Matchers::StartsWith;
  CHECK_THAT(message([&](ModelData& d) { d.fe_p = short_p; }),
             StartsWith("fe_p: expected length 2, got 1"));
  CHECK_THAT(message([&](ModelData& d) { d.fe_p = negative; }), StartsWith("fe_p: expected pos"));
  CHECK_THAT(message([&](ModelData& d) { d.vcp_p = short_p; }), StartsWith("vcp_p: expected len"));
  CHECK_THAT(message([&](ModelData& d) { d.fe_priors = {{2, {0.0, 1.0}}}; }),
             StartsWith("fe_priors: expected numbers of fixed effects, 0 to 1, got 2"));
  CHECK_THAT(message([&](ModelData& d) { d.fe_priors = {{1, {0.0, 0.0}}}; }),
             StartsWith("fe_priors: expected a finite mean and a positive, finite sd, got 0.0"));
}

TEST_CASE("rows may be sorted and merged, and models moved, with columns of the model's own") {
  const Plants plants;
  Plants doubled;
  doubled.y = plants.y.replicate(2, 1);
  doubled.x = plants.x.replicate(2, 1);
  doubled.offset = plants.offset.replicate(2, 1);
  doubled.time = plants.time.replicate(2, 1);
  doubled.plant.insert(doubled.plant.end(), plants.plant.begin(), plants.plant.end());
  ModelData data = doubled.data();
  MixedModel merged(data);
  CHECK(merged.design().rows() == 120);
  data.merge_rows = false;
  const FitResult expected = fit(MixedModel(data), {Method::laplace});
  const MixedModel taken(std::move(merged));
  const FitResult got = fit(taken, {Method::laplace});
  CHECK((got.mean - expected.mean).cwiseAbs().maxCoeff() < 1e-7);
  CHECK(got.log_evidence == Approx(expected.log_evidence).epsilon(1e-10));
}

TEST_CASE("draws are of the coefficients of the columns as they were given") {
  const Plants plain, other(100.0, 50.0);
  const MixedModel model(plain.data()), moved(other.data());
  test_support::Random random(9);
  const RowMatrix normals = random.normal_matrix(32, 6);
  const Matrix psi = Matrix::Constant(2, 6, -0.7);
  Matrix psi_moved = psi;
  psi_moved.row(1).array() -= std::log(100.0);
  for (const auto name : {ApproximationName::laplace, ApproximationName::ep}) {
    Approximation approximation;
    approximation.name = name;
    const auto draws = make_draws(model, approximation),
               draws_moved = make_draws(moved, approximation);
    REQUIRE(draws->evaluate(psi.col(0)));
    REQUIRE(draws_moved->evaluate(psi_moved.col(0)));
    RowMatrix z = normals, z_moved = normals;
    const DrawDensities density = draws->draw(psi, z),
                        density_moved = draws_moved->draw(psi_moved, z_moved);
    const RowMatrix beta = z.bottomRows(2), beta_moved = z_moved.bottomRows(2);
    CHECK((other.x * beta_moved).isApprox(plain.x * beta, 1e-6));
    // Densities of a slope, and of 15 effects, in another unit.
    CHECK((density_moved.fixed - density.fixed).isApproxToConstant(std::log(100.0), 1e-5));
    CHECK((density_moved.all - density.all).isApproxToConstant(16.0 * std::log(100.0), 1e-5));
  }
}
