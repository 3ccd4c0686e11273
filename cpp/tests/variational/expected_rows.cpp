// Expected log likelihoods against a fine trapezoidal rule, for every family, link and width.

#include <catch2/catch.hpp>
#include <mixed_glm/variational/expected_rows.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;
using test_support::all_families;

namespace {

struct Expected {
  double value, d1, d2, bend;
};

// 4001 nodes to 13 standard deviations: right to rounding.
Expected by_brute_force(const Family& family, double mean, double sd, double a, double b) {
  Expected sum{0.0, 0.0, 0.0, 0.0};
  const double step = 26.0 / 4000.0;
  for (int k = 0; k <= 4000; ++k) {
    const double z = -13.0 + step * k;
    const double weight = step * std::exp(-0.5 * z * z - 0.5 * log_two_pi);
    const RowDerivatives row = std::visit(
        [&](const auto& kernel) { return kernel.evaluate(mean + sd * z, a, b); }, family);
    sum.value += weight * row.value;
    sum.d1 += weight * row.d1;
    sum.d2 += weight * row.d2;
    sum.bend += weight * (z * z - 1.0) * row.d2;
  }
  return sum;
}

Expected by_rule(const Family& family, double mean, double sd, double a, double b, Index nodes) {
  Expected out{0.0, 0.0, 0.0, 0.0};
  const auto expect = [&](const auto& kernel) {
    NormalRules rules(rule_needs(kernel), nodes);
    expect_rows<2>(kernel, rules, sd, {1, &mean, &sd, &a, &b},
                   {&out.value, &out.d1, &out.d2, &out.bend});
    double value = 0.0;
    expect_rows<0>(kernel, rules, sd, {1, &mean, &sd, &a, &b}, {&value, nullptr, nullptr, nullptr});
    CHECK(value == Approx(out.value).epsilon(1e-14));
  };
  std::visit(expect, family);
  return out;
}

}  // namespace

TEST_CASE("expectations of every family agree with brute force") {
  for (const Family& family : all_families()) {
    const bool exponential = family_name(family) == "exponential";
    for (const double sd : {0.0, 0.01, 0.3, 0.5, 0.8, 1.0, 1.3, 2.0, 3.0, 5.0}) {
      for (const double mean : {-4.0, -1.0, 0.0, 0.7, 3.0}) {
        for (const double a : {0.0, 1.0, 7.0}) {
          const double b = exponential ? 1.0 : 2.0;
          CAPTURE(family_name(family), link_name(family), sd, mean, a, b);
          const Expected exact = by_brute_force(family, mean, sd, a, b);
          const Expected fast = by_rule(family, mean, sd, a, b, 0);
          const double scale = a + b;
          CHECK(fast.value == Approx(exact.value).epsilon(1e-7).margin(1e-8 * scale));
          CHECK(fast.d1 == Approx(exact.d1).epsilon(1e-7).margin(1e-7 * scale));
          CHECK(fast.d2 == Approx(exact.d2).epsilon(1e-6).margin(2e-7 * scale));
          CHECK(fast.bend == Approx(exact.bend).epsilon(1e-5).margin(2e-6 * scale));
        }
      }
    }
  }
}

TEST_CASE("at an sd of 3, 32 Gauss-Hermite nodes are right to 2e-5, the default to 1e-8") {
  const Family logit = BinomialLogit();
  for (const double mean : {-3.0, 0.0, 2.0}) {
    const double exact = by_brute_force(logit, mean, 3.0, 0.0, 1.0).value;
    CHECK(by_rule(logit, mean, 3.0, 0.0, 1.0, 32).value == Approx(exact).epsilon(2e-5));
    CHECK(by_rule(logit, mean, 3.0, 0.0, 1.0, 0).value == Approx(exact).epsilon(1e-8));
    CHECK(by_rule(logit, mean, 3.0, 0.0, 1.0, 4).value != Approx(exact).epsilon(1e-3));
  }
}

TEST_CASE("very wide linear predictors lose digits, not their meaning") {
  const Family logit = BinomialLogit();
  for (const double sd : {10.0, 30.0, 100.0, 1000.0}) {
    // E log(1 + e^eta) tends to E max(eta, 0) = sd / sqrt(2 pi) at mean 0.
    const double limit = sd * std::exp(-0.5 * log_two_pi);
    const double value = -by_rule(logit, 0.0, sd, 0.0, 1.0, 0).value;
    CHECK(value == Approx(limit).epsilon(1e-3).margin(0.7));
  }
}

TEST_CASE("rules depend on the width alone") {
  NormalRules fresh({3.14, 6.7}, 0), used({3.14, 6.7}, 0);
  for (const double sd : {9.0, 0.1, 2.0, 0.6}) used.at(sd);
  for (const double sd : {0.0, 0.3, 0.6, 1.0, 2.0, 5.0}) {
    const NormalRule& rule = fresh.at(sd);
    CHECK(rule.nodes == used.at(sd).nodes);
    CHECK(rule.weights.sum() == Approx(1.0).epsilon(1e-14));
    CHECK(rule.weights.dot(rule.nodes.cwiseAbs2()) == Approx(1.0).epsilon(1e-8));
  }
}
