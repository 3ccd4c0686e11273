// From arrays to results: models are the same however they are given, what a fit reports is what
// its parts report, and wrong arguments are named.

#include <algorithm>
#include <catch2/catch.hpp>
#include <mixed_glm/mixed_glm.hpp>

#include "../support/random_design.hpp"

using namespace mixed_glm;

namespace {

// 12 herds with five rows each, and a covariate.
struct Herds {
  Herds() : y(60), x(60, 2), herd(60), trials(Vector::Constant(60, 8.0)) {
    test_support::Random random(3);
    Vector u = 0.9 * random.normal_matrix(12, 1);
    for (Index i = 0; i < 60; ++i) {
      herd[size_t(i)] = Code(i % 12);
      x.row(i) << 1.0, random.normal();
      const double p = 1.0 / (1.0 + std::exp(0.4 - 0.7 * x(i, 1) - u[i % 12]));
      y[i] = 0.0;
      for (int k = 0; k < 8; ++k) y[i] += random.uniform() < p;
    }
  }
  ModelData data() const {
    ModelData result;
    result.endog = y;
    result.exog = x;
    result.n_trials = trials;
    result.random = RandomEffects(60);
    result.random.add_intercepts(herd, 12);
    result.fe_p = fe_p;  // and not those in units of the data (default_priors.cpp)
    result.vcp_p = vcp_p;
    return result;
  }
  Vector y;
  Matrix x;
  std::vector<Code> herd;
  Vector trials, fe_p = Vector::Constant(2, 2.0), vcp_p = Vector::Ones(1);
};

constexpr Method every_method[] = {Method::automatic, Method::map,  Method::vb, Method::vb_full,
                                   Method::laplace,   Method::leaf, Method::ep};

}  // namespace

TEST_CASE("random effects by terms and as a matrix") {
  const std::vector<Code> first = {0, 1, -1, 1}, second = {1, 0, 1, 1};
  const Vector factors = (Vector(4) << 2.0, -1.0, 0.5, 3.0).finished();
  RandomEffects effects(4);
  effects.add_intercepts(first, 2);
  effects.add_slopes(second, 3, factors);
  const SparseRows z = effects.matrix();
  Matrix dense = Matrix::Zero(4, 5);
  for (Index i = 0; i < 4; ++i) {
    for (Index e = z.begin(i); e < z.end(i); ++e) dense(i, z.columns()[e]) = z.value(e);
  }
  Matrix expected(4, 5);
  expected << 1, 0, 0, 2, 0, 0, 1, -1, 0, 0, 0, 0, 0, 0.5, 0, 0, 1, 0, 3, 0;
  CHECK(dense == expected);
  CHECK(effects.components() == 2);
  CHECK(effects.ident() == std::vector<Code>{0, 0, 1, 1, 1});

  RandomEffects more(z, effects.ident(), 2);
  more.add_intercepts(second, 2);
  CHECK(more.effects() == 7);
  const SparseRows wider = more.matrix();
  CHECK(wider.entries() == z.entries() + 4);
  CHECK(wider.columns()[wider.end(1) - 1] == 5);
}

TEST_CASE("raw pointers, strides and maps give the same model without a copy") {
  Herds herds;
  std::sort(herds.herd.begin(), herds.herd.end());  // so that the design need not sort its rows
  const FitResult expected = fit(MixedModel(herds.data()), {Method::laplace});
  Matrix wide(70, 2);
  wide.setConstant(std::nan(""));
  wide.topRows(60) = herds.x;
  ModelData data = herds.data();
  data.endog = {herds.y.data(), 60};
  data.exog = {wide.data(), 60, 2, 70};
  const MixedModel model(data);
  CHECK(model.design().x().data() == wide.data());
  const FitResult got = fit(model, {Method::laplace});
  CHECK(got.mean == expected.mean);
  CHECK(got.log_evidence == expected.log_evidence);
}

