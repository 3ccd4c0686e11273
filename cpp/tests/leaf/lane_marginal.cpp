// The marginal of a model with one component, lanes being groups, against the one for any leaf, and
// its gradient against finite differences.

#include <catch2/catch.hpp>
#include <mixed_glm/leaf/lane_marginal.hpp>
#include <mixed_glm/leaf/leaf_marginal.hpp>

#include "../support/check_marginal.hpp"
#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;
using test_support::Random;
using test_support::random_model;

namespace {

enum class Groups { even, uneven, few, giant, slopes, scaled, partly };

constexpr auto all_groups = {Groups::even,   Groups::uneven, Groups::few,   Groups::giant,
                             Groups::slopes, Groups::scaled, Groups::partly};

// One component of groups of all kinds of sizes; the last two effects stand alone.
test_support::RandomDesign grouped_design(Groups groups, Index p, unsigned seed) {
  const Index n = groups == Groups::giant ? 700 : 90;
  Random random(seed);
  test_support::RandomDesign d;
  d.x = random.normal_matrix(n, p);
  if (p > 0) d.x.col(0).setOnes();
  d.offset = 0.1 * random.normal_matrix(n, 1);
  const Index levels = groups == Groups::few ? 3 : 19;
  d.z = Matrix::Zero(n, levels + 2);
  d.ident.assign(size_t(d.z.cols()), 0);
  for (Index i = 0; i < n; ++i) {
    const double uniform = random.uniform();
    const Index even = i % levels, uneven = Index(double(levels) * uniform * uniform);
    Index g = groups == Groups::even || groups == Groups::few ? even : uneven;
    if (groups == Groups::giant && i > 100) g = 4;
    if (groups == Groups::partly && i % 3 > 0) continue;
    d.z(i, g) = groups == Groups::slopes   ? random.normal()
                : groups == Groups::scaled ? 0.5 + 0.1 * double(g)
                                           : 1.0;
  }
  return d;
}

LeafSettings lane_settings(Index n_quad) {
  LeafSettings settings;
  settings.n_quad = n_quad;
  settings.inner.tolerance = 1e-20;
  return settings;
}

void check_same(const ConditionalPosterior& found, const ConditionalPosterior& expected) {
  const Vector sd = expected.variance.cwiseSqrt();
  const auto scaled = [&](const Vector& difference, int power) {
    return (difference.array() / sd.array().pow(power)).matrix();
  };
  CHECK(scaled(found.mean - expected.mean, 1).lpNorm<Eigen::Infinity>() < 2e-6);
  CHECK(scaled(found.variance - expected.variance, 2).lpNorm<Eigen::Infinity>() < 1e-5);
  CHECK(scaled(found.third - expected.third, 3).lpNorm<Eigen::Infinity>() < 2e-5);
  CHECK((found.fe_cov - expected.fe_cov).norm() <= 1e-6 * expected.fe_cov.norm());
}

}  // namespace

TEST_CASE("in lanes the marginal is that of any leaf") {
  for (const Groups groups : all_groups) {
    for (const Index p : {0, 1, 6}) {
      const auto source = grouped_design(groups, p, 7);
      const Design design = source.design();
      for (const Family& family : all_families()) {
        const bool binomial = family_name(family) == std::string("binomial");
        for (const double trials : {1.0, 4.0}) {
          if (trials > 1.0 && !binomial) continue;
          const Model model = random_model(design, source, family, 3, trials);
          const bool steep = link_name(family).find("loglog") != std::string::npos;
          const LeafSettings settings = lane_settings(steep ? 120 : 40);
          LaneMarginal lanes(model, settings);
          LeafMarginal leaf(model, 0, settings);
          for (const double psi : {-1.0, 0.2}) {
            const Vector theta = Vector::Constant(1, psi);
            CAPTURE(int(groups), p, family_name(family), link_name(family), trials, psi);
            REQUIRE(leaf.evaluate(theta));
            REQUIRE(lanes.evaluate(theta));
            CHECK(lanes.log_density() == Approx(leaf.log_density()).epsilon(0.0).margin(2e-6));
            CHECK(lanes.gradient(theta)[0] ==
                  Approx(leaf.gradient(theta)[0]).epsilon(1e-6).margin(2e-6));
            check_same(lanes.posterior(), leaf.posterior());
            const FixedCumulants expected = leaf.fixed_cumulants(true);
            const FixedCumulants found = lanes.fixed_cumulants(true);
            REQUIRE(found.third.size() == expected.third.size());
            CHECK((found.third - expected.third).norm() <= 1e-5 * expected.third.norm() + 1e-12);
            if (found.covariance.size() == 0) continue;  // too many rows
            CHECK((found.covariance - expected.covariance).norm() <=
                  0.02 * expected.covariance.norm());
          }
        }
      }
    }
  }
}

