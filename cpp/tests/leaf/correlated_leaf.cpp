// A term of correlated effects as the leaf: which can be one, exact gradients in all
// hyperparameters, and value and moments against sums over a lattice.

#include <catch2/catch.hpp>
#include <mixed_glm/fit/choose.hpp>
#include <mixed_glm/sampling/leaf_conditional_draws.hpp>

#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::random_model;

namespace correlated_leaf_test {

// Terms of so many coordinates, and a crossed factor of independent effects.
struct Source {
  test_support::RandomDesign d;
  std::vector<CorrelatedColumns> correlated;

  Source(Index order, Index n, Index groups, Index p, bool crossed, Index terms = 1) {
    test_support::Random random(7);
    const Index others = crossed ? 3 : 0, own = order * groups;
    d.x = random.normal_matrix(n, p);
    d.offset = 0.1 * random.normal_matrix(n, 1);
    d.components = terms * order + (crossed ? 1 : 0);
    d.z = Matrix::Zero(n, terms * own + others);
    for (Index j = 0; j < terms * own; ++j) d.ident.push_back(Code(j / groups));
    for (Index j = 0; j < others; ++j) d.ident.push_back(Code(terms * order));
    for (Index i = 0; i < n; ++i) {
      for (Index t = 0; t < terms; ++t) {
        const Index g = random.below(groups), first = t * own + g;
        d.z(i, first) = 1.0;
        // The second group is one that no row says anything of the slope of.
        for (Index c = 1; c < order; ++c)
          d.z(i, first + c * groups) = g == 1 ? 0.0 : random.normal();
      }
      if (crossed) d.z(i, terms * own + random.below(others)) = 1.0;
    }
    for (Index t = 0; t < terms; ++t) {
      CorrelatedColumns columns;
      columns.order = order;
      for (Index g = 0; g < groups; ++g) {
        for (Index c = 0; c < order; ++c) columns.columns.push_back(Code(t * own + c * groups + g));
      }
      correlated.push_back(columns);
    }
  }
  Design design() const { return {d.x, d.sparse_rows(), d.ident, d.components, correlated}; }
};

LeafSettings with_nodes(Index n_quad) {
  LeafSettings settings;
  settings.n_quad = n_quad;
  settings.inner.tolerance = 1e-20;
  return settings;
}

// Log standard deviations, and z of the correlations.
Vector some_theta(const Model& model, double level = -0.6) {
  Vector theta = Vector::LinSpaced(model.hyperparameters().size(), level, level + 0.4);
  for (Index k = model.design().components(); k < theta.size(); ++k) {
    theta[k] = k % 2 == 0 ? 0.6 : -0.4;
  }
  return theta;
}

TEST_CASE("the only leaf of a design with correlated effects is their term") {
  const Source two(2, 60, 6, 1, true), three(3, 60, 6, 1, true), four(4, 60, 6, 1, true),
      both(2, 60, 6, 1, false, 2);
  const Design design = two.design();
  CHECK(default_leaf(design).components() == std::vector<Index>{0, 1});
  CHECK(leaf_around(design, 1).components() == std::vector<Index>{0, 1});
  CHECK(is_leaf(design, std::vector<Index>{1, 0}));
  CHECK_FALSE(is_leaf(design, std::vector<Index>{0}));
  CHECK_FALSE(is_leaf(design, std::vector<Index>{2}));
  CHECK(leaf_candidates(design) == std::vector<bool>{true, true, false});
  CHECK(default_leaf(three.design()).size() == 3);
  for (const Source* source : {&four, &both}) {
    const Design other = source->design();
    CHECK(default_leaf(other).is_default());
    const std::vector<bool> candidates = leaf_candidates(other);
    CHECK(std::count(candidates.begin(), candidates.end(), true) == 0);
    CHECK_THROWS_WITH(checked_leaf(other, LeafBlock()), Catch::Contains("and ep fit them"));
    CHECK_THROWS_WITH(checked_leaf(other, LeafBlock(0)), Catch::Contains("three coordinates"));
  }
  const Model model = random_model(design, two.d, BinomialLogit(), 5);
  CHECK(LeafDesign(model, std::vector<Index>{1, 0}).leaf().components() ==
        std::vector<Index>{0, 1});
}

TEST_CASE("the gradient of the marginal with a correlated leaf is exact") {
  for (const Index order : {2, 3}) {
    for (const Family& family : {Family(BinomialLogit()), Family(EstimatedNegativeBinomialLog())}) {
      const Source source(order, 60, 8, 2, true);
      const Design design = source.design();
      const Model model = random_model(design, source.d, family, 5);
      CAPTURE(order, family_name(family));
      LeafMarginal marginal(model, default_leaf(design), with_nodes(order == 2 ? 31 : 15));
      test_support::check_gradient(marginal, some_theta(model), 5e-3, 1e-4);
    }
  }
}

TEST_CASE("a correlated leaf with nothing beside it is a product of integrals, exact moments") {
  const Source source(2, 18, 3, 0, false);
  const Design design = source.design();
  for (const Family& family : {Family(BinomialLogit()), Family(PoissonLog())}) {
    const Model model = random_model(design, source.d, family, 5);
    const Vector theta = some_theta(model, -0.4);
    LeafMarginal marginal(model, default_leaf(design), with_nodes(40));
    REQUIRE(marginal.evaluate(theta));
    double expected = model.log_likelihood_constant() + model.hyperparameters().log_density(theta);
    CAPTURE(family_name(family));
    const LeafDesign& leaf = marginal.leaf();
    const double rho = std::tanh(theta[2]), rest = std::sqrt(1.0 - rho * rho), step = 0.1;
    const std::array<double, 2> sd = {std::exp(theta[0]), std::exp(theta[1])};
    for (Index g = 0; g < leaf.groups(); ++g) {
      double mass = 0.0, product = 0.0;
      std::array<double, 2> sum = {}, square = {};
      for (int a = -75; a <= 75; ++a) {
        for (int b = -75; b <= 75; ++b) {
          const double x = step * a, y = rho * x + rest * step * b;
          double value = -0.5 * step * step * double(a * a + b * b);
          for (Index r = leaf.group_begin(g); r < leaf.group_end(g); ++r) {
            const double eta = leaf.reduced().offset()[r] + leaf.factor(0)[r] * sd[0] * x +
                               leaf.factor(1)[r] * sd[1] * y;
            const Response& response = leaf.reduced().response();
            const auto row = [&](const auto& kernel) {
              return kernel.evaluate(eta, response.a[r], response.b[r]).value;
            };
            value += std::visit(row, family);
          }
          const double density = std::exp(value);
          const std::array<double, 2> u = {sd[0] * x, sd[1] * y};
          mass += density;
          product += density * u[0] * u[1];
          for (size_t c = 0; c < 2; ++c) {
            sum[c] += density * u[c];
            square[c] += density * u[c] * u[c];
          }
        }
      }
      expected += std::log(mass * step * step) - log_two_pi;
      CAPTURE(g);
      REQUIRE(leaf.group_effect(g, 0) >= 0);
      REQUIRE(leaf.group_effect(g, 1) >= 0);
      const SecondMoments& moments = marginal.second_moments();
      for (Index c = 0; c < 2; ++c) {
        const Index j = leaf.group_effect(g, c);
        CHECK(marginal.posterior().mean[j] == Approx(sum[size_t(c)] / mass).margin(1e-5));
        CHECK(moments.square(j) == Approx(square[size_t(c)] / mass).epsilon(1e-4));
      }
      const EffectPairs& pairs = design.effect_pairs();
      for (size_t k = 0; k < pairs.size(); ++k) {
        if (Index(pairs[k].second) != leaf.group_effect(g, 0)) continue;
        CHECK(Index(pairs[k].first) == leaf.group_effect(g, 1));
        CHECK(moments.product(Index(k)) == Approx(product / mass).margin(1e-5));
        CHECK(moments.covariance(Index(k)) ==
              Approx((product - sum[0] * sum[1] / mass) / mass).margin(1e-5));
      }
    }
    CHECK(marginal.log_density() == Approx(expected).epsilon(1e-6));
  }
}

TEST_CASE("draws with a correlated leaf have its moments") {
  const Source source(2, 60, 6, 1, true);
  const Design design = source.design();
  const Model model = random_model(design, source.d, BinomialLogit(), 5);
  const Vector theta = some_theta(model);
  LeafConditionalDraws draws(model, default_leaf(design), with_nodes(11));
  REQUIRE(draws.evaluate(theta));
  LeafMarginal marginal(model, default_leaf(design), with_nodes(11));
  REQUIRE(marginal.evaluate(theta));
  const Index count = 4000;
  RowMatrix z = test_support::Random(3).normal_matrix(design.coefficients(), count);
  draws.draw(theta.replicate(1, count), z);
  const ConditionalPosterior posterior = marginal.posterior();
  for (Index j = 0; j < design.effects(); ++j) {
    const double mean = z.row(j).mean(), sd = std::sqrt(posterior.variance[j]);
    CAPTURE(j);
    CHECK((mean - posterior.mean[j]) / sd == Approx(0.0).margin(0.1));
    CHECK(std::sqrt((z.row(j).array() - mean).square().mean()) / sd == Approx(1.0).margin(0.1));
  }
  for (size_t k = 0; k < design.effect_pairs().size(); ++k) {
    const auto [first, second] = design.effect_pairs()[k];
    const double scale = std::sqrt(posterior.variance[first] * posterior.variance[second]);
    const double product = z.row(first).cwiseProduct(z.row(second)).mean();
    CHECK((product - marginal.second_moments().product(Index(k))) / scale ==
          Approx(0.0).margin(0.15));
  }
}

TEST_CASE("the choice of a method looks at a correlated leaf") {
  const Source source(2, 90, 30, 1, false);
  const Design design = source.design();
  const Model model = random_model(design, source.d, BinomialLogit(), 5, 1.0, 1.5);
  const Choice choice = choose(model);
  CHECK(choice.approximation.name == ApproximationName::leaf);
  CHECK(choice.approximation.leaf.components() == std::vector<Index>{0, 1});
  CHECK(choice.start.size() == 3);
}

}  // namespace correlated_leaf_test