TEST_CASE("every method fills its result") {
  const Herds herds;
  const MixedModel model(herds.data());
  const FitResult laplace = fit(model, {Method::laplace});
  for (const Method method : every_method) {
    CAPTURE(to_string(method));
    const FitResult result = fit(model, {method});
    REQUIRE(result.converged());
    CHECK(result.mean.size() == 2 + 1 + 12);
    CHECK(result.fe_mean().size() == 2);
    CHECK(result.vcp_mean().size() == 1);
    CHECK(result.vc_mean().size() == 12);
    CHECK((Vector(15) << result.fe_mean(), result.vcp_mean(), result.vc_mean()).finished() ==
          result.mean);
    // The means agree within what approximations of so well-behaved a posterior may differ.
    CHECK((result.fe_mean() - laplace.fe_mean()).cwiseQuotient(laplace.fe_sd()).norm() < 0.3);
    CHECK(result.fe_cov.diagonal().cwiseSqrt().isApprox(result.fe_sd(), 1e-9));
    CHECK(result.vcp_cov.diagonal().cwiseSqrt().isApprox(result.vcp_sd(), 1e-6));
    CHECK(std::isnan(result.log_evidence) == (method == Method::map));
    if (method != Method::map) {  // whose effects have collapsed, as they do
      CHECK((result.vc_mean() - laplace.vc_mean()).cwiseQuotient(laplace.vc_sd()).norm() < 0.6);
      CHECK(result.log_evidence == Approx(laplace.log_evidence).margin(1.5));
    }
    if (method == Method::automatic) CHECK(result.method != Method::automatic);
  }
  const FitResult map = fit(model, {Method::map});
  CHECK(map.log_density == Approx(JointDensity(model.model()).value(map.mean)).epsilon(1e-13));
  CHECK(JointDensity(model.model()).gradient(map.mean).cwiseAbs().maxCoeff() < 1e-6);
}

TEST_CASE("options reach the fit") {
  const Herds herds;
  const MixedModel model(herds.data());
  FitOptions options{Method::laplace, Integrate::mode};
  const FitResult mode = fit(model, options);
  CHECK(mode.vcp_cov(0, 0) == Approx(std::pow(mode.vcp_sd()[0], 2)).epsilon(1e-12));
  options.n_jobs = 2;
  CHECK(fit(model, options).log_evidence == mode.log_evidence);
  options.mean_correction = false;
  CHECK((fit(model, options).fe_mean() - mode.fe_mean()).norm() > 1e-6);
  options.max_iterations = 1;
  CHECK(fit(model, options).status == FitStatus::not_converged);
  options = {Method::leaf, Integrate::mode};
  options.n_quad = 1;
  const FitResult one_node = fit(model, options);
  options.n_quad = 25;
  const FitResult many_nodes = fit(model, options);
  CHECK(std::abs(many_nodes.log_evidence - one_node.log_evidence) > 1e-5);
  options.n_quad = 0;
  CHECK(fit(model, options).log_evidence == Approx(many_nodes.log_evidence).epsilon(1e-6));
  options.start = Vector::Constant(1, 0.5);
  CHECK(fit(model, options).converged());
}

namespace {

// Each row twice, with another response.
struct DoubledHerds {
  DoubledHerds() : y(120), x(120, 2), trials(Vector::Constant(120, 8.0)) {
    y << herds.y, (8.0 - herds.y.reverse().array()).matrix();
    x << herds.x, herds.x;
    herd = herds.herd;
    herd.insert(herd.end(), herds.herd.begin(), herds.herd.end());
  }
  ModelData data() const {
    ModelData result;
    result.endog = y;
    result.exog = x;
    result.n_trials = trials;
    result.random = RandomEffects(120);
    result.random.add_intercepts(herd, 12);
    result.fe_p = herds.fe_p;
    result.vcp_p = herds.vcp_p;
    return result;
  }
  Herds herds;
  Vector y;
  Matrix x;
  std::vector<Code> herd;
  Vector trials;
};

}  // namespace

TEST_CASE("rows that are equal are one, by default") {
  const DoubledHerds doubled;
  ModelData data = doubled.data();
  const MixedModel merged(data);
  data.merge_rows = false;
  const MixedModel apart(data);
  CHECK(merged.design().rows() == 60);
  CHECK(merged.design().user_rows() == 120);
  CHECK(apart.design().rows() == 120);
  for (const Method method : every_method) {
    CAPTURE(to_string(method));
    const FitResult one = fit(merged, {method}), other = fit(apart, {method});
    CHECK(one.status == other.status);
    const auto off = ((one.mean - other.mean).array() / one.sd.array()).abs();
    // One site for both of two equal rows is another factorization. Elsewhere sums in another order
    // move the points between which psi is interpolated a little.
    CHECK(off.maxCoeff() < (one.method == Method::ep ? 0.02 : 5e-5));
    if (method == Method::ep) CHECK(off.maxCoeff() > 1e-9);
  }
  // The design that the bindings made of the same arrays before they were given to MixedModel.
  const RandomEffects& z = data.random;
  const auto design = Design::merged(doubled.x, z.matrix(), z.ident(), 1, Vector());
  const Model model(*design, BinomialLogit(),
                    encode_response(BinomialLogit(), doubled.y, doubled.trials, Vector::Ones(120)),
                    Prior{Vector::Constant(2, 2.0), Vector::Ones(1)});
  CHECK(fit(model, {Method::ep}).mean == fit(merged, {Method::ep}).mean);
}

