// Many responses of one design: the same as one fit at a time, whatever came before, on any number
// of threads.

#include <catch2/catch.hpp>
#include <mixed_glm/many/many_fitter.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::draw_response;
using test_support::random_design;
using test_support::Shape;

namespace {

struct Responses {
  Matrix y, trials, offset;
  Vector weights;
  ResponseBatch batch() const { return {y, trials, offset, weights}; }
};

Responses draw(const Family& family, const test_support::RandomDesign& source, Index count) {
  test_support::Random random(5);
  std::mt19937 generator(5);
  const Index n = source.x.rows();
  Responses result{Matrix(n, count), Matrix::Constant(n, 1, 2.0), source.offset, Vector::Ones(n)};
  for (Index j = 0; j < count; ++j) {
    const Vector u = 0.8 * random.normal_matrix(source.z.cols(), 1);
    const Vector eta = source.z * u + source.offset;
    for (Index i = 0; i < n; ++i) {
      result.y(i, j) = draw_response(family, eta[i], 2.0, generator);
    }
  }
  return result;
}

Prior prior_of(const Design& design) {
  return {Vector::Constant(design.fixed(), 2.0), Vector::Constant(design.components(), 0.8)};
}

std::vector<FitMethod> all_methods(const Design& design) {
  VariationalMethod full;
  full.full = true;
  MarginalMethod laplace, mode, leaf, ep;
  mode.settings.integrate = Integrate::mode;
  leaf.approximation = {ApproximationName::leaf, design.largest_single(), 9, true};
  ep.approximation = {ApproximationName::ep, -1, 7, true};
  std::vector<FitMethod> methods = {MapMethod(), VariationalMethod(), full, laplace, mode, ep};
  if (design.largest_single() >= 0) methods.push_back(leaf);
  return methods;
}

bool same(const RowMatrix& a, const RowMatrix& b) {
  return a.rows() == b.rows() && ((a.array() == b.array()) || (a.array() != a.array())).all();
}

void check_same(const ManyResults& a, const ManyResults& b) {
  CHECK(same(a.fe_mean, b.fe_mean));
  CHECK(same(a.fe_sd, b.fe_sd));
  CHECK(same(a.vcp_mean, b.vcp_mean));
  CHECK(same(a.vcp_sd, b.vcp_sd));
  CHECK(same(a.vc_mean, b.vc_mean));
  CHECK(same(a.vc_sd, b.vc_sd));
  CHECK(a.status == b.status);
  CHECK(a.iterations == b.iterations);
}

ManySettings settings(int n_jobs) { return {n_jobs, true, {}}; }

}  // namespace

TEST_CASE("a worker that has fitted other responses gives what a new one gives") {
  for (const Shape shape : {Shape::one_factor, Shape::crossed, Shape::slopes, Shape::ragged}) {
    const auto source = random_design(shape, 80, 2, 3);
    const Design design = source.design();
    for (const Family& family : {Family(BinomialLogit()), Family(PoissonLog())}) {
      const Responses responses = draw(family, source, 5);
      size_t number = 0;
      for (const FitMethod& method : all_methods(design)) {
        CAPTURE(int(shape), family_name(family), number++);
        ManyFitter fitter(design, family, prior_of(design), method);
        const auto one = fitter.fit(responses.batch(), settings(1));
        const auto three = fitter.fit(responses.batch(), settings(3));
        REQUIRE(one.has_value());
        REQUIRE(three.has_value());
        check_same(*one, *three);
        CHECK(one->fe_mean.allFinite());
        for (Index j = 0; j < 5; ++j) {
          Responses single = responses;
          single.y = responses.y.col(j);
          ManyFitter fresh(design, family, prior_of(design), method);
          const auto alone = fresh.fit(single.batch(), settings(1));
          REQUIRE(alone.has_value());
          CHECK((alone->fe_mean.row(0).array() == one->fe_mean.row(j).array()).all());
          CHECK((alone->vc_sd.row(0).array() == one->vc_sd.row(j).array()).all());
          CHECK(alone->iterations[0] == one->iterations[size_t(j)]);
        }
      }
    }
  }
}

