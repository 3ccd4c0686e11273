// Models with correlated effects: the exact gradient of each approximation against differences, and
// what fits make of them.

#include <catch2/catch.hpp>
#include <mixed_glm/fit/fit.hpp>

#include "../support/check_marginal.hpp"
#include "../support/random_design.hpp"

using namespace mixed_glm;

namespace correlated_marginal_test {

// A term of `order` coordinates, and a crossed factor of independent effects.
struct Source {
  Index n = 120, groups = 9, items = 5;
  Matrix x;
  std::vector<Code> group, item;
  Vector y, trials;
  std::vector<Vector> factors;

  explicit Source(Index order, const Family& family = BinomialLogit()) {
    test_support::Random random(unsigned(order) + 1);
    std::mt19937 generator(3);
    x = random.normal_matrix(n, 2);
    x.col(0).setOnes();
    for (Index c = 1; c < order; ++c) factors.emplace_back(random.normal_matrix(n, 1));
    const Matrix u = 0.8 * random.normal_matrix(groups, order);
    y.resize(n);
    trials = Vector::Constant(n, 3.0);
    for (Index i = 0; i < n; ++i) {
      group.push_back(Code(i % groups));
      item.push_back(Code(random.below(items)));
      double eta = 0.2 + 0.3 * x(i, 1) + u(group.back(), 0);
      for (Index c = 1; c < order; ++c) {
        eta += factors[size_t(c) - 1][i] * (u(group.back(), c) + 0.5 * u(group.back(), 0));
      }
      const double mean = std::visit([&](const auto& kernel) { return kernel.mean(eta); }, family);
      y[i] = family_name(family) == std::string("binomial")
                 ? double(std::binomial_distribution<>(3, mean)(generator))
                 : double(std::poisson_distribution<>(std::min(mean, 30.0))(generator));
    }
    data.endog = y;
    data.exog = x;
    data.family = family;
    if (family_name(family) == std::string("binomial")) data.n_trials = trials;
    data.random = RandomEffects(n);
    data.random.add_intercepts(item, items);
    data.random.add_intercepts(group, groups);
    for (const Vector& factor : factors) data.random.add_slopes(group, groups, factor);
    if (order > 1) data.random.correlate(order);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  ModelData data;
};

Vector some_theta(const Model& model) {
  test_support::Random random(5);
  return 0.4 * random.normal_matrix(model.hyperparameters().size(), 1);
}

TEST_CASE("the gradient of Laplace and of EP is exact for correlated effects") {
  for (Index order = 1; order <= 4; ++order) {
    for (const Family& family : {Family(BinomialLogit()), Family(PoissonLog())}) {
      const Source source(order, family);
      const MixedModel model(source.data);
      const Vector theta = some_theta(model.model());
      REQUIRE(theta.size() == 1 + order + lower_entries(order));
      CAPTURE(order);
      LaplaceSettings exact;
      exact.inner.tolerance = 1e-18;
      LaplaceMarginal laplace(model.model(), exact);
      test_support::check_gradient(laplace, theta, 2e-3, 1e-6);
      EpSettings tight;
      tight.n_quad = 25;
      tight.tolerance = 1e-15;  // sites are as exact as its root
      EpMarginal ep(model.model(), tight);
      test_support::check_gradient(ep, theta, 2e-3, 3e-6);  // of a quadrature whose nodes move
      CHECK(ep.fallbacks() == 0);
    }
  }
}

TEST_CASE("without correlations, and with z at zero, correlated effects are independent ones") {
  const Source source(2);
  ModelData apart = source.data;
  apart.random = RandomEffects(source.n);
  apart.random.add_intercepts(source.item, source.items);
  apart.random.add_intercepts(source.group, source.groups);
  apart.random.add_slopes(source.group, source.groups, source.factors[0]);
  const MixedModel correlated(source.data), independent(apart);
  const Vector psi = (Vector(3) << 0.1, -0.4, 0.3).finished();
  LaplaceMarginal with(correlated.model()), without(independent.model());
  REQUIRE(with.evaluate((Vector(4) << psi, 0.0).finished()));
  REQUIRE(without.evaluate(psi));
  const double prior = correlated.model().hyperparameters().prior(3).log_normalizer();
  CHECK(with.log_density() - prior == Approx(without.log_density()).epsilon(1e-12));
}

TEST_CASE("fits of correlated effects end well, and tell correlations") {
  const Source source(3);
  const MixedModel model(source.data);
  FitOptions options;
  options.method = Method::laplace;
  const FitResult result = fit(model, options);
  CHECK(result.converged());
  REQUIRE(result.cor_mean().size() == 3);
  CHECK((result.cor_mean().array().abs() < 1.0).all());
  CHECK((result.cor_sd().array() > 0.0).all());
  options.integrate = Integrate::mode;
  const FitResult at_mode = fit(model, options);
  CHECK(at_mode.converged());
  CHECK((at_mode.cor_mean() - result.cor_mean()).cwiseAbs().maxCoeff() < 0.3);
}

TEST_CASE("methods for independent effects refuse correlated ones") {
  const Source source(2);
  const MixedModel model(source.data);
  for (const Method method : {Method::map, Method::vb, Method::vb_full}) {
    FitOptions options;
    options.method = method;
    CHECK_THROWS_AS(fit(model, options), std::invalid_argument);
  }
}

TEST_CASE("correlated components must have the same codes") {
  const Source source(2);
  RandomEffects random(source.n);
  random.add_intercepts(source.item, source.items);
  random.add_intercepts(source.group, source.groups);
  CHECK_THROWS_AS(random.correlate(2), std::invalid_argument);
  CHECK_THROWS_AS(random.correlate(1), std::invalid_argument);
  CHECK_THROWS_AS(random.correlate(3), std::invalid_argument);
}

}  // namespace correlated_marginal_test
