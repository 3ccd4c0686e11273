// Expectation propagation: tilted moments against a fine rule, the exact gradient, and that it is
// exact where it should be.

#include <Eigen/Dense>
#include <catch2/catch.hpp>
#include <mixed_glm/ep/ep_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>

#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::all_shapes;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

namespace {

EpSettings tight_ep() {
  EpSettings settings;
  settings.n_quad = 25;
  settings.tolerance = 1e-10;
  return settings;
}

struct Moments {
  double log_z, mean, variance;
};

// By the trapezoidal rule on +-12 standard deviations of the cavity.
Moments moments_by_trapezoid(const Model& model, Index row, double mean, double precision) {
  const int n = 40000;
  const double sd = 1.0 / std::sqrt(precision), step = 24.0 * sd / n;
  const double a = model.response().a[row], b = model.response().b[row];
  Vector eta(n), f(n);
  for (int k = 0; k < n; ++k) {
    eta[k] = mean + (k + 0.5 - n / 2) * step;
    const auto value = [&](const auto& kernel) { return kernel.evaluate(eta[k], a, b).value; };
    f[k] = std::visit(value, model.family()) - 0.5 * precision * std::pow(eta[k] - mean, 2.0);
  }
  const double top = f.maxCoeff();
  const Vector w = (f.array() - top).exp();
  const double first = w.dot(eta) / w.sum();
  const double second = (w.array() * (eta.array() - first).square()).sum() / w.sum();
  return {top + std::log(w.sum() * step) + 0.5 * std::log(precision) - 0.5 * log_two_pi, first,
          second};
}

}  // namespace

TEST_CASE("tilted moments agree with a fine rule, narrow cavities and wide") {
  const auto random = random_design(Shape::one_factor, 40, 1, 5);
  const Design design = random.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, random, family, 5);
    for (const double sd : {0.1, 1.0, 2.5, 8.0}) {
      TiltedMoments tilted(model, family, 15);
      RowBlock block;
      TiltedMoments::Rows rows;
      block.count = design.rows();
      for (size_t r = 0; r < size_t(block.count); ++r) {
        rows.cavity_mean[r] = block.eta[r] = -2.0 + 0.1 * double(r);
        rows.cavity_precision[r] = 1.0 / (sd * sd);
      }
      tilted.compute(block, rows);
      for (size_t r = 0; r < size_t(block.count); r += 3) {
        CAPTURE(family.index(), sd, r);
        const Moments exact =
            moments_by_trapezoid(model, Index(r), rows.cavity_mean[r], rows.cavity_precision[r]);
        CHECK(rows.log_z[r] == Approx(exact.log_z).epsilon(2e-3).margin(2e-3));
        CHECK(std::abs(rows.mean[r] - exact.mean) < 5e-3 * std::sqrt(exact.variance));
        CHECK(rows.variance[r] == Approx(exact.variance).epsilon(1e-2));
      }
    }
  }
}

TEST_CASE("the gradient of the EP evidence is exact for every shape and family") {
  for (const auto shape : all_shapes()) {
    const auto random = random_design(shape, 60, 2, 11);
    const Design design = random.design();
    for (const Family& family : all_families()) {
      CAPTURE(int(shape), family.index());
      const Model model = random_model(design, random, family, 11);
      EpMarginal marginal(model, tight_ep());
      test_support::check_gradient(marginal, Vector::Constant(design.components(), -0.6), 5e-3,
                                   2e-3);
      CHECK(marginal.fallbacks() == 0);
    }
  }
}

TEST_CASE("EP is nearer to quadrature than Laplace is") {
  const auto random = random_design(Shape::one_factor, 90, 1, 3);
  const Design design = random.design();
  const Model model = random_model(design, random, Family(BinomialLogit()), 3);
  const Vector psi = Vector::Constant(1, 0.4);
  EpMarginal ep(model, tight_ep());
  LaplaceMarginal laplace(model);
  LeafMarginal leaf(model, 0);
  REQUIRE(ep.evaluate(psi));
  REQUIRE(laplace.evaluate(psi));
  REQUIRE(leaf.evaluate(psi));
  const double exact = leaf.log_density();
  CHECK(std::abs(ep.log_density() - exact) < 0.3 * std::abs(laplace.log_density() - exact));
}

TEST_CASE("where EP cannot go on, Laplace takes the point, and it is counted") {
  const auto random = random_design(Shape::crossed, 60, 2, 8);
  const Design design = random.design();
  const Model model = random_model(design, random, Family(PoissonLog()), 8);
  EpSettings hasty;
  hasty.max_sweeps = 1;
  EpMarginal marginal(model, hasty);
  LaplaceMarginal laplace(model);
  const Vector psi = Vector::Zero(2);
  REQUIRE(marginal.evaluate(psi));
  REQUIRE(laplace.evaluate(psi));
  CHECK(marginal.fallbacks() == 1);
  CHECK(marginal.log_density() == Approx(laplace.log_density()).epsilon(1e-12));
  CHECK((marginal.posterior().mean - laplace.posterior().mean).norm() < 1e-8);
}