TEST_CASE("quantiles are those of the fit of a single response, on any number of threads") {
  const Family family = PoissonLog();
  KeptQuantiles kept;
  kept.at = {Vector::Constant(1, 0.975), Vector::Constant(1, 1.959963984540054)};
  for (const Shape shape : {Shape::one_factor, Shape::crossed}) {
    const auto source = random_design(shape, 120, 2, 3);
    const Design design = source.design();
    const Responses responses = draw(family, source, 3);
    ManyFitter fitter(design, family, prior_of(design), MarginalMethod(), kept);
    const auto one = fitter.fit(responses.batch(), settings(1));
    const auto two = fitter.fit(responses.batch(), settings(2));
    CHECK(same(one->quantiles.fe(), two->quantiles.fe()));
    CHECK(same(one->quantiles.theta(), two->quantiles.theta()));
    CHECK(same(one->quantiles.u(), two->quantiles.u()));
    CHECK(one->quantiles.densities().size() == (design.components() > 1 ? 3u : 0u));
    const Vector y = responses.y.col(1), ones = Vector::Ones(y.size());
    const Model model(design, family, encode_response(family, y, ones, ones), prior_of(design),
                      source.offset);
    const MarginalFit fit = MarginalDriver(model).fit();
    const MarginalQuantiles own(fit, model.layout());
    const Matrix each = Matrix::Identity(2, 2);
    for (Index a = 0; a < 2; ++a) {
      CHECK(one->quantiles.fe()(1, a) == Approx(own.of_fixed(each, kept.at)(0, a)));
      CHECK(one->quantiles.fe()(1, a) > one->fe_mean(1, a) + one->fe_sd(1, a));
    }
    CHECK(one->quantiles.theta()(1, 0) == Approx(own.of_theta(kept.at)(0, 0)));
    CHECK(one->quantiles.u().row(1).isApprox(own.of_effects(kept.at).row(0)));
    ManyFitter plain(design, family, prior_of(design), MarginalMethod());
    const auto without = plain.fit(responses.batch(), settings(1));
    CHECK(without->quantiles.fe().cols() == 0);
    CHECK(without->quantiles.densities().empty());
    check_same(*without, *one);
  }
}

TEST_CASE("results are those of the fit of a single response") {
  const auto source = random_design(Shape::crossed, 120, 2, 3);
  const Design design = source.design();
  const Family family = PoissonLog();
  const Responses responses = draw(family, source, 4);
  ManyFitter fitter(design, family, prior_of(design), MarginalMethod());
  const auto many = fitter.fit(responses.batch(), settings(2));
  REQUIRE(many.has_value());
  for (Index j = 0; j < 4; ++j) {
    const Vector y = responses.y.col(j), ones = Vector::Ones(y.size());
    const Model model(design, family, encode_response(family, y, ones, ones), prior_of(design),
                      source.offset);
    LaplaceSettings laplace;
    laplace.inner = marginal_newton_settings();
    LaplaceMarginal marginal(model, laplace);
    const MarginalFit fit = fit_marginal(marginal, Vector::Zero(design.components()));
    CHECK(many->status[size_t(j)] == FitStatus::converged);
    CHECK(many->log_evidence[j] == Approx(fit.posterior.log_evidence).epsilon(1e-12));
    for (Index a = 0; a < design.fixed(); ++a) {
      CHECK(many->fe_mean(j, a) == Approx(fit.posterior.mean[a]).epsilon(1e-10));
    }
  }
}

