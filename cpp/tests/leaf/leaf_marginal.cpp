// Leaf quadrature: derivatives of the likelihood against finite differences, the exact gradient of
// the marginal, and its value against a dense computation of the same formulas.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <functional>
#include <mixed_glm/leaf/leaf_marginal.hpp>

#include "../support/check_leaf_third.hpp"
#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::Random;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

LeafSettings nodes(Index n_quad) {
  LeafSettings settings;
  settings.n_quad = n_quad;
  settings.inner.tolerance = 1e-20;
  return settings;
}

// Bordered curvature as a dense matrix.
Matrix dense(const Design& design, const Precision& values) {
  const BorderedPattern& pattern = design.pattern();
  const Index q = design.effects(), p = design.fixed();
  Matrix h = Matrix::Zero(q + p, q + p);
  for (Index c = 0; c < q; ++c) {
    for (Index r = c; r < q; ++r) {
      bool stored = r == c || r >= pattern.sparse();
      if (c < pattern.sparse()) {
        stored = r == c;
        for (Index e = pattern.column_begin(c); e < pattern.column_end(c); ++e) {
          stored = stored || pattern.rows()[e] == r;
        }
      }
      if (stored) h(r, c) = h(c, r) = values.values()[pattern.position(r, c)];
    }
    for (Index a = 0; a < p; ++a) {
      h(q + a, c) = h(c, q + a) = values.values()[pattern.border_position(c) + a];
    }
  }
  for (Index b = 0; b < p; ++b) {
    for (Index a = b; a < p; ++a) {
      h(q + a, q + b) = h(q + b, q + a) =
          values.values()[pattern.dense_position(pattern.tail() + a, pattern.tail() + b)];
    }
  }
  return h;
}

double slope(const std::function<double(double)>& f, double h) {
  return (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h);
}

}  // namespace

TEST_CASE("derivatives of the leaf likelihood agree with finite differences") {
  for (const auto shape : all_shapes()) {
    for (const Family& family : all_families()) {
      const Index n = shape == Shape::few_groups ? 700 : 60;
      const auto source = random_design(shape, n, 2, 11);
      const Design design = source.design();
      const Model model = random_model(design, source, family, 5);
      for (Index k = 0; k < design.components(); ++k) {
        if (!design.single_components()[size_t(k)]) continue;
        CAPTURE(int(shape), family_name(family), link_name(family), k);
        const LeafDesign leaf(model, k);
        LeafLikelihood likelihood(leaf, 40);
        TinyVector sd(1);
        sd[0] = 0.7;
        likelihood.set_prior(LeafPrior::of_sds(sd));
        const Design& reduced = likelihood.design();
        const Index d = reduced.coefficients();
        const Vector at = 0.3 * Random(2).normal_matrix(d, 1);
        Vector gradient = Vector::Zero(d), other(d);
        Precision curvature(reduced.pattern()), scratch(reduced.pattern());
        curvature.set_zero();
        const double value = likelihood.expand(at, gradient, curvature.values());
        CHECK(likelihood.value(at) == Approx(value).epsilon(1e-12));
        const Matrix h = dense(reduced, curvature);
        const Index stride = std::max<Index>(1, d / 6);
        for (Index j = d - 1; j >= 0; j -= stride) {
          const auto moved = [&](double step) {
            Vector x = at;
            x[j] += step;
            return x;
          };
          CAPTURE(j);
          const double expected = slope([&](double s) { return likelihood.value(moved(s)); }, 1e-3);
          CHECK(gradient[j] == Approx(expected).epsilon(1e-7).margin(1e-6));
          const auto gradient_at = [&](double step) {
            other.setZero();
            likelihood.expand(moved(step), other, scratch.values());
            return other;
          };
          const Vector up = gradient_at(1e-4), down = gradient_at(-1e-4);
          const Vector column = (down - up) / 2e-4;
          CHECK((column - h.col(j)).norm() <= 1e-5 * (1.0 + column.norm()));
        }
      }
    }
  }
}