TEST_CASE("in lanes the gradient of the marginal is exact") {
  for (const Groups groups : all_groups) {
    const auto source = grouped_design(groups, 2, 9);
    const Design design = source.design();
    for (const Family& family : {Family(BinomialLogit()), Family(PoissonLog())}) {
      const Model model = random_model(design, source, family, 3);
      CAPTURE(int(groups), family_name(family));
      LaneMarginal marginal(model, lane_settings(40));
      test_support::check_gradient(marginal, Vector::Constant(1, -0.5), 5e-3, 1e-5);
    }
  }
}

TEST_CASE("in lanes the gradient without the correction is that of the density without log|H|") {
  const auto source = grouped_design(Groups::uneven, 2, 9);
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 3);
  LaneMarginal marginal(model, lane_settings(40));
  marginal.set_correction(Correction::none);
  test_support::check_gradient(marginal, Vector::Constant(1, -0.5), 5e-3, 1e-5);
}

TEST_CASE("in lanes a correction that is held serves nearby") {
  for (const Groups groups : {Groups::uneven, Groups::giant}) {
    const auto source = grouped_design(groups, 3, 9);
    const Design design = source.design();
    const Model model = random_model(design, source, BinomialLogit(), 3);
    const Vector theta = Vector::Constant(1, -0.4), near = Vector::Constant(1, -0.3);
    LaneMarginal own(model, lane_settings(40)), held(model, lane_settings(40));
    held.set_correction(Correction::none);
    REQUIRE(held.evaluate(theta));
    held.set_correction(Correction::held);
    REQUIRE(own.evaluate(theta));
    CAPTURE(int(groups));
    CHECK(held.log_density() == Approx(own.log_density()).epsilon(1e-12));
    CHECK(held.gradient(theta)[0] == Approx(own.gradient(theta)[0]).epsilon(1e-9));
    check_same(held.posterior(), own.posterior());
    const double part = held.held_part();
    REQUIRE(own.evaluate(near));
    REQUIRE(held.evaluate(near));
    CHECK(held.log_density() == Approx(own.log_density()).epsilon(1e-12));
    // The slope of the part is about that of the chord.
    const double chord = (held.held_part() - part) / 0.1;
    CHECK(std::abs(held.gradient(near)[0] - own.gradient(near)[0]) < 0.2 * std::abs(chord));
    const ConditionalPosterior found = held.posterior(), expected = own.posterior();
    const Vector sd = expected.variance.cwiseSqrt();
    CHECK((found.mean - expected.mean).cwiseQuotient(sd).lpNorm<Eigen::Infinity>() < 0.01);
    CHECK((found.variance.cwiseSqrt() - sd).cwiseQuotient(sd).lpNorm<Eigen::Infinity>() < 0.01);
  }
}

TEST_CASE("in lanes, far from where exponentials can be multiplied") {
  auto source = grouped_design(Groups::uneven, 2, 5);
  source.offset *= 400.0;
  const Design design = source.design();
  for (const Family& family : {Family(BinomialLogit()), Family(NegativeBinomialLog(1e-7))}) {
    const Model model = random_model(design, source, family, 3);
    LaneMarginal lanes(model, lane_settings(41));
    LeafMarginal leaf(model, 0, lane_settings(41));
    for (const double psi : {-2.0, 0.0, 3.0}) {
      const Vector theta = Vector::Constant(1, psi);
      CAPTURE(family_name(family), psi);
      REQUIRE(leaf.evaluate(theta));
      REQUIRE(lanes.evaluate(theta));
      CHECK(lanes.log_density() == Approx(leaf.log_density()).epsilon(1e-10).margin(1e-3));
    }
  }
}

TEST_CASE("in lanes nothing depends on the number of threads or on what was fitted before") {
  const auto source = grouped_design(Groups::giant, 3, 5);
  const Design design = source.design();
  const Model model = random_model(design, source, BinomialLogit(), 3);
  const Vector theta = Vector::Constant(1, -0.3);
  LaneMarginal alone(model, lane_settings(9));
  REQUIRE(alone.evaluate(theta));
  Team team(3, 0);
  LeafSettings settings = lane_settings(9);
  settings.inner.team = &team;
  LaneMarginal together(model, settings);
  REQUIRE(together.evaluate(theta));
  CHECK(together.log_density() == alone.log_density());
  CHECK(together.posterior().mean == alone.posterior().mean);
  REQUIRE(together.evaluate(Vector::Constant(1, 0.4)));
  together.reset();
  REQUIRE(together.evaluate(theta));
  CHECK(together.log_density() == alone.log_density());
  CHECK(together.posterior().variance == alone.posterior().variance);
}