TEST_CASE("what is no response of the family has no results, and spoils no others") {
  const auto source = random_design(Shape::one_factor, 60, 1, 3);
  const Design design = source.design();
  const Responses good = draw(BinomialLogit(), source, 5);
  Responses bad = good;
  bad.y(3, 0) = 3.0;
  bad.y(4, 2) = std::numeric_limits<double>::quiet_NaN();
  bad.offset = source.offset.replicate(1, 5);
  bad.offset(7, 4) = std::numeric_limits<double>::infinity();
  ManyFitter fitter(design, BinomialLogit(), prior_of(design), MarginalMethod());
  const auto expected = fitter.fit(good.batch(), settings(1));
  const auto got = fitter.fit(bad.batch(), settings(1));
  REQUIRE(expected.has_value());
  REQUIRE(got.has_value());
  for (const Index j : {0, 2, 4}) {
    CHECK(got->status[size_t(j)] == FitStatus::invalid_response);
    CHECK(std::isnan(got->fe_mean(j, 0)));
    CHECK(std::isnan(got->log_evidence[j]));
  }
  for (const Index j : {1, 3}) {
    CHECK(got->status[size_t(j)] == FitStatus::converged);
    CHECK(got->fe_mean(j, 0) == expected->fe_mean(j, 0));
  }
}

TEST_CASE("an interruption gives nothing") {
  const auto source = random_design(Shape::one_factor, 60, 1, 3);
  const Design design = source.design();
  Responses responses = draw(BinomialLogit(), source, 1);
  responses.y = Vector(responses.y.col(0)).replicate(1, 1000000);
  ManyFitter fitter(design, BinomialLogit(), prior_of(design), MarginalMethod());
  int asked = 0;
  const ManySettings settings{2, false, false, [&asked] { return ++asked == 2; }};
  CHECK(!fitter.fit(responses.batch(), settings).has_value());
  CHECK(asked == 2);
}

TEST_CASE("arguments that do not fit are refused") {
  const auto source = random_design(Shape::one_factor, 60, 1, 3);
  const Design design = source.design();
  MarginalMethod leaf;
  leaf.approximation = {ApproximationName::leaf, 7, 9, true};
  CHECK_THROWS_AS(ManyFitter(design, PoissonLog(), prior_of(design), leaf), std::invalid_argument);
  CHECK_THROWS_AS(ManyFitter(design, PoissonLog(), Prior{Vector(), Vector()}, MapMethod()),
                  std::invalid_argument);
  ManyFitter fitter(design, PoissonLog(), prior_of(design), MapMethod());
  Responses responses = draw(PoissonLog(), source, 2);
  responses.trials = Matrix::Ones(60, 3);
  CHECK_THROWS_AS(fitter.fit(responses.batch()), std::invalid_argument);
  responses.trials = Matrix::Ones(60, 1);
  responses.weights = Vector::Ones(59);
  CHECK_THROWS_AS(fitter.fit(responses.batch()), std::invalid_argument);
}

TEST_CASE("offsets of their own are refused where the design has merged rows that differ in them") {
  auto source = random_design(Shape::few_groups, 60, 1, 3);
  source.x.setOnes();
  source.offset.setZero();
  const auto design = Design::merged(source.x, source.sparse_rows(), source.ident,
                                     source.components, source.offset);
  REQUIRE(design->rows() < 60);
  Responses responses = draw(PoissonLog(), source, 2);
  ManyFitter fitter(*design, PoissonLog(), prior_of(*design), MapMethod());
  responses.offset = Matrix::Constant(60, 2, 0.3);
  CHECK(fitter.fit(responses.batch()).has_value());
  responses.offset(7, 1) = 0.4;
  using Catch::Matchers::StartsWith;
  CHECK_THROWS_WITH(fitter.fit(responses.batch()), StartsWith("offset: expected equal values"));
  responses.offset(7, 1) = std::nan("");  // told by the status, as everywhere
  const auto results = fitter.fit(responses.batch());
  REQUIRE(results.has_value());
  CHECK(results->status[1] == FitStatus::invalid_response);
}

TEST_CASE("exceptions of workers arrive, and threads are counted as scikit-learn does") {
  CHECK_THROWS_AS(run_workers(2, [](const std::atomic<bool>&) { throw std::runtime_error("no"); }),
                  std::runtime_error);
  CHECK(thread_count(3) == 3);
  CHECK(thread_count(-1) == available_processors());
  CHECK(thread_count(-100) == 1);
}