TEST_CASE("the gradient of the leaf marginal is exact") {
  for (const auto shape : all_shapes()) {
    for (const Family& family : all_families()) {
      for (const Index p : {0, 2}) {
        const Index n = shape == Shape::few_groups ? 300 : 50;
        const auto source = random_design(shape, n, p, 13);
        const Design design = source.design();
        const Model model = random_model(design, source, family, 5);
        for (Index k = 0; k < design.components(); ++k) {
          if (!design.single_components()[size_t(k)]) continue;
          CAPTURE(int(shape), family_name(family), link_name(family), p, k);
          // exp(-exp(eta)) falls so steeply that a rule of few nodes is a rough integral of it.
          const bool steep = link_name(family).find("loglog") != std::string::npos;
          LeafMarginal marginal(model, k, nodes(steep ? 200 : 60));
          for (const double level : {-1.5, 0.0}) {
            const Vector psi = level + Vector::LinSpaced(design.components(), 0.0, 0.3).array();
            test_support::check_gradient(marginal, psi, 5e-3, steep ? 2e-4 : 1e-5);
          }
        }
      }
    }
  }
}

TEST_CASE("for a leaf with nothing beside it the marginal is a product of integrals") {
  // p = 0, one factor, one row a group: an integral on the line by the trapezoidal rule.
  const Index n = 6;
  test_support::RandomDesign source;
  source.x.resize(n, 0);
  source.z = Matrix::Identity(n, n);
  source.ident.assign(size_t(n), 0);
  source.offset = Vector::LinSpaced(n, -1.0, 1.5);
  const Design design = source.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, source, family, 5);
    for (const double psi : {-3.0, -0.5, 0.6}) {
      const double sd = std::exp(psi), h = sd / 40.0;
      double expected = model.log_likelihood_constant() +
                        model.hyperparameters().log_density(Vector::Constant(1, psi));
      for (Index i = 0; i < n; ++i) {
        double sum = 0.0;
        for (int step = -480; step <= 480; ++step) {
          const double u = h * step;
          const auto row = [&](const auto& kernel) {
            return kernel.evaluate(source.offset[i] + u, model.response().a[i],
                                   model.response().b[i]);
          };
          sum += std::exp(std::visit(row, family).value - 0.5 * u * u / (sd * sd));
        }
        expected += std::log(sum * h / sd) - 0.5 * log_two_pi;
      }
      CAPTURE(family_name(family), link_name(family), psi);
      LeafMarginal marginal(model, 0, nodes(60));
      REQUIRE(marginal.evaluate(Vector::Constant(1, psi)));
      CHECK(marginal.log_density() == Approx(expected).epsilon(1e-7));
    }
  }
}

TEST_CASE("moments of the leaf's effects are those of the nodes, corrected") {
  // With beta known (a narrow prior) the posterior of u is an integral on the line.
  auto source = random_design(Shape::one_factor, 60, 1, 4);
  const Design design = source.design();
  const Vector y = Vector::NullaryExpr(60, [](Index i) { return i % 3 == 0 ? 1.0 : 0.0; });
  const Vector ones = Vector::Ones(60);
  const Family family = BinomialLogit();
  const Model model(design, family, encode_response(family, y, ones, ones),
                    Prior{Vector::Constant(1, 1e-6), Vector::Ones(1)}, source.offset);
  LeafMarginal marginal(model, 0, nodes(40));
  const double psi = 0.9, sd = std::exp(psi);
  REQUIRE(marginal.evaluate(Vector::Constant(1, psi)));
  const ConditionalPosterior posterior = marginal.posterior();
  for (Index j = 0; j < design.effects(); ++j) {
    double m[4] = {0.0, 0.0, 0.0, 0.0};
    for (int step = -2000; step <= 2000; ++step) {
      const double u = sd * 0.006 * step;
      double value = -0.5 * u * u / (sd * sd);
      for (Index i = 0; i < 60; ++i) {
        if (source.z(i, design.user_effect(j)) == 0.0) continue;
        const double eta = source.offset[i] + u;
        value -= std::log1p(std::exp(y[i] > 0.0 ? -eta : eta));
      }
      for (int power = 0; power < 4; ++power) m[power] += std::exp(value) * std::pow(u, power);
    }
    for (int power = 3; power >= 0; --power) m[power] /= m[0];
    CAPTURE(j);
    const double variance = m[2] - m[1] * m[1];
    CHECK(posterior.mean[j] == Approx(m[1]).margin(1e-6));
    CHECK(posterior.variance[j] == Approx(variance).epsilon(1e-6));
    const double third = m[3] - 3.0 * m[1] * m[2] + 2.0 * m[1] * m[1] * m[1];
    CHECK(posterior.third[j] == Approx(third).margin(1e-5));
  }
}

