// Where a response lies: the mean under the location is the one observed, for any family and
// offset.

#include <catch2/catch.hpp>
#include <cmath>
#include <mixed_glm/families/named_family.hpp>
#include <mixed_glm/families/response_location.hpp>

#include "../support/random_model.hpp"

using namespace mixed_glm;

namespace {

const Vector nothing;

Vector means_of(const Family& family, double location, const Vector& offset) {
  return offset.unaryExpr([&](double o) {
    return std::visit([&](const auto& kernel) { return kernel.mean(location + o); }, family);
  });
}

// Normal with unit variance: neither counts nor positive.
struct PlainNormal {
  static constexpr const char* family_name = "normal";
  static constexpr const char* link_name = "identity";
  RowDerivatives evaluate(double eta, double a, double b) const noexcept {
    return {-0.5 * b * eta * eta + a * eta, a - b * eta, -b, 0.0};
  }
  bool supports(double y, double) const noexcept { return std::isfinite(y); }
  RowCode encode(double y, double, double w) const { return {w * y, w, -0.5 * w * y * y}; }
  double initial_eta(double a, double b) const noexcept { return a / b; }
  double mean(double eta) const noexcept { return eta; }
};

}  // namespace

TEST_CASE("the mean at the location is the one observed") {
  const Vector y = (Vector(4) << 0, 1, 3, 2).finished();
  const Vector trials = (Vector(4) << 5, 4, 6, 7).finished();
  const Vector weights = (Vector(4) << 1, 0.5, 2, 3).finished();
  const Vector offset = (Vector(4) << -2, 0.5, 1, 3).finished();
  for (const Family& family : test_support::all_families()) {
    CAPTURE(family_name(family), link_name(family));
    const bool binomial = family_name(family) == "binomial";
    const bool continuous = family_name(family) == "exponential";
    const Vector rows = binomial ? Vector(weights.cwiseProduct(trials)) : weights;
    const double half = continuous ? 0.0 : 0.5, one = binomial ? 1.0 : 0.0;
    const double expected = (weights.dot(y) + half) / (rows.sum() + one);
    for (const Vector& own : {Vector(Vector::Zero(4)), offset}) {
      const double location = response_location(family, y, trials, weights, own);
      CHECK(rows.dot(means_of(family, location, own)) / rows.sum() ==
            Approx(expected).epsilon(1e-12));
    }
    CHECK(response_location(family, y, trials, weights, nothing) ==
          Approx(response_location(family, y, trials, weights, Vector::Zero(4))).margin(1e-14));
    CHECK(response_location(family, y, binomial ? Vector(Vector::Ones(4)) : trials, nothing,
                            nothing) ==
          Approx(response_location(family, y, nothing, Vector::Ones(4), nothing)).margin(1e-14));
  }
}

TEST_CASE("a location is finite whatever the response") {
  const Vector zeros = Vector::Zero(3), ones = Vector::Ones(3);
  for (const Family& family : test_support::all_families()) {
    CAPTURE(family_name(family), link_name(family));
    const double of_zeros = response_location(family, zeros, ones, ones, nothing);
    CHECK(std::isfinite(of_zeros));
    CHECK(of_zeros < response_location(family, ones, ones, ones, nothing));
    CHECK(response_location(family, nothing, nothing, nothing, nothing) == 0.0);
    CHECK(response_location(family, ones, ones, zeros, ones) == 0.0);
  }
  const Vector wide = (Vector(3) << -800, 0, 800).finished();
  CHECK(response_location(PoissonLog(), ones, ones, ones, wide) ==
        Approx(std::log(3.5) - 800.0).epsilon(1e-14));
}

TEST_CASE("the location of a family of one's own") {
  const Family normal = CustomFamily(PlainNormal());
  const Vector y = (Vector(2) << -30000, -10000).finished();
  const Vector offset = (Vector(2) << 5, 15).finished();
  CHECK(response_location(normal, y, nothing, nothing, nothing) == Approx(-20000).epsilon(1e-14));
  CHECK(response_location(normal, y, nothing, nothing, offset) == Approx(-20010).epsilon(1e-14));
}
