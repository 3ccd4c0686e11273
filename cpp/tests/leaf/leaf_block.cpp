// A leaf of several components: which can be one, derivatives against finite differences, and value
// and moments against sums over a lattice.

#include <catch2/catch.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>
#include <set>

#include "../support/check_leaf_third.hpp"
#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::Random;
using test_support::random_design;
using test_support::random_model;
using test_support::RandomDesign;
using test_support::Shape;

namespace {

// Intercept and m - 1 slopes of the same groups, and beside them one factor crossed with these.
RandomDesign block_design(Index n, Index groups, Index m, Index p, unsigned seed,
                          bool crossed = true) {
  Random random(seed);
  RandomDesign d;
  const Index others = crossed ? 3 : 0;
  d.x = random.normal_matrix(n, p);
  if (p > 0) d.x.col(0).setOnes();
  d.offset = 0.1 * random.normal_matrix(n, 1);
  d.components = m + (crossed ? 1 : 0);
  d.z = Matrix::Zero(n, groups * m + others);
  for (Index j = 0; j < groups * m; ++j) d.ident.push_back(Code(j / groups));
  for (Index j = 0; j < others; ++j) d.ident.push_back(Code(m));
  for (Index i = 0; i < n; ++i) {
    const Index g = random.below(groups);
    if (i % 11 == 3) continue;  // touches nothing
    d.z(i, g) = 1.0;
    for (Index c = 1; c < m; ++c) d.z(i, c * groups + g) = random.normal();
    if (g == 1) d.z(i, groups + g) = 0.0;  // a group without a slope
    if (crossed) d.z(i, groups * m + random.below(others)) = 1.0;
  }
  return d;
}

LeafBlock first_components(Index m) {
  std::vector<Index> components;
  for (Index c = 0; c < m; ++c) components.push_back(c);
  return components;
}

LeafSettings block_nodes(Index n_quad) {
  LeafSettings settings;
  settings.n_quad = n_quad;
  settings.inner.tolerance = 1e-20;
  return settings;
}

}  // namespace

TEST_CASE("components of the same groups are a block") {
  const auto source = block_design(120, 10, 3, 2, 4);
  const Design design = source.design();
  CHECK(is_leaf(design, first_components(2)));
  CHECK(is_leaf(design, first_components(3)));
  CHECK(is_leaf(design, std::vector<Index>{2, 0}));
  CHECK_FALSE(is_leaf(design, std::vector<Index>{0, 3}));  // crossed
  CHECK_FALSE(is_leaf(design, std::vector<Index>{0, 0}));
  CHECK_FALSE(is_leaf(design, std::vector<Index>{0, 4}));
  CHECK_FALSE(is_leaf(design, std::vector<Index>{0, 1, 2, 3}));
  CHECK_FALSE(is_leaf(design, LeafBlock()));
  CHECK(default_leaf(design).components() == std::vector<Index>{0, 1, 2});
  CHECK(leaf_around(design, 2).components() == std::vector<Index>{0, 1, 2});
  CHECK(leaf_around(design, 3).components() == std::vector<Index>{3});
  for (const Shape shape : {Shape::crossed, Shape::hub}) {
    const auto other = random_design(shape, 80, 2, 3);
    CHECK_FALSE(is_leaf(other.design(), first_components(2)));
  }
}

TEST_CASE("groups of a block hold the rows and effects that belong together") {
  const auto source = block_design(120, 10, 3, 2, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 1);
  const LeafDesign leaf(model, first_components(3));
  const Vector u = Random(3).normal_matrix(design.coefficients(), 1);
  Vector rest(leaf.reduced().design().coefficients());
  rest.tail(design.fixed()) = u.tail(design.fixed());
  for (Index j = 0; j < leaf.reduced().design().effects(); ++j) rest[j] = u[leaf.full_effect(j)];
  // Rows as pairs (linear predictor, response), in any order.
  std::multiset<std::pair<long, double>> expected, got;
  const auto key = [](double eta) { return std::lround(1e9 * eta); };
  const auto predictor = [&](const Model& of, const Vector& x, Index i) {
    const SparseRows& z = of.design().z();
    double eta = of.offset()[i] + of.design().x().row(i).dot(x.tail(design.fixed()));
    for (Index e = z.begin(i); e < z.end(i); ++e) eta += z.value(e) * x[z.columns()[e]];
    return eta;
  };
  for (Index i = 0; i < design.rows(); ++i) {
    expected.insert({key(predictor(model, u, i)), model.response().a[i]});
  }
  for (Index g = 0; g < leaf.groups(); ++g) {
    for (Index r = leaf.group_begin(g); r < leaf.group_end(g); ++r) {
      double eta = predictor(leaf.reduced(), rest, r);
      for (Index c = 0; c < 3; ++c) {
        if (leaf.group_effect(g, c) >= 0) eta += leaf.factor(c)[r] * u[leaf.group_effect(g, c)];
      }
      got.insert({key(eta), leaf.reduced().response().a[r]});
    }
  }
  CHECK(got == expected);
}