TEST_CASE("third cumulants beside the leaf are third derivatives of the collapsed likelihood") {
  for (const Shape shape : {Shape::one_factor, Shape::few_groups, Shape::crossed, Shape::scaled}) {
    const auto source = random_design(shape, 60, 2, 4);
    const Design design = source.design();
    for (const Family& family : {Family(BinomialLogit()), Family(PoissonLog())}) {
      const Model model = random_model(design, source, family, 3);
      const Vector psi = Vector::Constant(design.components(), -0.2);
      CAPTURE(int(shape), family_name(family));
      // As many rows that do not touch an effect as rows that do.
      test_support::check_leaf_third(model, design.largest_single(), nodes(60), psi, 0.07);
    }
  }
}

TEST_CASE("the value does not depend on where the search came from, and converges in the nodes") {
  const auto source = random_design(Shape::crossed, 120, 2, 8);
  const Design design = source.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, source, family, 2);
    const Vector psi = Vector::Constant(2, 0.1);
    LeafMarginal cold(model, 0), warm(model, 0), finer(model, 0, nodes(50));
    REQUIRE(cold.evaluate(psi));
    REQUIRE(finer.evaluate(psi));
    CAPTURE(family_name(family), link_name(family));
    CHECK(cold.log_density() == Approx(finer.log_density()).epsilon(0.0).margin(1e-5));
    for (const double from : {-8.0, 2.0, -1.0, 0.3}) {
      CAPTURE(from);
      warm.evaluate(Vector::Constant(2, from));
      REQUIRE(warm.evaluate(psi));
      CHECK(warm.log_density() == Approx(cold.log_density()).epsilon(0.0).margin(1e-5));
    }
  }
}

TEST_CASE("one row more than a block, groups larger than a block, rows without an effect") {
  for (const Index n : {255, 256, 257, 513, 1100}) {
    for (const Shape shape : {Shape::few_groups, Shape::scaled, Shape::hub}) {
      const auto source = random_design(shape, n, 2, unsigned(n));
      const Design design = source.design();
      const Model model = random_model(design, source, BinomialLogit(), 2);
      CAPTURE(n, int(shape));
      for (Index k = 0; k < design.components(); ++k) {
        LeafMarginal marginal(model, k, nodes(25));
        test_support::check_gradient(marginal, Vector::Constant(design.components(), -0.7), 5e-3,
                                     2e-5);
      }
    }
  }
}

TEST_CASE("effects that no row touches are as if they stood alone") {
  auto source = random_design(Shape::one_factor, 60, 2, 4);
  const Vector y = Vector::NullaryExpr(60, [](Index i) { return i % 3 == 0 ? 1.0 : 0.0; });
  const Vector ones = Vector::Ones(60), psi = Vector::Constant(1, -0.4);
  const Family family = BinomialLogit();
  const Prior prior{Vector::Ones(2), Vector::Ones(1)};
  const auto evaluate = [&] {
    const Design design = source.design();
    const Model model(design, family, encode_response(family, y, ones, ones), prior);
    LeafMarginal marginal(model, 0, nodes(25));
    REQUIRE(marginal.evaluate(psi));
    return std::make_pair(marginal.log_density(), marginal.gradient(psi)[0]);
  };
  const auto without = evaluate();
  const Index more = 600;  // than the groups of two batches
  source.z.conservativeResize(Eigen::NoChange, source.z.cols() + more);
  source.z.rightCols(more).setZero();
  source.ident.resize(size_t(source.z.cols()), 0);
  const auto with = evaluate();
  CHECK(with.first == Approx(without.first).epsilon(1e-9));
  CHECK(with.second == Approx(without.second).epsilon(0.0).margin(1e-9 * double(more)));
}
