// Moments of tilted densities around the posterior, against a fine rule: single binary trials by
// products of powers, everything else by Gauss-Hermite nodes; and what happens where the densities
// are not where they were looked for.

#include <catch2/catch.hpp>
#include <mixed_glm/ep/tilted_moments.hpp>

#include "../support/random_model.hpp"

namespace tilted_moments_test {

using namespace mixed_glm;
using test_support::all_families;
using test_support::random_design;
using test_support::random_model;
using test_support::Shape;

struct Moments {
  double log_z, mean, variance, third;
};

// By the trapezoidal rule on +-14 standard deviations of the cavity.
Moments fine_moments(const Model& model, Index row, double mean, double precision) {
  const int n = 40000;
  const double sd = 1.0 / std::sqrt(precision), step = 28.0 * sd / n;
  const double a = model.response().a[row], b = model.response().b[row];
  Vector eta(n), f(n);
  for (int k = 0; k < n; ++k) {
    eta[k] = mean + (k + 0.5 - n / 2) * step;
    const auto value = [&](const auto& kernel) { return kernel.evaluate(eta[k], a, b).value; };
    f[k] = std::visit(value, model.family()) - 0.5 * precision * std::pow(eta[k] - mean, 2.0);
  }
  const double top = f.maxCoeff();
  const Vector w = (f.array() - top).exp() / (f.array() - top).exp().sum();
  const double first = w.dot(eta);
  const Vector d = eta.array() - first;
  return {top + std::log((f.array() - top).exp().sum() * step) + 0.5 * std::log(precision) -
              0.5 * log_two_pi,
          first, w.dot(d.array().square().matrix()), w.dot(d.array().cube().matrix())};
}

// Cavities with one standard deviation, and a guess of where the densities are.
struct Cavities {
  Cavities(const Model& model, double sd, double spread) {
    block.count = model.design().rows();
    for (size_t r = 0; r < size_t(block.count); ++r) {
      rows.cavity_mean[r] = rows.center[r] = (-2.0 + 0.1 * double(r)) * std::max(1.0, sd);
      rows.cavity_precision[r] = 1.0 / (sd * sd);
      rows.spread[r] = spread * sd;
    }
  }
  // As expectation propagation does, until the densities are where they were looked for.
  void settle(TiltedMoments& tilted) {
    for (int k = 0; k < 8; ++k) {
      tilted.compute(block, rows);
      for (size_t r = 0; r < size_t(block.count); ++r) {
        rows.center[r] = rows.mean[r];
        rows.spread[r] = std::sqrt(rows.variance[r]);
      }
    }
  }
  RowBlock block;
  TiltedRows rows;
};

struct Errors {
  double log_z = 0.0, mean = 0.0, variance = 0.0, third = 0.0;
};

Errors errors_of(const Model& model, const Cavities& at) {
  Errors worst;
  for (size_t r = 0; r < size_t(at.block.count); ++r) {
    const Moments exact =
        fine_moments(model, Index(r), at.rows.cavity_mean[r], at.rows.cavity_precision[r]);
    const double sd = std::sqrt(exact.variance);
    worst.log_z = std::max(worst.log_z, std::abs(at.rows.log_z[r] - exact.log_z));
    worst.mean = std::max(worst.mean, std::abs(at.rows.mean[r] - exact.mean) / sd);
    worst.variance = std::max(worst.variance, std::abs(at.rows.variance[r] / exact.variance - 1.0));
    worst.third = std::max(worst.third, std::abs(at.rows.third[r] - exact.third) / (sd * sd * sd));
  }
  return worst;
}

TEST_CASE("tilted moments agree with a fine rule, narrow cavities and wide") {
  const auto random = random_design(Shape::one_factor, 40, 1, 5);
  const Design design = random.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, random, family, 5);
    for (const double sd : {0.1, 1.0, 2.5, 8.0}) {
      TiltedMoments tilted(model, family, 15);
      RowBlock block;
      TiltedRows rows;
      block.count = design.rows();
      for (size_t r = 0; r < size_t(block.count); ++r) {
        rows.cavity_mean[r] = rows.center[r] = -2.0 + 0.1 * double(r);
        rows.cavity_precision[r] = 1.0 / (sd * sd);
        rows.spread[r] = sd;
      }
      tilted.compute(block, rows);
      for (size_t r = 0; r < size_t(block.count); r += 3) {
        CAPTURE(family.index(), sd, r);
        const Moments exact =
            fine_moments(model, Index(r), rows.cavity_mean[r], rows.cavity_precision[r]);
        CHECK(rows.log_z[r] == Approx(exact.log_z).epsilon(2e-3).margin(2e-3));
        CHECK(std::abs(rows.mean[r] - exact.mean) < 5e-3 * std::sqrt(exact.variance));
        CHECK(rows.variance[r] == Approx(exact.variance).epsilon(1e-2));
      }
    }
  }
}