TEST_CASE("the gradient of the marginal of a block is exact") {
  for (const Index m : {2, 3}) {
    // Thousands of nodes for three.
    const std::vector<Family> few = {BinomialLogit(), PoissonLog()};
    for (const Family& family : m == 2 ? all_families() : few) {
      for (const Index p : {0, 2}) {
        if (m == 3 && p == 0) continue;
        const auto source = block_design(70, 9, m, p, 13);
        const Design design = source.design();
        const Model model = random_model(design, source, family, 5);
        CAPTURE(family_name(family), link_name(family), m, p);
        // exp(-exp(eta)) falls so steeply that a rule of few nodes is a rough integral of it.
        const bool steep = link_name(family).find("loglog") != std::string::npos;
        LeafMarginal marginal(model, first_components(m), block_nodes(m == 2 ? 31 : 15));
        for (const double level : {-0.5, -1.5}) {
          if (m == 3 && level < -1.0) continue;
          const Vector psi = level + Vector::LinSpaced(design.components(), 0.0, 0.3).array();
          test_support::check_gradient(marginal, psi, 5e-3, steep ? 2e-3 : 1e-4);
        }
      }
    }
  }
}

TEST_CASE("the gradient of a block in the family's hyperparameter is exact") {
  const auto source = block_design(70, 9, 2, 2, 13);
  const Design design = source.design();
  for (const Family& family : test_support::shaped_families()) {
    const Model model = random_model(design, source, family, 5);
    Vector theta = Vector::LinSpaced(design.components() + 1, -0.8, -0.5);
    LeafMarginal marginal(model, first_components(2), block_nodes(21));
    for (const double phi : {-1.2, 0.4}) {
      CAPTURE(family_name(family), phi);
      theta[design.components()] = phi;
      test_support::check_gradient(marginal, theta, 5e-3, 1e-4);
    }
  }
}

TEST_CASE("a block beside a Gaussian response is as exact as Laplace") {
  for (const Index m : {2, 3}) {
    const auto source = block_design(70, 9, m, 2, 13);
    const Design design = source.design();
    const Model model = random_model(design, source, GaussianIdentity(), 5);
    LeafMarginal leaf(model, first_components(m), block_nodes(7));
    LaplaceMarginal laplace(model, {});
    for (const double phi : {-1.5, 0.8}) {
      CAPTURE(m, phi);
      Vector theta = Vector::LinSpaced(design.components() + 1, -0.8, 0.3);
      theta[design.components()] = phi;
      REQUIRE(leaf.evaluate(theta));
      REQUIRE(laplace.evaluate(theta));
      CHECK(leaf.log_density() == Approx(laplace.log_density()).epsilon(1e-9));
      CHECK((leaf.gradient(theta) - laplace.gradient(theta)).norm() < 1e-6);
      CHECK((leaf.posterior().mean - laplace.posterior().mean).norm() < 1e-7);
      CHECK(leaf.family_information() == Approx(laplace.family_information()).epsilon(0.5));
    }
  }
}

TEST_CASE("third cumulants beside a block are third derivatives of the collapsed likelihood") {
  for (const Index m : {2, 3}) {
    auto source = block_design(70, 9, m, 2, 13);
    // One effect that all rows touch: third cumulants of the others leave out rows that do not.
    source.z.rightCols(3).setZero();
    source.z.rightCols(1) = Random(6).normal_matrix(70, 1);
    const Design design = source.design();
    for (const Family& family : {Family(BinomialLogit()), Family(PoissonLog())}) {
      const Model model = random_model(design, source, family, 3);
      const Vector psi = Vector::LinSpaced(design.components(), -0.5, 0.1);
      CAPTURE(family_name(family), m);
      test_support::check_leaf_third(model, first_components(m), block_nodes(m == 2 ? 31 : 19), psi,
                                     2e-5);
    }
  }
}

