// The priors of hyperparameters: each a density, with slope and curvature of its logarithm.

#include <catch2/catch.hpp>
#include <mixed_glm/priors/hyper_prior.hpp>
#include <vector>

using namespace mixed_glm;

namespace {

struct PriorExample {
  const char* name;
  HyperPrior prior;
  double low, high;  // nothing of it lies beyond
};

// A new prior adds its examples here.
std::vector<PriorExample> prior_examples() {
  return {{"standard normal", NormalPrior(0.0, 1.0), -12.0, 12.0},
          {"normal", NormalPrior(-1.3, 0.4), -6.0, 4.0},
          {"wide normal", NormalPrior(5.0, 30.0), -350.0, 360.0}};
}

}  // namespace

TEST_CASE("slope and curvature of each prior are derivatives of its value") {
  for (const PriorExample& example : prior_examples()) {
    const HyperPrior& prior = example.prior;
    const double h = 1e-4;
    for (const double x : {-2.0, -0.3, 0.0, 0.9, 2.5}) {
      CAPTURE(example.name, x);
      const double slope = (prior.value(x + h) - prior.value(x - h)) / (2.0 * h);
      const double bend = (prior.slope(x + h) - prior.slope(x - h)) / (2.0 * h);
      CHECK(prior.slope(x) == Approx(slope).epsilon(1e-7).margin(1e-8));
      CHECK(prior.curvature(x) == Approx(-bend).epsilon(1e-7).margin(1e-8));
    }
  }
}

TEST_CASE("each prior integrates to one") {
  for (const PriorExample& example : prior_examples()) {
    CAPTURE(example.name);
    const int points = 20000;
    const double step = (example.high - example.low) / points;
    double sum = 0.0;
    for (int k = 0; k <= points; ++k) sum += std::exp(example.prior.value(example.low + k * step));
    const double log_integral = std::log(sum * step) + example.prior.log_normalizer();
    CHECK(log_integral == Approx(0.0).margin(1e-10));
  }
}

TEST_CASE("the normal prior is the one that closed forms know") {
  const HyperPrior prior = NormalPrior(0.5, 2.0);
  REQUIRE(prior.normal() != nullptr);
  CHECK(prior.normal()->mean() == 0.5);
  CHECK(prior.normal()->precision() == 0.25);
  CHECK(prior.slope(0.5) == 0.0);
  CHECK(prior.value(2.5) - prior.value(0.5) == Approx(-0.5));
}
