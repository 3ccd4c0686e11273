// Third cumulants and covariances to second order against dense sums over rows and pairs of rows.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/inference/laplace_marginal.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;

namespace {

// The Gaussian of Laplace, by dense linear algebra: rows in the design's order, (u, beta).
struct DenseRows {
  Matrix a, sigma, c;  // c: A Sigma
  Vector second, third, fourth, s, delta;

  DenseRows(const Model& model, const Vector& psi, const Vector& x) {
    const Design& design = model.design();
    const Index n = design.rows(), q = design.effects();
    a = Matrix::Zero(n, design.coefficients());
    a.rightCols(design.fixed()) = design.x();
    for (Index i = 0; i < n; ++i) {
      for (Index e = design.z().begin(i); e < design.z().end(i); ++e) {
        a(i, design.z().columns()[e]) = design.z().value(e);
      }
    }
    const Vector eta = model.offset() + a * x;
    for (Vector* v : {&second, &third, &fourth}) v->resize(n);
    for (Index i = 0; i < n; ++i) {
      const auto row = [&](double moved) {
        const auto evaluate = [&](const auto& kernel) {
          return kernel.evaluate(moved, model.response().a[i], model.response().b[i]);
        };
        return std::visit(evaluate, model.family());
      };
      second[i] = row(eta[i]).d2;
      third[i] = row(eta[i]).d3;
      fourth[i] = (row(eta[i] + 1e-4).d3 - row(eta[i] - 1e-4).d3) / 2e-4;
    }
    Vector precision(x.size());
    for (Index j = 0; j < q; ++j) precision[j] = std::exp(-2.0 * psi[design.component(j)]);
    precision.tail(design.fixed()) = model.prior().fe_p.cwiseAbs2().cwiseInverse();
    const Matrix h = a.transpose() * (-second).asDiagonal() * a;
    sigma = (h + Matrix(precision.asDiagonal())).inverse();
    c = a * sigma;
    s = c.cwiseProduct(a).rowwise().sum();
    delta = 0.5 * c.transpose() * third.cwiseProduct(s);
  }

  double cube(Index x, Index y, Index z) const {
    return (third.array() * c.col(x).array() * c.col(y).array() * c.col(z).array()).sum();
  }
  double covariance(Index x, Index y) const {
    const Vector shift = a * delta, weighted = third.cwiseProduct(c.col(x));
    const Matrix squares = (c * a.transpose()).cwiseAbs2();
    return sigma(x, y) +
           (c.col(x).array() * c.col(y).array() *
            (0.5 * fourth.array() * s.array() + third.array() * shift.array()))
               .sum() +
           0.5 * weighted.dot(squares * third.cwiseProduct(c.col(y)));
  }
};

// Of a model whose rows come in blocks, and whose effects' rows may lie anywhere.
void check_cumulants(const Design& design, const Model& model, const Vector& psi) {
  const Index p = design.fixed(), q = design.effects();
  LaplaceSettings settings;
  settings.inner.tolerance = 1e-20;
  LaplaceMarginal marginal(model, settings);
  REQUIRE(marginal.evaluate(psi));
  const DenseRows rows(model, psi, marginal.mode().coefficients());
  const FixedCumulants found = marginal.fixed_cumulants(true);
  const ConditionalPosterior posterior = marginal.posterior();
  for (Index x = 0; x < p; ++x) {
    for (Index y = 0; y < p; ++y) {
      const double scale = std::sqrt(rows.sigma(q + x, q + x) * rows.sigma(q + y, q + y));
      CHECK(found.covariance(x, y) / scale ==
            Approx(rows.covariance(q + x, q + y) / scale).margin(2e-3));
      for (Index z = 0; z < p; ++z) {
        CHECK(found.third(x, y * p + z) ==
              Approx(rows.cube(q + x, q + y, q + z)).epsilon(1e-5).margin(1e-9));
      }
    }
  }
  for (Index j = 0; j < q; ++j) {
    const Vector touches = (rows.a.col(j).array() != 0.0).cast<double>();
    const double expected =
        (touches.array() * rows.third.array() * rows.c.col(j).array().cube()).sum();
    CHECK(posterior.third[j] == Approx(expected).epsilon(1e-5).margin(1e-9));
  }
}

}  // namespace

TEST_CASE("cumulants of the Laplace approximation to second order") {
  for (const auto shape : all_shapes()) {
    const auto source = random_design(shape, 90, 3, 4);
    const Design design = source.design();
    for (const Family& family : all_families()) {
      CAPTURE(int(shape), family_name(family), link_name(family));
      const Model model = random_model(design, source, family, 3);
      check_cumulants(design, model, Vector::Constant(design.components(), -0.7));
    }
  }
}

TEST_CASE("cumulants with effects whose rows are scattered, or lie in several blocks") {
  for (const auto shape : all_shapes()) {
    for (const Index rows : {Index(30), Index(700)}) {  // 30: too few to be sorted
      const auto source = random_design(shape, rows, 2, 4);
      const Design design = source.design();
      CAPTURE(int(shape), rows);
      const Model model = random_model(design, source, PoissonLog(), 3);
      check_cumulants(design, model, Vector::Constant(design.components(), -0.7));
    }
  }
}

TEST_CASE("third moments that are not asked for are not there, and change nothing else") {
  const auto source = random_design(test_support::Shape::one_factor, 60, 2, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 3);
  LaplaceMarginal marginal(model);
  REQUIRE(marginal.evaluate(Vector::Constant(1, -0.5)));
  marginal.expand_fixed(true);
  const ConditionalPosterior with = marginal.posterior();
  marginal.want_third(false);
  const ConditionalPosterior without = marginal.posterior();
  CHECK(with.third.size() == design.coefficients());
  CHECK(without.third.size() == 0);
  CHECK(with.mean == without.mean);
  CHECK(with.variance == without.variance);
  CHECK(with.fe_cov == without.fe_cov);
}

TEST_CASE("tails of the fixed effects are kept from where they were taken") {
  const auto source = random_design(test_support::Shape::one_factor, 60, 2, 4);
  const Design design = source.design();
  const Model model = random_model(design, source, PoissonLog(), 3);
  LaplaceMarginal marginal(model);
  REQUIRE(marginal.evaluate(Vector::Constant(1, -0.5)));
  const Index q = design.effects();
  CHECK((marginal.posterior().third.tail(2).array() == 0.0).all());
  marginal.expand_fixed(true);
  const FixedCumulants cumulants = marginal.fixed_cumulants(true);
  const auto skewness = [&](Index a) {
    const ConditionalPosterior now = marginal.posterior();
    return now.third[q + a] / std::pow(now.variance[q + a], 1.5);
  };
  const double before = skewness(0);
  CHECK((marginal.posterior().fe_cov - cumulants.covariance).norm() <
        1e-8 * cumulants.covariance.norm());
  CHECK(marginal.posterior().third[q] == Approx(cumulants.third(0, 0)));
  REQUIRE(marginal.evaluate(Vector::Constant(1, 0.2)));
  CHECK(skewness(0) == Approx(before));
  marginal.reset();
  CHECK(marginal.fixed_tails().is_empty());
}