TEST_CASE("rows with different offsets stay apart") {
  const DoubledHerds doubled;
  const Vector offset = Vector::LinSpaced(120, 0.0, 1.0);
  ModelData data = doubled.data();
  data.offset = offset;
  CHECK(MixedModel(data).design().rows() == 120);
}

TEST_CASE("a model without random effects, and one that collapses") {
  const Herds herds;
  ModelData data = herds.data();
  data.random = RandomEffects(0);
  data.vcp_p = {};
  const MixedModel fixed(data);
  for (const Method method : {Method::automatic, Method::map, Method::vb, Method::laplace}) {
    const FitResult result = fit(fixed, {method});
    CHECK(result.converged());
    CHECK(result.mean.size() == 2);
  }
  data = herds.data();
  const Vector half = Vector::Constant(60, 4.0);  // no variation at all
  data.endog = half;
  CHECK(fit(MixedModel(data), {Method::map}).status == FitStatus::collapsed);
}

TEST_CASE("a model without any parameter is its likelihood") {
  const Herds herds;
  ModelData data = herds.data();
  data.exog = {};
  data.random = RandomEffects(0);
  data.fe_p = data.vcp_p = {};
  const MixedModel model(data);
  const double log_likelihood = JointDensity(model.model()).value(Vector());
  for (const Method method : {Method::automatic, Method::map, Method::vb, Method::laplace}) {
    CAPTURE(to_string(method));
    const FitResult result = fit(model, {method});
    CHECK(result.converged());
    CHECK(result.mean.size() == 0);
    const double got = method == Method::map ? result.log_density : result.log_evidence;
    CHECK(got == Approx(log_likelihood).epsilon(1e-12));
  }
}

TEST_CASE("wrong arguments are named") {
  const Herds herds;
  const auto message = [&](auto&& change) -> std::string {
    ModelData data = herds.data();
    try {
      change(data);
      const MixedModel model(data);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  using Catch::Matchers::StartsWith;
  const Vector shorter = Vector::Ones(59), high = Vector::Constant(60, 9.0);
  const Vector negative = Vector::Constant(60, -1.0);
  Vector broken = herds.y;
  broken[7] = std::nan("");
  Matrix x = herds.x;
  x(3, 1) = std::numeric_limits<double>::infinity();
  CHECK(message([](ModelData&) {}).empty());
  CHECK_THAT(message([&](ModelData& d) { d.endog = shorter; }),
             StartsWith("exog: expected length"));
  CHECK_THAT(message([&](ModelData& d) { d.endog = high; }),
             StartsWith("endog: 9.000000 in row 0 is no response of the binomial"));
  CHECK_THAT(message([&](ModelData& d) { d.endog = broken; }), StartsWith("endog: nan in row 7"));
  CHECK_THAT(message([&](ModelData& d) { d.exog = x; }), StartsWith("exog: expected finite"));
  CHECK_THAT(message([&](ModelData& d) { d.n_trials = shorter; }), StartsWith("n_trials: "));
  CHECK_THAT(message([&](ModelData& d) { d.freq_weights = negative; }),
             StartsWith("freq_weights: expected finite values, none negative"));
  CHECK_THAT(message([&](ModelData& d) { d.offset = shorter; }), StartsWith("offset: "));
  CHECK_THAT(message([&](ModelData& d) { d.offset = broken; }),
             StartsWith("offset: expected finite values, got nan in row 7"));
  CHECK_THAT(message([&](ModelData& d) { d.vcp_p = shorter; }), StartsWith("vcp_p: "));
  CHECK_THAT(message([&](ModelData& d) { d.random.add_intercepts(herds.herd, 11); }),
             StartsWith("codes: expected less than 11, got 11 in row 11"));

  const MixedModel model(herds.data());
  FitOptions options;
  options.n_quad = -1;
  CHECK_THROWS_AS(fit(model, options), std::invalid_argument);
  options = {};
  options.start = Vector::Zero(2);
  CHECK_THROWS_WITH(fit(model, options), StartsWith("start: expected length 1"));
  options = {};
  options.n_jobs = 0;
  CHECK_THROWS_WITH(fit(model, options), StartsWith("n_jobs: "));
  options = {Method::leaf};
  options.leaf = 1;
  CHECK_THROWS_WITH(fit(model, options), StartsWith("leaf: "));
}