TEST_CASE("a block with nothing beside it is a product of integrals, with exact moments") {
  const Index n = 18, groups = 3, m = 2;
  const auto source = block_design(n, groups, m, 0, 8, false);
  const Design design = source.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, source, family, 5);
    const Vector psi = Vector::LinSpaced(2, -0.4, 0.3);
    LeafMarginal marginal(model, first_components(m), block_nodes(40));
    REQUIRE(marginal.evaluate(psi));
    const ConditionalPosterior posterior = marginal.posterior();
    double expected = model.log_likelihood_constant() + model.hyperparameters().log_density(psi);
    CAPTURE(family_name(family), link_name(family));
    const LeafDesign& leaf = marginal.leaf();
    const double first = std::exp(psi[0]), second = std::exp(psi[1]), step = 0.1;
    for (Index g = 0; g < leaf.groups(); ++g) {
      double mass = 0.0;
      std::array<std::array<double, 4>, 2> powers = {};
      for (int a = -75; a <= 75; ++a) {
        for (int b = -75; b <= 75; ++b) {
          const std::array<double, 2> u = {first * step * a, second * step * b};
          double value = -0.5 * step * step * double(a * a + b * b);
          for (Index r = leaf.group_begin(g); r < leaf.group_end(g); ++r) {
            const double eta =
                leaf.reduced().offset()[r] + leaf.factor(0)[r] * u[0] + leaf.factor(1)[r] * u[1];
            const Response& response = leaf.reduced().response();
            const auto row = [&](const auto& kernel) {
              return kernel.evaluate(eta, response.a[r], response.b[r]).value;
            };
            value += std::visit(row, family);
          }
          const double density = std::exp(value);
          mass += density;
          for (size_t c = 0; c < 2; ++c) {
            for (int power = 1; power < 4; ++power) {
              powers[c][size_t(power)] += density * std::pow(u[c], power);
            }
          }
        }
      }
      expected += std::log(mass * step * step) - log_two_pi;
      for (Index c = 0; c < 2; ++c) {
        const Index j = leaf.group_effect(g, c);
        if (j < 0) continue;
        const auto& sums = powers[size_t(c)];
        const double m1 = sums[1] / mass, m2 = sums[2] / mass, m3 = sums[3] / mass;
        CAPTURE(g, c);
        CHECK(posterior.mean[j] == Approx(m1).margin(1e-5));
        CHECK(posterior.variance[j] == Approx(m2 - m1 * m1).epsilon(1e-4));
        CHECK(posterior.third[j] == Approx(m3 - 3.0 * m1 * m2 + 2.0 * m1 * m1 * m1).margin(1e-4));
      }
    }
    CHECK(marginal.log_density() == Approx(expected).epsilon(1e-6));
  }
}

TEST_CASE("the value of a block does not depend on where the search came from") {
  const auto source = block_design(120, 12, 2, 2, 8);
  const Design design = source.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, source, family, 2);
    const Vector psi = Vector::Constant(3, 0.1);
    LeafMarginal cold(model, first_components(2), block_nodes(15)),
        warm(model, first_components(2), block_nodes(15)),
        finer(model, first_components(2), block_nodes(40));
    REQUIRE(cold.evaluate(psi));
    REQUIRE(finer.evaluate(psi));
    CAPTURE(family_name(family), link_name(family));
    CHECK(cold.log_density() == Approx(finer.log_density()).epsilon(0.0).margin(2e-3));
    for (const double from : {-8.0, 2.0, -1.0, 0.3}) {
      CAPTURE(from);
      warm.evaluate(Vector::Constant(3, from));
      REQUIRE(warm.evaluate(psi));
      CHECK(warm.log_density() == Approx(cold.log_density()).epsilon(0.0).margin(1e-4));
    }
  }
}

TEST_CASE("a block in other coordinates, whose prior is correlated, has the same integral") {
  // u' = T u with T lower triangular: factors T^-T f, prior T Omega T'.
  const auto source = block_design(45, 6, 2, 2, 5, false);  // so few rows stay in their order
  auto turned = source;
  const double shear = 0.7;
  for (Index g = 0; g < 6; ++g) turned.z.col(g) -= shear * source.z.col(6 + g);
  const Design design = source.design(), other = turned.design();
  const Model model = random_model(design, source, BinomialLogit(), 5);
  const Model sheared(other, model.family(), model.response(), model.prior(), source.offset);
  const LeafDesign leaf(model, first_components(2)), leaf_other(sheared, first_components(2));
  LeafLikelihood plain(leaf, 15), correlated(leaf_other, 15);
  TinyVector sd(2);
  sd[0] = 0.8;
  sd[1] = 1.3;
  plain.set_prior(LeafPrior::of_sds(sd));
  TinyMatrix root = diagonal_matrix(sd);
  root(1, 0) = shear * sd[0];
  correlated.set_prior(LeafPrior::of_root(root));
  const Vector at = 0.3 * Random(2).normal_matrix(2, 1);
  Vector gradient = Vector::Zero(2), gradient_other = Vector::Zero(2);
  Precision curvature(plain.design().pattern()), curvature_other(correlated.design().pattern());
  curvature.set_zero();
  curvature_other.set_zero();
  const double value = plain.expand(at, gradient, curvature.values());
  CHECK(correlated.expand(at, gradient_other, curvature_other.values()) ==
        Approx(value).epsilon(1e-9));
  CHECK((gradient - gradient_other).norm() <= 1e-8 * gradient.norm());
  REQUIRE(curvature.factorize());
  REQUIRE(curvature_other.factorize());
  CHECK(curvature.log_determinant() == Approx(curvature_other.log_determinant()).epsilon(1e-8));
}