TEST_CASE("moments of single binary trials are as exact as they are said to be") {
  const auto random = random_design(Shape::one_factor, 41, 1, 5);
  const Design design = random.design();
  const Model model = random_model(design, random, Family(BinomialLogit()), 5, 1.0);
  REQUIRE(LogisticMoments::are_single(model.response().a.data(), model.response().b.data(),
                                      design.rows()));
  struct Bound {
    double sd, mean, variance;
  };
  for (const Bound& bound :
       {Bound{0.3, 2e-6, 1e-5}, Bound{1.0, 3e-6, 1.2e-5}, Bound{1.5, 1e-5, 3e-5},
        Bound{2.0, 3e-5, 8e-5}, Bound{3.0, 5e-5, 8e-5}, Bound{8.0, 1.5e-3, 3e-3}}) {
    TiltedMoments tilted(model, model.family(), 11);
    Cavities at(model, bound.sd, 1.0);
    at.settle(tilted);
    const Errors worst = errors_of(model, at);
    CAPTURE(bound.sd, worst.log_z, worst.mean, worst.variance, worst.third);
    CHECK(worst.log_z < bound.mean);
    CHECK(worst.mean < bound.mean);
    CHECK(worst.variance < bound.variance);
    CHECK(worst.third < 10.0 * bound.variance);
  }
}

TEST_CASE("more nodes make single binary trials more exact") {
  const auto random = random_design(Shape::one_factor, 41, 1, 5);
  const Design design = random.design();
  const Model model = random_model(design, random, Family(BinomialLogit()), 5, 1.0);
  TiltedMoments tilted(model, model.family(), 25);
  Cavities at(model, 1.0, 1.0);
  at.settle(tilted);
  const Errors worst = errors_of(model, at);
  CHECK(worst.mean < 1e-9);
  CHECK(worst.variance < 1e-8);
}

TEST_CASE("moments of every family are exact around the posterior") {
  const auto random = random_design(Shape::one_factor, 41, 1, 5);
  const Design design = random.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, random, family, 5);
    for (const double sd : {0.1, 0.5, 1.0}) {
      TiltedMoments tilted(model, family, 11);
      Cavities at(model, sd, 1.0);
      at.settle(tilted);
      const Errors worst = errors_of(model, at);
      CAPTURE(family.index(), sd, worst.log_z, worst.mean, worst.variance, worst.third);
      CHECK(worst.log_z < 1e-4);
      CHECK(worst.mean < 3e-4);
      CHECK(worst.variance < 1e-3);
    }
  }
}

TEST_CASE("densities far from where they are looked for are found") {
  const auto random = random_design(Shape::one_factor, 41, 1, 5);
  const Design design = random.design();
  for (const Family& family : all_families()) {
    const Model model = random_model(design, random, family, 5);
    for (const double away : {-30.0, -2.0, 2.0, 500.0}) {
      TiltedMoments tilted(model, family, 15);
      Cavities at(model, 1.0, 0.1);
      for (double& center : at.rows.center) center += away;
      tilted.compute(at.block, at.rows);
      const Errors worst = errors_of(model, at);
      CAPTURE(family.index(), away, worst.log_z, worst.mean, worst.variance);
      CHECK(worst.log_z < 1e-4);
      CHECK(worst.mean < 1e-4);
      CHECK(worst.variance < 1e-3);
    }
  }
}

}  // namespace tilted_moments_test
